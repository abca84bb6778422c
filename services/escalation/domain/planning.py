"""When the steps of a chain come: reckoned as the clock starts, and anew when it was held or put off.

What an instant is counted from says its threshold. One that is counted from the deadline moves with it; one counted
from the start moves by the time that the clock stood still. A step once taken is taken, but for an urging or a notice
before the deadline: of a longer limit it is said again, as a warning is (docs/decisions/0027).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final, assert_never

from msgspec.structs import replace

from services.escalation.domain.chain import Planned, RunningClock
from services.escalation.domain.deadline import Deadline, Terms, after, elapsed, span
from shared.playbook.model import MOST_STEPS, Anchor, Chain, ChainStep, Limit, LimitUnit, UnknownYear
from shared.vocabulary import ChainAction

FROM_START: Final = frozenset({Anchor.SINCE, Anchor.DAY_END})
_TELLS: Final = frozenset({ChainAction.URGE, ChainAction.NOTIFY})
_HOURS: Final = {
    LimitUnit.CONTINUOUS_MINUTE: 1 / 60,
    LimitUnit.CONTINUOUS_HOUR: 1,
    LimitUnit.WORKING_HOUR: 1,
    LimitUnit.WORKING_DAY: 24,
    LimitUnit.NATURAL_DAY: 24,
}
_NATURAL: Final = {LimitUnit.WORKING_HOUR: LimitUnit.CONTINUOUS_HOUR, LimitUnit.WORKING_DAY: LimitUnit.NATURAL_DAY}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What instants are counted from: a clock that ``started_at`` an instant and runs on as ``found`` says.

    ``whole`` is its limit in the measure of ``unit``; ``found`` begins where it began or went on last.
    """

    started_at: datetime
    found: Deadline
    whole: timedelta
    unit: LimitUnit
    terms: Terms


def plan(chain: Chain, ground: Ground) -> tuple[Planned, ...]:
    """Every step of ``chain`` with each of its repetitions, in the order of their instants; at most ``MOST_STEPS``.

    A step whose instant runs into a year without a calendar counts natural time and says so: no clock waits for it.
    """
    found = (one for step in chain.steps for one in _repeated(step, ground))
    return _in_order(chain, found)[:MOST_STEPS]


def gone_on(clock: RunningClock, ground: Ground, *, since: datetime) -> tuple[Planned, ...]:
    """The steps of a clock that stood still ``since`` an instant and goes on as ``ground`` says."""
    begun, terms = ground.found.started_at, ground.terms

    def rest(one: Planned, unit: LimitUnit) -> Planned:
        try:
            left, rough = elapsed(since, one.at, unit, terms=terms), one.natural
            return replace(one, at=after(begun, left, unit, terms=terms).due_at, natural=rough)
        except UnknownYear:
            return replace(one, at=one.at + (begun - since), natural=True)

    return _moved_ahead(clock, since, _anew(clock, ground, rest), stood=begun - since)


def rested(clock: RunningClock, *, since: datetime, until: datetime) -> tuple[Planned, ...]:
    """The steps of a late clock whose case stood still: those that had not come do so later by that time."""
    return _moved_ahead(clock, since, lambda one: replace(one, at=one.at + (until - since)), stood=until - since)


def put_off_steps(clock: RunningClock, ground: Ground) -> tuple[tuple[Planned, ...], int]:
    """The steps of a clock that was put off, and how many of them are taken."""
    anew, granted_at = _anew(clock, ground, lambda one, _: one), ground.found.started_at
    done, ahead = list[Planned](), list[Planned]()
    for number, one in enumerate(clock.steps):
        step = clock.step_of(one)
        fresh = one if step.at.anchor in FROM_START else anew(one)
        again = step.action in _TELLS and fresh != one and fresh.at > granted_at
        if number >= clock.steps_taken or again:
            ahead.append(fresh)
        else:
            done.append(one)
    return (*done, *_ordered(clock, ahead)), len(done)


def _moved_ahead(
    clock: RunningClock, since: datetime, anew: Callable[[Planned], Planned], *, stood: timedelta
) -> tuple[Planned, ...]:
    taken, ahead = clock.steps[: clock.steps_taken], clock.steps[clock.steps_taken :]
    moved = []
    for one in ahead:
        if one.at <= since:
            # It had come before the clock was held and is only not taken yet.
            moved.append(one)
        elif clock.step_of(one).at.anchor in FROM_START:
            moved.append(replace(one, at=one.at + stood))
        else:
            moved.append(anew(one))
    return (*taken, *_ordered(clock, moved))


def _anew(
    clock: RunningClock, ground: Ground, rest: Callable[[Planned, LimitUnit], Planned]
) -> Callable[[Planned], Planned]:
    """How a step is reckoned anew; where its first time lies behind, ``rest`` says what becomes of a repetition."""

    def reckoned(one: Planned) -> Planned:
        step = clock.step_of(one)
        found = {fresh.nth: fresh for fresh in _repeated(step, ground)}
        if one.nth > 1 and step.every is not None and found[1].at <= ground.found.started_at:
            return rest(one, step.every.unit)
        return found[one.nth]

    return reckoned


def _ordered(clock: RunningClock, steps: Iterable[Planned]) -> tuple[Planned, ...]:
    return tuple(steps) if clock.chain is None else _in_order(clock.chain, steps)


def _in_order(chain: Chain, steps: Iterable[Planned]) -> tuple[Planned, ...]:
    place = {step.id: number for number, step in enumerate(chain.steps)}
    return tuple(sorted(steps, key=lambda one: (one.at, place[one.step], one.nth)))


def _repeated(step: ChainStep, ground: Ground) -> Iterator[Planned]:
    at, roughly = _instant(step, ground)
    for nth in range(1, min(step.times, MOST_STEPS) + 1):
        if nth > 1 and step.every is not None:
            at, rough = later(at, step.every, ground.terms)
            roughly = roughly or rough
        yield Planned(step=step.id, nth=nth, at=at, natural=roughly)


def _instant(step: ChainStep, ground: Ground) -> tuple[datetime, bool]:
    """The first instant of a step, and whether natural time had to do."""
    threshold, due, terms = step.at, ground.found.due_at, ground.terms
    match threshold.anchor:
        case Anchor.DUE:
            return due, False
        case Anchor.PASSED:
            whole, left = ground.whole, ground.found.amount
            until = left - (whole - whole * (threshold.fraction or 0.0))
            return after(ground.found.started_at, until, ground.unit, terms=terms).due_at, False
        case Anchor.BEFORE:
            return _before(ground, _span(threshold.span))
        case Anchor.AFTER:
            return later(due, _span(threshold.span), terms)
        case Anchor.SINCE:
            return later(ground.started_at, _span(threshold.span), terms)
        case Anchor.DAY_END:
            return _day_end(ground.started_at, threshold.days or 0, terms), False
        case _:
            assert_never(threshold.anchor)


def _span(given: Limit | None) -> Limit:
    if given is None:
        raise AssertionError("a threshold of this kind has a span; the playbook's loader checks it")
    return given


def later(start: datetime, limit: Limit, terms: Terms) -> tuple[datetime, bool]:
    """So much after ``start``; natural time, told by True, where that runs into a year without a calendar."""
    try:
        return after(start, span(limit, terms=terms), limit.unit, terms=terms).due_at, False
    except UnknownYear:
        rough = natural(limit)
        return after(start, span(rough, terms=terms), rough.unit, terms=terms).due_at, True


def roughly_later(start: datetime, limit: Limit) -> datetime:
    """So much natural time after ``start``, for whoever has no calendar at hand."""
    rough = natural(limit)
    return start.astimezone(UTC) + timedelta(hours=rough.amount * _HOURS[rough.unit])


def _before(ground: Ground, limit: Limit) -> tuple[datetime, bool]:
    """So long before the deadline; at the beginning where there was never that much time."""
    start, due, terms = ground.found.started_at, ground.found.due_at, ground.terms
    try:
        first = elapsed(start, due, limit.unit, terms=terms) - span(limit, terms=terms)
        return after(start, first, limit.unit, terms=terms).due_at, False
    except UnknownYear:
        rough = natural(limit)
        return max(start, due - span(rough, terms=terms)), True


def natural(limit: Limit) -> Limit:
    """As much natural time: an hour for a working hour, a day for a working day."""
    return Limit(amount=limit.amount, unit=_NATURAL.get(limit.unit, limit.unit))


def _day_end(start: datetime, days: int, terms: Terms) -> datetime:
    """The first instant of the next local day after so many; in a drill it comes sooner, as all else."""
    next_day = start.astimezone(terms.zone).date() + timedelta(days=days + 1)
    # A midnight that the clocks skip is the instant of the jump; between local times Python subtracts the wall clock's.
    start, ends = start.astimezone(UTC), datetime.combine(next_day, time(), tzinfo=terms.zone).astimezone(UTC)
    return start + (ends - start) / terms.speed
