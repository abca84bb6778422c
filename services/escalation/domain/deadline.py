"""When a limit runs out, and the steps by which that came about.

Units (GB/T 30428.8 local tables): 紧急工作时 runs through nights and holidays, 工作时 counts working
hours only, 工作日 is ``Calendar.working_day_hours`` working hours, a natural day is 24 hours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, assert_never
from zoneinfo import ZoneInfo

from msgspec import Struct

from services.escalation.domain.calendar import Day, WorkingTime
from shared.events.parts import Target
from shared.playbook.model import Calendar, Limit, LimitUnit, Playbook
from shared.vocabulary import Level


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a county's playbook says about counting time, by the hours that one target keeps."""

    calendar: Calendar
    zone: ZoneInfo
    speed: float
    time: WorkingTime = field(init=False, compare=False, repr=False)
    """The working time of both, with the tables it made: most deadlines of a county fall into one year."""

    def __post_init__(self) -> None:
        """Begin without any table."""
        object.__setattr__(self, "time", WorkingTime(self.calendar, self.zone))

    @classmethod
    def of(cls, playbook: Playbook, target: Target | None = None, level: Level | None = None) -> Terms:
        """The terms by which ``target`` of ``level`` is timed, the county's own where it keeps no other hours.

        The same value for the same playbook and hours, with the tables it has.
        """
        kept = None if target is None else playbook.hours_of(target.kind, target.id, level=level)
        recent = _RECENT.get(id(playbook))
        if recent is None:
            while len(_RECENT) >= _MOST:
                del _RECENT[next(iter(_RECENT))]
            # The entry holds its playbook, so that no other can have its id meanwhile.
            recent = _RECENT[id(playbook)] = (playbook, {})
        name = "" if kept is None else kept.id
        terms = recent[1].get(name)
        if terms is None:
            calendar = playbook.calendar if kept is None else kept.calendar
            terms = cls(calendar=calendar, zone=ZoneInfo(playbook.timezone), speed=playbook.speed)
            recent[1][name] = terms
        return terms


_MOST: Final = 64
_RECENT: Final[dict[int, tuple[Playbook, dict[str, Terms]]]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What one day gave to a limit; nothing on a day that is shut."""

    day: Day
    amount: timedelta


class Deadline(Struct, frozen=True, kw_only=True):
    """An instant and what it was reckoned from; ``days_of`` says by which days."""

    started_at: datetime
    due_at: datetime
    amount: timedelta


def deadline(start: datetime, limit: Limit, *, terms: Terms, taken: timedelta = timedelta()) -> Deadline:
    """The instant at which ``limit``, less what was already ``taken`` of it, has passed since ``start``.

    Working time that ends with a stretch is due at its close, not at the next opening. A limit of
    which nothing is left is due at once. In a drill (speed above 1) every unit runs as continuous
    time divided by the speed.

    Raises:
        UnknownYear: when working time runs into a year that the calendar does not know.
    """
    return after(start, span(limit, terms=terms) - taken, limit.unit, terms=terms)


def after(start: datetime, amount: timedelta, unit: LimitUnit, *, terms: Terms) -> Deadline:
    """The instant at which ``amount``, in the measure of ``span`` for ``unit``, has passed since ``start``.

    An amount of nothing, or less, is over at once.

    Raises:
        UnknownYear: as ``deadline``.
    """
    amount = max(amount, timedelta())
    if _is_continuous(unit, terms) or not amount:
        return Deadline(started_at=start, due_at=start.astimezone(UTC) + amount, amount=amount)
    return Deadline(started_at=start, due_at=terms.time.after(start, amount), amount=amount)


def elapsed(start: datetime, end: datetime, unit: LimitUnit, *, terms: Terms) -> timedelta:
    """How much of a limit in ``unit`` passes between two instants, in the measure of ``span``.

    Raises:
        UnknownYear: as ``deadline``.
    """
    if _is_continuous(unit, terms):
        # Between two instants of one zone Python subtracts what the wall clock shows.
        return max(end.astimezone(UTC) - start.astimezone(UTC), timedelta())
    return terms.time.between(start, end)


def days_of(found: Deadline, unit: LimitUnit, *, terms: Terms) -> Iterator[Counted]:
    """Yield what each day between start and end gave to ``found``; nothing where time runs on without a calendar.

    Made when somebody asks why: it walks the days, and a limit of months has many.
    """
    if _is_continuous(unit, terms) or not found.amount:
        return
    for day in terms.time.days(found.started_at, found.due_at):
        yield Counted(day=day, amount=sum((closes - opens for opens, closes in day.stretches), timedelta()))


def span(limit: Limit, *, terms: Terms) -> timedelta:
    """The length of ``limit``: continuous time, or working time when its unit counts that."""
    return _span(limit.amount, limit.unit, terms.calendar.working_day_hours, terms.speed)


@lru_cache(maxsize=4096)
def _span(amount: float, unit: LimitUnit, working_day_hours: float, speed: float) -> timedelta:
    return timedelta(hours=amount * _hours(unit, working_day_hours)) / speed


def _hours(unit: LimitUnit, working_day_hours: float) -> float:
    match unit:
        case LimitUnit.CONTINUOUS_MINUTE:
            return 1 / 60
        case LimitUnit.CONTINUOUS_HOUR | LimitUnit.WORKING_HOUR:
            return 1
        case LimitUnit.WORKING_DAY:
            return working_day_hours
        case LimitUnit.NATURAL_DAY:
            return 24
        case _:
            assert_never(unit)


def _is_continuous(unit: LimitUnit, terms: Terms) -> bool:
    return terms.speed > 1 or unit not in (LimitUnit.WORKING_HOUR, LimitUnit.WORKING_DAY)
