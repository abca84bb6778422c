"""What the days before tell, read once: a county's figures, and the histories that windows are held against."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from services.escalation.domain.warning.replay import days_known, history_of
from services.escalation.domain.warning.rounds import Asked, Past
from services.escalation.domain.warning.usual import LEAST_DAYS, History
from services.escalation.warning_ports import CountyPast, Watching

Key = TypeVar("Key")
T = TypeVar("T")

MOST_AT_ONCE: Final = 32
"""Histories that are read before it is asked anew which are needed: a warning that is raised spares those after it."""


class Pasts:
    """Counties' figures and subjects' histories of the day, the lately used at hand; reckoned anew each local day."""

    def __init__(self, *, most: int = 512, most_histories: int = 4096) -> None:
        self._most = most
        self._most_histories = most_histories
        self._counties: OrderedDict[str, tuple[date, CountyPast]] = OrderedDict()
        self._histories: OrderedDict[tuple[date, Asked], History] = OrderedDict()

    async def of(self, county: str, watching: Watching, today: date, zone: ZoneInfo) -> CountyPast:
        """The figures of ``county`` on ``today``."""
        day, past = self._counties.get(county, (None, None))
        if past is None or day != today:
            past = await watching.past(today, zone)
            self._counties[county] = today, past
        _newest(self._counties, county, most=self._most)
        return past

    def history(self, today: date, asked: Asked) -> History | None:
        """A history that was read on ``today``; None when it was not, or long ago."""
        return self._histories.get((today, asked))

    def keep(self, today: date, asked: Asked, history: History) -> None:
        """Have a history at hand for the rest of ``today``."""
        self._histories[today, asked] = history
        _newest(self._histories, (today, asked), most=self._most_histories)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One round's way to the past of its county."""

    watching: Watching
    pasts: Pasts
    county: CountyPast
    today: date
    zone: ZoneInfo

    async def of(self, decide: Callable[[Past], T]) -> T:
        """What ``decide`` comes to, off the loop, when it has every history that it asks for.

        It is asked again, a few histories further each time: only those are read that something depends on.
        """
        known: dict[Asked, History] = {}
        while True:
            missing: dict[Asked, None] = {}

            def history(asked: Asked, missing: dict[Asked, None] = missing) -> History | None:
                found = known.get(asked) or self.pasts.history(self.today, asked)
                if found is None:
                    missing[asked] = None
                return found

            past = Past(season=self.county.figures.season, history=history, zone=self.zone)
            decided = await asyncio.to_thread(decide, past)
            if not missing:
                return decided
            for asked in islice(missing, MOST_AT_ONCE):
                known[asked] = await self._read(asked)
                self.pasts.keep(self.today, asked, known[asked])

    async def _read(self, asked: Asked) -> History:
        county = self.county
        # Of a county that is known for some days only nobody can say what is usual: its counts are not read.
        few = days_known(asked.end, first=county.first) < LEAST_DAYS
        counts = {} if few else await self.watching.counts(asked, self.zone)
        return history_of(counts, asked, county.figures, first=county.first)


def _newest(held: OrderedDict[Key, T], key: Key, *, most: int) -> None:
    held.move_to_end(key)
    while len(held) > most:
        held.popitem(last=False)
