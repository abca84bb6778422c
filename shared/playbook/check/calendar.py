"""Working time: hours that rise, special days in known years, years as far as clocks run, and who keeps other hours."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from shared.playbook.check.finding import Finding, Path, unknown
from shared.playbook.model import Calendar, KeptHours, Limit, LimitUnit, Opening, Playbook

DAY_HOURS: Final = 24
STRETCHED: Final = 10 / 7
"""A year's working days are at most so much thinner than its weeks say: feasts and their exchanged days."""
FEAST: Final = 9
"""Days by which one long feast puts off whatever runs into it."""


def check_calendar(playbook: Playbook, today: date | None) -> Iterator[Finding]:
    """Openings rise, special days lie in known years, the years reach as far as clocks do, keepers are known."""
    calendar = playbook.calendar
    yield from _hours(calendar, ())
    years = sorted(calendar.years)
    for year in range(years[0], years[-1] + 1):
        if year not in calendar.years:
            yield _found(("years",), f"{year} is missing between {years[0]} and {years[-1]}")
    if today is not None:
        for year in range(today.year, (today + _reach(playbook)).year + 1):
            if year not in calendar.years:
                yield _found(("years",), f"{year} is missing: a clock started on {today} can run into it")
    keepers = Counter(keeper for kept in playbook.hours for keeper in _keepers(kept))
    for index, kept in enumerate(playbook.hours):
        path: Path = ("others", index)
        yield from _hours(kept.calendar, path)
        yield from _kept(kept, path, playbook, keepers)


def _kept(kept: KeptHours, path: Path, playbook: Playbook, keepers: Counter[tuple[str, str]]) -> Iterator[Finding]:
    if sum(one.id == kept.id for one in playbook.hours) > 1:
        yield _found((*path, "id"), f"hours {kept.id!r} stand more than once")
    if not any((kept.departments, kept.desks, kept.levels)):
        yield _found((*path, "id"), f"nobody keeps the hours {kept.id!r}", ("departments", "desks", "levels"))
    for at, problem, allowed in unknown(kept.departments, playbook.departments, what="department"):
        yield _found((*path, "departments", at), problem, allowed, needs=("departments",))
    desks = [code for code, area in playbook.areas.items() if area.desk]
    for at, problem, allowed in unknown(kept.desks, desks, what="area with a desk"):
        yield _found((*path, "desks", at), problem, allowed, needs=("areas",))
    for what, keeper in _keepers(kept):
        if keepers[what, keeper] > 1:
            yield _found((*path, what), f"{keeper!r} keeps more than one kind of hours")


def _keepers(kept: KeptHours) -> Iterator[tuple[str, str]]:
    for what, names in (("departments", kept.departments), ("desks", kept.desks), ("levels", kept.levels)):
        yield from ((what, str(name)) for name in names)


def _hours(calendar: Calendar, path: Path) -> Iterator[Finding]:
    for weekday, openings in calendar.weekly.items():
        if not _rising(openings):
            yield _found((*path, "weekly", weekday), "openings must rise and not overlap")
    if not _rising(calendar.makeup_hours):
        yield _found((*path, "makeup_hours"), "openings must rise and not overlap")
    if not any(calendar.weekly.values()):
        yield _found((*path, "weekly"), "no working hours at all")
    for part, days in (("holidays", calendar.holidays), ("makeup_days", calendar.makeup_days)):
        for day in days:
            if day.year not in calendar.years:
                yield _found((*path, part, day.isoformat()), f"{day.year} is not among the known years")
    for day in sorted(calendar.makeup_days.keys() & calendar.holidays.keys()):
        yield _found((*path, "makeup_days", day.isoformat()), "is a holiday as well")


def _rising(openings: tuple[Opening, ...]) -> bool:
    marks = [mark for opening in openings for mark in (opening.opens, opening.closes)]
    inside = all(opening.opens < opening.closes for opening in openings)
    return inside and marks == sorted(marks)


def _reach(playbook: Playbook) -> timedelta:
    """Return how far the longest limit can run, working time stretched over holidays, by whatever hours it is kept."""
    calendars = (playbook.calendar, *(kept.calendar for kept in playbook.hours))
    days = (_natural_days(clock.limit, calendar) for clock in playbook.clocks for calendar in calendars)
    return timedelta(days=max(days, default=0.0))


def _natural_days(limit: Limit, calendar: Calendar) -> float:
    match limit.unit:
        case LimitUnit.CONTINUOUS_MINUTE:
            return limit.amount / DAY_HOURS / 60
        case LimitUnit.CONTINUOUS_HOUR:
            return limit.amount / DAY_HOURS
        case LimitUnit.NATURAL_DAY:
            return limit.amount
        case LimitUnit.WORKING_HOUR:
            return _stretched(limit.amount, calendar)
        case LimitUnit.WORKING_DAY:
            return _stretched(limit.amount * calendar.working_day_hours, calendar)


def _stretched(hours: float, calendar: Calendar) -> float:
    # Without any hours the calendar is refused for that, whatever its years.
    week = sum(_length(opening) for openings in calendar.weekly.values() for opening in openings) or hours
    return hours / week * 7 * STRETCHED + FEAST


def _length(opening: Opening) -> float:
    first, last = (timedelta(hours=at.hour, minutes=at.minute) for at in (opening.opens, opening.closes))
    return max((last - first) / timedelta(hours=1), 0.0)


def _found(path: Path, problem: str, allowed: tuple[str, ...] = (), *, needs: tuple[str, ...] = ()) -> Finding:
    return Finding(part="calendar", path=path, problem=problem, allowed=allowed, needs=needs)
