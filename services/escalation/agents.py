"""Edge in from Kafka: a Faust agent that takes batches, and a consumer that starts where the ledger ends.

Faust's own acks are late bookkeeping here: what counts is the ledger, which is written in one
transaction with the clocks. See docs/decisions/0002 for what of Faust is used and what is not.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import islice
from typing import Any, Final, Protocol, cast

from aiokafka import ConsumerRecord
from aiokafka.admin import AIOKafkaAdminClient
from faust import streams
from faust.streams import Stream
from faust.types import EventT, StreamT

from services.escalation.faust_app import PARCELS_WAITING, Bounds, FoldApp, FoldSettings, Offsets, raw_topic
from services.escalation.progress import FoldProgress
from shared.runtime.delivery import Partition, PublishFailed, Record, TooManyRejected
from shared.runtime.kafka_client import TopicMissing, client_options
from shared.runtime.postgres import OUTAGES

PARCELS_AT_ONCE: Final = PARCELS_WAITING
"""Parcels that one batch of Faust holds at most: all that wait. While little comes each holds a few records, and what a
transaction costs is paid for each batch. They are folded in transactions of so many records as are set."""
LONGEST_BACKOFF_SECONDS: Final = 5.0

log = logging.getLogger(__name__)


class Stalled(Exception):  # noqa: N818  named for what was found
    """The worker no longer does its work and the process must be started anew."""


class Lost(Exception):  # noqa: N818  named for what was found
    """The log does not hold what the ledger still has to read."""


class Ledger(Protocol):
    """Where reading goes on."""

    async def next_offsets(self, partitions: Collection[Partition]) -> Mapping[Partition, int]:
        """The next offset of each partition, 0 for one never read."""


class FoldWorker:
    """Runs Faust inside this event loop; any fault ends ``run`` with an exception."""

    def __init__(
        self,
        handle: Callable[[Sequence[Record]], Awaitable[Mapping[Partition, int]]],
        *,
        ledger: Ledger,
        progress: FoldProgress,
        settings: FoldSettings,
    ) -> None:
        self._handle = handle
        self._progress = progress
        self._settings = settings
        self._ledger = ledger
        self._app: FoldApp | None = None
        self._failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._ended = asyncio.Event()

    async def run(self) -> None:
        """Fold until ``stop``.

        Raises:
            Hole, Lost, Stalled: when going on would lose facts, or when nothing goes on.
            TooManyRejected: when a partition has more garbage than the limits allow.
        """
        if getattr(streams, "_CStreamIterator", None) is None:
            raise Stalled("Faust's Cython iterator is missing; the Python one acks stale messages on a rebalance")
        await _until_kafka_answers(self._settings)
        if self._failure.done():
            return
        app = self._app = FoldApp(
            self._settings,
            ledger=self._next_offsets,
            begins=self._begins,
            failed=self.fail,
            revoked=self._progress.revoked,
            spare=lambda: self._progress.assigned({}),
        )
        app.agent(raw_topic(app, *self._settings.topics), name="fold", concurrency=1)(self._fold)
        starting = asyncio.create_task(app.start())
        watching = asyncio.create_task(self._watch(app))
        try:
            await asyncio.wait({starting, watching, self._failure}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
                await asyncio.wait({watching, self._failure}, return_when=asyncio.FIRST_COMPLETED)
            if self._failure.done():
                self._failure.result()
            if watching.done():
                watching.result()
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            # A cancellation that nobody asked for would end this room alone, and without a word.
            raise Stalled("the fold was cancelled from inside") from error
        finally:
            watching.cancel()
            await _stop(app, starting, limit=self._settings.stop)
            self._ended.set()

    async def stop(self) -> None:
        """Finish the batch in hand and end; what is not folded stays in Kafka."""
        if not self._failure.done():
            self._failure.set_result(None)
        if self._app is not None:
            await self._ended.wait()

    def fail(self, error: BaseException) -> None:
        """End ``run`` with ``error``; the first one counts."""
        if not self._failure.done():
            self._failure.set_exception(error)

    async def _fold(self, stream: StreamT[bytes]) -> None:
        batches = cast("Stream[bytes]", stream).noack_take(
            PARCELS_AT_ONCE, within=self._settings.within.total_seconds()
        )
        # It hands out events, whatever its type says.
        async for events in cast("AsyncIterator[Sequence[EventT[bytes]]]", batches):
            try:
                await self._fold_beside(_records(events))
            except Exception as error:  # noqa: BLE001  see below
                # Faust would ack the batch and go on. The process ends instead, and this never returns.
                self.fail(error)
                await asyncio.Event().wait()
            for event in events:
                event.ack()

    async def _fold_beside(self, records: Iterable[Record]) -> None:
        """Fold what came at once, some lanes beside others: while PostgreSQL writes the one, the next is judged."""
        try:
            async with asyncio.TaskGroup() as beside:
                for lanes in divided(records, self._settings.beside):
                    beside.create_task(self._fold_lanes(lanes))
        except ExceptionGroup as errors:
            # The others were called off and have written nothing; one reason is enough to end for.
            raise errors.exceptions[0] from None

    async def _fold_lanes(self, records: Sequence[Record]) -> None:
        for batch in batched(records, self._settings.batch):
            await self._fold_batch(batch)

    async def _fold_batch(self, records: Sequence[Record]) -> None:
        """Fold one batch; PostgreSQL or the dead-letter topic being away is sat out in place, in order."""
        attempt = 0
        while True:
            try:
                self._progress.folded(await self._handle(records))
            except (*OUTAGES, PublishFailed) as error:
                await self._rest(f"a batch of {len(records)}", error, attempt)
                attempt += 1
            except TooManyRejected as error:
                # Probes and metrics tell of it before the process ends.
                log.error("%s", error, extra={"event.name": "delivery.too_many_rejected"})  # noqa: TRY400  no trace
                self._progress.over_limit = str(error)
                await asyncio.sleep(self._settings.linger.total_seconds())
                raise
            else:
                return

    async def _next_offsets(self, partitions: Collection[Partition]) -> Offsets:
        """Where the ledger says to read on; PostgreSQL being away is sat out in place."""
        attempt = 0
        while True:
            try:
                return await self._ledger.next_offsets(partitions)
            except OUTAGES as error:
                await self._rest(f"the reading of {len(partitions)} partitions", error, attempt)
                attempt += 1

    async def _rest(self, what: str, error: Exception, attempt: int) -> None:
        log.warning("%s waits: %s: %s", what, type(error).__name__, error)
        self._progress.sit_out(f"{type(error).__name__}: {error}")
        await asyncio.sleep(_backoff(attempt))

    def _begins(self, offsets: Offsets, bounds: Bounds) -> None:
        """Take note of what is ours and where it is read on.

        Raises:
            Lost: when the log begins after the ledger, or ends before it.
        """
        for partition, offset in offsets.items():
            earliest, end = bounds[partition]
            if offset < earliest:
                raise Lost(
                    f"{partition.topic}/{partition.number} begins at {earliest} but the ledger waits for {offset}: "
                    f"facts are gone. Restore the topic, or accept the loss by setting the ledger to {earliest}"
                )
            if offset > end:
                raise Lost(
                    f"{partition.topic}/{partition.number} ends at {end} but the ledger has read up to {offset}: "
                    f"the topic was made anew or restored from an older state"
                )
        # In the middle of a rebalance Faust seeks too, with nothing assigned; that is no share of the group's.
        if offsets:
            self._progress.assigned(offsets)

    async def _watch(self, app: FoldApp) -> None:
        """Return never; raise when Faust has crashed, or delivers nothing of what waits (its issues 175, 523, 640)."""
        since = time.monotonic()
        while True:
            await asyncio.sleep(1)
            if app.should_stop:
                reason = app.crash_reason or Stalled("Faust stopped by itself")
                raise Stalled(f"Faust ended: {type(reason).__name__}: {reason}") from reason
            stall = self._progress.stall(self._settings.stall)
            if stall is not None:
                raise Stalled(stall)
            if self._progress.outage is not None:
                # What it was given cannot be read on without the ledger; the wait for it is not the group's.
                since = time.monotonic()
            if not self._progress.joined and time.monotonic() - since > self._settings.join.total_seconds():
                raise Stalled(f"no partitions assigned within {self._settings.join.total_seconds():g} s")


def _records(parcels: Iterable[EventT[bytes]]) -> Iterator[Record]:
    for parcel in parcels:
        for read in cast("Sequence[ConsumerRecord[bytes, bytes]]", parcel.message.value):
            yield Record(
                read.topic, read.partition, read.offset, read.key, read.value, tuple(read.headers), read.timestamp
            )


def divided(records: Iterable[Record], most: int) -> Sequence[Sequence[Record]]:
    """The records in at most so many lists, each in order, with all of a partition number in one.

    A case's events have one number on every topic: what two lists hold is of different cases, clocks and ledger rows.
    """
    lists = defaultdict[int, list[Record]](list)
    for record in records:
        lists[record.partition % most].append(record)
    return list(lists.values())


def batched(records: Iterable[Record], most: int) -> Iterator[Sequence[Record]]:
    """The records in lists of ``most``, the last one shorter."""
    rest = iter(records)
    while batch := list(islice(rest, most)):
        yield batch


async def _until_kafka_answers(settings: FoldSettings) -> None:
    """Return when a broker answers and has the topics; Faust would end the process, and with it the timers."""
    attempt = 0
    while True:
        probe = AIOKafkaAdminClient(
            bootstrap_servers=settings.bootstrap, client_id=f"{settings.instance}-probe", **client_options()
        )
        try:
            async with asyncio.timeout(15):
                await probe.start()
                await _topics_there(probe, settings.topics)
        except Exception as error:  # noqa: BLE001  whatever it is, there is nothing to join yet
            log.warning("Kafka is not ready yet: %s: %s", type(error).__name__, error)
            await asyncio.sleep(_backoff(attempt))
            attempt += 1
        else:
            return
        finally:
            await probe.close()


async def _topics_there(probe: AIOKafkaAdminClient, topics: Collection[str]) -> None:
    """Raise TopicMissing when the broker does not have one of the topics."""
    described = {one["topic"]: one for one in await probe.describe_topics(list(topics))}
    missing = [topic for topic in topics if not described.get(topic, {}).get("partitions")]
    if missing:
        raise TopicMissing(f"Kafka has no topic {', '.join(missing)} yet, or gives no right to read it")


async def _stop(app: FoldApp, starting: asyncio.Task[Any], *, limit: timedelta) -> None:
    try:
        async with asyncio.timeout(limit.total_seconds()):
            await app.stop()
    except Exception as error:  # noqa: BLE001  its threads are daemons and nothing in it must be finished
        log.warning("Faust did not stop: %s: %s", type(error).__name__, error)
    starting.cancel()
    await asyncio.gather(starting, return_exceptions=True)


def _backoff(attempt: int) -> float:
    seconds = min(LONGEST_BACKOFF_SECONDS, 0.1 * 2.0 ** min(attempt, 10))
    return seconds * random.uniform(0.5, 1)  # noqa: S311  jitter, no secret
