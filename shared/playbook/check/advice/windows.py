"""Time windows as sets of moments of an abstract calendar, so that two of them can be compared without a date.

A moment is a weekday, the kind of its day, the kind of the day before, and a minute. Every real moment is
one of these, whatever the county's calendar says; so what no abstract moment fulfils, no real one does.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from shared.playbook.model import DayKind, TimeWindow

DAY: Final = 24 * 60
WEEKDAYS: Final = 7
KINDS: Final = 4
"""A workday, a day off that is no holiday, a holiday, a day of a year that the calendar does not know."""
ANY_MOMENT: Final = (1 << (WEEKDAYS * KINDS * KINDS * DAY)) - 1

_FITTING: Final = {
    None: (0, 1, 2, 3),
    DayKind.WORKDAY: (0,),
    DayKind.DAY_OFF: (1, 2),
    DayKind.HOLIDAY: (2,),
}


@lru_cache(maxsize=4096)
def moments(windows: tuple[TimeWindow, ...]) -> int:
    """Return the moments that lie in one of ``windows``, one bit each; without windows all of them."""
    if not windows:
        return ANY_MOMENT
    found = 0
    for window in windows:
        for start, minutes in _stretches(window):
            found |= ((1 << minutes) - 1) << start
    return found


def _stretches(window: TimeWindow) -> Iterator[tuple[int, int]]:
    """Yield the first bit and the length of each stretch of one window."""
    opens = _minute(window.opens.hour, window.opens.minute) if window.opens else 0
    closes = _minute(window.closes.hour, window.closes.minute) if window.closes else opens
    overnight = closes <= opens
    for weekday in window.weekdays or range(1, WEEKDAYS + 1):
        for kind in _FITTING[window.days]:
            for other in range(KINDS):
                yield _bit(weekday, kind, other) + opens, (DAY if overnight else closes) - opens
                if overnight and closes:
                    # It opened yesterday: yesterday's weekday and kind of day count.
                    yield _bit(weekday % WEEKDAYS + 1, other, kind), closes


def _bit(weekday: int, kind: int, before: int) -> int:
    return (((weekday - 1) * KINDS + kind) * KINDS + before) * DAY


def _minute(hour: int, minute: int) -> int:
    return hour * 60 + minute
