"""From where a request comes: the address and the channel that the audit writes beside every fact."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

MAX_ADDRESS: Final = 64
MAX_CHANNEL: Final = 48


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """``channel`` is the door (``http /v1/reports``, ``kafka whistle.inbound.v1``), ``address`` who stood before it."""

    channel: str = "inside"
    address: str = ""

    def __str__(self) -> str:
        return f"{self.channel} {self.address}".strip()


_ORIGIN: ContextVar[Origin] = ContextVar("origin")
_INSIDE: Final = Origin()


def current_origin() -> Origin:
    """Where what is being done now came from; without an edge around it, from inside the service."""
    return _ORIGIN.get(_INSIDE)


@contextmanager
def coming_from(origin: Origin) -> Iterator[None]:
    """Whatever is done inside came from ``origin``."""
    token = _ORIGIN.set(origin)
    try:
        yield
    finally:
        _ORIGIN.reset(token)


class OriginNote:
    """ASGI middleware: notes where each request comes from.

    ``proxies`` of ours stand in front and add whom they saw to ``X-Forwarded-For``; with 0 no header is believed.
    """

    def __init__(self, app: ASGIApp, *, proxies: int = 0) -> None:
        self._app = app
        self._proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        token = _ORIGIN.set(_seen(_first_two(scope["path"]), address_of(scope, self._proxies)))
        try:
            await self._app(scope, receive, send)
        finally:
            _ORIGIN.reset(token)


def address_of(scope: Scope, proxies: int = 0) -> str:
    """The peer's address, or behind ``proxies`` of ours the one that the outermost of them saw."""
    client = scope.get("client")
    peer = "" if client is None else str(client[0])
    if proxies:
        given = ",".join(Headers(scope=scope).getlist("x-forwarded-for"))
        seen = [one.strip() for one in given.split(",") if one.strip()]
        peer = seen[-proxies] if len(seen) >= proxies else peer
    return _printable(peer)[:MAX_ADDRESS]


def _first_two(path: str) -> str:
    """The first two parts of the path: enough to tell the doors apart, and no id among them."""
    return "/".join(path.split("/", 3)[1:3])[:MAX_CHANNEL]


@lru_cache(maxsize=1024)
def _seen(parts: str, address: str) -> Origin:
    """The origin of a request; callers and doors are few, and each asks often."""
    return Origin(channel=_printable(f"http /{parts}")[:MAX_CHANNEL], address=address)


def _printable(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    return "".join(sign if sign.isascii() and sign.isprintable() else "?" for sign in text)
