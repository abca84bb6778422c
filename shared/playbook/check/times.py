"""Clocks, calendar and roster: a limit for every order, a known year, nobody's desk unwatched."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from shared.playbook.check.finding import Finding
from shared.playbook.model import Calendar, ClockLimit, Limit, LimitUnit, Opening, Playbook, Shift
from shared.playbook.near import meant, nearest
from shared.vocabulary import ClockKind, Level

NEEDED_CLOCKS: Final = (ClockKind.SIGN_IN, ClockKind.HANDLE)
"""Kinds that must have a limit for any case, so that no order runs without a clock."""

DAY_MINUTES: Final = 24 * 60
WEEK_MINUTES: Final = 7 * DAY_MINUTES


def check_header(playbook: Playbook) -> Iterator[Finding]:
    """The time zone exists."""
    try:
        ZoneInfo(playbook.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        yield Finding(
            part="playbook",
            path=("timezone",),
            problem=f"no time zone {playbook.timezone!r}",
            allowed=("a name of the IANA list, such as Asia/Shanghai",),
        )


def check_clocks(playbook: Playbook) -> Iterator[Finding]:
    """Limits name known categories and conditions, stand once, and leave no order without one."""
    keys = Counter(_key(clock) for clock in playbook.clocks)
    ids = Counter(c.id for c in playbook.clocks)
    for index, clock in enumerate(playbook.clocks):
        if ids[clock.id] > 1:
            yield _clock(index, "id", f"clock {clock.id!r} stands {ids[clock.id]} times")
        if keys[_key(clock)] > 1:
            problem = "two limits for the same kind, category, condition, severity, mode, profile and whistle"
            yield _clock(index, "kind", problem)
        if list(clock.warn_at) != sorted(set(clock.warn_at)):
            yield _clock(index, "warn_at", "warnings must rise and stand once")
        if clock.category is not None and clock.category not in playbook.categories:
            problem = f"no category {clock.category!r}{meant(clock.category, playbook.categories)}"
            near = nearest(clock.category, playbook.categories)
            yield _clock(index, "category", problem, allowed=near, needs=("categories",))
        elif clock.condition is not None:
            yield from _condition(index, clock.category, clock.condition, playbook)
        if clock.mode is not None and clock.mode not in playbook.modes:
            problem = f"no mode {clock.mode!r}{meant(clock.mode, playbook.modes)}"
            allowed = nearest(clock.mode, playbook.modes) or ("a mode of modes.yaml",)
            yield _clock(index, "mode", problem, allowed=allowed, needs=("modes",))
    for kind in NEEDED_CLOCKS:
        if (kind, None, None, None, None, None, None) not in keys:
            problem = f"no limit of kind {kind.value!r} for any category: some orders would run without a clock"
            # Such a limit may stand in a row that could not be read.
            yield Finding(part="clocks", problem=problem, needs=("clocks",))


def check_calendar(playbook: Playbook, today: date | None) -> Iterator[Finding]:
    """Openings rise, special days lie in known years, and the years reach as far as clocks do."""
    calendar = playbook.calendar
    for weekday, openings in calendar.weekly.items():
        if not _rising(openings):
            yield _calendar(("weekly", weekday), "openings must rise and not overlap")
    if not _rising(calendar.makeup_hours):
        yield _calendar(("makeup_hours",), "openings must rise and not overlap")
    if not any(calendar.weekly.values()):
        yield _calendar(("weekly",), "no working hours at all")
    yield from _special_days(calendar)
    years = sorted(calendar.years)
    for year in range(years[0], years[-1] + 1):
        if year not in calendar.years:
            yield _calendar(("years",), f"{year} is missing between {years[0]} and {years[-1]}")
    if today is not None:
        for year in range(today.year, (today + _reach(playbook)).year + 1):
            if year not in calendar.years:
                yield _calendar(("years",), f"{year} is missing: a clock started on {today} can run into it")


def check_roster(playbook: Playbook) -> Iterator[Finding]:
    """Shifts name known owners and officers; county and town desks are watched at every minute."""
    roster = playbook.roster
    for index, shift in enumerate(roster.shifts):
        if shift.owner not in playbook.areas and shift.owner not in playbook.departments:
            owners = (*playbook.areas, *playbook.departments)
            problem = f"no area or department {shift.owner!r}{meant(shift.owner, owners)}"
            near = nearest(shift.owner, owners)
            yield _shift(index, "owner", problem, allowed=near, needs=("areas", "departments"))
        for officer in shift.officers:
            if officer not in roster.officers:
                near = nearest(officer, roster.officers)
                problem = f"no officer {officer!r}{meant(officer, roster.officers)}"
                yield _shift(index, "officers", problem, allowed=near, needs=("officers",))
    by_owner: defaultdict[str, list[Shift]] = defaultdict(list)
    for shift in roster.shifts:
        by_owner[shift.owner].append(shift)
    for code, area in playbook.areas.items():
        if area.desk:
            yield from _unwatched(code, area.level, by_owner[code])


def _key(clock: ClockLimit) -> tuple[object, ...]:
    return clock.kind, clock.category, clock.condition, clock.severity, clock.mode, clock.profile, clock.whistle


def _condition(index: int, category: str | None, condition: str, playbook: Playbook) -> Iterator[Finding]:
    if category is None:
        yield _clock(index, "condition", "a condition needs its category")
        return
    known = [c.code for line in playbook.category_line(category) for c in line.conditions]
    if condition not in known:
        problem = f"{category} has no condition {condition!r}{meant(condition, known)}"
        yield _clock(index, "condition", problem, allowed=tuple(known), needs=("categories",))


def _special_days(calendar: Calendar) -> Iterator[Finding]:
    for part, days in (("holidays", calendar.holidays), ("makeup_days", calendar.makeup_days)):
        for day in days:
            if day.year not in calendar.years:
                yield _calendar((part, day.isoformat()), f"{day.year} is not among the known years")
    for day in calendar.makeup_days.keys() & calendar.holidays.keys():
        yield _calendar(("makeup_days", day.isoformat()), "is a holiday as well")


def _reach(playbook: Playbook) -> timedelta:
    """Return how far the longest limit can run, working time stretched over holidays."""
    days = (_natural_days(clock.limit, playbook.calendar.working_day_hours) for clock in playbook.clocks)
    return timedelta(days=max(days, default=0.0))


def _natural_days(limit: Limit, working_day_hours: float) -> float:
    # A working day takes at most two natural ones over a year, and a golden week with its
    # make-up days delays any of them by no more than nine.
    match limit.unit:
        case LimitUnit.CONTINUOUS_MINUTE:
            return limit.amount / DAY_MINUTES
        case LimitUnit.CONTINUOUS_HOUR:
            return limit.amount / 24
        case LimitUnit.NATURAL_DAY:
            return limit.amount
        case LimitUnit.WORKING_HOUR:
            return 2 * limit.amount / working_day_hours + 9
        case LimitUnit.WORKING_DAY:
            return 2 * limit.amount + 9


def _unwatched(code: str, level: Level, shifts: Sequence[Shift]) -> Iterator[Finding]:
    needs = ("shifts",)
    if not shifts:
        yield Finding(part="areas", item=code, path=("desk",), problem="its desk has no shift", needs=needs)
    elif level is not Level.VILLAGE:
        gap = _first_gap(shifts)
        if gap is not None:
            day, minute = divmod(gap, DAY_MINUTES)
            when = f"weekday {day + 1}, {minute // 60:02}:{minute % 60:02}"
            yield Finding(
                part="areas", item=code, path=("desk",), problem=f"nobody is on duty from {when}", needs=needs
            )


def _first_gap(shifts: Iterable[Shift]) -> int | None:
    """Return the first minute of the week that no shift covers."""
    spans = sorted(span for shift in shifts for span in _spans(shift))
    reached = 0
    for start, end in spans:
        if start > reached:
            return reached
        reached = max(reached, end)
    return reached if reached < WEEK_MINUTES else None


def _spans(shift: Shift) -> Iterator[tuple[int, int]]:
    opens, closes = _minute(shift.opens), _minute(shift.closes)
    length = (closes - opens) % DAY_MINUTES or DAY_MINUTES
    for weekday in shift.weekdays:
        start = (weekday - 1) * DAY_MINUTES + opens
        yield start, min(start + length, WEEK_MINUTES)
        if start + length > WEEK_MINUTES:
            yield 0, start + length - WEEK_MINUTES


def _minute(at: time) -> int:
    return at.hour * 60 + at.minute


def _rising(openings: tuple[Opening, ...]) -> bool:
    marks = [mark for opening in openings for mark in (opening.opens, opening.closes)]
    inside = all(opening.opens < opening.closes for opening in openings)
    return inside and marks == sorted(marks)


def _clock(
    index: int, field: str, problem: str, *, allowed: tuple[str, ...] = (), needs: tuple[str, ...] = ()
) -> Finding:
    return Finding(part="clocks", item=index, path=(field,), problem=problem, allowed=allowed, needs=needs)


def _shift(
    index: int, field: str, problem: str, *, allowed: tuple[str, ...] = (), needs: tuple[str, ...] = ()
) -> Finding:
    return Finding(part="shifts", item=index, path=(field,), problem=problem, allowed=allowed, needs=needs)


def _calendar(path: tuple[str | int, ...], problem: str) -> Finding:
    return Finding(part="calendar", path=path, problem=problem)
