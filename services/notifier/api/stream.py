"""The live stream as server-sent events: history from a position, then live, with no gap and no double between."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Annotated, Final, Never

import msgspec
from fastapi import APIRouter, Header, Query, Request, Response
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from services.notifier.api.filters import (
    AreaQuery,
    Asked,
    CaseQuery,
    CategoryQuery,
    DepartmentQuery,
    LevelQuery,
    ModeQuery,
    PurposeQuery,
    SeverityQuery,
    TypeQuery,
)
from services.notifier.api.responses import problems
from services.notifier.api.rooms import READERS, InRooms, Rooms, scope_of
from services.notifier.api.rooms import Reader as Bearer
from services.notifier.channels.stream import PAGE, Reader, TooManyStreams, frame_of
from services.notifier.domain.audience import Filter
from shared.runtime.auth import Principal
from shared.runtime.bearer import who
from shared.runtime.problems import Problem
from shared.vocabulary import Refused

RETRY_MS: Final = 2000

router = APIRouter(prefix="/v1")


@router.get(
    "/stream",
    summary="Listen, live",
    response_class=Response,
    responses={
        200: {
            "description": (
                "Server-sent events. `id` is the position to resume from, `event` the event's type, `data` JSON: the "
                "event, and the case's line after it. Besides: `live` (history is over), `heartbeat` (with the "
                "server's clock), `resync` (the position cannot be resumed: read `/v1/cases` anew), `goodbye` (the "
                "stream ends; says why)."
            ),
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        **problems(401, 403, 422, 429, 503),
    },
)
async def stream(  # noqa: PLR0913  each is one filter
    request: Request,
    rooms: InRooms,
    bearer: Bearer,
    *,
    area: AreaQuery = None,
    level: LevelQuery = (),
    category: CategoryQuery = (),
    severity: SeverityQuery = (),
    type: TypeQuery = (),  # noqa: A002  the parameter's name in the URL
    department: DepartmentQuery = (),
    purpose: PurposeQuery = (),
    mode: ModeQuery = (),
    case: CaseQuery = None,
    after: Annotated[
        int | None,
        Query(
            ge=0,
            le=2**63 - 1,
            description="Resume after this position. 0 = everything that is still kept; absent = only what is new.",
        ),
    ] = None,
    last_event_id: Annotated[
        str | None, Header(alias="Last-Event-ID", description="The same, as a browser sends it; it wins over `after`.")
    ] = None,
) -> Response:
    """Everything this key may see and the filters ask for, from `after` on, then live, in the order of positions."""
    asked = Asked(
        area=area,
        level=level,
        category=category,
        severity=severity,
        type=type,
        department=department,
        case=case,
        purpose=purpose,
        mode=mode,
    )
    chosen = asked.filter(bearer)
    position = _resume_from(last_event_id, after)
    if not rooms.hub.ready.is_set() or rooms.hub.closing.is_set():
        raise away("The live feed is not open at the moment.")
    try:
        rooms.hub.enter(bearer.key_id)
    except TooManyStreams as error:
        raise Problem(429, "too-many-streams", "Too many streams", str(error), headers={"Retry-After": "10"}) from error
    return EventStream(_Listening(rooms=rooms, request=request, bearer=bearer, asked=chosen, after=position))


def _resume_from(last_event_id: str | None, after: int | None) -> int | None:
    if last_event_id is None or not last_event_id.strip():
        return after
    text = last_event_id.strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 18):  # noqa: PLR2004  what a bigint holds
        raise Refused("this is no position", field="Last-Event-ID", allowed=["the `id` of an event of this stream"])
    return int(text)


def away(detail: str) -> Problem:
    """503, with when to come again."""
    return Problem(503, "unavailable", "A part of the system is away", detail, headers={"Retry-After": "3"})


@unique
class End(StrEnum):
    """Why a stream ended."""

    LEFT = "left"
    SLOW = "slow"
    STOPPING = "stopping"
    KEY = "key"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listening:
    rooms: Rooms
    request: Request
    bearer: Principal
    asked: Filter
    after: int | None

    def still_allowed(self) -> bool:
        """Say whether the key is still good, and still for the same."""
        try:
            return who(self.rooms.keyring, self.request, *READERS) == self.bearer
        except Refused:
            return False


class EventStream(Response):
    """One stream from its first byte to its last; gives its place back whatever happens."""

    media_type = "text/event-stream"

    def __init__(self, listening: _Listening) -> None:
        super().__init__()
        del self.headers["content-length"]
        self.headers["cache-control"] = "no-store, no-transform"
        self.headers["x-accel-buffering"] = "no"
        self._listening = listening

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:  # noqa: ARG002  ASGI's signature
        """Stream until the reader leaves, is too slow, or the service stops."""
        rooms = self._listening.rooms
        writer = _Writer(self._listening, send)
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            end = await until_first(writer.run(), left(receive))
        finally:
            rooms.hub.part(writer.reader)
            rooms.hub.leave(self._listening.bearer.key_id)
        rooms.metrics.stream_ends.labels(end.value).inc()


async def until_first(writing: Awaitable[End], leaving: Awaitable[End]) -> End:
    """How a stream ended: by what it wrote, or because its reader left."""
    tasks = [asyncio.ensure_future(writing), asyncio.ensure_future(leaving)]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return next(iter(done)).result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def left(receive: Receive) -> End:
    """Wait until the reader has left."""
    while (await receive())["type"] != "http.disconnect":
        pass
    return End.LEFT


class Cut(Exception):  # noqa: N818  how a stream ends from inside
    """A stream must end; says how."""

    def __init__(self, end: End) -> None:
        super().__init__(end)
        self.end = end


class _Writer:
    """Writes one stream."""

    def __init__(self, listening: _Listening, send: Send) -> None:
        self._listening = listening
        self._rooms = listening.rooms
        self._hub = listening.rooms.hub
        self._send = send
        self._checked = time.monotonic()
        self._cursor = 0
        self.reader = Reader(scope_of(listening.bearer), listening.asked, most=listening.rooms.settings.stream_queue)

    async def run(self) -> End:
        """Write until the stream must end, and say why."""
        try:
            await self._write(f"retry: {RETRY_MS}\n\n".encode())
            await self._begin()
            await self._catch_up()
            await self._say("live", position=self._cursor)
            await self._follow()
        except Cut as cut:
            await self._goodbye(cut.end)
            return cut.end
        except Exception:  # noqa: BLE001  the reader resumes from its last id when the database is back
            await self._goodbye(End.FAILED)
            return End.FAILED

    async def _begin(self) -> None:
        """Set the cursor; a position that cannot be resumed is said, and the stream goes on from now."""
        bounds = await self._rooms.feed.bounds()
        asked = self._listening.after
        if asked is None:
            self._cursor = bounds.latest
        elif asked == 0:
            self._cursor = bounds.floor
        elif bounds.floor <= asked <= bounds.latest:
            self._cursor = asked
        else:
            self._cursor = bounds.latest
            why = "too_old" if asked < bounds.floor else "ahead"
            await self._resync(why, asked=asked, floor=bounds.floor)

    async def _catch_up(self) -> None:
        """Send history page by page, then join the hub and send what lies between."""
        while await self._page(upto=self._hub.position):
            self._check()
        # From here on the hub keeps for us what comes after; what comes before it is in the database.
        joined_at = self._hub.join(self.reader, self._cursor)
        while await self._page(upto=joined_at):
            self._check()
        self._cursor = max(self._cursor, joined_at)

    async def _page(self, *, upto: int) -> bool:
        """Send one page of history; False when there is no more up to ``upto``."""
        if self._cursor >= upto:
            return False
        page = await self._rooms.feed.history(
            self._cursor, upto, scope=self.reader.scope, asked=self.reader.asked, most=PAGE
        )
        if page.floor > self._cursor:
            await self._resync("too_old", asked=self._cursor, floor=page.floor)
        if page.rows:
            await self._write(b"".join(frame_of(row).text_for(self.reader.scope) for row in page.rows))
        full = len(page.rows) >= PAGE
        self._cursor = page.rows[-1].position if full else upto
        return full

    async def _follow(self) -> Never:
        beat = self._rooms.settings.heartbeat_seconds
        while True:
            frames = await self.reader.take(beat)
            if frames:
                await self._write(b"".join(frame.text_for(self.reader.scope) for frame in frames))
                self._cursor = frames[-1].position
            if self.reader.overrun:
                raise Cut(End.SLOW)
            self._check()
            if not frames:
                # An empty queue means that everything up to the reader's position has been sent or was not for it.
                self._cursor = max(self._cursor, self.reader.position)
                await self._say("heartbeat", position=self._cursor)

    def _check(self) -> None:
        if self._hub.closing.is_set():
            raise Cut(End.STOPPING)
        if time.monotonic() - self._checked >= self._rooms.settings.heartbeat_seconds:
            self._checked = time.monotonic()
            if not self._listening.still_allowed():
                raise Cut(End.KEY)

    async def _resync(self, why: str, *, asked: int, floor: int) -> None:
        await self._say("resync", position=self._cursor, reason=why, asked=asked, floor=floor)

    async def _goodbye(self, end: End) -> None:
        if end is End.STOPPING:
            # Ends are spread, and so are the returns, or every reader of a replica comes to the next one at once.
            await asyncio.sleep(random.random() * self._rooms.settings.stop_seconds)  # noqa: S311  a spread, no secret
        try:
            await self._say("goodbye", position=self._cursor, reason=end.value)
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        except Cut:
            return

    async def _say(self, event: str, *, position: int, **more: object) -> None:
        data = msgspec.json.encode({"position": position, "now": self._rooms.clock(), **more})
        await self._write(b"id: %d\nevent: %s\ndata: %s\n\n" % (position, event.encode(), data))

    async def _write(self, body: bytes) -> None:
        try:
            async with asyncio.timeout(self._rooms.settings.stream_write_seconds):
                await self._send({"type": "http.response.body", "body": body, "more_body": True})
        except TimeoutError as error:
            raise Cut(End.SLOW) from error
