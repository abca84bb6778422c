"""The two worlds in which the delivery contract must hold: a log in memory, and a real Kafka."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Protocol

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.structs import TopicPartition

from shared.events.codec import Message
from shared.events.topics import DEAD_LETTER
from shared.runtime.delivery import (
    DeliveryLoop,
    DeliverySettings,
    Handle,
    KafkaLog,
    KafkaSettings,
    Log,
    Partition,
    Publisher,
    Record,
    marked,
)
from tests.fakes.log import MemoryBroker, MemoryLog

PARTITIONS = 4


class World(Protocol):
    """A broker with one topic to read and one to write, and members of one group."""

    source: str
    target: str

    async def put(self, messages: Sequence[Message]) -> None: ...

    def member(self) -> Log: ...

    async def read(self, topic: str) -> list[Record]: ...

    async def committed(self) -> dict[Partition, int]: ...

    async def close(self) -> None: ...


class MemoryWorld:
    def __init__(self) -> None:
        self.source, self.target = "source", "target"
        self.broker = MemoryBroker(partitions=PARTITIONS)

    async def put(self, messages: Sequence[Message]) -> None:
        await self.broker.put(messages)

    def member(self) -> Log:
        return MemoryLog(self.broker, [self.source])

    async def read(self, topic: str) -> list[Record]:
        return [record for place, records in self.broker.records.items() if place.topic == topic for record in records]

    async def committed(self) -> dict[Partition, int]:
        return dict(self.broker.committed)

    async def close(self) -> None:
        pass


class KafkaWorld:
    def __init__(self, bootstrap: str, *, partitions: int = PARTITIONS) -> None:
        self.partitions = partitions
        name = uuid.uuid4().hex[:8]
        self.bootstrap = bootstrap
        self.source, self.target, self.group = f"source-{name}", f"target-{name}", f"group-{name}"
        self.publisher = Publisher(bootstrap, client_id=f"test-{name}")

    async def open(self) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        topics = [
            NewTopic(
                topic,
                num_partitions=self.partitions,
                replication_factor=1,
                topic_configs={"max.message.bytes": "9000000"},
            )
            for topic in (self.source, self.target)
        ]
        await admin.create_topics(topics)
        await admin.close()
        await self.publisher.start()

    async def put(self, messages: Sequence[Message]) -> None:
        await self.publisher.publish(messages)

    def member(self) -> Log:
        settings = KafkaSettings(
            bootstrap=self.bootstrap,
            group=self.group,
            topics=[self.source],
            session=timedelta(seconds=10),
            heartbeat=timedelta(milliseconds=300),
            rebalance=timedelta(seconds=20),
        )
        return KafkaLog(settings, self.publisher)

    async def read(self, topic: str) -> list[Record]:
        consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap, auto_offset_reset="earliest")
        await consumer.start()
        try:
            numbers = range(DEAD_LETTER.partitions if topic == DEAD_LETTER.name else self.partitions)
            places = [TopicPartition(topic, number) for number in numbers]
            consumer.assign(places)
            ends = await consumer.end_offsets(places)
            records: list[Record] = []
            while any([await consumer.position(place) < ends[place] for place in places]):
                for fetched in (await consumer.getmany(timeout_ms=200)).values():
                    records += [
                        Record(r.topic, r.partition, r.offset, r.key, r.value, r.headers, r.timestamp) for r in fetched
                    ]
            # Marks of letters that another test sent again are no letters.
            letters = (record for record in records if marked(record) is None)
            return sorted(letters, key=lambda record: (record.partition, record.offset))
        finally:
            await consumer.stop()

    async def committed(self) -> dict[Partition, int]:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        try:
            offsets = await admin.list_consumer_group_offsets(self.group)
            return {Partition(*place): committed.offset for place, committed in offsets.items()}
        finally:
            await admin.close()

    async def close(self) -> None:
        await self.publisher.stop()


QUICK = DeliverySettings(
    service="tester",
    fetch_wait=timedelta(milliseconds=100),
    first_backoff=timedelta(milliseconds=20),
    longest_backoff=timedelta(milliseconds=200),
    drain=timedelta(seconds=10),
    stop=timedelta(seconds=10),
)


@asynccontextmanager
async def running(log: Log, handle: Handle, settings: DeliverySettings = QUICK) -> AsyncIterator[DeliveryLoop]:
    """A loop at work; it is stopped at the end."""
    loop = DeliveryLoop(log, handle, settings=settings)
    task = asyncio.create_task(loop.run())
    try:
        yield loop
        await loop.stop()
        await task
    finally:
        task.cancel()
        await asyncio.wait([task], timeout=20)


async def until(condition: Callable[[], bool] | Callable[[], Awaitable[bool]], seconds: float = 30) -> None:
    """Return as soon as the condition holds; fail with its name when it does not in time."""
    try:
        async with asyncio.timeout(seconds):
            while True:
                answer = condition()
                if await answer if isinstance(answer, Awaitable) else answer:
                    return
                await asyncio.sleep(0.02)
    except TimeoutError as error:
        raise AssertionError(
            f"did not come true in {seconds} s: {getattr(condition, '__name__', condition)}"
        ) from error
