"""A Faust worker inside the test's own event loop, as plain as it comes out of the box."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import faust
from faust.exceptions import ConsumerNotStarted


def plain_app(bootstrap: str, *, group: str, folder: Path, kind: type[faust.App] = faust.App) -> faust.App:
    """Faust's defaults, but no web server, no topics of its own, and commits that a test need not wait for."""
    return kind(
        group,
        broker=f"kafka://{bootstrap}",
        datadir=str(folder),
        key_serializer="raw",
        value_serializer="raw",
        broker_commit_interval=0.1,
        consumer_auto_offset_reset="earliest",
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        stream_wait_empty=False,
    )


@asynccontextmanager
async def working(app: faust.App) -> AsyncIterator[None]:
    """The worker runs and has its partitions; it is stopped at the end, whatever state it is in."""
    starting = asyncio.create_task(app.start())
    try:
        async with asyncio.timeout(60):
            while not _assigned(app):
                if starting.done():
                    starting.result()
                await asyncio.sleep(0.05)
        yield
    finally:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(10):
                await app.stop()
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)


def _assigned(app: faust.App) -> bool:
    try:
        return app.started and bool(app.consumer.assignment())
    except ConsumerNotStarted:
        return False
