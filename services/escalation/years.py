"""Counties whose calendar soon ends: a year that is missing stops clocks, so it is told sixty days before it begins."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Final

from services.escalation.ports import Playbooks
from shared.playbook.model import YEAR_SOON, Calendar, Playbook
from shared.runtime.clock import utc_now
from shared.runtime.waking import woken

LOOK_EVERY: Final = timedelta(minutes=1)
AGAIN_AFTER: Final = timedelta(days=1)

log = logging.getLogger(__name__)


class Years:
    """Hands on playbooks, and remembers the calendars of those that were asked for: of the counties in use here."""

    def __init__(self, playbooks: Playbooks, *, today: Callable[[], date] = lambda: utc_now().date()) -> None:
        self._playbooks = playbooks
        self._today = today
        self._calendars: dict[str, Calendar] = {}
        self._told: dict[str, date] = {}
        self._stopping = asyncio.Event()

    def of(self, area: str) -> Playbook:
        """The playbook in force for ``area``.

        Raises:
            UnknownCounty: none is in force.
        """
        playbook = self._playbooks.of(area)
        if self._calendars.get(playbook.county) is not playbook.calendar:
            self._calendars[playbook.county] = playbook.calendar
        return playbook

    @property
    def ending(self) -> Mapping[str, date | None]:
        """The counties in use whose known years end within sixty days, with their last day; None: they have ended."""
        today = self._today()
        known = {county: calendar.known_until(today) for county, calendar in self._calendars.items()}
        return {county: until for county, until in known.items() if until is None or until - today < YEAR_SOON}

    async def run(self) -> None:
        """Log each such county once a day, until ``stop``."""
        while not self._stopping.is_set():
            self.tell()
            await woken(self._stopping, within=LOOK_EVERY.total_seconds())

    def stop(self) -> None:
        """Tell nothing more."""
        self._stopping.set()

    def tell(self) -> None:
        """Log what was not logged within a day."""
        today = self._today()
        for county, until in self.ending.items():
            if county in self._told and today - self._told[county] < AGAIN_AFTER:
                continue
            self._told[county] = today
            if until is None:
                log.error("the calendar of %s does not know %d: no clock in working time can start", county, today.year)
            else:
                log.warning("the calendar of %s ends on %s: add the next year before then", county, until)
