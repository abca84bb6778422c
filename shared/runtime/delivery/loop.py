"""The batch loop: fetch → handle → output acknowledged → commit explicit offsets, in order, for ever."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from shared.runtime.clock import utc_now
from shared.runtime.delivery.batch import Batch, cut
from shared.runtime.delivery.dead_letter import dead_letter, publish_dead_letters
from shared.runtime.delivery.limits import LIMITS, RejectionLimits, Rejections, TooManyRejected
from shared.runtime.delivery.log import Log, Rebalanced
from shared.runtime.delivery.progress import Meter, NoMeter, Progress
from shared.runtime.delivery.record import Handle, Outcome, Partition, Record
from shared.runtime.telemetry import process_span
from shared.runtime.waking import woken

if TYPE_CHECKING:
    from shared.events.codec import Message

MOST_LINKS: Final = 100
"""Traces that a batch's span links to; more than OpenTelemetry keeps would be work for nothing."""

log = logging.getLogger(__name__)


class Stalled(Exception):  # noqa: N818  names what was seen
    """Records wait, nothing moves and nothing is known to be wrong: the process should end and start anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySettings:
    """The bounds of one loop; ``service`` signs the dead letters."""

    service: str
    batch_records: int = 1000
    batch_bytes: int = 8 * 1024 * 1024
    fetch_wait: timedelta = timedelta(milliseconds=500)
    first_backoff: timedelta = timedelta(milliseconds=100)
    longest_backoff: timedelta = timedelta(seconds=10)
    drain: timedelta = timedelta(seconds=20)
    """How long a rebalance waits for the batch in flight; shorter than the group's rebalance limit."""
    stop: timedelta = timedelta(seconds=30)
    """How long a stop waits for the batch in flight."""
    commit: timedelta = timedelta(seconds=15)
    stalled_after: timedelta = timedelta(seconds=120)
    """Lag without progress for this long ends ``run``; longer than the slowest honest batch."""
    ask_lag_every: timedelta = timedelta(seconds=5)
    limits: RejectionLimits = LIMITS
    """How many records may be set aside before ``run`` ends."""
    linger: timedelta | None = timedelta(seconds=30)
    """How long a loop beyond these limits stands still before it ends, so that probes and metrics tell of it.

    None is until it is stopped: where other rooms of the service must go on.
    """


class DeliveryLoop:
    """Runs ``handle`` over a log's records; every record is handled at least once, in order per partition.

    Bad records are the handler's to reject; they go to the dead-letter topic and the partition goes
    on. An exception is an outage: the same batch is tried again in place, with growing pauses,
    while the member keeps its partitions; nothing after it is committed before it.
    """

    def __init__(self, log: Log, handle: Handle, *, settings: DeliverySettings, meter: Meter | None = None) -> None:
        self._log = log
        self._handle = handle
        self._settings = settings
        self._meter: Meter = meter or NoMeter()
        self._epochs: dict[Partition, int] = {}
        self._idle = asyncio.Event()
        self._idle.set()
        self._hurry = asyncio.Event()
        self._draining = False
        self._stopping = False
        self._flow: asyncio.Task[None] | None = None
        self._ended = asyncio.Event()
        self._rejections = Rejections(settings.limits)
        self.progress = Progress()

    async def run(self) -> None:
        """Deliver until ``stop``.

        Raises: Stalled when there is lag and no progress for ``stalled_after``; TooManyRejected when
            more records of a partition would have to be set aside than the limits allow.
        """
        flow = self._flow = asyncio.create_task(self._deliver_until_stopped())
        watch = asyncio.create_task(self._watch())
        try:
            await asyncio.wait({flow, watch}, return_when=asyncio.FIRST_COMPLETED)
            for task in (watch, flow):
                if task.done() and not task.cancelled():
                    task.result()
        finally:
            self._fence()
            await _end(flow, watch)
            await self._log.close()
            self._ended.set()

    async def stop(self) -> None:
        """Take no more, finish and commit the batch in flight within its limit, leave the group."""
        self._stopping = True
        self._hurry.set()
        if self._flow is None:
            return
        try:
            async with asyncio.timeout(self._settings.stop.total_seconds()):
                await self._idle.wait()
        except TimeoutError:
            log.warning("the batch in flight did not finish in %s; it will be repeated", self._settings.stop)
        # Idle means inside a fetch, or outside a batch: nothing is lost when it ends there.
        self._flow.cancel()
        await self._ended.wait()

    async def revoked(self) -> None:
        """Drain, then fence: the batch in flight may finish within a limit; after it, it cannot commit."""
        self._draining = True
        self._hurry.set()
        self.progress.partitions = None
        try:
            async with asyncio.timeout(self._settings.drain.total_seconds()):
                await self._idle.wait()
        except TimeoutError:
            log.warning("a rebalance waited %s for the batch in flight; it is fenced", self._settings.drain)
        finally:
            self._fence()

    async def assigned(self, partitions: frozenset[Partition]) -> None:
        """Take these partitions from their committed offsets, with a new epoch each."""
        self._rejections.forget()
        self._epochs.update({partition: self._epochs.get(partition, 0) + 1 for partition in partitions})
        self._draining = False
        if not self._stopping:
            self._hurry.clear()
        self.progress.partitions = len(partitions)
        self.progress.tick()

    def _fence(self) -> None:
        self._epochs = {partition: epoch + 1 for partition, epoch in self._epochs.items()}

    async def _deliver_until_stopped(self) -> None:
        attempt = 0
        while not self._stopping:
            try:
                await self._log.open(self)
                while not self._stopping:
                    fetched = await self._log.fetch(most=self._settings.batch_records, wait=self._settings.fetch_wait)
                    attempt = 0
                    await self._take(fetched)
            except TooManyRejected:
                raise
            except Exception as error:  # noqa: BLE001  whatever the log dies of, a new one is opened
                self._note(error, "the log is opened anew")
                self._fence()
                await self._log.close()
                await self._pause(attempt)
                attempt += 1

    async def _take(self, fetched: Mapping[Partition, Sequence[Record]]) -> None:
        # No await may stand between the fetch and these two lines: a revoke in between would find
        # the loop idle, and the batch would carry the epoch that was meant to fence it.
        if not fetched:
            return
        batches = list(self._cut(fetched))
        self._idle.clear()
        try:
            for batch in batches:
                if not await self._settle(batch):
                    break
        finally:
            self._idle.set()

    def _cut(self, fetched: Mapping[Partition, Sequence[Record]]) -> Iterator[Batch]:
        return cut(fetched, self._epochs, most=self._settings.batch_records, most_bytes=self._settings.batch_bytes)

    async def _settle(self, batch: Batch) -> bool:
        """Repeat the batch until it is committed; False when it was left to whoever reads it next."""
        attempt = 0
        started = asyncio.get_running_loop().time()
        while self._ours(batch) and not self._stopping_at(attempt):
            try:
                with self._span(batch):
                    outcome = await self._handle(batch.records)
                if not self._ours(batch):
                    break
                await self._recall(batch)
                judged = self._rejections.judge(
                    batch.records, outcome.rejected, counts=batch.counts, passed_over=outcome.passed_over
                )
                await self._send(outcome)
            except TooManyRejected as error:
                if await self._stood_still(error):
                    raise
                return False
            except Exception as error:  # noqa: BLE001  an outage, whatever it is: the batch is repeated in order
                self._note(error, f"{len(batch.records)} records are tried again")
                await self._pause(attempt)
                attempt += 1
                continue
            self._rejections.keep(judged)
            await self._commit(batch)
            self._count(batch, outcome, asyncio.get_running_loop().time() - started)
            return True
        self.progress.fenced += not self._ours(batch)
        return False

    def _span(self, batch: Batch) -> AbstractContextManager[object]:
        # One record continues its own trace; a batch has many pasts and links to them.
        first, count = batch.records[0], len(batch.records)
        parents = [
            header.decode("ascii", "replace") for r in batch.records[:MOST_LINKS] if (header := r.header("traceparent"))
        ]
        alone = parents[0] if count == 1 and parents else None
        return process_span(
            first.topic, group=self._settings.service, count=count, traceparent=alone, links=() if alone else parents
        )

    def _ours(self, batch: Batch) -> bool:
        return all(self._epochs.get(partition) == epoch for partition, epoch in batch.epochs.items())

    def _stopping_at(self, attempt: int) -> bool:
        # A batch that has not failed yet is finished; one that fails is not worth holding up the group.
        return attempt > 0 and (self._stopping or self._draining)

    async def _send(self, outcome: Outcome) -> None:
        messages: Sequence[Message] = outcome.messages
        if messages:
            await self._log.publish(messages)
        if outcome.rejected:
            now = utc_now()
            letters = [dead_letter(rejected, service=self._settings.service, now=now) for rejected in outcome.rejected]
            await publish_dead_letters(self._log, letters)

    async def _commit(self, batch: Batch) -> None:
        ours = {p: offset for p, offset in batch.next_offsets.items() if self._epochs.get(p) == batch.epochs[p]}
        self.progress.fenced += len(ours) < len(batch.next_offsets)
        if not ours:
            return
        try:
            async with asyncio.timeout(self._settings.commit.total_seconds()):
                await self._log.commit(ours, self._rejections.notes(ours))
        except Rebalanced as error:
            self.progress.fenced += 1
            log.info("a commit came after a rebalance; the new owner repeats the batch: %s", error)
        except TimeoutError:
            # The next commit stands for this one too; a crash before it only repeats more.
            self.progress.commit_timeouts += 1
            log.warning("a commit was not answered in %s", self._settings.commit)

    def _count(self, batch: Batch, outcome: Outcome, seconds: float) -> None:
        progress, rejected, messages = self.progress, len(outcome.rejected), len(outcome.messages)
        progress.records += len(batch.records)
        progress.messages += messages
        progress.rejected += rejected
        progress.batches += 1
        progress.batch_seconds += seconds
        progress.rejected_in_a_row = self._rejections.in_a_row
        progress.recover()
        self._meter.delivered(records=len(batch.records), messages=messages, rejected=rejected, seconds=seconds)

    def _note(self, error: Exception, what_next: str) -> None:
        first = self.progress.failing is None
        self.progress.fail(error)
        self._meter.failed(error)
        # The trace once for each outage: an hour of it must not fill the log with the same trace.
        trace = error if first else None
        log.warning("%s after %s: %s", what_next, type(error).__name__, error, exc_info=trace)

    async def _recall(self, batch: Batch) -> None:
        """Once an assignment: whoever had the partition before, or this process before it was started again."""
        if unknown := self._rejections.unknown(batch.counts):
            self._rejections.recall(unknown, await self._log.notes(unknown))

    async def _stood_still(self, error: TooManyRejected) -> bool:
        """Tell of it for a while, commit nothing and send nothing; False when a stop or a rebalance came between."""
        log.error("%s", error, extra={"event.name": "delivery.too_many_rejected"})
        self.progress.over_limit = str(error)
        linger = self._settings.linger
        if not await woken(self._hurry, within=None if linger is None else linger.total_seconds()):
            return True
        self.progress.over_limit = None
        return False

    async def _pause(self, attempt: int) -> None:
        longest = self._settings.longest_backoff.total_seconds()
        seconds = min(longest, self._settings.first_backoff.total_seconds() * 2 ** min(attempt, 16))
        await woken(self._hurry, within=seconds * random.uniform(0.5, 1))  # noqa: S311  jitter, no secret

    async def _watch(self) -> None:
        """End ``run`` when there is lag, or no assignment, and no progress, while the broker answers."""
        limit = self._settings.stalled_after.total_seconds()
        every = min(self._settings.ask_lag_every.total_seconds(), limit / 4)
        while True:
            await asyncio.sleep(every)
            if self.progress.over_limit is not None:
                self.progress.tick()
            try:
                async with asyncio.timeout(limit):
                    self.progress.lag = sum((await self._log.lag()).values())
            except Exception as error:  # noqa: BLE001  a log that cannot be asked is an outage, no stall
                log.info("lag is unknown: %s: %s", type(error).__name__, error)
                self.progress.tick()
                continue
            if self.progress.lag == 0 and self.progress.partitions is not None:
                self.progress.tick()
            if self.progress.idle_seconds > limit:
                raise Stalled(f"{self.progress.lag} records wait and nothing was committed for {limit:.0f} s")


async def _end(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    # A handler that swallows its cancellation must not keep the process from ending.
    await asyncio.wait(tasks, timeout=5)
