"""A guard before the app that reads a request's body: its size, its type, its bytes and its depth.

The size is counted while the body streams in, so that a body without a length, or with a false one, costs no more
memory than the limit. A path may have limits of its own: other media types, another size, or a body that the endpoint
reads as it comes.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Never

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.runtime.problem import FieldError, Problem, problem_response


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a body may be; ``read_seconds`` bounds the whole reading, so that nobody holds a connection by dripping.

    One that is ``streamed`` is handed on as it comes, its type checked before and its size counted on the way.
    """

    body_bytes: int = 256 * 1024
    drain_bytes: int = 8 * 1024 * 1024
    json_depth: int = 32
    media_types: frozenset[str] = frozenset({"application/json"})
    read_seconds: float = 30.0
    streamed: bool = False


DEFAULT_LIMITS: Final = Limits()


class BodyGuard:
    """ASGI middleware: hands the app a whole, readable body or answers with a problem.

    ``special`` are the limits of single paths, each written in full.
    """

    def __init__(
        self, app: ASGIApp, limits: Limits = DEFAULT_LIMITS, special: Mapping[str, Limits] | None = None
    ) -> None:
        self._app = app
        self._doors = {path: _Door(one) for path, one in (special or {}).items()}
        self._door = _Door(limits)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in _WITH_BODY:
            await self._app(scope, receive, send)
            return
        door = self._doors.get(scope["path"], self._door)
        try:
            through = await door.opened(Headers(scope=scope), receive)
        except Problem as problem:
            await problem_response(problem)(scope, receive, send)
            return
        if through is not None:
            await self._app(scope, through, send)


class _Door:
    """One set of limits."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    async def opened(self, headers: Headers, receive: Receive) -> Receive | None:
        """What the app receives the body by, or None when the client left before its end.

        Raises:
            Problem: the body is not taken.
        """
        if self._limits.streamed:
            self._not_longer_than(headers, self._limits.body_bytes)
            self._media_type(headers)
            return _Counted(receive, self._limits, self._too_large)
        body = await self._checked(headers, receive)
        return None if body is None else _Replay(body, receive)

    async def _checked(self, headers: Headers, receive: Receive) -> bytes | None:
        """The body, or None when the client left before its end."""
        body = await self._read(headers, receive)
        if not body:
            return body
        media_type = self._media_type(headers)
        if media_type.endswith("json"):
            check_json(_text(body), depth=self._limits.json_depth)
        elif media_type not in _OWN_CHARSET:
            _text(body)
        return body

    async def _read(self, headers: Headers, receive: Receive) -> bytes | None:
        self._not_longer_than(headers, self._limits.drain_bytes)
        try:
            async with asyncio.timeout(self._limits.read_seconds):
                return await self._counted(receive)
        except TimeoutError as error:
            raise _too_slow(f"The whole body must arrive within {self._limits.read_seconds:g} s.") from error

    def _not_longer_than(self, headers: Headers, most: int) -> None:
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length) > most:
            self._too_large()

    async def _counted(self, receive: Receive) -> bytes | None:
        """The body; one that is too large is read on and thrown away up to ``drain_bytes``.

        A connection closed on unread bytes is reset, and its client would never see the answer.
        """
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > self._limits.body_bytes:
                chunks.clear()
            else:
                chunks.append(chunk)
            more = message.get("more_body", False)
            if size > self._limits.drain_bytes or (size > self._limits.body_bytes and not more):
                self._too_large()
            if not more:
                return b"".join(chunks)

    def _too_large(self) -> Never:
        raise Problem(
            413,
            "too-large",
            "The body is too large",
            detail=f"A body may have {self._limits.body_bytes} bytes.",
            headers={"Connection": "close"},
            limit_bytes=self._limits.body_bytes,
        )

    def _media_type(self, headers: Headers) -> str:
        media_type, _, parameters = headers.get("content-type", "").partition(";")
        media_type = media_type.strip().lower()
        charset = parameters.partition("charset=")[2].split(";")[0].strip(' "').lower()
        if media_type not in self._limits.media_types:
            self._wrong_type(
                "content-type", f"{media_type or 'no content type'} is not taken here", sorted(self._limits.media_types)
            )
        if charset not in _CHARSETS:
            self._wrong_type("content-type", f"the charset {charset} is not taken here", ["utf-8"])
        if headers.get("content-encoding", "identity").strip().lower() != "identity":
            self._wrong_type("content-encoding", "a compressed body is not taken here", ["identity"])
        return media_type

    @staticmethod
    def _wrong_type(header: str, problem: str, allowed: list[str]) -> Never:
        raise Problem(
            415,
            "unsupported-media-type",
            "This kind of body is not taken",
            detail=f"{problem}; allowed: {', '.join(allowed)}",
            errors=[FieldError(field=f"header:{header}", problem=problem, allowed=allowed)],
            headers={"Accept-Post": ", ".join(allowed)} if header == "content-type" else None,
        )


class _Counted:
    """``receive`` for an app that reads the body as it comes: no more of it than may be, and not for ever.

    Each part must come within ``read_seconds``: how long the whole may take is the endpoint's to say.
    """

    def __init__(self, receive: Receive, limits: Limits, too_large: Callable[[], Never]) -> None:
        self._receive = receive
        self._limits = limits
        self._too_large = too_large
        self._size = 0
        self._ended = False

    async def __call__(self) -> Message:
        if self._ended:
            return await self._receive()
        try:
            async with asyncio.timeout(self._limits.read_seconds):
                message = await self._receive()
        except TimeoutError as error:
            raise _too_slow(f"Each part of the body must arrive within {self._limits.read_seconds:g} s.") from error
        self._size += len(message.get("body", b""))
        if self._size > self._limits.body_bytes:
            self._too_large()
        self._ended = not message.get("more_body", False)
        return message


class _Replay:
    """``receive`` for the app: the body that was read, then whatever the server says next."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_CHARSETS: Final = frozenset({"", "utf-8", "utf8"})
_OWN_CHARSET: Final = frozenset({"application/cap+xml", "application/xml", "text/xml"})
"""XML says itself in what it is written; its parser reads that."""


def _too_slow(detail: str) -> Problem:
    return Problem(408, "too-slow", "The body came too slowly", detail=detail, headers={"Connection": "close"})


def check_json(text: str, *, depth: int) -> None:
    """Pass when ``text`` is JSON that the services can store.

    Raises:
        Problem: 400 for a syntax error (with line and column), a repeated name, NaN or Infinity, or more than ``depth``
            levels; 422 for a text that holds U+0000 or half a surrogate pair (PostgreSQL and UTF-8 hold neither).
    """
    if text.startswith("\ufeff"):
        _unreadable("not JSON at line 1, column 1: it begins with a byte order mark")
    try:
        document = _READER.decode(text)
    except json.JSONDecodeError as error:
        _unreadable(f"not JSON at line {error.lineno}, column {error.colno}: {error.msg}")
    except ValueError:
        _unreadable("a number has too many digits")
    except RecursionError:
        _unreadable(f"nested deeper than {depth} levels")
    if text.count("{") + text.count("[") <= depth and not _SUSPECT.search(text):
        # Nothing in it can be too deep, beyond the numbers, or no text: most bodies need not be walked.
        return
    for pointer, level, problem in _walk(document, "", 1, depth):
        if level > depth:
            _unreadable(f"nested deeper than {depth} levels at {pointer}")
        if problem:
            raise Problem(
                422,
                "invalid-field",
                "A field is wrong or missing",
                detail=f"{pointer}: {problem}",
                errors=[
                    FieldError(
                        field=pointer or "/",
                        problem=problem,
                        allowed=["text without U+0000 and without half surrogates"],
                    )
                ],
            )


def _walk(value: Any, pointer: str, level: int, depth: int) -> Iterator[tuple[str, int, str | None]]:  # noqa: ANN401  any JSON
    """Every list and object with its level, and every text that cannot be stored."""
    if isinstance(value, float) and not math.isfinite(value):
        _unreadable(f"the number at {pointer} is too large")
    if isinstance(value, str):
        if problem := _unstorable(value):
            yield pointer, level, problem
        return
    if not isinstance(value, dict | list):
        return
    yield pointer, level, None
    if level > depth:
        return
    parts = value.items() if isinstance(value, dict) else enumerate(value)
    for name, part in parts:
        if isinstance(name, str) and (problem := _unstorable(name)):
            yield pointer, level, f"a name: {problem}"
        yield from _walk(part, f"{pointer}/{_token(name)}", level + 1, depth)


def _token(name: object) -> str:
    return str(name).replace("~", "~0").replace("/", "~1")


def _unstorable(text: str) -> str | None:
    if "\x00" in text:
        return "holds U+0000"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "holds half a surrogate pair"
    return None


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        _unreadable(f"not UTF-8: byte {error.start} is 0x{body[error.start]:02x}")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) < len(pairs):
        seen: set[str] = set()
        repeated = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        _unreadable(f"the name {repeated[:80]!r} stands twice in one object")
    return names


_SUSPECT: Final = re.compile(r"\\u(?:0000|[dD][89a-fA-F])|[0-9][eE]|[0-9]{300}")
"""An escape for U+0000 or of a surrogate, a number with an exponent or very many digits; or a text like one."""


def _no_constant(name: str) -> Never:
    _unreadable(f"{name} is no JSON number")


def _unreadable(problem: str) -> Never:
    raise Problem(
        400,
        "malformed",
        "The body cannot be read",
        detail=f"The body cannot be read: {problem}.",
        errors=[FieldError(field="/", problem=problem, allowed=["JSON in UTF-8 (RFC 8259)"])],
    )


_READER: Final = json.JSONDecoder(parse_constant=_no_constant, object_pairs_hook=_object)
