"""Edge in from time: looks for due clocks at their instant, at the latest every quarter of a second."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from services.escalation.handlers import FireReport, fire_due
from services.escalation.ports import Horizon, Store
from shared.runtime.clock import utc_now
from shared.runtime.postgres import OUTAGES
from shared.runtime.waking import woken

OUTAGE_PAUSE_SECONDS: Final = 1.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerSettings:
    """``most`` bounds one transaction; an uncapped scan can hold everything up for minutes."""

    most: int = 500
    tick: timedelta = timedelta(milliseconds=250)


class Timers:
    """Fires what is due, batch by batch, and sleeps until the next clock or a quarter of a second."""

    def __init__(
        self,
        store: Store,
        *,
        ask: Callable[[], Awaitable[Horizon]],
        fired: Callable[[FireReport], None],
        settings: TimerSettings | None = None,
    ) -> None:
        self._store = store
        self._ask = ask
        self._fired = fired
        self._settings = settings or TimerSettings()
        self._woken = asyncio.Event()
        self._stopping = False
        self.sleeps_until: datetime | None = None
        self.ticked = time.monotonic()
        self.outage: str | None = None

    def expect(self, at: datetime | None) -> None:
        """A clock now runs that is due at ``at``: wake for it if it comes before what was slept for."""
        if at is not None and (self.sleeps_until is None or at < self.sleeps_until):
            self._woken.set()

    async def run(self) -> None:
        """Fire until ``stop``; while PostgreSQL is away nothing fires, and afterwards it fires late and says so."""
        while not self._stopping:
            try:
                pause = await self._tick()
                self.outage = None
            except OUTAGES as error:
                self.outage = f"{type(error).__name__}: {error}"
                log.warning("the timers wait: %s", self.outage)
                pause = OUTAGE_PAUSE_SECONDS
            self.ticked = time.monotonic()
            await self._sleep(pause)

    def stop(self) -> None:
        """End after the batch in hand."""
        self._stopping = True
        self._woken.set()

    async def _tick(self) -> float:
        horizon = await self._ask()
        if not horizon.is_empty:
            report = await fire_due(store=self._store, horizon=horizon, most=self._settings.most)
            if report.taken:
                self._fired(report)
            if report.taken == self._settings.most:
                return 0
        due = await self._store.next_due()
        ahead = self._settings.tick if due is None else due - utc_now()
        # A clock that is due and was not taken waits for its facts or for another replica: a whole tick.
        pause = self._settings.tick if ahead <= timedelta() else min(ahead, self._settings.tick)
        self.sleeps_until = utc_now() + pause
        return pause.total_seconds()

    async def _sleep(self, seconds: float) -> None:
        if await woken(self._woken, within=seconds) and not self._stopping:
            self._woken.clear()
