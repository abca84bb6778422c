"""The steps of one report, live: whoever has its code hears of each as it is taken, wherever the report goes on."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from typing import Annotated, Final, Never
from uuid import UUID

import msgspec
from fastapi import APIRouter, Header, Response
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from services.notifier.api.door import Visitor
from services.notifier.api.responses import problems
from services.notifier.api.rooms import InRooms, Rooms
from services.notifier.api.stream import RETRY_MS, Cut, End, away, left, until_first
from services.notifier.api.track import Code, followed, track_view, without_steps
from services.notifier.channels.stream import Reader, TooManyStreams
from services.notifier.domain.audience import Filter, Scope
from services.notifier.domain.tracking import Step
from services.notifier.store.public import Followed
from shared.runtime.problems import Problem

ANYWHERE: Final = Scope(area="")
"""What is read from the feed here is only that something happened; what it was is read from what the public may see."""
QUEUE: Final = 50

router = APIRouter(prefix="/v1/track")


@router.get(
    "/{code}/stream",
    summary="Follow a report by its code, live",
    response_class=Response,
    responses={
        200: {
            "description": (
                "Server-sent events. `step`: one step (`id` to resume from), the earlier ones first; `status`: where "
                "the report stands, whenever that has changed; `goodbye`: the stream ends, come back. Between them "
                "comments keep the line open."
            ),
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        **problems(404, 422, 429, 503),
    },
)
async def stream(
    code: Code,
    rooms: InRooms,
    visitor: Visitor,
    last_event_id: Annotated[
        str | None, Header(alias="Last-Event-ID", description="The step after which to go on.", max_length=64)
    ] = None,
) -> Response:
    """Every step so far, then each as it is taken; a report that is merged or split goes on in the same stream."""
    found = await followed(code, rooms)
    if not rooms.hub.ready.is_set() or rooms.hub.closing.is_set():
        raise away("The live feed is not open at the moment.")
    try:
        rooms.hub.enter_public(visitor)
    except TooManyStreams as error:
        raise Problem(429, "too-many-streams", "Too many streams", str(error), headers={"Retry-After": "10"}) from error
    return TrackStream(rooms, code, visitor, found, after=_step_id(last_event_id))


def _step_id(text: str | None) -> UUID | None:
    """The step that the reader has read; whatever is no step's id begins anew."""
    try:
        return None if text is None else UUID(text.strip())
    except ValueError:
        return None


class TrackStream(Response):
    """One visitor's stream from its first byte to its last; gives its place back whatever happens."""

    media_type = "text/event-stream"

    def __init__(self, rooms: Rooms, code: str, visitor: str, found: Followed, *, after: UUID | None) -> None:
        super().__init__()
        del self.headers["content-length"]
        self.headers["cache-control"] = "no-store, no-transform"
        self.headers["x-accel-buffering"] = "no"
        self._rooms = rooms
        self._code = code
        self._visitor = visitor
        self._found = found
        self._after = after

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:  # noqa: ARG002  ASGI's signature
        """Stream until the visitor leaves, is too slow, or the service stops."""
        writer = _Writer(self._rooms, self._code, self._found, send, after=self._after)
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            end = await until_first(writer.run(), left(receive))
        finally:
            self._rooms.hub.part(writer.reader)
            self._rooms.hub.leave_public(self._visitor)
        self._rooms.metrics.stream_ends.labels(end.value).inc()


class _Writer:
    """Writes one stream; wakes by the feed, reads what the public may see."""

    def __init__(self, rooms: Rooms, code: str, found: Followed, send: Send, *, after: UUID | None) -> None:
        self._rooms = rooms
        self._hub = rooms.hub
        self._code = code
        self._found = found
        self._send = send
        self._after = after
        self._sent: set[UUID] = set()
        self._said = b""
        self._watched: UUID | None = None
        self.reader = Reader(ANYWHERE, Filter(), most=QUEUE)

    async def run(self) -> End:
        """Write until the stream must end, and say how it ended."""
        try:
            await self._write(f"retry: {RETRY_MS}\n\n".encode())
            await self._catch_up()
            await self._follow()
        except Cut as cut:
            await self._goodbye(cut.end)
            return cut.end
        except Exception:  # noqa: BLE001  the reader comes back by itself when the database is back
            await self._goodbye(End.FAILED)
            return End.FAILED

    async def _catch_up(self) -> None:
        """Watch before reading, so that nothing falls between; a report that moved on is watched where it is now."""
        while self._watched != self._found.watch:
            self._watch(self._found.watch)
            self._found = await followed(self._code, self._rooms)
        await self._tell()

    def _watch(self, case_id: UUID) -> None:
        self._hub.part(self.reader)
        self.reader = Reader(ANYWHERE, Filter(case_id=case_id), most=QUEUE)
        self._hub.join(self.reader, 0)
        self._watched = case_id

    async def _tell(self) -> None:
        steps = list(self._found.steps)
        if self._after is not None:
            read = next((number for number, step in enumerate(steps) if step.event_id == self._after), -1)
            self._sent.update(step.event_id for step in steps[: read + 1])
            self._after = None
        for step in steps:
            if step.event_id not in self._sent:
                await self._step(step)
        await self._say_status()

    async def _say_status(self) -> None:
        view = without_steps(track_view(self._found, self._rooms))
        said = msgspec.json.encode(replace(view, now=view.updated_at))
        if said != self._said:
            self._said = said
            await self._write(b"event: status\ndata: %s\n\n" % msgspec.json.encode(view))

    async def _step(self, step: Step) -> None:
        await self._write(
            b"id: %s\nevent: step\ndata: %s\n\n" % (str(step.event_id).encode(), msgspec.json.encode(step))
        )
        self._sent.add(step.event_id)

    async def _follow(self) -> Never:
        while True:
            woken = await self.reader.take(self._rooms.settings.heartbeat_seconds)
            if self._hub.closing.is_set():
                raise Cut(End.STOPPING)
            if not woken and not self.reader.overrun:
                await self._write(b": still here\n\n")
                continue
            if self.reader.overrun:
                # What came is read again as a whole, so nothing is lost by a queue that ran over.
                self._watched = None
            self._found = await followed(self._code, self._rooms)
            await self._catch_up()

    async def _goodbye(self, end: End) -> None:
        if end is End.STOPPING:
            await asyncio.sleep(random.random() * self._rooms.settings.stop_seconds)  # noqa: S311  a spread, no secret
        try:
            await self._write(b"event: goodbye\ndata: %s\n\n" % msgspec.json.encode({"reason": end.value}))
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        except Cut:
            return

    async def _write(self, body: bytes) -> None:
        try:
            async with asyncio.timeout(self._rooms.settings.stream_write_seconds):
                await self._send({"type": "http.response.body", "body": body, "more_body": True})
        except TimeoutError as error:
            raise Cut(End.SLOW) from error
