"""The frame round every HTTP request: one span, one measurement, security headers, and an answer to every failure."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Final

from opentelemetry.trace import Span, SpanKind
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.runtime.tracing import note_error, span_from, traceparent_of

Observe = Callable[[str, str, int, float], None]
"""Called once a request with method, route template (a closed set), status and seconds."""


class RequestFrame:
    """ASGI middleware, the outermost one: continues the caller's trace and lets no exception out."""

    def __init__(
        self, app: ASGIApp, *, failed: Callable[[Exception], Response], observe: Observe | None = None
    ) -> None:
        self._app = app
        self._failed = failed
        self._observe = observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.monotonic()
        method = scope["method"] if scope["method"] in _METHODS else "_OTHER"
        with span_from(
            Headers(scope=scope).get("traceparent"),
            method,
            SpanKind.SERVER,
            {"http.request.method": method, "url.scheme": scope["scheme"]},
        ) as span:
            sender = _Sender(send, span)
            try:
                await self._answer(scope, receive, sender)
            finally:
                self._close(span, method, route_of(scope), sender.status or _CLIENT_LEFT, time.monotonic() - began)

    def _close(self, span: Span, method: str, route: str, status: int, seconds: float) -> None:
        span.update_name(f"{method} {route}")
        span.set_attribute("http.route", route)
        span.set_attribute("http.response.status_code", status)
        if self._observe is not None:
            self._observe(method, route, status, seconds)

    async def _answer(self, scope: Scope, receive: Receive, sender: _Sender) -> None:
        try:
            await self._app(scope, receive, sender)
        except Exception as error:  # noqa: BLE001  the last door: whatever comes out becomes a 503 or a 500
            note_error(sender.span, error)
            response = self._failed(error)
            if sender.status == 0:
                await response(scope, receive, sender)


class _Sender:
    """``send`` that remembers the status and adds the headers every answer has."""

    def __init__(self, send: Send, span: Span) -> None:
        self._send = send
        self.span = span
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = self._with_ours(message.get("headers", ()))
        await self._send(message)

    def _with_ours(self, given: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """The headers of an answer with those that every answer has; what the app set itself stays."""
        headers = [one for one in given if one[0] != _TRACE]
        named = {name for name, _ in headers}
        headers += [one for one in _SECURITY if one[0] not in named]
        traceparent = traceparent_of(self.span)
        if traceparent is not None:
            headers.append((_TRACE, traceparent.encode()))
        return headers


def route_of(scope: Scope) -> str:
    """The template of the route that took the request (``/v1/cases/{case_id}``), or ``unmatched``: a closed set."""
    return str(getattr(scope.get("route"), "path", "unmatched"))


_CLIENT_LEFT: Final = 499
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

# A page sets its own content policy; everything else is data that no browser should run, frame, sniff or keep.
_SECURITY: Final = (
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
_TRACE: Final = b"traceresponse"
