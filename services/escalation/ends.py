"""Asks Kafka where its topics end, on a connection of its own.

Not through Faust: its one thread may be busy or, without a word, out of its group; what watches it
must not depend on it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping
from typing import Final

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from shared.runtime.delivery import Partition
from shared.runtime.kafka_client import client_options

CONNECT_SECONDS: Final = 10.0
ASK_SECONDS: Final = 3.0

log = logging.getLogger(__name__)


class LogEnds:
    """One connection, built when first needed and built anew after a failure."""

    def __init__(self, bootstrap: str, *, client_id: str) -> None:
        self._bootstrap = bootstrap
        self._client_id = client_id
        self._consumer: AIOKafkaConsumer | None = None

    async def of(self, partitions: Collection[Partition]) -> Mapping[Partition, int]:
        """The next offset that each partition will give.

        Raises:
            Exception: Kafka does not answer in time; the next question begins with a new connection.
        """
        try:
            consumer = self._consumer or await self._connect()
            async with asyncio.timeout(ASK_SECONDS):
                ends = await consumer.end_offsets([TopicPartition(*partition) for partition in partitions])
        except BaseException:
            await self.close()
            raise
        return {Partition(place.topic, place.partition): end for place, end in ends.items()}

    async def close(self) -> None:
        """Let go of the connection, within a bounded time."""
        consumer, self._consumer = self._consumer, None
        if consumer is None:
            return
        try:
            async with asyncio.timeout(ASK_SECONDS):
                await consumer.stop()
        except asyncio.CancelledError:
            # A consumer that never joined a group cancels a task of its own that has not begun, and
            # that cancellation escapes from stop. One that is meant for us goes on.
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
        except Exception as error:  # noqa: BLE001  it is thrown away in any case
            log.debug("the connection for ends did not close: %s", error)

    async def _connect(self) -> AIOKafkaConsumer:
        consumer = self._consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap, client_id=f"{self._client_id}-ends", **client_options()
        )
        async with asyncio.timeout(CONNECT_SECONDS):
            await consumer.start()
        return consumer
