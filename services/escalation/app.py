"""Escalation put together: opened in order, run until a signal, closed in reverse."""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

import uvloop

from services.escalation.agents import FoldWorker
from services.escalation.auditor import Auditor
from services.escalation.ends import LogEnds
from services.escalation.faust_app import FoldApp, FoldSettings
from services.escalation.handlers import FireReport, fold_batch
from services.escalation.handlers.auditing import Pace
from services.escalation.health import EscalationHealth
from services.escalation.leaving import EndedCases, LeavingSettings
from services.escalation.metrics import Metrics
from services.escalation.overdue import OverdueWatch
from services.escalation.ports import Playbooks, Store
from services.escalation.progress import FoldProgress
from services.escalation.publisher import DeadLetterPublisher
from services.escalation.revisits import Revisits
from services.escalation.settings import Settings
from services.escalation.store.auditing import PostgresAuditing
from services.escalation.store.leaving import PostgresLeaving
from services.escalation.store.postgres import PostgresStore
from services.escalation.store.warning import PostgresWarnings
from services.escalation.timers import Timers, TimerSettings
from services.escalation.warnings import Watch
from services.escalation.watchdog import LoopWatch
from services.escalation.years import Years
from shared.events.topics import CASE, ORDER, PLAYBOOK
from shared.playbook.shelf import PlaybookShelf
from shared.runtime.clock import utc_now
from shared.runtime.compacted import CompactedReader
from shared.runtime.delivery import Partition, Publisher, PublisherSettings, Record, RejectionLimits, Rejections
from shared.runtime.health import OpsServer
from shared.runtime.outbox import OutboxRelay, RelaySettings
from shared.runtime.postgres import OUTAGES, PoolSettings, open_pool
from shared.runtime.rooms import end, run_together
from shared.runtime.signals import until_signalled
from shared.runtime.telemetry import configure_logging, configure_tracing, process_span

if TYPE_CHECKING:
    from shared.runtime.postgres import Pool

GROUP: Final = "whistle-escalation"
POSTGRES_AGAIN: Final = timedelta(seconds=1)
CLOSE: Final = timedelta(seconds=10)
GC_THRESHOLD: Final = (50_000, 20, 20)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """Which topics are folded under which group; a test has its own on a shared broker."""

    topics: tuple[str, ...] = (CASE.name, *(topic.name for topic in ORDER.values()))
    playbooks: str = PLAYBOOK.name
    group: str = GROUP


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """Escalation with every room open; ``rooms`` ends only when one of them fails."""

    rooms: asyncio.Task[None]
    ops: OpsServer
    shelf: PlaybookShelf


def run(settings: Settings, wiring: Wiring | None = None) -> None:
    """Run escalation until SIGTERM or SIGINT; returns after everything is closed.

    Raises:
        Exception: what a room ended with, when one ended by itself.
    """
    configure_logging("escalation", settings.log_level)
    for talkative in ("faust", "mode", FoldApp.__module__):
        logging.getLogger(talkative).setLevel(logging.WARNING)
    tracing = configure_tracing("escalation", settings.instance, settings.traces)
    # A batch makes tens of thousands of values and no circles; to look for circles every 700 of them is lost time.
    gc.set_threshold(*GC_THRESHOLD)
    try:
        uvloop.run(until_signalled(escalation(settings, wiring or Wiring()), name="escalation"))
    finally:
        tracing.shutdown()


@asynccontextmanager
async def escalation(settings: Settings, wiring: Wiring) -> AsyncIterator[Running]:
    """Open PostgreSQL, the ops port, then every room; close in reverse.

    The outbox closes after the fold and the timers, and so sends what they wrote last.
    """
    metrics, asked = Metrics(), asyncio.Event()
    shelf = PlaybookShelf(in_use=settings.playbooks_in_use)
    async with AsyncExitStack() as closing:
        await closing.enter_async_context(LoopWatch(limit=settings.stall))
        pool = await _pool(settings)
        closing.push_async_callback(_close, pool)
        # Shorter than the limit on idle transactions: a dead letter is awaited inside the fold's.
        publisher = Publisher(
            settings.kafka, client_id=settings.instance, settings=PublisherSettings(deliver=timedelta(seconds=15))
        )
        closing.push_async_callback(publisher.stop)
        store = PostgresStore(pool)
        relay = OutboxRelay(pool, publisher, settings=RelaySettings(service="escalation"))
        reader = CompactedReader(settings.kafka, wiring.playbooks, shelf.receive)
        years = Years(shelf)
        revisits = Revisits(store, playbooks=years)
        watch = Watch(PostgresWarnings(pool), playbooks=years)
        auditor = Auditor(PostgresAuditing(pool), playbooks=shelf, pace=Pace(whole=settings.audit_pass))
        ended = EndedCases(PostgresLeaving(pool), settings=LeavingSettings(keep=settings.keep_ended))
        ends = LogEnds(settings.kafka, client_id=settings.instance)
        closing.push_async_callback(ends.close)
        progress = FoldProgress(frozenset(wiring.topics), ends, ledger=store, elsewhere=settings.elsewhere)

        def fired(report: FireReport) -> None:
            metrics.said(report)
            relay.wake()

        limits = RejectionLimits(
            max_rejected_ratio=settings.max_rejected_ratio, max_rejected_in_a_row=settings.max_rejected_in_a_row
        )
        fold = Fold(store, years, DeadLetterPublisher(publisher), rejections=Rejections(limits), metrics=metrics)
        worker = FoldWorker(fold, ledger=store, progress=progress, settings=_fold_settings(settings, wiring))
        timers = Timers(
            store,
            playbooks=years,
            ask=progress.ask,
            fired=fired,
            settings=TimerSettings(most=settings.fire_most),
        )
        fold.timers = timers
        overdue = OverdueWatch(store)
        metrics.watch(progress, relay, revisits, years)
        metrics.watch_auditor(auditor)
        metrics.watch_leaving(ended)
        metrics.watch_warnings(watch)
        metrics.watch_overdue(overdue)
        health = EscalationHealth(progress, timers, reader, stall=settings.stall)
        ops = OpsServer(
            settings.ops_host, settings.ops_port, live=health.live, ready=health.ready, registry=metrics.registry
        )
        closing.push_async_callback(ops.stop)
        await ops.start()
        rooms = asyncio.create_task(
            run_together(
                {
                    "relay": relay.run(),
                    "reader": reader.run(),
                    "timers": timers.run(),
                    "overdue": overdue.run(),
                    "revisits": revisits.run(),
                    "years": years.run(),
                    "auditor": auditor.run(),
                    "ended": ended.run(),
                    "warnings": watch.run(),
                    "fold": _with_playbooks(reader, worker, timedelta(seconds=settings.playbook_wait_seconds)),
                },
                asked=asked,
            )
        )
        closing.push_async_callback(partial(end, grace=CLOSE), rooms)
        for stop in (reader.stop, relay.stop):
            closing.push_async_callback(stop)
        for room in (auditor, ended, watch, years, revisits, overdue, timers):
            closing.callback(room.stop)
        closing.push_async_callback(worker.stop)
        closing.callback(asked.set)
        log.info("escalation is up", extra={"event.name": "escalation.up", "ops": ops.port})
        yield Running(rooms=rooms, ops=ops, shelf=shelf)


class Fold:
    """What the worker does with a batch: the handler, and what is told to metrics, traces and timers."""

    def __init__(
        self,
        store: Store,
        playbooks: Playbooks,
        letters: DeadLetterPublisher,
        *,
        rejections: Rejections,
        metrics: Metrics,
    ) -> None:
        self._store = store
        self._playbooks = playbooks
        self._letters = letters
        self._rejections = rejections
        self._metrics = metrics
        self.timers: Timers | None = None

    async def __call__(self, records: Sequence[Record]) -> Mapping[Partition, int]:
        """Fold a batch and return where the ledger stands."""
        began = time.monotonic()
        links = (value.decode() for record in records for name, value in record.headers if name == "traceparent")
        with process_span(records[0].topic, group=GROUP, count=len(records), links=links):
            report = await fold_batch(
                records,
                store=self._store,
                playbooks=self._playbooks,
                letters=self._letters,
                rejections=self._rejections,
                now=utc_now(),
            )
        self._metrics.folded(report, seconds=time.monotonic() - began)
        for one in report.rejected:
            where = f"{one.record.topic}/{one.record.partition}@{one.record.offset}"
            log.warning("%s is set aside: %s", where, one.reason)
        if self.timers is not None:
            self.timers.expect(report.earliest)
        return report.ledger


def _fold_settings(settings: Settings, wiring: Wiring) -> FoldSettings:
    return FoldSettings(
        bootstrap=settings.kafka,
        topics=wiring.topics,
        group=wiring.group,
        instance=settings.instance,
        batch=settings.batch_records,
        session=settings.session,
        stall=settings.stall,
    )


async def _with_playbooks(reader: CompactedReader, worker: FoldWorker, limit: timedelta) -> None:
    """Fold once the playbooks are here, or without them: their cases then wait in the database."""
    try:
        await reader.caught_up(limit)
    except TimeoutError:
        log.warning("the playbooks are not read after %g s; cases without one will wait", limit.total_seconds())
    await worker.run()


async def _close(pool: Pool) -> None:
    try:
        async with asyncio.timeout(CLOSE.total_seconds()):
            await pool.close()
    except TimeoutError:
        pool.terminate()


async def _pool(settings: Settings) -> Pool:
    """The pool, as soon as PostgreSQL answers.

    Raises:
        RuntimeError: the schema is not migrated; says how to do it.
    """
    while True:
        try:
            pool = await open_pool(settings.postgres, "escalation", settings=PoolSettings(largest=10))
            migrated = await pool.fetchval("SELECT to_regclass('outbox_shard') IS NOT NULL")
        except OUTAGES as error:
            log.warning("PostgreSQL is away: %s", error, extra={"event.name": "escalation.waits"})
            await asyncio.sleep(POSTGRES_AGAIN.total_seconds())
            continue
        if migrated:
            return pool
        await pool.close()
        raise RuntimeError("schema escalation is not migrated: run `python -m shared.runtime.migrate escalation`")
