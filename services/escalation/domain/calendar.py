"""Working time of a county as stretches between two instants, daylight saving time and all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum, unique
from zoneinfo import ZoneInfo

from shared.playbook.model import Calendar, Opening


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


def days_from(
    start: datetime, *, calendar: Calendar, zone: ZoneInfo, known: dict[date, Day] | None = None
) -> Iterator[Day]:
    """Yield the day of ``start`` and every day after it, without end; stretches are cut at ``start``.

    ``known`` remembers the days of this calendar and zone from one walk to the next.

    Raises:
        UnknownYear: when the walk enters a year that the calendar does not know.
    """
    known = {} if known is None else known
    day = start.astimezone(zone).date()
    first = _day(day, calendar, zone)
    yield Day(
        date=day,
        kind=first.kind,
        name=first.name,
        stretches=tuple((max(opens, start), closes) for opens, closes in first.stretches if closes > start),
    )
    while True:
        day += timedelta(days=1)
        found = known.get(day)
        if found is None:
            found = known[day] = _day(day, calendar, zone)
        yield found


def worked(start: datetime, end: datetime, *, calendar: Calendar, zone: ZoneInfo) -> timedelta:
    """How much working time lies between two instants; nothing when ``end`` is not after ``start``.

    Raises:
        UnknownYear: when the stretch touches a year that the calendar does not know.
    """
    total = timedelta()
    if end <= start:
        return total
    last = end.astimezone(zone).date()
    for day in days_from(start, calendar=calendar, zone=zone):
        if day.date > last:
            break
        total += sum((max(min(closes, end) - opens, timedelta()) for opens, closes in day.stretches), timedelta())
        if day.date == last:
            break
    return total


def _day(day: date, calendar: Calendar, zone: ZoneInfo) -> Day:
    openings = calendar.openings_on(day)
    kind, name = _kind(day, calendar, openings)
    return Day(date=day, kind=kind, name=name, stretches=tuple(_stretch(day, opening, zone) for opening in openings))


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
    if found.astimezone(zone).time() == at:
        return found
    # A local time that the clocks skip is the instant at which they are put forward.
    found = local.replace(fold=1).astimezone(UTC)
    before = found.astimezone(zone).utcoffset()
    while found.astimezone(zone).utcoffset() == before:
        found += timedelta(minutes=1)
    return found
