"""Edge in from time: cases that ended long ago leave with their clocks, so that the tables keep their size.

What happened to them stands in the log of events, which keeps it for ever. A case of which something is told after it
left begins anew with that: reopened, it has its clocks from the reopening on (docs/decisions/0031).
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from shared.runtime.postgres import OUTAGES
from shared.runtime.waking import woken

log = logging.getLogger(__name__)


class Slice(Protocol):
    """What one slice came to."""

    @property
    def gone(self) -> int:
        """Cases that left."""

    @property
    def more(self) -> bool:
        """Whether the lane may have more."""


class Leaving(Protocol):
    """Where cases leave from."""

    async def partitions(self) -> list[int]:
        """The lanes that cases lie in."""

    async def leave(self, partition: int, *, older: timedelta, most: int) -> Slice:
        """Let cases of a lane go that ended before ``older``, at most ``most``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeavingSettings:
    """Ended cases stay for ``keep``; a slice of ``most`` holds its lane for some hundredths of a second."""

    keep: timedelta = timedelta(days=30)
    most: int = 200
    pause: timedelta = timedelta(milliseconds=100)
    """Between two slices: folds go first."""
    every: timedelta = timedelta(minutes=1)
    slices: int = 100
    """Of one lane in one round at most; the next round goes on."""


class EndedCases:
    """Lets ended cases go, lane after lane."""

    def __init__(self, store: Leaving, *, settings: LeavingSettings | None = None) -> None:
        self._store = store
        self._settings = settings or LeavingSettings()
        self._stopping = asyncio.Event()
        self.gone = 0

    async def run(self) -> None:
        """Look until ``stop``; an outage of PostgreSQL is sat out."""
        while not self._stopping.is_set():
            try:
                await self.round()
            except OUTAGES as error:
                log.warning("ended cases stay: %s: %s", type(error).__name__, error)
            await self._rest(self._settings.every)

    def stop(self) -> None:
        """End after the slice in hand."""
        self._stopping.set()

    async def round(self) -> int:
        """Go through every lane once; how many cases left."""
        before = self.gone
        for partition in await self._store.partitions():
            await self._lane(partition)
        return self.gone - before

    async def _lane(self, partition: int) -> None:
        settings = self._settings
        for _ in range(settings.slices):
            if self._stopping.is_set():
                return
            done = await self._store.leave(partition, older=settings.keep, most=settings.most)
            self.gone += done.gone
            if not done.more:
                return
            await self._rest(settings.pause)

    async def _rest(self, pause: timedelta) -> None:
        await woken(self._stopping, within=pause.total_seconds())
