"""The router put together: opened in order, run until a signal, closed in reverse."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import uvloop

from services.router.api import explain_route
from services.router.consumer import route_loop
from services.router.health import RouterHealth
from services.router.metrics import Metrics
from services.router.rulebooks import ShelvedRulebooks
from services.router.settings import Settings
from shared.events.topics import PLAYBOOK
from shared.playbook.shelf import PlaybookShelf
from shared.runtime.compacted import CompactedReader
from shared.runtime.delivery import DeliveryLoop, Publisher
from shared.runtime.health import OpsServer
from shared.runtime.rooms import end, run_together
from shared.runtime.signals import until_signalled
from shared.runtime.telemetry import configure_logging, configure_tracing

log = logging.getLogger(__name__)

AS_LONG_AS_IT_TAKES: Final = timedelta(days=365)
GC_THRESHOLD: Final = (50_000, 20, 20)


def run(settings: Settings) -> None:
    """Run the router until SIGTERM or SIGINT; returns after everything is closed.

    Raises:
        Exception: what a room ended with, when one ended by itself.
    """
    configure_logging("router", settings.log_level)
    tracing = configure_tracing("router", settings.instance, settings.traces)
    # A batch makes tens of thousands of tuples and no circles; looking for circles every 700 of them costs a tenth.
    gc.set_threshold(*GC_THRESHOLD)
    try:
        uvloop.run(until_signalled(router(settings), name="router"))
    finally:
        tracing.shutdown()


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """The router with every room open; `rooms` ends only when one of them fails."""

    rooms: asyncio.Task[None]
    ops: OpsServer
    shelf: PlaybookShelf
    loop: DeliveryLoop


@asynccontextmanager
async def router(settings: Settings) -> AsyncIterator[Running]:
    """Open the ops port, the playbooks and the loop, in that order; close in reverse."""
    metrics, asked = Metrics(), asyncio.Event()
    shelf = PlaybookShelf(in_use=settings.playbooks_in_use)
    reader = CompactedReader(settings.kafka, PLAYBOOK.name, shelf.receive)
    rulebooks = ShelvedRulebooks(
        shelf, patience=timedelta(seconds=settings.playbook_wait_seconds), kept=settings.playbooks_in_use
    )
    async with AsyncExitStack() as closing:
        publisher = Publisher(settings.kafka, client_id=settings.instance)
        closing.push_async_callback(publisher.stop)
        loop = route_loop(settings, rulebooks, publisher, metrics)
        metrics.watch(loop, shelf)
        health = RouterHealth(loop, reader)
        ops = OpsServer(
            settings.ops_host,
            settings.ops_port,
            live=health.live,
            ready=health.ready,
            registry=metrics.registry,
            routes=[explain_route(rulebooks, shelf)],
        )
        closing.push_async_callback(ops.stop)
        await ops.start()
        rooms = asyncio.create_task(
            run_together({"reader": reader.run(), "loop": _with_playbooks(reader, loop)}, asked=asked)
        )
        closing.push_async_callback(end, rooms)
        for stop in (reader.stop, loop.stop):
            closing.push_async_callback(stop)
        closing.callback(asked.set)
        log.info("router is up", extra={"event.name": "router.up", "ops": ops.port})
        yield Running(rooms=rooms, ops=ops, shelf=shelf, loop=loop)


async def _with_playbooks(reader: CompactedReader, loop: DeliveryLoop) -> None:
    """Take cases only once the playbooks are here: without them each would wait in vain."""
    await reader.caught_up(AS_LONG_AS_IT_TAKES)
    await loop.run()
