"""The doors where nobody shows a key: how often one address may ask, and whose pages may read."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Annotated, Final

from fastapi import Depends, FastAPI, Request
from limits import RateLimitItem, parse
from limits.strategies import SlidingWindowCounterRateLimiter
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.runtime.clock import utc_now
from shared.runtime.counting import BoundedMemory, one_subscriber
from shared.runtime.origin import address_of
from shared.runtime.problem import FieldError, Problem

OFF: Final = "off"
PUBLIC: Final = ("/v1/track/", "/open311/")
"""What is read without a key."""


def parsed(text: str) -> RateLimitItem | None:
    """The limit that ``text`` says, None for ``off``.

    Raises:
        ValueError: it is neither ``off`` nor a number a second, minute, hour or day.
    """
    if text.strip().lower() == OFF:
        return None
    try:
        return parse(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is no rate: write it as 60/minute, or {OFF}") from error


@dataclass(slots=True, kw_only=True)
class PublicDoor:
    """Counts who comes, in this process alone; ``proxies`` as in ``shared.runtime.origin``."""

    rate: str
    proxies: int = 0
    _limiter: SlidingWindowCounterRateLimiter = field(init=False)
    _item: RateLimitItem | None = field(init=False)

    def __post_init__(self) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(BoundedMemory())
        self._item = parsed(self.rate)

    def take(self, request: Request) -> str:
        """Count one request and return whose it is.

        Raises:
            Problem: 429, when this address has had as many as it may.
        """
        address = one_subscriber(address_of(request.scope, self.proxies))
        if self._item is None or self._limiter.hit(self._item, address):
            return address
        ends = self._limiter.get_window_stats(self._item, address).reset_time
        raise _too_many(self._item, max(1, math.ceil(ends - utc_now().timestamp())))


def _too_many(item: RateLimitItem, seconds: int) -> Problem:
    return Problem(
        429,
        "too-many-requests",
        "Too many requests",
        detail=f"This address asks too often. Send the same request again in {seconds} s.",
        errors=[FieldError(field="/", problem="more requests of one address than may be", allowed=[str(item)])],
        headers={"Retry-After": str(seconds)},
    )


# async, or FastAPI would send each request through its thread pool
async def _visitor(request: Request) -> str:
    door: PublicDoor = request.app.state.door
    return door.take(request)


Visitor = Annotated[str, Depends(_visitor)]
"""The address that asks, once it has been counted."""


class OpenToPages:
    """ASGI middleware: pages of ``origins`` may read what is public; everything else stays this host's alone."""

    def __init__(self, app: ASGIApp, *, origins: tuple[str, ...]) -> None:
        self._app = app
        self._open = CORSMiddleware(
            app, allow_origins=list(origins), allow_methods=["GET"], allow_headers=["Last-Event-ID"], max_age=600
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        public = scope["type"] == "http" and scope["path"].startswith(PUBLIC)
        await (self._open if public else self._app)(scope, receive, send)


def open_to_pages(app: FastAPI, origins: tuple[str, ...]) -> None:
    """Let pages of ``origins`` read what is public; none = nobody's."""
    if origins:
        app.add_middleware(OpenToPages, origins=origins)
