"""A clock that is held, goes on and is put off, against a walker that counts minute by minute."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from services.escalation.domain.chain import CaseShown, RunningClock, Wait, Warn, Warned, announce, judge
from services.escalation.domain.clocks import Round
from services.escalation.domain.deadline import Terms, after, deadline
from services.escalation.domain.moves import Move, MoveKind
from services.escalation.domain.running import left_after, moved
from services.escalation.domain.words import limit_in_words, unit_in_words
from shared.events import sla
from shared.events.parts import PlaybookRef
from shared.playbook.model import Limit, LimitUnit
from shared.vocabulary import ClockKind, Level, WhenLate
from tests.fakes.story import Story
from tests.unit.escalation.test_deadline import CALENDAR, SHANGHAI

TERMS = Terms(calendar=CALENDAR, zone=SHANGHAI, speed=1)
MINUTE = timedelta(minutes=1)
FRIDAY = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
"""Nine in the morning in the county."""
HOLD, GO, EXTEND = MoveKind.HOLD, MoveKind.GO, MoveKind.EXTEND


def a_clock(start: datetime, minutes: int, unit: LimitUnit, *, warn_at: Sequence[float] = (0.5,)) -> RunningClock:
    whole = timedelta(minutes=minutes)
    found = after(start, whole, unit, terms=TERMS)
    limit = Limit(amount=minutes / 60, unit=unit)
    clock = sla.Clock(
        clock_id=UUID(int=1),
        kind=ClockKind.HANDLE,
        started_at=start,
        due_at=found.due_at,
        level=Level.VILLAGE,
        limit=limit_in_words(limit),
        arithmetic="中 | en",
        when_late=WhenLate.OVERSEE,
        playbook=PlaybookRef(version="1", digest="1".zfill(64)),
    )
    warnings = tuple(Warned(fraction=f, at=after(start, whole * f, unit, terms=TERMS).due_at) for f in warn_at)
    return RunningClock(case_id=UUID(int=2), shown=clock, warnings=warnings, above=None, unit=unit, amount=whole)


def run(clock: RunningClock, *moves: Move) -> RunningClock:
    for move in moves:
        clock = moved(clock, move, terms=TERMS)
    return clock


def hold(at: datetime) -> Move:
    return Move(kind=HOLD, at=at)


def go(at: datetime) -> Move:
    return Move(kind=GO, at=at)


def extend(at: datetime, to: datetime) -> Move:
    return Move(kind=EXTEND, at=at, to=to)


def test_a_night_in_which_a_case_was_paused_takes_nothing_from_working_time() -> None:
    clock = a_clock(FRIDAY, 8 * 60, LimitUnit.WORKING_HOUR)
    # Paused after closing on Friday, on again before opening on Monday: due as if nothing had been.
    still = run(clock, hold(FRIDAY + timedelta(hours=10)), go(FRIDAY + timedelta(days=2, hours=22)))
    assert still.shown.due_at == clock.shown.due_at


def test_half_a_working_day_paused_is_half_a_working_day_later() -> None:
    clock = a_clock(FRIDAY, 4 * 60, LimitUnit.WORKING_HOUR)
    found = run(clock, hold(FRIDAY + timedelta(hours=2)), go(FRIDAY + timedelta(hours=6)))
    # From eleven to three: an hour before noon and an hour after two are worked in between.
    assert found.shown.due_at == clock.shown.due_at + timedelta(hours=2)
    assert "停计，余 2h" in found.shown.arithmetic
    assert "held Fri 2026-11-20 11:00 with 2h left" in found.shown.arithmetic


def test_a_clock_that_stands_still_says_nothing_whatever_the_time() -> None:
    still = run(a_clock(FRIDAY, 60, LimitUnit.CONTINUOUS_HOUR), hold(FRIDAY + timedelta(minutes=10)))
    assert still.next_at is None
    assert judge(still, now=FRIDAY + timedelta(days=300)) == Wait(until=None)


def test_a_clock_due_at_the_instant_of_the_hold_is_late_and_one_a_moment_later_is_not() -> None:
    clock = a_clock(FRIDAY, 60, LimitUnit.CONTINUOUS_HOUR)
    assert run(clock, hold(clock.shown.due_at)).still is None
    just = run(clock, hold(clock.shown.due_at - timedelta(microseconds=1)))
    assert just.still is not None
    assert just.still.left == timedelta(microseconds=1)


def test_a_late_clock_is_late_for_ever() -> None:
    late = replace(a_clock(FRIDAY, 60, LimitUnit.CONTINUOUS_HOUR), breached=True)
    at = FRIDAY + timedelta(minutes=30)
    found = run(late, hold(at), go(at + timedelta(days=1)), extend(at, at + timedelta(days=9)))
    assert replace(found, moves=0) == late
    assert found.moves == 3


def test_an_extension_is_to_the_very_instant_and_its_warnings_are_armed_anew() -> None:
    clock = a_clock(FRIDAY, 120, LimitUnit.CONTINUOUS_HOUR, warn_at=(0.25, 0.5))
    clock = replace(clock, warnings_passed=1)
    at, to = FRIDAY + timedelta(minutes=50), FRIDAY + timedelta(minutes=240)
    found = run(clock, extend(at, to))
    assert found.shown.due_at == to
    # Of four hours a quarter is over after one and a half after two: what passed of two hours is ahead again.
    assert [one.at for one in found.warnings] == [FRIDAY + timedelta(minutes=60), FRIDAY + timedelta(minutes=120)]
    assert found.next_at == FRIDAY + timedelta(minutes=60)
    assert "准予延期" in found.shown.arithmetic


def test_a_threshold_that_the_longer_limit_has_passed_already_is_not_said_again() -> None:
    clock = a_clock(FRIDAY, 120, LimitUnit.CONTINUOUS_HOUR, warn_at=(0.25, 0.5))
    found = run(clock, extend(FRIDAY + timedelta(minutes=110), FRIDAY + timedelta(minutes=150)))
    assert found.warnings_passed == 2
    assert found.next_at == found.shown.due_at


def test_a_warning_said_again_after_an_extension_is_another_event() -> None:
    told = Story("w", area="990101001001", at=FRIDAY)
    told.opened()
    clock = a_clock(FRIDAY, 120, LimitUnit.CONTINUOUS_HOUR)
    longer = run(clock, extend(FRIDAY, FRIDAY + timedelta(hours=9)))
    ids = []
    for one in (clock, longer):
        at = one.warnings[0].at
        verdict = judge(one, now=at)
        assert isinstance(verdict, Warn)
        ids += [event.id for event in announce(one, verdict, case=CaseShown.of(told.view), now=at)]
    assert len(set(ids)) == 2


@pytest.mark.parametrize("hours", (1, 2))
def test_an_extension_never_brings_a_deadline_nearer(hours: int) -> None:
    clock = a_clock(FRIDAY, 120, LimitUnit.CONTINUOUS_HOUR)
    found = run(clock, extend(FRIDAY + timedelta(minutes=5), FRIDAY + timedelta(hours=hours)))
    assert replace(found, moves=0) == clock


def test_a_warning_that_was_not_said_before_the_hold_is_said_after_it() -> None:
    clock = a_clock(FRIDAY, 120, LimitUnit.CONTINUOUS_HOUR)
    held = run(clock, hold(FRIDAY + timedelta(minutes=70)))
    on = run(held, go(FRIDAY + timedelta(minutes=300)))
    assert held.next_at is None
    assert on.next_at == FRIDAY + timedelta(minutes=60)


@pytest.mark.parametrize("unit", tuple(LimitUnit))
def test_a_clock_of_an_earlier_release_tells_its_unit_by_its_words(unit: LimitUnit) -> None:
    assert unit_in_words(limit_in_words(Limit(amount=4, unit=unit))) is unit


def test_a_clock_of_an_earlier_release_is_held_as_exactly() -> None:
    clock = a_clock(FRIDAY, 4 * 60, LimitUnit.WORKING_HOUR)
    old = replace(clock, unit=None, amount=None)
    moves = hold(FRIDAY + timedelta(hours=2)), go(FRIDAY + timedelta(days=3))
    assert run(old, *moves).shown.due_at == run(clock, *moves).shown.due_at
    assert run(old, *moves).warnings == run(clock, *moves).warnings


def test_arithmetic_stays_within_its_bound_however_often_a_clock_is_moved() -> None:
    clock = a_clock(FRIDAY, 600, LimitUnit.CONTINUOUS_HOUR)
    for number in range(40):
        clock = run(clock, hold(FRIDAY + number * 2 * MINUTE), go(FRIDAY + (number * 2 + 1) * MINUTE))
    assert len(clock.shown.arithmetic) <= 1200
    assert f"止 {clock.shown.due_at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}" in clock.shown.arithmetic


class Walker:
    """Counts a limit minute by minute, as one would with a pencil; everything falls on whole minutes."""

    def __init__(self, start: datetime, minutes: int, unit: LimitUnit) -> None:
        self.at, self.left, self.unit = start, minutes, unit
        self.held = False
        self.date: datetime | None = None
        self.due: datetime | None = None

    def until(self, end: datetime) -> None:
        while self.due is None:
            if not self.held and (self.at == self.date if self.date else self.left == 0):
                self.due = self.at
            if self.at >= end:
                return
            if not self.held and self._counts(self.at):
                self.left -= 1
            self.at += MINUTE

    def move(self, move: Move) -> None:
        self.until(move.at)
        if self.due is not None:
            return
        match move.kind:
            case MoveKind.HOLD:
                self.held, self.date = True, None
            case MoveKind.GO:
                self.held = False
            case MoveKind.EXTEND:
                assert move.to is not None
                counted = self._counted(move.at, move.to)
                if counted >= self.left and (self.held or move.to > self._due_now()):
                    self.left, self.date = counted, None if self.held else move.to

    def end(self) -> datetime | None:
        if not self.held:
            self.until(self.at + timedelta(days=90))
        return self.due

    def _due_now(self) -> datetime:
        if self.date is not None:
            return self.date
        ahead = Walker(self.at, self.left, self.unit)
        ahead.until(self.at + timedelta(days=90))
        assert ahead.due is not None
        return ahead.due

    def _counted(self, start: datetime, end: datetime) -> int:
        return sum(self._counts(start + number * MINUTE) for number in range(int((end - start) / MINUTE)))

    def _counts(self, at: datetime) -> bool:
        if self.unit not in (LimitUnit.WORKING_HOUR, LimitUnit.WORKING_DAY):
            return True
        local = at.astimezone(SHANGHAI)
        day = CALENDAR.openings_on(local.date())
        return any(one.opens <= local.time() < one.closes for one in day)


UNITS = st.sampled_from((LimitUnit.CONTINUOUS_HOUR, LimitUnit.WORKING_HOUR))


@st.composite
def lives(draw: st.DrawFn, *, extensions: bool = True) -> tuple[Move, ...]:
    """What happens to a clock from Friday morning on: holds and goings on in turn, extensions between."""
    at, held, moves = FRIDAY, False, list[Move]()
    for _ in range(draw(st.integers(0, 5))):
        at += draw(st.integers(0, 36 * 60)) * MINUTE
        if extensions and draw(st.booleans()):
            moves.append(extend(at, at + draw(st.integers(0, 3 * 24 * 60)) * MINUTE))
        else:
            moves.append(go(at) if held else hold(at))
            held = not held
    return tuple(moves)


@settings(max_examples=150, deadline=None)
@given(minutes=st.integers(1, 900), unit=UNITS, moves=lives())
def test_a_clock_is_due_when_the_walker_says(minutes: int, unit: LimitUnit, moves: tuple[Move, ...]) -> None:
    walker = Walker(FRIDAY, minutes, unit)
    for move in moves:
        walker.move(move)
    clock = run(a_clock(FRIDAY, minutes, unit), *moves)
    due = walker.end()
    assert (None if clock.still is not None else clock.shown.due_at) == due
    if clock.still is not None:
        assert clock.still.left == walker.left * MINUTE


@settings(max_examples=80, deadline=None)
@given(minutes=st.integers(1, 200), unit=UNITS, moves=lives(extensions=False))
def test_a_warning_stands_where_the_walker_has_counted_its_fraction(
    minutes: int, unit: LimitUnit, moves: tuple[Move, ...]
) -> None:
    clock = run(a_clock(FRIDAY, minutes * 4, unit, warn_at=(0.25, 0.75)), *moves)
    for warning in clock.warnings:
        walker = Walker(FRIDAY, round(minutes * 4 * warning.fraction), unit)
        for move in moves:
            walker.move(move)
        due = walker.end()
        if due is not None:
            assert warning.at == due


@settings(max_examples=80, deadline=None)
@given(minutes=st.integers(1, 900), unit=UNITS, moves=lives(), ends=st.integers(0, 9 * 24 * 60))
def test_what_an_earlier_run_left_is_what_the_walker_has_left(
    minutes: int, unit: LimitUnit, moves: tuple[Move, ...], ends: int
) -> None:
    end = max([FRIDAY + ends * MINUTE, *(move.at for move in moves)])
    walker = Walker(FRIDAY, minutes, unit)
    for move in moves:
        walker.move(move)
    walker.until(end)
    left = left_after(
        [Round(started_at=FRIDAY, ended_at=end, moves=moves)], timedelta(minutes=minutes), unit, terms=TERMS
    )
    assert left.left == (0 if walker.due is not None else walker.left) * MINUTE


@settings(max_examples=60, deadline=None)
@given(minutes=st.integers(1, 900), unit=UNITS, moves=lives())
def test_a_clock_kept_between_its_moves_comes_to_the_same(
    minutes: int, unit: LimitUnit, moves: tuple[Move, ...]
) -> None:
    kept = straight = a_clock(FRIDAY, minutes, unit)
    for move in moves:
        kept = msgspec.json.decode(msgspec.json.encode(moved(kept, move, terms=TERMS)), type=RunningClock)
    assert kept == run(straight, *moves)


def test_a_limit_less_what_was_taken_is_the_same_by_both_ways() -> None:
    limit = Limit(amount=4, unit=LimitUnit.WORKING_HOUR)
    taken = timedelta(minutes=90)
    assert deadline(FRIDAY, limit, terms=TERMS, taken=taken) == after(
        FRIDAY, timedelta(hours=4) - taken, limit.unit, terms=TERMS
    )
