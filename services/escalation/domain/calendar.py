"""Working time of one calendar in one zone: how much lies between two instants, and what each day is called.

A year is a table of its open stretches in UTC with the working time before each (prefix sums), made when the first
clock runs into it: an answer is found by bisection, however long the limit is. Instants and amounts are whole
microseconds and only added and subtracted: nothing is rounded on the way (docs/decisions/0025).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum, unique
from itertools import accumulate
from typing import Final
from zoneinfo import ZoneInfo

from shared.playbook.model import Calendar, Opening

_DAY: Final = timedelta(days=1)
_NOTHING: Final = timedelta()


@unique
class DayKind(StrEnum):
    """Why a day is open or shut."""

    WORKDAY = "workday"
    MAKEUP = "makeup"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One calendar day: what it is, the feast's or exchange's name, and its open stretches in UTC, rising."""

    date: date
    kind: DayKind
    name: str
    stretches: tuple[tuple[datetime, datetime], ...]


class WorkingTime:
    """The working time of ``calendar``, whose hours are local to ``zone``; its tables are made when first asked for."""

    def __init__(self, calendar: Calendar, zone: ZoneInfo) -> None:
        self._calendar = calendar
        self._zone = zone
        self._years: dict[int, _Year] = {}
        self._last: _Year | None = None
        self._days: dict[date, Day] = {}

    def after(self, start: datetime, amount: timedelta) -> datetime:
        """The instant, in UTC, at which ``amount`` (more than nothing) has been worked since ``start``.

        Working time that ends with a stretch ends at its close, not at the next opening.

        Raises:
            UnknownYear: when that lies in, or behind, a year that the calendar does not know.
        """
        start = start.astimezone(UTC)
        year = self._year_at(start)
        wanted = year.before(start) + amount
        while wanted > year.whole:
            wanted -= year.whole
            year = self._year(year.number + 1)
        return year.at(wanted)

    def between(self, start: datetime, end: datetime) -> timedelta:
        """How much working time lies between two instants; nothing when ``end`` is not after ``start``.

        Raises:
            UnknownYear: when the stretch touches a year that the calendar does not know.
        """
        if end <= start:
            return _NOTHING
        start, end = start.astimezone(UTC), end.astimezone(UTC)
        year = self._year_at(start)
        found = -year.before(start)
        while end >= year.ends:
            found += year.whole
            year = self._year(year.number + 1)
        return found + year.before(end)

    def days(self, start: datetime, end: datetime) -> Iterator[Day]:
        """Yield each day from that of ``start`` to that of ``end``, its stretches cut at both.

        For whoever explains a deadline: nothing is counted by it.

        Raises:
            UnknownYear: when the walk enters a year that the calendar does not know.
        """
        here, last = start.astimezone(self._zone).date(), end.astimezone(self._zone).date()
        # Between two instants of one zone Python subtracts what the wall clock shows.
        start, end = start.astimezone(UTC), end.astimezone(UTC)
        first = here
        while here <= last:
            day = self._day(here)
            yield _cut(day, start, end) if here in (first, last) else day
            here += _DAY

    def _year_at(self, instant: datetime) -> _Year:
        # Almost every instant lies in the year that was asked for last; the zone's own reckoning takes longer.
        last = self._last
        if last is None or not last.begins <= instant < last.ends:
            last = self._last = self._year(instant.astimezone(self._zone).year)
        return last

    def _year(self, number: int) -> _Year:
        found = self._years.get(number)
        if found is None:
            found = self._years[number] = _year(number, self._calendar, self._zone)
        return found

    def _day(self, day: date) -> Day:
        found = self._days.get(day)
        if found is None:
            openings = self._calendar.openings_on(day)
            kind, name = _kind(day, self._calendar, openings)
            stretches = (_stretch(day, opening, self._zone) for opening in openings)
            # Where the clocks skip the whole of an opening, nothing is left of it.
            shown = tuple((opens, closes) for opens, closes in stretches if opens < closes)
            found = self._days[day] = Day(date=day, kind=kind, name=name, stretches=shown)
        return found


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Year:
    """One year: where its stretches open, and how much was worked in it before each; ``whole`` is all of it."""

    number: int
    begins: datetime
    ends: datetime
    opens: tuple[datetime, ...]
    worked: tuple[timedelta, ...]
    whole: timedelta

    def before(self, instant: datetime) -> timedelta:
        """How much of the year's working time lies before ``instant``."""
        last = bisect_right(self.opens, instant) - 1
        if last < 0:
            return _NOTHING
        return min(self.worked[last] + (instant - self.opens[last]), self.worked[last + 1])

    def at(self, worked: timedelta) -> datetime:
        """The first instant before which ``worked``, more than nothing and not more than all, has been worked."""
        stretch = bisect_left(self.worked, worked) - 1
        return self.opens[stretch] + (worked - self.worked[stretch])


def _year(number: int, calendar: Calendar, zone: ZoneInfo) -> _Year:
    # The first day is asked first: it says so when the year is unknown.
    first, next_first = date(number, 1, 1), date(number + 1, 1, 1)
    days = (first + timedelta(days=n) for n in range((next_first - first).days))
    stretches = [_stretch(day, opening, zone) for day in days for opening in calendar.openings_on(day)]
    worked = tuple(accumulate((closes - opens for opens, closes in stretches), initial=_NOTHING))
    return _Year(
        number=number,
        begins=_instant(first, time(), zone),
        ends=_instant(next_first, time(), zone),
        opens=tuple(opens for opens, _ in stretches),
        worked=worked,
        whole=worked[-1],
    )


def _cut(day: Day, start: datetime, end: datetime) -> Day:
    cut = ((max(opens, start), min(closes, end)) for opens, closes in day.stretches)
    return replace(day, stretches=tuple((opens, closes) for opens, closes in cut if opens < closes))


def _kind(day: date, calendar: Calendar, openings: tuple[Opening, ...]) -> tuple[DayKind, str]:
    if day in calendar.makeup_days:
        return DayKind.MAKEUP, calendar.makeup_days[day]
    if day in calendar.holidays:
        return DayKind.HOLIDAY, calendar.holidays[day]
    return (DayKind.WORKDAY, "") if openings else (DayKind.WEEKEND, "")


def _stretch(day: date, opening: Opening, zone: ZoneInfo) -> tuple[datetime, datetime]:
    return _instant(day, opening.opens, zone), _instant(day, opening.closes, zone)


def _instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    # Subtraction between two local times of one zone ignores its shifts; in UTC it cannot.
    local = datetime.combine(day, at, tzinfo=zone)
    found = local.astimezone(UTC)
    if found.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return found
    # A local time that the clocks skip, or a day that is left out at the date line, is the instant of the jump.
    found = local.replace(fold=1).astimezone(UTC)
    before = found.astimezone(zone).utcoffset()
    while found.astimezone(zone).utcoffset() == before:
        found += timedelta(minutes=1)
    return found
