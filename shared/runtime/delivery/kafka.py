"""The log in Kafka, by aiokafka: one static member of a consumer group, and a publisher."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import CommitFailedError, IllegalOperation, IllegalStateError
from aiokafka.structs import TopicPartition

from shared.runtime.delivery.log import Assignments, Rebalanced
from shared.runtime.delivery.publisher import Publisher
from shared.runtime.delivery.record import Partition, Record
from shared.runtime.kafka_client import client_options, let_go, topics_known

if TYPE_CHECKING:
    from shared.events.codec import Message

NEVER_MS: Final = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaSettings:
    """Who we are in the group, and its time limits.

    ``instance`` makes the member static: a restart within ``session`` takes its partitions back
    without a rebalance. Two members must never share one.
    """

    bootstrap: str
    group: str
    topics: Sequence[str]
    instance: str | None = None
    session: timedelta = timedelta(seconds=30)
    heartbeat: timedelta = timedelta(seconds=3)
    rebalance: timedelta = timedelta(seconds=60)
    connect: timedelta = timedelta(seconds=15)
    known: timedelta = timedelta(seconds=5)
    """How long a client may take to hear of the topics before it says that one is missing and tries anew."""
    close: timedelta = timedelta(seconds=10)
    request: timedelta = timedelta(seconds=20)
    fetch_bytes: int = 16 * 1024 * 1024
    partition_fetch_bytes: int = 2 * 1024 * 1024


class KafkaLog(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka's listener is untyped
    """A ``Log`` on Kafka; the publisher is its caller's, who may share it and stops it."""

    def __init__(self, settings: KafkaSettings, publisher: Publisher) -> None:
        self._settings = settings
        self._publisher = publisher
        self._consumer: AIOKafkaConsumer | None = None
        self._assignments: Assignments | None = None
        self._committed: dict[TopicPartition, int] = {}

    async def open(self, assignments: Assignments) -> None:
        """See ``Log.open``."""
        self._assignments = assignments
        consumer = self._consumer = self._build()
        async with asyncio.timeout(self._settings.connect.total_seconds()):
            await consumer.start()
        await topics_known(consumer, self._settings.topics, within=self._settings.known)
        consumer.subscribe(list(self._settings.topics), listener=self)

    async def fetch(self, *, most: int, wait: timedelta) -> Mapping[Partition, Sequence[Record]]:
        """See ``Log.fetch``; awaited in the caller's own task, for a time limit would put a task between."""
        fetched = await self._open_consumer.getmany(timeout_ms=int(wait.total_seconds() * 1000), max_records=most)
        read = {
            Partition(*place): [
                Record(r.topic, r.partition, r.offset, r.key, r.value, r.headers, r.timestamp) for r in records
            ]
            for place, records in fetched.items()
        }
        self._tell_partitions(read)
        return read

    async def publish(self, messages: Sequence[Message]) -> None:
        """See ``Log.publish``."""
        await self._publisher.publish(messages)

    async def commit(self, offsets: Mapping[Partition, int], notes: Mapping[Partition, str]) -> None:
        """See ``Log.commit``."""
        explicit = {TopicPartition(*place): offset for place, offset in offsets.items()}
        noted = {TopicPartition(*place): (offset, notes.get(place, "")) for place, offset in offsets.items()}
        try:
            await self._open_consumer.commit(noted)
        except (CommitFailedError, IllegalStateError, IllegalOperation) as error:
            raise Rebalanced(f"{type(error).__name__}: {error}") from error
        self._committed.update(explicit)

    async def notes(self, partitions: Collection[Partition]) -> Mapping[Partition, str]:
        """See ``Log.notes``."""
        places = [TopicPartition(*place) for place in partitions]
        # The public ``committed`` gives the offset alone.
        told = await self._open_consumer._coordinator.fetch_committed_offsets(places)  # noqa: SLF001
        return {Partition(*place): one.metadata for place, one in told.items() if one.metadata}

    async def lag(self) -> Mapping[Partition, int]:
        """See ``Log.lag``; asks for all partitions, so that a member without any hears an outage too."""
        consumer = self._open_consumer
        known = {topic: consumer.partitions_for_topic(topic) or () for topic in self._settings.topics}
        ends = await consumer.end_offsets([TopicPartition(topic, n) for topic, ns in known.items() for n in ns])
        ours = {place: end for place, end in ends.items() if place in consumer.assignment()}
        starts = await self._starts(consumer, ours)
        return {Partition(*place): max(0, end - starts[place]) for place, end in ours.items()}

    async def close(self) -> None:
        """See ``Log.close``."""
        consumer, self._consumer = self._consumer, None
        self._committed.clear()
        if consumer is not None:
            await let_go(consumer, self._settings.close)

    async def on_partitions_revoked(self, revoked: object) -> None:  # noqa: ARG002  always all of them
        """Called by aiokafka before it rejoins, heartbeats going on meanwhile."""
        self._committed.clear()
        if self._assignments is not None:
            await self._assignments.revoked()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Called by aiokafka after it has joined."""
        if self._assignments is not None:
            await self._assignments.assigned(frozenset(Partition(*place) for place in assigned))

    def _tell_partitions(self, read: Mapping[Partition, Sequence[Record]]) -> None:
        # What is sent in answer has the keys of what was read: the publisher need not hash them again.
        for place, records in read.items():
            count = len(self._open_consumer.partitions_for_topic(place.topic) or ())
            if count:
                self._publisher.remember([record.key for record in records], number=place.number, count=count)

    @property
    def _open_consumer(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            raise ConnectionError("the log is not open")
        return self._consumer

    def _build(self) -> AIOKafkaConsumer:
        settings = self._settings
        return AIOKafkaConsumer(
            **client_options(),
            bootstrap_servers=settings.bootstrap,
            client_id=settings.instance or settings.group,
            group_id=settings.group,
            group_instance_id=settings.instance,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            # By range: partition n of every topic goes to the same member, so a case stays in one place.
            partition_assignment_strategy=(RangePartitionAssignor,),
            session_timeout_ms=_ms(settings.session),
            heartbeat_interval_ms=_ms(settings.heartbeat),
            rebalance_timeout_ms=_ms(settings.rebalance),
            request_timeout_ms=_ms(settings.request),
            # A batch is repeated in place through an outage of any length; the loop's own watchdog
            # judges progress, which a pause between fetches does not show.
            max_poll_interval_ms=NEVER_MS,
            fetch_max_bytes=settings.fetch_bytes,
            max_partition_fetch_bytes=settings.partition_fetch_bytes,
        )

    async def _starts(self, consumer: AIOKafkaConsumer, places: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        unknown = [place for place in places if place not in self._committed]
        committed = await asyncio.gather(*(consumer.committed(place) for place in unknown))
        never = [place for place, offset in zip(unknown, committed, strict=True) if offset is None]
        starts = dict(zip(unknown, committed, strict=True))
        starts.update(await consumer.beginning_offsets(never) if never else {})
        # What has been committed meanwhile is newer than what was asked.
        self._committed = {**starts, **self._committed}
        return self._committed


def _ms(limit: timedelta) -> int:
    return int(limit.total_seconds() * 1000)
