"""The API put together."""

from __future__ import annotations

from typing import Final

from fastapi import FastAPI

from services.notifier.api import (
    cases,
    duties,
    explain,
    modes,
    open311,
    page,
    papers,
    stream,
    subscriptions,
    track,
    track_stream,
    warnings,
)
from services.notifier.api.door import PublicDoor, open_to_pages
from services.notifier.api.rooms import Rooms
from services.notifier.metrics import Metrics
from shared.runtime.postgres import OUTAGES
from shared.runtime.problems import Limits, ProblemHooks, install

DESCRIPTION: Final = """
All reading and listening. A key sees its own area and what lies below it, in lists, in the stream, in history and in
webhooks; a department's key sees only what concerns its orders. Writing is intake's.

Without a key: `/v1/track/{code}`, a report by its tracking code, and `/open311/v2/`, the public list of requests.
"""

FORM: Final = Limits(
    body_bytes=64 * 1024,
    media_types=frozenset({"application/x-www-form-urlencoded", "multipart/form-data"}),
    streamed=True,
)
"""What is only shown the way to intake; nobody reads it here."""


def make_api(rooms: Rooms) -> FastAPI:
    """The HTTP API and the page as an ASGI app; errors by RFC 9457."""
    settings = rooms.settings
    app = bare_api(rooms.metrics)
    app.state.rooms = rooms
    app.state.door = PublicDoor(rate=settings.rate_address, proxies=settings.rate_proxies)
    open_to_pages(app, settings.origins)
    return app


def bare_api(metrics: Metrics | None = None) -> FastAPI:
    """The routes without the rooms behind them: enough to describe the API."""
    app = FastAPI(
        title="Whistle notifier",
        summary="Cases, the live stream and webhooks go out here; writing is intake's.",
        description=DESCRIPTION,
        version="1",
        docs_url=None,
        redoc_url=None,
    )
    parts = (
        stream.router,
        cases.router,
        papers.router,
        modes.router,
        warnings.router,
        duties.router,
        explain.router,
        subscriptions.router,
        track.router,
        track_stream.router,
        open311.router,
        page.router,
    )
    for part in parts:
        app.include_router(part)
    observe = None if metrics is None else metrics.observe_http
    install(app, ProblemHooks(outage=outage, observe=observe, special=dict.fromkeys(open311.SENT_ON, FORM)))
    return app


def outage(error: Exception) -> str | None:
    """Which part is away when ``error`` means that."""
    return "PostgreSQL" if isinstance(error, OUTAGES) else None
