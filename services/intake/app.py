"""Intake put together: opened in order, run until a signal, closed in reverse."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

import uvloop

from services.intake.api import make_api
from services.intake.api.limits import RateLimits, Rates
from services.intake.api.public import PublicDoor
from services.intake.consumer import fold_loop, inbound_loop
from services.intake.custody import Custody
from services.intake.darkroom import BlobDarkroom, KeptPhotos
from services.intake.guesser import LearnedGuesser
from services.intake.handlers import CountyMaps, Doors, Size, Together
from services.intake.health import IntakeHealth
from services.intake.metrics import Metrics
from services.intake.playbooks import ShelvedPlaybooks
from services.intake.settings import Settings
from services.intake.store.audit import PostgresAudit
from services.intake.store.cases import PostgresCaseStore
from services.intake.store.photos import PostgresPhotos
from services.intake.store.privacy import PostgresPersons
from services.intake.timers import OFF, Canaries, Resuming, Settling, Timer
from services.intake.upkeep import DataKeys, Retention, Sealing, Sweeping
from services.intake.vault import EnvelopeVault, PostgresDataKeys
from shared.events.topics import PLAYBOOK
from shared.playbook.shelf import PlaybookShelf
from shared.runtime.auth import KeyRing
from shared.runtime.blobs import open_blobs
from shared.runtime.clock import utc_now
from shared.runtime.compacted import CompactedReader
from shared.runtime.delivery import DeliveryLoop, Publisher
from shared.runtime.health import OpsServer
from shared.runtime.oidc import tokens_of
from shared.runtime.outbox import OutboxRelay, RelaySettings
from shared.runtime.postgres import OUTAGES, PoolSettings, open_pool
from shared.runtime.postgres_watch import PostgresWatch
from shared.runtime.rooms import end, run_together
from shared.runtime.serving import HttpServer
from shared.runtime.signals import until_signalled
from shared.runtime.telemetry import configure_logging, configure_tracing

if TYPE_CHECKING:
    from shared.runtime.postgres import Pool

log = logging.getLogger(__name__)

AGAIN: Final = timedelta(seconds=1)
AS_LONG_AS_IT_TAKES: Final = timedelta(days=365)
GC_THRESHOLD: Final = (50_000, 20, 20)


def run(settings: Settings) -> None:
    """Run intake until SIGTERM or SIGINT; returns after everything is closed.

    Raises:
        Exception: what a room ended with, when one ended by itself.
    """
    configure_logging("intake", settings.log_level)
    tracing = configure_tracing("intake", settings.instance, settings.traces)
    # A batch makes tens of thousands of values and hardly a circle; looking for circles every 700 of them cost a fifth.
    gc.set_threshold(*GC_THRESHOLD)
    try:
        uvloop.run(until_signalled(intake(settings), name="intake"))
    finally:
        tracing.shutdown()


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """Intake with every room open; ``rooms`` ends only when one of them fails."""

    rooms: asyncio.Task[None]
    http: HttpServer
    ops: OpsServer
    shelf: PlaybookShelf


@asynccontextmanager
async def intake(settings: Settings) -> AsyncIterator[Running]:
    """Open PostgreSQL, the ops port, the loops and the API, in that order; close in reverse.

    An API that closes first leaves nobody without an answer, an outbox that closes after the loops
    sends what they wrote last.
    """
    metrics, asked = Metrics(), asyncio.Event()
    shelf = PlaybookShelf(in_use=settings.playbooks_in_use)
    playbooks = ShelvedPlaybooks(shelf)
    keyring = KeyRing.load(settings.keys_file, tokens=tokens_of(settings.oidc))
    async with AsyncExitStack() as closing:
        pool = await _pool(settings)
        closing.push_async_callback(pool.close)
        vault = EnvelopeVault(settings.secret_key.get_secret_value(), book=PostgresDataKeys(pool))
        await vault.keep((), now=utc_now())
        publisher = Publisher(settings.kafka, client_id=settings.instance)
        closing.push_async_callback(publisher.stop)
        relay = OutboxRelay(pool, publisher, settings=RelaySettings(service="intake"))
        store = PostgresCaseStore(pool, committed=relay.wake)
        guesser = LearnedGuesser(settings.models, told=metrics.learned)
        await asyncio.to_thread(guesser.look)
        size = Size(together=settings.together, transactions=settings.transactions)
        doors = Doors(
            store=store,
            playbooks=playbooks,
            vault=vault,
            clock=utc_now,
            maps=CountyMaps(settings.playbooks_in_use),
            guesser=guesser,
            tell=metrics,
            papers=Together(size, told=partial(metrics.kept_together, "papers")),
            deeds=Together(size, told=partial(metrics.kept_together, "deeds")),
        )
        darkroom = _darkroom(settings, pool, closing)
        custody = Custody(
            audit=PostgresAudit(pool),
            persons=PostgresPersons(pool),
            vault=vault,
            playbooks=playbooks,
            clock=utc_now,
            photos=None if darkroom is None else darkroom.photos,
            watch=metrics,
        )
        reader = CompactedReader(settings.kafka, PLAYBOOK.name, shelf.receive)
        fold = fold_loop(settings, doors, publisher, metrics)
        inbound = inbound_loop(settings, doors, publisher, metrics)
        metrics.watch(relay, {"fold": fold, "inbound": inbound})
        watch = PostgresWatch(pool)
        timers: dict[str, Timer] = {"settling": Settling(doors), "resuming": Resuming(doors)}
        timers |= {
            "data_keys": DataKeys(doors, vault, custody),
            "sealing": Sealing(doors, custody),
            "retention": Retention(doors, custody, audit_days=settings.audit_days),
        }
        if darkroom is not None:
            timers["sweeping"] = Sweeping(doors, custody, darkroom.photos)
        if settings.canary_county != OFF:
            timers["canaries"] = Canaries(doors, county=settings.canary_county, seconds=settings.canary_seconds)
        health = IntakeHealth(watch, playbooks, {"fold": fold, "inbound": inbound}, timers)

        ops = OpsServer(
            settings.ops_host, settings.ops_port, live=health.live, ready=health.ready, registry=metrics.registry
        )
        closing.push_async_callback(ops.stop)
        await ops.start()
        rooms = asyncio.create_task(
            run_together(
                {
                    "watch": watch.run(),
                    "reader": reader.run(),
                    "relay": relay.run(),
                    "guesser": guesser.run(),
                    "fold": fold.run(),
                    "inbound": _with_playbooks(reader, inbound),
                }
                | {name: timer.run() for name, timer in timers.items()},
                asked=asked,
            )
        )
        closing.push_async_callback(end, rooms)
        for stop in (reader.stop, relay.stop, inbound.stop, fold.stop):
            closing.push_async_callback(stop)
        closing.callback(guesser.stop)
        for timer in timers.values():
            closing.callback(timer.stop)
        api = make_api(doors, keyring, metrics, _limits(settings, metrics), darkroom, custody, door=_door(settings))
        http = HttpServer(api, settings.http_host, settings.http_port)
        closing.push_async_callback(http.stop)
        closing.callback(asked.set)
        await http.start()
        # Modules, models and playbooks stay: a full look through them stops every request for 150 to 220 ms.
        gc.collect()
        gc.freeze()
        closing.callback(gc.unfreeze)
        log.info("intake is up", extra={"event.name": "intake.up", "http": http.port, "ops": ops.port})
        yield Running(rooms=rooms, http=http, ops=ops, shelf=shelf)


def _darkroom(settings: Settings, pool: Pool, closing: AsyncExitStack) -> BlobDarkroom | None:
    if not settings.blobs:
        return None
    darkroom = BlobDarkroom(KeptPhotos(open_blobs(settings.blobs), PostgresPhotos(pool)))
    closing.callback(darkroom.close)
    return darkroom


def _door(settings: Settings) -> PublicDoor:
    return PublicDoor(county=settings.public, read_url=settings.read_url.rstrip("/"))


def _limits(settings: Settings, metrics: Metrics) -> RateLimits:
    rates = Rates(key=settings.rate_key, source=settings.rate_source, address=settings.rate_address)
    return RateLimits(rates=rates, proxies=settings.rate_proxies, told=metrics.limited_by)


async def _with_playbooks(reader: CompactedReader, inbound: DeliveryLoop) -> None:
    """Take inbound reports only once the playbooks are here: without them each would be refused."""
    await reader.caught_up(AS_LONG_AS_IT_TAKES)
    await inbound.run()


async def _pool(settings: Settings) -> Pool:
    """The pool, as soon as PostgreSQL answers.

    Raises:
        RuntimeError: the schema is not migrated; says how to do it.
    """
    while True:
        try:
            pool = await open_pool(settings.postgres, "intake", settings=PoolSettings(largest=settings.pool))
        except OUTAGES as error:
            log.warning("PostgreSQL is away: %s", error, extra={"event.name": "intake.waits"})
            await asyncio.sleep(AGAIN.total_seconds())
            continue
        try:
            # What the last migration makes: files are applied in the order of their numbers.
            migrated = await pool.fetchval("SELECT to_regproc('audit_modes') IS NOT NULL")
        except OUTAGES:
            pool.terminate()
            continue
        if migrated:
            return pool
        await pool.close()
        raise RuntimeError("schema intake is not migrated: run `python -m shared.runtime.migrate intake`")
