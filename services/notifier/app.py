"""The notifier put together: opened in order, run until a signal, closed in reverse."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import uvloop

from services.notifier.api import Rooms, make_api
from services.notifier.channels.router import HttpRouter
from services.notifier.channels.stream import Hub
from services.notifier.channels.webhook import SystemResolver, WebhookSender
from services.notifier.consumer import Teller, notify_loop
from services.notifier.county import ShelfCounty
from services.notifier.domain.target_url import UrlRules
from services.notifier.handlers import Delivery
from services.notifier.handlers.subscribe import SubscribeDoors
from services.notifier.health import NotifierHealth
from services.notifier.listening import Listener
from services.notifier.metrics import Figures, Metrics
from services.notifier.settings import Settings
from services.notifier.store.cases import PostgresCases
from services.notifier.store.deliveries import PostgresDeliveries
from services.notifier.store.feed import PostgresFeed
from services.notifier.store.modes import PostgresModes
from services.notifier.store.public import PostgresPublic
from services.notifier.store.read_side import PostgresReadSide
from services.notifier.store.rulings import PostgresRulings
from services.notifier.store.subscriptions import PostgresSubscriptions
from services.notifier.store.vault import Vault
from services.notifier.store.warnings import PostgresWarnings
from services.notifier.timers import DeliveryTimer, PruneTimer
from shared.events.topics import PLAYBOOK
from shared.playbook.shelf import PlaybookShelf
from shared.runtime.auth import KeyRing
from shared.runtime.blobs import open_blobs
from shared.runtime.clock import utc_now
from shared.runtime.compacted import CompactedReader
from shared.runtime.delivery import Publisher
from shared.runtime.health import OpsServer
from shared.runtime.oidc import tokens_of
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


def run(settings: Settings) -> None:
    """Run the notifier until SIGTERM or SIGINT; returns after everything is closed.

    Raises:
        Exception: what a room ended with, when one ended by itself.
    """
    configure_logging("notifier", settings.log_level)
    tracing = configure_tracing("notifier", settings.instance, settings.traces)
    try:
        uvloop.run(until_signalled(notifier(settings), name="notifier"))
    finally:
        tracing.shutdown()


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """The notifier with every room open; ``rooms`` ends only when one of them fails."""

    rooms: asyncio.Task[None]
    http: HttpServer
    ops: OpsServer
    hub: Hub
    shelf: PlaybookShelf


@asynccontextmanager
async def notifier(settings: Settings) -> AsyncIterator[Running]:
    """Open PostgreSQL, the ops port, the loops, the timers and the API, in that order; close in reverse.

    Streams end first, a few at a time; then no new request is taken, webhooks on their way arrive, the
    batch in flight is committed.
    """
    metrics, asked = Metrics(), asyncio.Event()
    shelf = PlaybookShelf(in_use=settings.playbooks_in_use)
    county = ShelfCounty(shelf)
    keyring = KeyRing.load(settings.keys_file, tokens=tokens_of(settings.oidc))
    vault = Vault(settings.secret_key.get_secret_value())
    rules = UrlRules(ports=settings.ports, private=settings.webhook_private)
    async with AsyncExitStack() as closing:
        pool = await _pool(settings)
        closing.push_async_callback(pool.close)
        publisher = Publisher(settings.kafka, client_id=settings.instance)
        closing.push_async_callback(publisher.stop)
        resolver = SystemResolver()
        sender = WebhookSender(resolver, rules)
        closing.push_async_callback(sender.close)

        asking = HttpRouter(settings.router) if settings.router else None
        if asking is not None:
            closing.push_async_callback(asking.close)

        feed, deliveries = PostgresFeed(pool), PostgresDeliveries(pool, vault)
        hub = Hub(
            feed,
            poll_seconds=settings.feed_poll_seconds,
            most_streams=settings.streams,
            most_each=settings.streams_each,
            most_public=settings.public_streams,
        )
        work = Delivery(
            deliveries=deliveries,
            sender=sender,
            clock=utc_now,
            observe=metrics.observe_attempt,
            failed=_unrecorded(metrics),
            lease=timedelta(seconds=settings.lease_seconds),
            most=settings.webhook_workers,
            most_each=settings.webhook_each,
        )
        timer = DeliveryTimer(work)
        teller = Teller(
            read_side=PostgresReadSide(pool),
            clock=utc_now,
            told=lambda tellings: metrics.observe_told(tellings, utc_now()),
            county=county,
            seen=metrics.observe_canary,
            warnings=PostgresWarnings(pool),
        )
        loop = notify_loop(settings, teller, publisher, metrics)
        listener = Listener(settings.postgres, {"notifier_feed": hub.notice, "notifier_delivery": timer.notice})
        prune = PruneTimer(
            ages=(
                (feed, timedelta(hours=settings.feed_hours)),
                (deliveries, timedelta(days=settings.delivery_days)),
            ),
            clock=utc_now,
        )
        reader = CompactedReader(settings.kafka, PLAYBOOK.name, shelf.receive)
        watch = PostgresWatch(pool)
        health = NotifierHealth(watch, hub, loop, timer)
        metrics.watch(
            Figures(
                lag=lambda: loop.progress.lag,
                streams=lambda: hub.streams,
                position=lambda: hub.position,
                sending=lambda: len(work.tasks),
                too_many_rejected=lambda: loop.progress.over_limit is not None,
            )
        )

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
                    "listener": listener.run(),
                    "hub": hub.run(),
                    "loop": loop.run(),
                    "timer": timer.run(),
                    "prune": prune.run(),
                },
                asked=asked,
            )
        )
        closing.push_async_callback(end, rooms)
        for stop in (reader.stop, loop.stop, timer.stop):
            closing.push_async_callback(stop)
        api = make_api(
            Rooms(
                settings=settings,
                keyring=keyring,
                hub=hub,
                feed=feed,
                cases=PostgresCases(pool),
                subscriptions=PostgresSubscriptions(pool, vault),
                subscribing=SubscribeDoors(
                    subscriptions=PostgresSubscriptions(pool, vault),
                    resolver=resolver,
                    rules=rules,
                    clock=utc_now,
                    most_each=settings.subscriptions_each,
                ),
                modes=PostgresModes(pool),
                rulings=PostgresRulings(pool),
                warnings=PostgresWarnings(pool),
                public=PostgresPublic(pool),
                blobs=open_blobs(settings.blobs) if settings.blobs else None,
                router=asking,
                shelf=shelf,
                county=county,
                metrics=metrics,
                clock=utc_now,
            )
        )
        http = HttpServer(api, settings.http_host, settings.http_port)
        closing.push_async_callback(http.stop)
        closing.push_async_callback(_streams_ended, hub, settings.stop_seconds)
        closing.callback(asked.set)
        await http.start()
        log.info("the notifier is up", extra={"event.name": "notifier.up", "http": http.port, "ops": ops.port})
        yield Running(rooms=rooms, http=http, ops=ops, hub=hub, shelf=shelf)


def _unrecorded(metrics: Metrics) -> Any:  # noqa: ANN401
    def note(error: BaseException) -> None:
        metrics.unrecorded.inc()
        log.warning("an attempt could not be written down and will be made again: %s: %s", type(error).__name__, error)

    return note


async def _streams_ended(hub: Hub, stop_seconds: float) -> None:
    """Ask every stream to end and wait for it; the server's own grace period is for the rest."""
    hub.close()
    try:
        async with asyncio.timeout(stop_seconds + 1):
            await hub.empty.wait()
    except TimeoutError:
        log.warning("%d streams did not end in time", hub.streams)


_MIGRATED: Final = """
    SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('feed') AND attname = 'circular')
"""
"""The newest column of the schema."""


async def _pool(settings: Settings) -> Pool:
    """The pool, as soon as PostgreSQL answers.

    Raises:
        RuntimeError: the schema is not migrated; says how to do it.
    """
    while True:
        try:
            pool = await open_pool(settings.postgres, "notifier", settings=PoolSettings(largest=settings.pool))
            migrated = await pool.fetchval(_MIGRATED)
        except OUTAGES as error:
            log.warning("PostgreSQL is away: %s", error, extra={"event.name": "notifier.waits"})
            await asyncio.sleep(AGAIN.total_seconds())
            continue
        if migrated:
            return pool
        await pool.close()
        raise RuntimeError("schema notifier is not migrated: run `python -m shared.runtime.migrate notifier`")
