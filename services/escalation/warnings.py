"""Edge in from the counts: counties with new reports are looked at for what is more than usual (风险预警)."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

from services.escalation.domain.warning.episodes import End, Raise
from services.escalation.domain.warning.usual import KEPT
from services.escalation.handlers.pasts import Pasts
from services.escalation.handlers.warning import WatchReport, watch_county
from services.escalation.warning_ports import Playbooks, WarningStore
from shared.playbook.shelf import UnknownCounty
from shared.runtime.postgres import OUTAGES
from shared.runtime.waking import woken

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchSettings:
    """How often fresh reports and standing warnings are looked at, and how much at a time."""

    every: timedelta = timedelta(seconds=5)
    standing: timedelta = timedelta(minutes=1)
    most: int = 200
    """Counties that one turn takes."""
    rest: float = 9.0
    """After a look as many times as long as it took is rested, so that it takes no more than a tenth of a core from the
    clocks; a warning may come later for it, a clock may not."""
    longest_rest: timedelta = timedelta(minutes=1)
    forget_every: timedelta = timedelta(minutes=10)
    forget_most: int = 20_000
    """Rows that one turn of forgetting deletes of each table."""


class Watch:
    """Looks at each county whose counts have changed; one replica at a time looks at a county."""

    def __init__(self, store: WarningStore, *, playbooks: Playbooks, settings: WatchSettings | None = None) -> None:
        self._store = store
        self._playbooks = playbooks
        self._settings = settings or WatchSettings()
        self._pasts = Pasts()
        self._forgot = float("-inf")
        self._stopping = asyncio.Event()
        self.looked = 0
        self.changes: Counter[str] = Counter()

    async def run(self) -> None:
        """Look until ``stop``; while PostgreSQL is away nothing is raised, and afterwards it is."""
        while not self._stopping.is_set():
            try:
                await self.turn()
                await self._forget()
            except OUTAGES as error:
                log.warning("counts are not looked at: %s: %s", type(error).__name__, error)
            await self._pause(self._settings.every)

    def stop(self) -> None:
        """End after the county in hand."""
        self._stopping.set()

    async def turn(self) -> None:
        """Look at the counties that have something new, each until nothing fresh is left."""
        waiting = await self._store.counties(again_after=self._settings.standing, most=self._settings.most)
        for county in waiting:
            while not self._stopping.is_set():
                began = time.monotonic()
                report = await self._look(county)
                took = timedelta(seconds=time.monotonic() - began)
                await self._pause(min(took * self._settings.rest, self._settings.longest_rest))
                if not report.more:
                    break

    async def _pause(self, pause: timedelta) -> None:
        await woken(self._stopping, within=pause.total_seconds())

    async def _look(self, county: str) -> WatchReport:
        try:
            playbook = self._playbooks.of(county)
        except UnknownCounty:
            # Its reports wait until its playbook is here.
            return WatchReport()
        report = await watch_county(county, store=self._store, playbook=playbook, pasts=self._pasts)
        self.looked += report.looked
        for change in report.changes:
            word = "raised" if isinstance(change, Raise) else "ended" if isinstance(change, End) else "updated"
            self.changes[word] += 1
            log.info("warning %s %s: %s in %s", change.episode.warning_id, word, change.episode.rule, county)
        return report

    async def _forget(self) -> None:
        now = time.monotonic()
        if now - self._forgot < self._settings.forget_every.total_seconds():
            return
        gone = await self._store.forget(older_than=KEPT, most=self._settings.forget_most)
        # A full slice was taken: more waits.
        self._forgot = float("-inf") if gone >= self._settings.forget_most else now
