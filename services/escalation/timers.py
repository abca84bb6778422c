"""Edge in from time: looks for due clocks at their instant; nothing is asked of PostgreSQL while nothing is due.

What the timers sleep until is the database's time, whatever this host's clock shows.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from services.escalation.handlers import FireReport, fire_due
from services.escalation.ports import Horizon, Playbooks, Store
from shared.runtime.postgres import OUTAGES
from shared.runtime.waking import woken

OUTAGE_PAUSE_SECONDS: Final = 1.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerSettings:
    """``most`` bounds one transaction; an uncapped scan can hold everything up for minutes.

    ``tick`` is the longest pause while something is due that may not fire yet, or nothing may at all; ``soonest`` the
    first of the former, each doubles the one before. ``idle`` is the longest pause in any case: a clock may be written
    by another process, and the ends of the log are asked for as often, and never more often than ``ask_every``.
    """

    most: int = 500
    tick: timedelta = timedelta(milliseconds=250)
    soonest: timedelta = timedelta(milliseconds=20)
    idle: timedelta = timedelta(seconds=1)
    ask_every: timedelta = timedelta(milliseconds=50)


class Timers:
    """Fires what is due, batch by batch, and sleeps until the next clock."""

    def __init__(
        self,
        store: Store,
        *,
        playbooks: Playbooks,
        ask: Callable[[], Awaitable[Horizon]],
        fired: Callable[[FireReport], None],
        settings: TimerSettings | None = None,
    ) -> None:
        self._store = store
        self._playbooks = playbooks
        self._ask = ask
        self._fired = fired
        self._settings = settings or TimerSettings()
        self._woken = asyncio.Event()
        self._stopping = False
        self._waited = 0
        self._asked = float("-inf")
        self._known: Horizon | None = None
        self._expected: list[datetime] = []
        self.sleeps_until: datetime | None = None
        """By the database's time; None while awake."""
        self.ticked = time.monotonic()
        self.outage: str | None = None

    def expect(self, at: datetime | None) -> None:
        """A clock now runs that is due at ``at``: wake for it if it comes before what was slept for."""
        if at is None:
            return
        if self.sleeps_until is None:
            self._expected = [min(at, *self._expected)] if self._expected else [at]
        elif at < self.sleeps_until:
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
        self.sleeps_until, self._expected = None, []
        horizon = await self._horizon()
        outlook = await self._store.next_due(horizon)
        ahead = outlook.ahead
        if ahead is not None and ahead <= timedelta():
            pause = await self._fire(horizon)
        else:
            self._waited = 0
            # Until the group has given partitions a clock may be due that is not seen: it is not to wait for long then.
            longest = self._settings.tick if horizon.is_empty else self._settings.idle
            pause = longest if ahead is None else min(ahead, longest)
        # One that was committed while this look was under way may not have been seen by it.
        pause = min([pause, *(max(at - outlook.now, timedelta()) for at in self._expected)])
        self.sleeps_until = outlook.now + pause
        return pause.total_seconds()

    async def _horizon(self) -> Horizon:
        """Until when the facts are whole; what was just asked for is only older."""
        now = time.monotonic()
        if self._known is None or now - self._asked >= self._settings.ask_every.total_seconds():
            self._known, self._asked = await self._ask(), now
        return self._known

    async def _fire(self, horizon: Horizon) -> timedelta:
        """Fire what is due, batch by batch; the pause is nothing when anything was taken, else until it may fire."""
        taken = 0
        while not (horizon.is_empty or self._stopping):
            report = await fire_due(
                store=self._store, playbooks=self._playbooks, horizon=horizon, most=self._settings.most
            )
            taken += report.taken
            if report.taken:
                self._fired(report)
            if report.taken < self._settings.most:
                break
            self.ticked, horizon = time.monotonic(), await self._horizon()
        if not taken:
            return self._unsettled()
        self._waited = 0
        return timedelta()

    def _unsettled(self) -> timedelta:
        """Something is due and waits for its facts, or for another replica: a moment, then longer and longer."""
        pause = min(self._settings.soonest * (1 << self._waited), self._settings.tick)
        self._waited = min(self._waited + 1, 16)
        return pause

    async def _sleep(self, seconds: float) -> None:
        if seconds <= 0:
            # Whoever fires a backlog leaves the loop to the others between two batches.
            await asyncio.sleep(0)
        elif await woken(self._woken, within=seconds) and not self._stopping:
            self._woken.clear()
