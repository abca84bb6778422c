"""The hub of the live stream: follows the feed once for all readers of this process.

History comes from the database up to the hub's position, everything after it from the hub: the two
meet at one position with no await between, so nothing is missed and nothing comes twice.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from services.notifier.domain.audience import Facets, Filter, Scope, hears, hears_of

log = logging.getLogger(__name__)

PAGE: Final = 500
AGAIN_SECONDS: Final = 1.0
_VISITOR: Final = "visitor "
"""No key's id begins so."""


class Row(Protocol):
    """One event of the feed."""

    @property
    def position(self) -> int: ...
    @property
    def facets(self) -> Facets: ...
    @property
    def data(self) -> str: ...
    @property
    def circular(self) -> str | None: ...


class Limits(Protocol):
    """The floor and the newest position of the feed."""

    @property
    def floor(self) -> int: ...
    @property
    def latest(self) -> int: ...


class Feed(Protocol):
    """Where the hub reads on."""

    async def bounds(self) -> Limits:
        """Return the floor and the newest position."""

    async def after(self, position: int, *, most: int) -> Sequence[Row]:
        """Return the next rows after ``position``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One event in the bytes that every reader gets; made once, shared by all.

    Of a circular, those who may not see its case get ``thin`` instead.
    """

    position: int
    facets: Facets
    text: bytes
    thin: bytes = b""

    def text_for(self, scope: Scope) -> bytes:
        """The bytes for a reader who hears it."""
        return self.thin if hears_of(scope, self.facets) else self.text


def frame_of(row: Row) -> Frame:
    """Return ``row`` as a server-sent event."""
    thin = b"" if row.circular is None else _sent(row, row.circular)
    return Frame(position=row.position, facets=row.facets, text=_sent(row, row.data), thin=thin)


def _sent(row: Row, data: str) -> bytes:
    return f"id: {row.position}\nevent: {row.facets.type}\ndata: {data}\n\n".encode()


class TooManyStreams(Exception):  # noqa: N818  named for what the caller did
    """The key, or the whole process, has as many streams as it may have."""


class Reader:
    """One listener: what it may hear, and a bounded queue of what it has not read yet."""

    def __init__(self, scope: Scope, asked: Filter, *, most: int) -> None:
        self.scope = scope
        self.asked = asked
        self.position = 0
        """Everything at or before it is in the queue, or was not for this reader."""
        self.overrun = False
        """It read too slowly and has been cut off; it can resume from the last id that it got."""
        self._most = most
        self._waiting: deque[Frame] = deque()
        self._wake = asyncio.Event()

    def hand(self, frame: Frame) -> None:
        """Queue ``frame`` when it is for this reader and it has not had it from history."""
        if frame.position <= self.position:
            return
        if hears(self.scope, self.asked, frame.facets):
            if len(self._waiting) >= self._most:
                self.overrun = True
                self._waiting.clear()
            if not self.overrun:
                self._waiting.append(frame)
            self._wake.set()
        self.position = frame.position

    def wake(self) -> None:
        """Let ``take`` return."""
        self._wake.set()

    async def take(self, wait_seconds: float) -> list[Frame]:
        """Return what waits, after at most ``wait_seconds``."""
        if not self._waiting and not self.overrun:
            try:
                async with asyncio.timeout(wait_seconds):
                    await self._wake.wait()
            except TimeoutError:
                return []
        self._wake.clear()
        taken = list(self._waiting)
        self._waiting.clear()
        return taken


class Hub:
    """Reads the feed on and hands each row to every reader that may and wants to hear it."""

    def __init__(
        self, feed: Feed, *, poll_seconds: float, most_streams: int, most_each: int, most_public: int = 300
    ) -> None:
        self._feed = feed
        self._poll_seconds = poll_seconds
        self._most_streams = most_streams
        self._most_public = most_public
        self._public = 0
        self._most_each = most_each
        self._readers: set[Reader] = set()
        self._held: Counter[str] = Counter()
        self._new = asyncio.Event()
        self.position = 0
        """The newest position that has been handed out."""
        self.ready = asyncio.Event()
        self.closing = asyncio.Event()
        self.empty = asyncio.Event()
        """Set while no stream is open."""
        self.empty.set()
        self.frames = 0
        self.failing: str | None = None

    @property
    def streams(self) -> int:
        """How many streams are open."""
        return sum(self._held.values())

    def notice(self) -> None:
        """Look at the feed now: something was appended."""
        self._new.set()

    async def run(self) -> None:
        """Follow the feed until cancelled; an outage of the database is sat out."""
        while True:
            try:
                if not self.ready.is_set():
                    self.position = (await self._feed.bounds()).latest
                    self.ready.set()
                self._new.clear()
                rows = await self._feed.after(self.position, most=PAGE)
                self.failing = None
            except Exception as error:  # noqa: BLE001  whatever it is, the streams stay open and go on after it
                self.failing = f"{type(error).__name__}: {error}"
                log.warning("the feed cannot be read: %s", self.failing)
                await asyncio.sleep(AGAIN_SECONDS)
                continue
            self._hand_out(rows)
            if len(rows) < PAGE:
                await self._pause()
            else:
                await asyncio.sleep(0)

    def _hand_out(self, rows: Sequence[Row]) -> None:
        for row in rows:
            frame = frame_of(row)
            self.frames += 1
            for reader in self._readers:
                reader.hand(frame)
            self.position = row.position

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(self._poll_seconds):
                await self._new.wait()
        except TimeoutError:
            return

    def enter(self, key_id: str) -> None:
        """Take a place for one stream of ``key_id``; give it back with ``leave``.

        Raises:
            TooManyStreams: when there is none left.
        """
        if self._held[key_id] >= self._most_each:
            raise TooManyStreams(f"this key or address has {self._most_each} open streams: all it may have")
        if self.streams >= self._most_streams:
            raise TooManyStreams(f"{self._most_streams} streams are open here, which is all there may be")
        self._held[key_id] += 1
        self.empty.clear()

    def enter_public(self, address: str) -> None:
        """Take a place for one stream of ``address``, who shows no key; give it back with ``leave_public``.

        Those with keys keep the rest: a crowd of visitors never takes the last place of a desk.

        Raises:
            TooManyStreams: when there is none left for visitors.
        """
        if self._public >= self._most_public:
            raise TooManyStreams(f"{self._most_public} visitors are listening, which is all there may be")
        self.enter(f"{_VISITOR}{address}")
        self._public += 1

    def leave_public(self, address: str) -> None:
        """Give the place of one visitor's stream back."""
        self._public -= 1
        self.leave(f"{_VISITOR}{address}")

    def leave(self, key_id: str) -> None:
        """Give the place of one stream back."""
        self._held[key_id] -= 1
        if self._held[key_id] <= 0:
            del self._held[key_id]
        if not self._held:
            self.empty.set()

    def join(self, reader: Reader, cursor: int) -> int:
        """Hand everything after the returned position to ``reader`` from now on.

        ``cursor`` is how far it has read history; it may be ahead of this hub when another process was faster.
        """
        reader.position = max(self.position, cursor)
        self._readers.add(reader)
        return reader.position

    def part(self, reader: Reader) -> None:
        """Hand nothing more to ``reader``."""
        self._readers.discard(reader)

    def close(self) -> None:
        """Ask every stream to end."""
        self.closing.set()
        for reader in self._readers:
            reader.wake()
