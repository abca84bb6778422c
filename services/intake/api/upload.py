"""One upload of many reports: read, filed and answered line by line, with a bound on everything in between."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

import msgspec
from pydantic import ValidationError
from starlette.types import Message, Receive, Send

from services.intake.api.bodies.lines import LineBody
from services.intake.api.lines import LINE_BYTES, Lines
from services.intake.api.refusals import outage, problem_of
from services.intake.api.rooms import Rooms
from services.intake.domain.life.permissions import Bearer
from services.intake.handlers import Crowded, Reply
from services.intake.handlers.reports import accepted_before, begin_report
from shared.runtime.known_fields import described
from shared.runtime.problem import FieldError, Problem
from shared.runtime.problems import problem_of_refusal, problem_of_validation
from shared.vocabulary import Refused

LINES_UNDER_WAY: Final = 1000
"""Of one upload: five transactions are never short of them."""
ANSWERS_HELD_BYTES: Final = 4 * 1024 * 1024
"""What waits for a client that sends before it reads."""
LINES_AT_ONCE: Final = 16
"""Then whoever else is served has a turn: a line costs some 0.2 ms of this process."""
CROWDED_SECONDS: Final = 0.02
READ_SECONDS: Final = 60.0
"""A client that takes nothing for so long has left."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Line:
    """A line and, once it is known, its answer."""

    number: int
    answer: bytes | None = None


class Sender:
    """The response: begun with the first bytes of it."""

    def __init__(self, send: Send, start: Message) -> None:
        self._send = send
        self._start: Message | None = start

    async def write(self, body: bytes, *, more: bool = True) -> None:
        """Send ``body``.

        Raises:
            TimeoutError: the client takes nothing.
        """
        async with asyncio.timeout(READ_SECONDS):
            if self._start is not None:
                start, self._start = self._start, None
                await self._send(start)
            await self._send({"type": "http.response.body", "body": body, "more_body": more})


class Upload:
    """See the module; ``key`` is the request's own, from which lines without one get theirs."""

    def __init__(self, *, rooms: Rooms, bearer: Bearer, key: str | None) -> None:
        self._rooms = rooms
        self._bearer = bearer
        self._key = key
        self._lines: deque[_Line] = deque()
        self._under_way = 0
        self._held = 0
        self._tasks: set[asyncio.Task[Reply]] = set()
        self._moved = asyncio.Event()
        self._ready = asyncio.Event()
        self._ended = False

    async def run(self, receive: Receive, sender: Sender) -> None:
        """File every line that comes and answer it; returns when all that was begun has ended.

        A client that leaves loses no line that was whole: it is filed, and found again under its key.
        """
        writing = asyncio.create_task(self._write(sender), name="answers of a batch")
        reading = asyncio.create_task(self._read(receive), name="lines of a batch")
        try:
            # A client that takes no answers any more is read no further.
            await asyncio.wait([reading, writing], return_when=asyncio.FIRST_COMPLETED)
            if writing.done() and not reading.done():
                reading.cancel()
            with suppress(asyncio.CancelledError):
                await reading
            self._ended = True
            self._ready.set()
            await writing
        finally:
            reading.cancel()
            writing.cancel()
            while self._under_way:
                await self._movement()

    async def _read(self, receive: Receive) -> None:
        lines, begun = Lines(), 0
        try:
            async for chunk in _chunks(receive):
                for number, line in lines.feed(chunk) if chunk is not None else lines.close():
                    await self._room()
                    await self._begin(number, line)
                    begun += 1
                    if begun % LINES_AT_ONCE == 0:
                        await asyncio.sleep(0)
        except Problem as broken_off:
            self._answer(self._next(0), _problem_line(0, broken_off))

    async def _room(self) -> None:
        while self._under_way >= LINES_UNDER_WAY or self._held > ANSWERS_HELD_BYTES:
            await self._movement()

    async def _movement(self) -> None:
        self._moved.clear()
        await self._moved.wait()

    async def _begin(self, number: int, text: bytes | None) -> None:
        line = self._next(number)
        if text is None:
            self._answer(line, _problem_line(number, _too_long()))
            return
        try:
            body = LineBody.model_validate_json(text)
        except ValidationError as error:
            self._answer(line, _problem_line(number, _invalid(error)))
            return
        key = body.key or (None if self._key is None else f"{self._key}:{number}")
        report, doors = body.as_report(), self._rooms.doors
        try:
            future = await self._begun(partial(begin_report, report, bearer=self._bearer, client_key=key, doors=doors))
        except Refused as refusal:
            before = accepted_before(report, bearer=self._bearer, client_key=key, doors=doors)
            task = asyncio.create_task(_before_or(refusal, before))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            future = task
        except Exception as error:  # noqa: BLE001  an outage, or a fault: this line's, and the next is tried
            self._answer(line, self._failed(number, body.source, error))
            return
        self._under_way += 1
        future.add_done_callback(partial(self._done, line, body.source))

    async def _begun(self, begin: partial[asyncio.Future[Reply]]) -> asyncio.Future[Reply]:
        """The report under way, as soon as there is room for it."""
        while True:
            try:
                return begin()
            except Crowded:
                await asyncio.sleep(CROWDED_SECONDS)

    def _next(self, number: int) -> _Line:
        line = _Line(number)
        self._lines.append(line)
        return line

    def _done(self, line: _Line, source: str, future: asyncio.Future[Reply]) -> None:
        self._under_way -= 1
        error = asyncio.CancelledError() if future.cancelled() else future.exception()
        if error is None:
            self._answer(line, self._accepted(line.number, source, future.result()))
        else:
            self._answer(line, self._failed(line.number, source, error))

    def _answer(self, line: _Line, answer: bytes) -> None:
        line.answer = answer
        self._held += len(answer)
        self._moved.set()
        self._ready.set()

    def _accepted(self, number: int, source: str, reply: Reply) -> bytes:
        outcome, replayed = ("replayed", ',"replayed":true') if reply.replayed else ("accepted", "")
        self._rooms.metrics.reports.labels(source, outcome).inc()
        return f'{{"line":{number},"status":201{replayed},"report":{reply.body}}}\n'.encode()

    def _failed(self, number: int, source: str, error: BaseException) -> bytes:
        if isinstance(error, Refused):
            self._rooms.metrics.reports.labels(source, "refused").inc()
        return _problem_line(number, _problem_of(error))

    async def _write(self, sender: Sender) -> None:
        while not (self._ended and not self._lines):
            self._ready.clear()
            answers = self._take()
            if answers:
                await sender.write(b"".join(answers))
                self._held -= sum(map(len, answers))
                self._moved.set()
            elif not (self._ended and not self._lines):
                await self._ready.wait()
        await sender.write(b"", more=False)

    def _take(self) -> list[bytes]:
        """The answers that stand at the front, in the order of their lines."""
        answers: list[bytes] = []
        while self._lines and self._lines[0].answer is not None:
            answers.append(self._lines.popleft().answer or b"")
        return answers


async def _chunks(receive: Receive) -> AsyncIterator[bytes | None]:
    """The parts of the body, and None behind its end; nothing more when the client has left."""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        yield message.get("body", b"")
        if not message.get("more_body", False):
            yield None
            return


async def _before_or(refusal: Refused, before: Coroutine[None, None, Reply | None]) -> Reply:
    known = await before
    if known is None:
        raise refusal
    return known


def _problem_line(number: int, problem: Problem) -> bytes:
    answer = {"line": number, "status": problem.status, "problem": problem.body()}
    return msgspec.json.encode(answer) + b"\n"


def _problem_of(error: BaseException) -> Problem:
    if isinstance(error, Problem):
        return error
    if isinstance(error, Refused):
        return problem_of(error) or problem_of_refusal(error)
    away = outage(error) if isinstance(error, Exception) else "Intake"
    if away is None:
        log.error("a line of a batch failed", exc_info=error, extra={"event.name": "http.failed"})
        return Problem(500, "internal-error", "Something failed here", detail="The fault is on this side.")
    return Problem(503, "unavailable", "A part of the system is away", detail=f"{away} does not answer at the moment.")


def _invalid(error: ValidationError) -> Problem:
    found = error.errors(include_url=False)
    if found[0]["type"] == "json_invalid":
        problem = str(found[0]["msg"])
        errors = [FieldError(field="/", problem=problem, allowed=["one JSON object in UTF-8 (RFC 8259)"])]
        return Problem(400, "malformed", "The line cannot be read", detail=problem, errors=errors)
    return problem_of_validation(described([{**one, "loc": ("body", *one["loc"])} for one in found], LineBody))


def _too_long() -> Problem:
    return Problem(
        413, "too-large", "The line is too long", detail=f"A line may have {LINE_BYTES} bytes.", limit_bytes=LINE_BYTES
    )
