"""Faust as it is used here: a consumer group with batches, and nothing that Faust would own itself.

Transports are class attributes in Faust, so a corrected consumer plugs in without a fork. What is
turned off, and why, stands in docs/decisions/0002.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, cast

import faust
from aiokafka import AIOKafkaConsumer
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import IllegalStateError
from faust.app.base import BootStrategy
from faust.auth import SSLCredentials
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ChannelT, ConsumerMessage
from mode.threads import ServiceThread, WorkerThread

from shared.runtime.delivery import Partition
from shared.runtime.kafka_client import topics_known
from shared.runtime.kafka_tls import kafka_tls

KNOWN: Final = timedelta(seconds=30)
"""How long Faust's client may take to hear of topics that are there."""

PARCEL: Final = 250
"""Records that pass through Faust as one message at most."""
PARCELS_WAITING: Final = 48
"""Parcels that lie between the reading thread and the fold at most: one of each partition of four topics, or some
12,000 records of a backlog."""

Offsets = Mapping[Partition, int]
Bounds = Mapping[Partition, tuple[int, int]]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldSettings:
    """What the worker joins and the bounds of its work."""

    bootstrap: str
    topics: tuple[str, ...]
    group: str
    instance: str
    batch: int = 1000
    beside: int = 3
    """Transactions at a time, each of partitions of its own."""
    within: timedelta = timedelta(milliseconds=20)
    session: timedelta = timedelta(seconds=25)
    request: timedelta = timedelta(seconds=40)
    """How long the broker may take to answer; Faust gives as long to a seek after a rebalance."""
    stall: timedelta = timedelta(seconds=60)
    join: timedelta = timedelta(seconds=120)
    stop: timedelta = timedelta(seconds=15)
    linger: timedelta = timedelta(seconds=30)
    """How long a fold that would have to set too many records aside stands still before it ends."""


class FoldBoot(BootStrategy):
    """Starts no producer: what this service publishes leaves through its outbox."""

    enable_kafka_producer = False
    enable_web = False


class FoldApp(faust.App):
    """A Faust app that owns nothing: no topic, no table, no web server, no folder, no producer."""

    BootStrategy = FoldBoot

    def __init__(
        self,
        settings: FoldSettings,
        *,
        ledger: Callable[[Collection[Partition]], Awaitable[Offsets]],
        begins: Callable[[Offsets, Bounds], None],
        failed: Callable[[BaseException], None],
        revoked: Callable[[], None],
        spare: Callable[[], None],
    ) -> None:
        """Ask `ledger` where to read on, for as long as it takes; `begins` judges what it says by the log's bounds."""
        session = settings.session.total_seconds()
        super().__init__(
            settings.group,
            broker=[f"kafka://{server.strip()}" for server in settings.bootstrap.split(",")],
            broker_client_id=settings.instance,
            consumer_group_instance_id=settings.instance,
            broker_credentials=SSLCredentials(tls) if (tls := kafka_tls()) else None,
            broker_session_timeout=session,
            broker_heartbeat_interval=session / 8,
            broker_request_timeout=max(session + 5, settings.request.total_seconds()),
            broker_rebalance_timeout=60.0,
            broker_max_poll_interval=3600.0,
            broker_commit_interval=2.0,
            consumer_auto_offset_reset="earliest",
            key_serializer="raw",
            value_serializer="raw",
            stream_wait_empty=False,
            stream_buffer_maxsize=PARCELS_WAITING,
            topic_allow_declare=False,
            topic_disable_leader=True,
            reply_create_topic=False,
            producer_request_timeout=30.0,
            web_enabled=False,
        )
        self._ledger = ledger
        self.begins = begins
        self.failed = failed
        self.found: Offsets = {}
        """What the ledger said of the partitions that were given last."""
        self.on_partitions_revoked.connect(_forget(revoked), weak=False)
        self.on_partitions_assigned.connect(_idle(spare), weak=False)
        self.on_rebalance_complete.connect(self._find, weak=False)

    def _new_transport(self) -> driver.Transport:
        return LedgerTransport(self.conf.broker_consumer, self)

    async def _find(self, *_: object, **__: object) -> None:
        """Ask the ledger where to read on, before Faust seeks: the seek has a time limit, this has none.

        Faust goes on here alone, outside of the group's protocol: heartbeats leave their own thread meanwhile, and a
        division of the group that comes while this waits has its turn after it, with a ledger that answers.
        """
        try:
            given = [Partition(tp.topic, tp.partition) for tp in self.consumer.assignment()]
            self.found = await self._ledger(given) if given else {}
        except Exception as error:
            self.failed(error)
            raise

    def found_of(self, tps: Collection[TP]) -> Offsets:
        """What the ledger said of these partitions.

        Raises:
            IllegalStateError: they were given after it was asked.
        """
        given = [Partition(tp.topic, tp.partition) for tp in tps]
        if missing := [one for one in given if one not in self.found]:
            raise IllegalStateError(f"{len(missing)} partitions were given after the ledger was asked")
        return {one: self.found[one] for one in given}

    def _create_directories(self) -> None:
        """Make none: there are no tables."""


class LedgerThread(driver.AIOKafkaConsumerThread):
    """The consumer's thread: partitions of one number go to one member, and a hung thread cannot hold the exit."""

    class Worker(WorkerThread):
        """A thread that ends with the process."""

        def __init__(self, service: ServiceThread) -> None:
            super().__init__(service)
            self.daemon = True

    def _create_worker_consumer(self, transport: driver.Transport) -> AIOKafkaConsumer:
        # Round robin, Faust's choice, tears a case's topics apart when members do not divide partitions.
        consumer = super()._create_worker_consumer(transport)
        consumer._partition_assignment_strategy = (RangePartitionAssignor,)  # noqa: SLF001  before start; no other door
        return consumer

    async def subscribe(self, topics: Iterable[str]) -> None:
        """Join the group once the client knows the topics; it is given nothing of one that it has not heard of."""
        wanted = frozenset(topics)
        await self.call_thread(topics_known, self._ensure_consumer(), wanted, within=KNOWN)
        await super().subscribe(wanted)


class LedgerConsumer(driver.Consumer):
    """Begins where the ledger ends, not where the group's committed offsets do, and hands records on in parcels.

    What Faust does with each message (a decoding, an event, a queue, an ack) costs more than to fold a record: so
    one message of Faust is here a parcel, the next records of one partition, at the offset of its last.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        self._next: dict[TP, int] = {}
        """The offset that each partition goes on with: as sought, then as handed on."""
        self._again: dict[TP, int] = {}
        """Where a partition was sought back to because what came lay beyond it; a second time it is the log's fault."""

    def _new_consumer_thread(self) -> LedgerThread:
        return LedgerThread(self, loop=self.loop, beacon=self.beacon)

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Seek every assigned partition to the ledger's next offset."""
        app = cast("FoldApp", self.app)
        try:
            tps = [TP(tp.topic, tp.partition) for tp in self.assignment()]
            earliest, ends = await self.earliest_offsets(*tps), await self.highwaters(*tps)
            found = app.found_of(tps)
            app.begins(found, {Partition(*tp): (earliest[tp], ends[tp]) for tp in tps})
            offsets = {tp: found[Partition(*tp)] for tp in tps}
            await self._thread.seek_wait(offsets)
            self._next, self._again = dict(offsets), {}
        except IllegalStateError:
            # The group was divided anew meanwhile: Faust begins again with what is ours then.
            raise
        except Exception as error:
            app.failed(error)
            raise
        return offsets

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, ConsumerMessage]]:  # noqa: ASYNC109  Faust's
        """Yield what was read, parcel by parcel; nothing of a generation that ends meanwhile, as Faust does.

        What was read while the flow stops is let go without a seek, unlike in Faust, which logs what that seek ends in
        and goes on. It may have been read before the seek that ends a rebalance or after it, by a thread that knows
        nothing of the flow: so what then comes beyond the next offset is let go too, and read again from there.
        """
        records, ours = await self._wait_next_records(timeout)
        generation = self.app.consumer_generation_id
        if records is None or self.should_stop or not self.flow_active:
            return
        back: dict[TP, int] = {}
        for tp, parcel in parcels(records):
            if self._is_over(generation):
                return
            # `ours` is the set that Faust itself changes: a partition whose queue fills up meanwhile leaves it, and
            # what was read of it already is never read again.
            if ours is None or tp in ours or tp in self._buffered_partitions:
                if tp in back or self._lies_beyond(tp, parcel[0].offset):
                    back[tp] = self._again[tp] = self._next[tp]
                    continue
                self._next[tp] = parcel[-1].offset + 1
                yield tp, _message(tp, parcel, generation)
        if back and not self._is_over(generation):
            await self._read_again(back)

    def _lies_beyond(self, tp: TP, offset: int) -> bool:
        """Whether records before ``offset`` were read and let go; what the log does not hold is the fold's to say."""
        expected = self._next.get(tp)
        return expected is not None and offset > expected and self._again.get(tp) != expected

    async def _read_again(self, offsets: Mapping[TP, int]) -> None:
        log.warning("%d partitions are read again from where they stood before a rebalance", len(offsets))
        try:
            await self._thread.seek_wait(offsets)
        except IllegalStateError:
            # They were taken away meanwhile; whoever has them reads on from the ledger.
            return

    def _is_over(self, generation: int) -> bool:
        return not self.flow_active or self.app.consumer_generation_id != generation

    def _new_offset(self, tp: TP) -> int | None:
        # Faust looks for gaps between single offsets; the one agent acks parcels in their order.
        acked = self._acked[tp]
        if not acked:
            return None
        newest = max(acked)
        acked.clear()
        self._acked_index[tp].clear()
        return newest + 1

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Remember none: every parcel but the smallest makes one."""


def parcels(records: Mapping[TP, Sequence[Any]]) -> Iterator[tuple[TP, Sequence[Any]]]:
    """The records of each partition cut into parcels, in order; the partitions in turn, so that none starves."""
    longest = max(map(len, records.values()), default=0)
    for start in range(0, longest, PARCEL):
        for tp, read in records.items():
            if parcel := read[start : start + PARCEL]:
                yield tp, parcel


def _message(tp: TP, parcel: Sequence[Any], generation: int) -> ConsumerMessage:
    last = parcel[-1]
    return ConsumerMessage(
        tp.topic,
        tp.partition,
        last.offset,
        last.timestamp / 1000,
        last.timestamp_type,
        [],
        None,
        cast("bytes", parcel),
        None,
        tp=tp,
        generation_id=generation,
    )


class LedgerTransport(driver.Transport):
    """Faust's transport with the consumer above."""

    Consumer = LedgerConsumer


def raw_topic(app: FoldApp, *names: str) -> ChannelT[bytes]:
    """One channel of several topics, undecoded."""
    # Raw bytes: a typed value that does not decode is acked before any agent sees it.
    return app.topic(*names, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")


def _forget(revoked: Callable[[], None]) -> Callable[..., Awaitable[None]]:
    async def forget(*_: object, **__: object) -> None:
        revoked()

    return forget


def _idle(spare: Callable[[], None]) -> Callable[..., Awaitable[None]]:
    async def idle(_: object, assigned: Collection[TP], **__: object) -> None:
        # Faust seeks nothing for a member that is given nothing, so nobody else would tell it from one that waits.
        if not assigned:
            spare()

    return idle
