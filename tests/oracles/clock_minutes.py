"""Working time as one would count it with a pencil: every minute of a calendar is open or shut, and is walked.

Nothing here is taken from the service: it knows a calendar's data, a zone's offsets and how to count. Instants are
whole microseconds since ``EPOCH``; openings stand on whole minutes.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from shared.playbook.model import Calendar, Opening

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE: Final = 60_000_000
DAY_MINUTES: Final = 1440
QUARTER: Final = 15
"""No zone of these years changes its offset but at a quarter of an hour."""
Minutes = NDArray[Any]


class Unknown(Exception):  # noqa: N818  named for the fact
    """The pencil ran off the known years."""


class Count(Protocol):
    """A way to count time."""

    def passed(self, start: int, end: int) -> int:
        """How much time that counts lies between two instants; nothing when ``end`` is not after ``start``."""

    def later(self, start: int, amount: int) -> int:
        """The instant at which ``amount`` that counts has passed since ``start``; an amount of nothing is over."""


class Continuous:
    """Every microsecond counts."""

    def passed(self, start: int, end: int) -> int:
        return max(end - start, 0)

    def later(self, start: int, amount: int) -> int:
        return start + max(amount, 0)


class OpenMinutes:
    """Only open minutes count, those of the calendar's known years."""

    def __init__(self, calendar: Calendar, zone: ZoneInfo) -> None:
        years = sorted(calendar.years)
        self._first, wall = walls(zone.key, years[0], years[-1])
        days = wall // DAY_MINUTES
        low, high = int(days[0]), int(days[-1])
        numbers = np.array([_row(date.fromordinal(719163 + day), calendar) for day in range(low, high + 1)])
        table = np.array([*(_opened(calendar.weekly.get(day, ())) for day in range(1, 8)), *_rest(calendar)])
        self._known = [date.fromordinal(719163 + day).year in calendar.years for day in (days).tolist()[::QUARTER]]
        shown = table[numbers[days - low], wall % DAY_MINUTES]
        self.open: bytes = shown.astype(np.uint8).tobytes()
        self.minutes: list[int] = np.flatnonzero(shown).tolist()

    def passed(self, start: int, end: int) -> int:
        """Count what is open between two instants."""
        if end <= start:
            return 0
        return self._before(end) - self._before(start)

    def later(self, start: int, amount: int) -> int:
        """Count open minutes from ``start`` on; the last one ends it, not the next opening."""
        if amount <= 0:
            return start
        wanted = self._before(start) + amount
        minute = (wanted - 1) // MINUTE
        if minute >= len(self.minutes):
            raise Unknown
        return self._first + self.minutes[minute] * MINUTE + wanted - minute * MINUTE

    def walk(self, start: int, amount: int) -> int:
        """The same as ``later``, one minute after the other."""
        here, left = start - self._first, amount
        while left > 0:
            minute = here // MINUTE
            ends = (minute + 1) * MINUTE
            if minute >= len(self.open):
                raise Unknown
            if self.open[minute]:
                if left <= ends - here:
                    return self._first + here + left
                left -= ends - here
            here = ends
        return self._first + here

    def _before(self, at: int) -> int:
        minute, into = divmod(at - self._first, MINUTE)
        if not 0 <= minute < len(self.open) or not self._known[minute // QUARTER]:
            raise Unknown
        return bisect_left(self.minutes, minute) * MINUTE + (into if self.open[minute] else 0)


@lru_cache(maxsize=64)
def walls(zone: str, first: int, last: int) -> tuple[int, Minutes]:
    """The instant of the first minute, and what the wall clock has reached at each minute of some years.

    Whoever works until three goes when the clock first shows three: where it is put back, what it has shown before
    counts, so it never runs backwards here. Where it is put forward it skips what it does not show.
    """
    here = datetime(first, 1, 1, tzinfo=UTC) - timedelta(days=2)
    end = datetime(last + 1, 1, 1, tzinfo=UTC) + timedelta(days=2)
    known = ZoneInfo(zone)
    begins, offsets = (here - EPOCH) // timedelta(microseconds=1), list[int]()
    while here < end:
        offset = here.astimezone(known).utcoffset()
        assert offset is not None
        offsets.append(offset // timedelta(minutes=1))
        here += timedelta(minutes=QUARTER)
    minutes = begins // MINUTE + np.arange(len(offsets) * QUARTER)
    return begins, np.maximum.accumulate(minutes + np.repeat(np.array(offsets), QUARTER))


def _row(day: date, calendar: Calendar) -> int:
    """Which row of the table a day has: 0 to 6 a weekday, 7 a make-up day, 8 shut."""
    if day.year not in calendar.years:
        return 8
    if day in calendar.makeup_days:
        return 7
    return 8 if day in calendar.holidays else day.weekday()


def _rest(calendar: Calendar) -> Sequence[Minutes]:
    return _opened(calendar.makeup_hours), _opened(())


def _opened(openings: Sequence[Opening]) -> Minutes:
    shown = np.zeros(DAY_MINUTES, dtype=bool)
    for opening in openings:
        first, last = (at.hour * 60 + at.minute for at in (opening.opens, opening.closes))
        shown[first:last] = True
    return shown
