"""Clocks that are due and have not fired: how many, and how late the first of them is.

Looked at apart from the timers: whatever holds those up, what waits for them is seen.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Final, Protocol

from services.escalation.ports import Overdue
from shared.runtime.postgres import OUTAGES
from shared.runtime.waking import woken

LOOK_EVERY: Final = timedelta(seconds=5)
MOST_COUNTED: Final = 10_000
"""Of one lane and urgency; there may be a million."""

log = logging.getLogger(__name__)


class Clocks(Protocol):
    """Where clocks live."""

    async def overdue(self, *, most: int) -> Mapping[int, Overdue]:
        """See ``Store.overdue``."""


class OverdueWatch:
    """Looks every few seconds, whether or not anything fires."""

    def __init__(self, clocks: Clocks, *, every: timedelta = LOOK_EVERY) -> None:
        self._clocks = clocks
        self._every = every
        self._stopping = asyncio.Event()
        self.seen: Mapping[int, Overdue] = {}
        """By urgency, at the last look; while PostgreSQL is away nobody knows, and the last word stands."""

    async def run(self) -> None:
        """Look until ``stop``."""
        while not self._stopping.is_set():
            try:
                self.seen = await self._clocks.overdue(most=MOST_COUNTED)
            except OUTAGES as error:
                log.warning("nobody knows which clocks are overdue: %s: %s", type(error).__name__, error)
            await woken(self._stopping, within=self._every.total_seconds())

    def stop(self) -> None:
        """Look no more."""
        self._stopping.set()
