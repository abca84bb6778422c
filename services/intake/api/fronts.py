"""Doors for those who speak another protocol: which bodies their paths take, and how errors look to them.

An endpoint refuses as everywhere else, with a problem; on its way out the problem is written as the protocol wants it,
so that no error escapes it: neither a body that is too large nor a database that is away.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.intake.photos import MOST_BYTES, MOST_PHOTOS
from shared.runtime.body import DEFAULT_LIMITS, Limits
from shared.runtime.problem import MEDIA_TYPE

BATCH: Final = "/v1/reports/batch"
NDJSON: Final = "application/x-ndjson"
WITH_PHOTOS: Final = "/v1/reports/with-photos"
PUBLIC_WITH_PHOTOS: Final = "/v1/public/reports/with-photos"
CAP: Final = "/v1/cap"
ALERTMANAGER: Final = "/api/v2/"
ALERTS: Final = f"{ALERTMANAGER}alerts"
OPEN311: Final = "/open311/v2/"
OPEN311_JSON: Final = f"{OPEN311}requests.json"
OPEN311_XML: Final = f"{OPEN311}requests.xml"

UPLOAD_BYTES: Final = 48 * 1024 * 1024
"""Of all parts together: more than 9 photos of a telephone that has made them smaller, less than 9 of 10 MiB."""

PUBLIC_UPLOAD_BYTES: Final = 12 * 1024 * 1024
"""Of a resident without a key: three photos that the page has made smaller, and some to spare."""

_FORM: Final = replace(
    DEFAULT_LIMITS, media_types=frozenset({"application/x-www-form-urlencoded"}), body_bytes=64 * 1024
)
BODIES: Final[Mapping[str, Limits]] = {
    BATCH: Limits(media_types=frozenset({NDJSON}), body_bytes=2**40, streamed=True),
    WITH_PHOTOS: Limits(media_types=frozenset({"multipart/form-data"}), body_bytes=UPLOAD_BYTES, streamed=True),
    PUBLIC_WITH_PHOTOS: Limits(
        media_types=frozenset({"multipart/form-data"}), body_bytes=PUBLIC_UPLOAD_BYTES, streamed=True
    ),
    CAP: Limits(media_types=frozenset({"application/cap+xml", "application/xml", "text/xml"})),
    ALERTS: replace(DEFAULT_LIMITS, body_bytes=1024 * 1024),
    OPEN311_JSON: _FORM,
    OPEN311_XML: _FORM,
}
"""What the body of a path may be, where it is other than JSON of 256 kB."""

assert UPLOAD_BYTES < MOST_PHOTOS * MOST_BYTES  # noqa: S101  what the words above say


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign:
    """An error as a protocol writes it."""

    status: int
    media_type: str
    body: bytes


Translate = Callable[[str, Mapping[str, Any]], Foreign]
"""From the path and the problem's members."""


class ForeignErrors:
    """ASGI middleware outside of all others: problems under a protocol's paths go out in its own form.

    ``translations`` are by the beginning of the path.
    """

    def __init__(self, app: ASGIApp, translations: Mapping[str, Translate]) -> None:
        self._app = app
        self._translations = translations

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        found = next((t for start, t in self._translations.items() if path.startswith(start)), None)
        await self._app(scope, receive, send if found is None else _Translator(path, found, send))


class _Translator:
    """``send`` that holds back a problem until it is whole."""

    def __init__(self, path: str, translate: Translate, send: Send) -> None:
        self._path = path
        self._translate = translate
        self._send = send
        self._start: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_problem(message):
            self._start = message
            return
        if self._start is None:
            await self._send(message)
            return
        self._body += message.get("body", b"")
        if not message.get("more_body", False):
            await self._send_translated(self._start)

    async def _send_translated(self, start: Message) -> None:
        foreign = self._translate(self._path, json.loads(self._body))
        headers = MutableHeaders(scope=start)
        headers["content-type"] = foreign.media_type
        headers["content-length"] = str(len(foreign.body))
        await self._send({**start, "status": foreign.status})
        await self._send({"type": "http.response.body", "body": foreign.body})


def in_words(problem: Mapping[str, Any]) -> str:
    """A problem in one line: what is wrong with which field, and what is allowed."""
    said = [
        f"{error['field']}: {error['problem']}"
        + (f" (allowed: {'; '.join(error['allowed'])})" if error.get("allowed") else "")
        for error in problem.get("errors", ())
    ]
    return "; ".join(said) or str(problem.get("detail") or problem["title"])


def _is_problem(start: Message) -> bool:
    return MutableHeaders(scope=start).get("content-type", "").startswith(MEDIA_TYPE)
