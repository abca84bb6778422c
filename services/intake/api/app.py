"""The HTTP API put together: every source's endpoints in one app."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI
from fastapi.routing import APIRouter
from starlette.types import ASGIApp, Receive, Scope, Send

from services.intake.api import (
    actions,
    alerts,
    alike,
    audit,
    batch,
    cap,
    modes,
    open311,
    photos,
    privacy,
    public,
    reports,
    web,
)
from services.intake.api.direct import DirectWay
from services.intake.api.fronts import ALERTMANAGER, BODIES, NDJSON, OPEN311, ForeignErrors, Translate
from services.intake.api.limits import RateLimits
from services.intake.api.open311_words import refused as open311_refused
from services.intake.api.refusals import outage, problem_of
from services.intake.api.rooms import MEDIA_TYPE, Rooms
from services.intake.custody import Custody
from services.intake.handlers import Doors
from services.intake.metrics import Metrics
from services.intake.ports import Darkroom
from shared.runtime.auth import KeyRing
from shared.runtime.origin import OriginNote
from shared.runtime.problems import ProblemHooks, framed, install

ROUTERS: Final[tuple[APIRouter, ...]] = (
    reports.router,
    alike.router,
    batch.router,
    actions.router,
    modes.router,
    privacy.router,
    audit.router,
    photos.router,
    open311.router,
    alerts.router,
    cap.router,
    public.router,
    web.router,
)

_DIRECT: Final = DirectWay(ROUTERS)

FOREIGN: Final[Mapping[str, Translate]] = {OPEN311: open311_refused, ALERTMANAGER: alerts.refused}
"""Who writes errors in words of their own, by the beginning of their paths."""


class IntakeApi(FastAPI):
    """FastAPI's app with a shorter way to the endpoints that are asked most."""

    direct: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.direct is not None and _DIRECT.finds(scope):
            scope["app"] = self
            await self.direct(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def describe_api() -> IntakeApi:
    """The endpoints alone, for the OpenAPI file."""
    app = IntakeApi(
        title="Whistle intake",
        summary="Reports, actions on cases and changes of mode come in here; reading and listening is the notifier's.",
        version="1",
        docs_url=None,
        redoc_url=None,
    )
    for router in ROUTERS:
        app.include_router(router)
    described = app.openapi

    def openapi() -> dict[str, Any]:
        return _problems_alone(described())

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way to change the document
    return app


def make_api(  # noqa: PLR0913  each a room of its own
    doors: Doors,
    keyring: KeyRing,
    metrics: Metrics,
    limits: RateLimits | None = None,
    darkroom: Darkroom | None = None,
    custody: Custody | None = None,
    *,
    door: public.PublicDoor | None = None,
) -> IntakeApi:
    """The HTTP API as an ASGI app; errors by RFC 9457. Without a darkroom no photos are taken."""
    app = describe_api()
    app.state.rooms = Rooms(doors=doors, keyring=keyring, metrics=metrics)
    app.state.custody = custody
    app.state.limits = limits or RateLimits()
    app.state.darkroom, app.state.uploads = darkroom, 0
    app.state.door = door or public.PublicDoor()
    app.state.public, app.state.public_uploads = bool(app.state.door.county), 0
    hooks = ProblemHooks(refusal=problem_of, outage=outage, observe=metrics.observe_http, special=BODIES)
    install(app, hooks)
    app.add_middleware(ForeignErrors, translations=FOREIGN)
    app.add_middleware(OriginNote, proxies=app.state.limits.proxies)
    app.direct = OriginNote(framed(_DIRECT, hooks), proxies=app.state.limits.proxies)
    return app


def _problems_alone(schema: dict[str, Any]) -> dict[str, Any]:
    """FastAPI also writes each error, and each line, as plain JSON; ours have one media type."""
    for path in schema["paths"].values():
        for operation in path.values():
            for answer in operation["responses"].values():
                if {MEDIA_TYPE, NDJSON} & answer.get("content", {}).keys():
                    answer["content"].pop("application/json", None)
    return schema
