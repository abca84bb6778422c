"""An instant as the county's rules and rosters see it: a slot of the local week in which nothing changes."""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from shared.playbook.duty import minute_of
from shared.playbook.model import Calendar, DayKind, Playbook, Rule, TimeWindow, UnknownYear
from shared.vocabulary import Post

DAY: Final = 24 * 60
DAYS_REMEMBERED: Final = 1000
UNKNOWN: Final = "unknown"
WEEKDAYS: Final = ("", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
FITTING: Final[dict[DayKind, frozenset[str]]] = {
    DayKind.WORKDAY: frozenset({DayKind.WORKDAY.value}),
    # A holiday is a day off with a name.
    DayKind.DAY_OFF: frozenset({DayKind.DAY_OFF.value, DayKind.HOLIDAY.value}),
    DayKind.HOLIDAY: frozenset({DayKind.HOLIDAY.value}),
}


class Slot(NamedTuple):
    """A stretch of local time between two boundaries of the playbook's windows, shifts and dates.

    Every instant of one slot is alike to every rule and every shift, so that a decision taken in it
    can be taken again. `starts` and `ends` are minutes of the day; `era` counts the validity dates passed.
    """

    weekday: int
    starts: int
    ends: int
    today: str
    yesterday: str
    era: int

    def in_words(self) -> str:
        """Return the slot as a person reads it."""
        return f"{WEEKDAYS[self.weekday]} {_clock(self.starts)}-{_clock(self.ends)}, {self.today}"


class Almanac:
    """Turns instants into slots by the playbook's zone, calendar, windows, shifts and validity dates."""

    def __init__(self, playbook: Playbook) -> None:
        """Gather every boundary once."""
        self.zone = ZoneInfo(playbook.timezone)
        self._calendar = playbook.calendar
        edges = {0, DAY, *_edges(playbook)}
        self._edges = sorted(edges)
        self._eras = sorted({ordinal for rule in playbook.rules for ordinal in _turns(rule)})
        self._days: dict[int, tuple[int, str, str, int]] = {}

    def slot(self, at: datetime) -> Slot:
        """Return the slot that holds the aware instant `at`."""
        local = at.astimezone(self.zone)
        weekday, today, yesterday, era = self._day(local.date())
        nth = bisect_right(self._edges, local.hour * 60 + local.minute)
        return Slot(weekday, self._edges[nth - 1], self._edges[nth], today, yesterday, era)

    def local_day(self, at: datetime) -> date:
        """Return the county's date at `at`."""
        return at.astimezone(self.zone).date()

    def era_of(self, rule: Rule) -> tuple[int, int]:
        """Return the first era in which the rule's dates hold, and the first in which they no longer do."""
        begun = 0 if rule.valid_from is None else bisect_right(self._eras, rule.valid_from.toordinal())
        over = len(self._eras) + 1
        if rule.valid_until is not None:
            over = bisect_right(self._eras, rule.valid_until.toordinal() + 1)
        return begun, over

    def _day(self, day: date) -> tuple[int, str, str, int]:
        ordinal = day.toordinal()
        known = self._days.get(ordinal)
        if known is None:
            if len(self._days) >= DAYS_REMEMBERED:
                self._days.clear()
            era = bisect_right(self._eras, ordinal)
            yesterday = kind_of(self._calendar, day - timedelta(days=1)) if ordinal > 1 else UNKNOWN
            known = self._days[ordinal] = (day.isoweekday(), kind_of(self._calendar, day), yesterday, era)
        return known


def kind_of(calendar: Calendar, day: date) -> str:
    """Return what kind of day it is; `unknown` in a year that the calendar does not know, which no window asks for."""
    try:
        if calendar.openings_on(day):
            return DayKind.WORKDAY.value
    except UnknownYear:
        return UNKNOWN
    return (DayKind.HOLIDAY if day in calendar.holidays else DayKind.DAY_OFF).value


def window_holds(window: TimeWindow, slot: Slot) -> bool:
    """Say whether the slot lies in `window`; past midnight the day on which it opened counts."""
    opens, closes = _stretch(window)
    kinds = FITTING[window.days] if window.days is not None else None
    weekdays = window.weekdays
    if slot.starts >= opens and (closes <= opens or slot.starts < closes):
        return (not weekdays or slot.weekday in weekdays) and (kinds is None or slot.today in kinds)
    if closes <= opens and slot.starts < closes:
        before = (slot.weekday - 2) % 7 + 1
        return (not weekdays or before in weekdays) and (kinds is None or slot.yesterday in kinds)
    return False


def in_words(window: TimeWindow) -> str:
    """Return a window as a person reads it."""
    opens, closes = _stretch(window)
    days = ",".join(WEEKDAYS[day][:3] for day in window.weekdays) or "every day"
    hours = f"{_clock(opens)}-{_clock(closes)}" if opens != closes else "all day"
    return " ".join(part for part in (days, hours, window.days.value if window.days else "") if part)


def _edges(playbook: Playbook) -> Iterator[int]:
    whens = [when for rule in playbook.rules for when in (*rule.around, rule.when)]
    whens += [mode.reroute for mode in playbook.modes.values() if mode.reroute is not None]
    for window in (window for when in whens for window in when.windows):
        yield from _stretch(window)
    for shift in (shift for shift in playbook.roster.shifts if shift.post is Post.OFFICER):
        yield minute_of(shift.opens)
        yield minute_of(shift.closes)


def _turns(rule: Rule) -> Iterator[int]:
    if rule.valid_from is not None:
        yield rule.valid_from.toordinal()
    if rule.valid_until is not None:
        yield rule.valid_until.toordinal() + 1


def _stretch(window: TimeWindow) -> tuple[int, int]:
    opens = minute_of(window.opens) if window.opens is not None else 0
    return opens, minute_of(window.closes) if window.closes is not None else opens


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
