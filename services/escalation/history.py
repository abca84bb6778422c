"""One case's records, read again from the log: its partition number of every topic, from the case's beginning.

Reads alone, without a group: nobody's place in the log moves. Every wait has its limit.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias
from uuid import UUID

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

from shared.runtime.delivery import Partition, Record
from shared.runtime.kafka_client import client_options, let_go, topics_known

CONNECT: Final = timedelta(seconds=15)
SILENCE: Final = timedelta(seconds=20)
"""Longest wait for records that must be there."""
EARLIER: Final = timedelta(hours=1)
"""Hosts' clocks may differ: reading begins so much before the case did."""
BATCH: Final = 2000
FETCH_WAITS_MS: Final = 20
"""How long the broker holds a fetch that finds nothing: whatever else is asked on that connection waits behind it."""
LET_GO: Final = timedelta(seconds=5)


Take: TypeAlias = Callable[[Sequence[Record]], None]


class LogAway(Exception):  # noqa: N818  named for what was found
    """Kafka does not answer, or does not give what it has."""


class History:
    """The records of one key; ``records`` grows as more is read."""

    def __init__(self, consumer: AIOKafkaConsumer, key: bytes | None) -> None:
        self._consumer = consumer
        self._key = key
        self._begins: dict[Partition, int] = {}
        self._starts: dict[Partition, int] = {}
        self.records: list[Record] = []
        self.passed = 0
        """Records looked at."""

    async def begin(self, partitions: Collection[Partition], *, since: datetime | None) -> None:
        """Go to where the log was at ``since``, or to its beginning.

        Raises:
            LogAway: Kafka does not answer.
        """
        places = [TopicPartition(*one) for one in partitions]
        self.records, self.passed = [], 0
        async with _answering():
            self._consumer.assign(places)
            begins = await self._consumer.beginning_offsets(places)
            found: dict[TopicPartition, Any] = {}
            if since is not None:
                moment = max(0, int((since - EARLIER).timestamp() * 1000))
                found = await self._consumer.offsets_for_times(dict.fromkeys(places, moment))
            ends = await self._consumer.end_offsets(places) if since is not None else begins
            for place in places:
                at = found.get(place)
                start = ends[place] if at is None else at.offset
                one = Partition(place.topic, place.partition)
                self._begins[one], self._starts[one] = begins[place], max(start, begins[place])
                self._consumer.seek(place, self._starts[one])

    async def ends(self, partitions: Collection[Partition]) -> Mapping[Partition, int]:
        """Where the log ends now.

        Raises:
            LogAway: Kafka does not answer.
        """
        async with _answering():
            ends = await self._consumer.end_offsets([TopicPartition(*one) for one in partitions])
        return {Partition(place.topic, place.partition): end for place, end in ends.items()}

    def partitions(self, topic: str) -> list[int]:
        """The partition numbers of a topic."""
        return sorted(self._consumer._client.cluster.partitions_for_topic(topic))  # noqa: SLF001  no public way

    async def read(self, until: Mapping[Partition, int], *, each: Take | None = None) -> None:
        """Read each partition up to the offset in ``until``, which the log holds, and nothing beyond.

        With ``each`` the records go there, batch by batch, and none is kept.

        Raises:
            LogAway: nothing comes for ``SILENCE``.
        """
        left = {TopicPartition(*one): end for one, end in until.items()}
        async with _answering():
            while left := {place: end for place, end in left.items() if await self._consumer.position(place) < end}:
                async with asyncio.timeout(SILENCE.total_seconds()):
                    while not (got := await self._consumer.getmany(*left, timeout_ms=500, max_records=BATCH)):
                        # A position also passes marks that nobody is given.
                        if all([await self._consumer.position(place) >= end for place, end in left.items()]):
                            return
                for place, records in got.items():
                    self._take([_record(one) for one in records if one.offset < left[place]], each)
                    if records[-1].offset >= left[place]:
                        self._consumer.seek(place, left[place])

    def below(self, offsets: Mapping[Partition, int]) -> list[Record]:
        """The records of the key that lie below ``offsets``, for partitions that are named there."""
        return [one for one in self.records if one.offset < offsets.get(Partition(one.topic, one.partition), 0)]

    def is_whole(self, partition: Partition) -> bool:
        """Whether the log holds everything from where reading began: nothing of then was thrown away."""
        return self._begins[partition] == 0 or self._starts[partition] > self._begins[partition]

    def _take(self, records: list[Record], each: Take | None) -> None:
        self.passed += len(records)
        if each is not None:
            each(records)
            return
        self.records.extend(one for one in records if self._key is None or one.key == self._key)


def _record(r: Any) -> Record:  # noqa: ANN401  a library without types
    return Record(r.topic, r.partition, r.offset, r.key, r.value, tuple(r.headers), r.timestamp)


@asynccontextmanager
async def history(bootstrap: str, topics: Collection[str], *, key: UUID | None) -> AsyncIterator[History]:
    """A connection to the log, let go at the end; of all records those of ``key`` are kept, or all.

    Raises:
        LogAway: Kafka does not answer, or has not these topics.
    """
    consumer = AIOKafkaConsumer(
        **client_options(),
        bootstrap_servers=bootstrap,
        client_id="whistle-escalation-history",
        enable_auto_commit=False,
        fetch_max_wait_ms=FETCH_WAITS_MS,
        max_partition_fetch_bytes=2 * 1024 * 1024,
    )
    try:
        async with _answering(), asyncio.timeout(CONNECT.total_seconds()):
            await consumer.start()
            await topics_known(consumer, topics, within=CONNECT)
        yield History(consumer, None if key is None else str(key).encode())
    finally:
        await let_go(consumer, LET_GO)


@asynccontextmanager
async def _answering() -> AsyncIterator[None]:
    try:
        yield
    except (KafkaError, OSError, TimeoutError) as error:
        raise LogAway(str(error) or type(error).__name__) from error
