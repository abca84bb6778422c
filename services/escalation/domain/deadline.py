"""When a limit runs out, and the steps by which that came about.

Units (GB/T 30428.8 local tables): 紧急工作时 runs through nights and holidays, 工作时 counts working
hours only, 工作日 is ``Calendar.working_day_hours`` working hours, a natural day is 24 hours.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final, assert_never
from zoneinfo import ZoneInfo

from services.escalation.domain.calendar import Day, days_from, worked
from shared.playbook.model import Calendar, Limit, LimitUnit, Playbook


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a county's playbook says about counting time."""

    calendar: Calendar
    zone: ZoneInfo
    speed: float
    days: dict[date, Day] = field(init=False, compare=False, repr=False, default_factory=dict)
    """The days that were walked before: most deadlines of a county fall on the same few."""

    @classmethod
    def of(cls, playbook: Playbook) -> Terms:
        """The terms of ``playbook``; the same value for the same playbook, with the days it knows."""
        for known, terms in _RECENT:
            if known is playbook:
                return terms
        terms = cls(calendar=playbook.calendar, zone=ZoneInfo(playbook.timezone), speed=playbook.speed)
        _RECENT.appendleft((playbook, terms))
        return terms


_RECENT: Final[deque[tuple[Playbook, Terms]]] = deque(maxlen=64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What one day gave to a limit; nothing on a day that is shut."""

    day: Day
    amount: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """An instant and how it was found: ``days`` is empty when time ran on without a calendar."""

    started_at: datetime
    due_at: datetime
    amount: timedelta
    days: tuple[Counted, ...] = ()


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
    return _by_working_time(start, amount, terms)


def elapsed(start: datetime, end: datetime, unit: LimitUnit, *, terms: Terms) -> timedelta:
    """How much of a limit in ``unit`` passes between two instants, in the measure of ``span``.

    Raises:
        UnknownYear: as ``deadline``.
    """
    if _is_continuous(unit, terms):
        return max(end - start, timedelta())
    return worked(start, end, calendar=terms.calendar, zone=terms.zone)


def span(limit: Limit, *, terms: Terms) -> timedelta:
    """The length of ``limit``: continuous time, or working time when its unit counts that."""
    return timedelta(hours=limit.amount * _hours(limit.unit, terms.calendar)) / terms.speed


def _hours(unit: LimitUnit, calendar: Calendar) -> float:
    match unit:
        case LimitUnit.CONTINUOUS_MINUTE:
            return 1 / 60
        case LimitUnit.CONTINUOUS_HOUR | LimitUnit.WORKING_HOUR:
            return 1
        case LimitUnit.WORKING_DAY:
            return calendar.working_day_hours
        case LimitUnit.NATURAL_DAY:
            return 24
        case _:
            assert_never(unit)


def _is_continuous(unit: LimitUnit, terms: Terms) -> bool:
    return terms.speed > 1 or unit not in (LimitUnit.WORKING_HOUR, LimitUnit.WORKING_DAY)


def _by_working_time(start: datetime, amount: timedelta, terms: Terms) -> Deadline:
    left, days = amount, list[Counted]()
    for day in days_from(start, calendar=terms.calendar, zone=terms.zone, known=terms.days):
        before = left
        for opens, closes in day.stretches:
            if closes - opens >= left:
                days.append(Counted(day=day, amount=before))
                return Deadline(started_at=start, due_at=opens + left, amount=amount, days=tuple(days))
            left -= closes - opens
        days.append(Counted(day=day, amount=before - left))
    raise AssertionError("days never end")
