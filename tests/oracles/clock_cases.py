"""Random calendars, starts, limits and what happens to them: the service's arithmetic against the pencil's.

A sheet is one calendar in one zone with a few thousand cases; its seed and number make it again.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from services.escalation.domain.chain import RunningClock, Warned
from services.escalation.domain.clocks import Round
from services.escalation.domain.deadline import Terms, after, days_of, deadline, span
from services.escalation.domain.moves import Move, MoveKind
from services.escalation.domain.running import left_after, moved
from services.escalation.domain.words import limit_in_words
from shared.events import sla
from shared.events.parts import PlaybookRef
from shared.playbook.model import Calendar, Limit, LimitUnit, Opening, UnknownYear, YearStatus
from shared.vocabulary import ClockKind, Level, WhenLate
from tests.oracles.clock_life import Paper
from tests.oracles.clock_minutes import EPOCH, MINUTE, Continuous, Count, OpenMinutes, Unknown

ZONES: Final = (
    *("Asia/Shanghai",) * 4,
    "Asia/Urumqi",
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Santiago",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "Asia/Beirut",
    "Pacific/Apia",
)
FRACTIONS: Final = (Fraction(1, 2), Fraction(3, 4))
MICROSECOND: Final = timedelta(microseconds=1)
WORKING: Final = (LimitUnit.WORKING_HOUR, LimitUnit.WORKING_DAY)
UNKNOWN: Final = "a year that is not known"
DAY: Final = 1440 * MINUTE


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One limit with what happens to it, in microseconds; ``to`` of a move is an extension's."""

    start: int
    limit: Limit
    moves: tuple[tuple[MoveKind, int, int | None], ...]
    ends: int
    again: Limit
    """The limit under which it is named anew (改类), back-dated to the same start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Where both disagree, with all that makes it again."""

    seed: int
    sheet: int
    zone: str
    case: Case
    ours: object
    pencil: object


class Sheet:
    """One random calendar, timed by the service and by the pencil."""

    def __init__(self, seed: int, number: int) -> None:
        self._chance = random.Random(f"{seed}:{number}")
        self._seed, self._number = seed, number
        chance = self._chance
        self._year = chance.choice((2011, 2020, 2024, 2026))
        zone = ZoneInfo(chance.choice(ZONES))
        calendar = a_calendar(chance, self._year)
        speed = chance.choice((2.0, 7.5, 60.0)) if chance.random() < 0.04 else 1.0
        self.terms = Terms(calendar=calendar, zone=zone, speed=speed)
        self.minutes = OpenMinutes(calendar, zone)
        self.unknown = 0
        """Cases so far that ran into a year that nobody knows, by both."""

    def differences(self, cases: int) -> Iterator[Difference]:
        """Try so many cases, and yield those on which both disagree."""
        for _ in range(cases):
            case = self._case()
            ours, pencil = _guarded_ours(case, self.terms), self._pencil(case)
            self.unknown += pencil == UNKNOWN
            if ours != pencil:
                yield Difference(
                    seed=self._seed,
                    sheet=self._number,
                    zone=self.terms.zone.key,
                    case=case,
                    ours=ours,
                    pencil=pencil,
                )

    def _case(self) -> Case:
        chance = self._chance
        first = (datetime(self._year, 1, 2, tzinfo=UTC) - EPOCH) // MICROSECOND
        start = first + self._instant(chance.randrange(700 * DAY))
        limit = _limit(chance)
        about = max(_length(limit) * chance.choice((1, 2, 4)), MINUTE)
        number = chance.choice((0, 0, 1, 2, 2, 3, 5))
        times = sorted(start + self._instant(chance.randrange(about + 1)) for _ in range(number))
        moves = tuple(self._move(max(at, start), about) for at in times)
        ends = max(start, *(at for _, at, _ in moves)) + chance.randrange(about + 1) if moves else start + about // 2
        return Case(start=start, limit=limit, moves=moves, ends=ends, again=_limit(chance))

    def _move(self, at: int, about: int) -> tuple[MoveKind, int, int | None]:
        kind = self._chance.choice((MoveKind.HOLD, MoveKind.HOLD, MoveKind.GO, MoveKind.GO, MoveKind.EXTEND))
        to = at + self._instant(self._chance.randrange(2 * about + 1)) if kind is MoveKind.EXTEND else None
        return kind, at, to

    def _instant(self, at: int) -> int:
        # Half of all instants stand on a whole minute, where openings do.
        return at // MINUTE * MINUTE if self._chance.random() < 0.5 else at

    def _pencil(self, case: Case) -> object:
        try:
            return self._counted(case, case.limit), self._counted(case, case.again)
        except Unknown:
            return UNKNOWN

    def _counted(self, case: Case, limit: Limit) -> tuple[object, ...]:
        whole = _whole(limit, self.terms)
        working = limit.unit in WORKING and self.terms.speed == 1
        count: Count = self.minutes if working else Continuous()
        paper = Paper(count, case.start, whole, FRACTIONS)
        first = paper.due
        for kind, at, to in case.moves:
            paper.move(kind, at, to)
        end = (paper.held_since, paper.left) if paper.held_since is not None else paper.due
        left = paper.remains(case.ends), paper.whole
        return whole, first, end, tuple(paper.thresholds), left


def _guarded_ours(case: Case, terms: Terms) -> object:
    try:
        return _ours(case, case.limit, terms), _ours(case, case.again, terms)
    except UnknownYear:
        return UNKNOWN


def _ours(case: Case, limit: Limit, terms: Terms) -> tuple[object, ...]:
    start = _at(case.start)
    found = deadline(start, limit, terms=terms)
    if case.ends % 16 == 0:
        # Walking the days is for explanations, and slow; what they give must still come to the whole.
        gave = sum((counted.amount for counted in days_of(found, limit.unit, terms=terms)), timedelta())
        assert gave in (found.amount, timedelta()), (gave, found)
    moves = [Move(kind=kind, at=_at(at), to=None if to is None else _at(to)) for kind, at, to in case.moves]
    clock = begun = _clock(start, found.due_at, limit, terms)
    for move in moves:
        clock = moved(clock, move, terms=terms)
    rest = left_after(
        [Round(started_at=start, ended_at=_at(case.ends), moves=tuple(moves))],
        span(limit, terms=terms),
        limit.unit,
        terms=terms,
    )
    end = (
        _micro(clock.shown.due_at)
        if clock.still is None
        else (_micro(clock.still.since), clock.still.left // MICROSECOND)
    )
    return (
        found.amount // MICROSECOND,
        _micro(begun.shown.due_at),
        end,
        tuple(_micro(warning.at) for warning in clock.warnings),
        (rest.left // MICROSECOND, rest.whole // MICROSECOND),
    )


def _clock(start: datetime, due_at: datetime, limit: Limit, terms: Terms) -> RunningClock:
    whole = span(limit, terms=terms)
    shown = sla.Clock(
        clock_id=UUID(int=1),
        kind=ClockKind.HANDLE,
        started_at=start,
        due_at=due_at,
        level=Level.TOWN,
        limit=limit_in_words(limit),
        arithmetic="中 | en",
        when_late=WhenLate.OVERSEE,
        playbook=PlaybookRef(version="1", digest="1".zfill(64)),
    )
    marks = [(float(one), after(start, whole * float(one), limit.unit, terms=terms).due_at) for one in FRACTIONS]
    return RunningClock(
        case_id=UUID(int=2),
        shown=shown,
        warnings=tuple(Warned(fraction=fraction, at=at) for fraction, at in marks),
        above=None,
        unit=limit.unit,
        amount=whole,
    )


def a_calendar(chance: random.Random, year: int) -> Calendar:
    """Weekly hours with breaks, feasts and make-up days of two years, each openings of its own."""
    first = date(year, 1, 1)
    days = [first + timedelta(days=n) for n in range((date(year + 2, 1, 1) - first).days)]
    return Calendar(
        weekly={day: openings(chance) for day in chance.sample(range(1, 8), chance.randrange(3, 8))},
        makeup_hours=openings(chance),
        holidays=dict.fromkeys(chance.sample(days, 40), "节"),
        makeup_days=dict.fromkeys(chance.sample(days, 10), "班"),
        years=dict.fromkeys((year, year + 1), YearStatus.ANNOUNCED),
        working_day_hours=chance.choice((8.0, 7.0, 7.5)),
    )


def openings(chance: random.Random) -> tuple[Opening, ...]:
    """One to three stretches on whole minutes; two may touch."""
    marks = sorted(chance.sample(range(1440), 2 * chance.choice((1, 1, 2, 2, 2, 3))))
    if chance.random() < 0.1 and len(marks) > 2:
        marks[2] = marks[1]
    at = [time(mark // 60, mark % 60) for mark in marks]
    return tuple(Opening(opens=a, closes=b) for a, b in zip(at[::2], at[1::2], strict=True) if a < b)


def _limit(chance: random.Random) -> Limit:
    unit = chance.choice((*LimitUnit, *WORKING, *WORKING, *WORKING))
    most = {LimitUnit.CONTINUOUS_MINUTE: 600, LimitUnit.CONTINUOUS_HOUR: 200, LimitUnit.WORKING_HOUR: 80}.get(unit, 25)
    shape = chance.random()
    amount = float(chance.randrange(1, most + 1)) if shape < 0.5 else chance.randrange(1, most * 4) / 4
    return Limit(amount=amount if shape < 0.8 else chance.uniform(0.001, most), unit=unit)


_LENGTHS: Final = {
    LimitUnit.CONTINUOUS_MINUTE: MINUTE,
    LimitUnit.CONTINUOUS_HOUR: 60 * MINUTE,
    LimitUnit.WORKING_HOUR: 60 * MINUTE,
    LimitUnit.NATURAL_DAY: DAY,
}


def _whole(limit: Limit, terms: Terms) -> int:
    """The limit in microseconds, to the nearest; a drill's divided by its speed."""
    one = _LENGTHS.get(limit.unit, Fraction(terms.calendar.working_day_hours) * 60 * MINUTE)
    return round(Fraction(round(Fraction(limit.amount) * one)) / Fraction(terms.speed))


def _length(limit: Limit) -> int:
    """About how long a limit takes in real time."""
    return int(limit.amount * _LENGTHS.get(limit.unit, DAY)) * (5 if limit.unit is LimitUnit.WORKING_HOUR else 1)


def _at(instant: int) -> datetime:
    return EPOCH + timedelta(microseconds=instant)


def _micro(instant: datetime) -> int:
    return (instant - EPOCH) // MICROSECOND
