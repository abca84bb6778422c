"""Clocks and roster: a limit for every order, nobody's desk unwatched."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import time
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from shared.playbook.check.finding import Finding
from shared.playbook.model import ClockLimit, Playbook, Shift
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


def _clock(
    index: int, field: str, problem: str, *, allowed: tuple[str, ...] = (), needs: tuple[str, ...] = ()
) -> Finding:
    return Finding(part="clocks", item=index, path=(field,), problem=problem, allowed=allowed, needs=needs)


def _shift(
    index: int, field: str, problem: str, *, allowed: tuple[str, ...] = (), needs: tuple[str, ...] = ()
) -> Finding:
    return Finding(part="shifts", item=index, path=(field,), problem=problem, allowed=allowed, needs=needs)
