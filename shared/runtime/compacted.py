"""Reads a compacted topic whole and then follows it: how every service comes to the playbooks in force."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from shared.runtime.delivery import Record
from shared.runtime.kafka_client import client_options, let_go

CONNECT: Final = timedelta(seconds=15)
ASK: Final = timedelta(seconds=20)
LET_GO: Final = timedelta(seconds=5)
FETCH: Final = timedelta(milliseconds=500)
LONGEST_BACKOFF: Final = timedelta(seconds=5)

log = logging.getLogger(__name__)


class CompactedReader:
    """Calls ``on_record`` with every record of a topic, from its beginning, in order per partition.

    Reads alone, without a group: every instance sees everything. After an outage it goes on where
    it was. An exception of ``on_record`` is an outage too: the record is tried again; what is bad
    for good must be refused inside ``on_record``.
    """

    def __init__(self, bootstrap: str, topic: str, on_record: Callable[[Record], Awaitable[None]]) -> None:
        self._bootstrap = bootstrap
        self._topic = topic
        self._on_record = on_record
        self._next: dict[TopicPartition, int] = {}
        self._caught_up = asyncio.Event()
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.failing: str | None = None

    @property
    def is_caught_up(self) -> bool:
        """Whether everything that lay in the topic when reading began has been applied."""
        return self._caught_up.is_set()

    async def caught_up(self, timeout: timedelta) -> None:  # noqa: ASYNC109  the limit is part of the question
        """Return when everything that lay in the topic when reading began has been applied.

        Raises: TimeoutError when that takes longer than ``timeout``.
        """
        async with asyncio.timeout(timeout.total_seconds()):
            await self._caught_up.wait()

    async def run(self) -> None:
        """Read until ``stop``; an outage is sat out with growing pauses."""
        self._task = asyncio.create_task(self._read_until_stopped())
        try:
            await asyncio.wait([self._task])
            if not self._task.cancelled():
                self._task.result()
        finally:
            self._task.cancel()

    async def stop(self) -> None:
        """End reading; it holds nothing that must be finished."""
        self._stopping.set()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task], timeout=LET_GO.total_seconds() * 2)

    async def _read_until_stopped(self) -> None:
        backoff = 0.1
        while not self._stopping.is_set():
            consumer = AIOKafkaConsumer(
                **client_options(),
                bootstrap_servers=self._bootstrap,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                max_partition_fetch_bytes=8 * 1024 * 1024,
            )
            try:
                await self._read(consumer)
            except Exception as error:
                # An outage, whatever it is: reading goes on where it was.
                self.failing = f"{type(error).__name__}: {error}"
                log.warning("%s is read again after %s", self._topic, self.failing, exc_info=error)
                await asyncio.sleep(backoff)
                backoff = min(backoff * 2, LONGEST_BACKOFF.total_seconds())
            finally:
                await let_go(consumer, LET_GO)

    async def _read(self, consumer: AIOKafkaConsumer) -> None:
        ends = await self._begin(consumer)
        while not self._stopping.is_set():
            self._judge(ends)
            self.failing = None
            fetched = await consumer.getmany(timeout_ms=int(FETCH.total_seconds() * 1000), max_records=100)
            for place, records in fetched.items():
                for r in records:
                    await self._on_record(
                        Record(r.topic, r.partition, r.offset, r.key, r.value, r.headers, r.timestamp)
                    )
                    self._next[place] = r.offset + 1
            # Compaction leaves gaps: the position passes them, the last record's offset does not.
            for place in ends:
                self._next[place] = max(self._next.get(place, 0), await consumer.position(place))

    async def _begin(self, consumer: AIOKafkaConsumer) -> dict[TopicPartition, int]:
        """Connect, go to where we were, and return the ends that count as the present."""
        async with asyncio.timeout(CONNECT.total_seconds()):
            await consumer.start()
        async with asyncio.timeout(ASK.total_seconds()):
            # Asked through the client: a consumer without a subscription keeps no topic's metadata.
            numbers = await consumer._client._wait_on_metadata(self._topic)  # noqa: SLF001  no public way
            places = [TopicPartition(self._topic, number) for number in numbers]
            consumer.assign(places)
            ends: dict[TopicPartition, int] = await consumer.end_offsets(places)
            begins = await consumer.beginning_offsets(places)
        for place in places:
            # Beyond the end means that the topic was made anew: begin at its beginning.
            known = self._next.get(place, 0)
            self._next[place] = begins[place] if known > ends[place] else max(known, begins[place])
            consumer.seek(place, self._next[place])
        return ends

    def _judge(self, ends: dict[TopicPartition, int]) -> None:
        if all(self._next[place] >= end for place, end in ends.items()):
            self._caught_up.set()
