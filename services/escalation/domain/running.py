"""A running clock that is held, goes on and is put off; what is left of it is kept exactly, in its own unit.

A clock stands still from the fact that holds it to the fact that lets it go on (暂停、挂账); docs/decisions/0023.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never

from msgspec.structs import replace

from services.escalation.domain.chain import RunningClock, Still, Warned
from services.escalation.domain.clocks import Round
from services.escalation.domain.deadline import Deadline, Terms, after, elapsed
from services.escalation.domain.moves import Move, MoveKind
from services.escalation.domain.planning import Ground, gone_on, put_off_steps, rested
from services.escalation.domain.words import LONGEST, put_off, unit_in_words, went_on
from shared.playbook.model import LimitUnit


def moved(clock: RunningClock, move: Move, *, terms: Terms) -> RunningClock:
    """``clock`` after ``move``; one that is late stays late, whatever is done to it.

    A clock due at the very instant of a hold is late, and not held. An extension never brings a deadline nearer.

    Raises:
        UnknownYear: when the rest runs into a year without a calendar.
    """
    counted = replace(clock, moves=clock.moves + 1)
    if clock.breached or (clock.still is None and move.at >= clock.shown.due_at):
        return _late_moved(counted, move)
    match move.kind:
        case MoveKind.HOLD:
            return counted if clock.still is not None else _held(counted, move.at, terms)
        case MoveKind.GO:
            return counted if clock.still is None else _gone_on(counted, clock.still, move.at, terms)
        case MoveKind.EXTEND:
            return counted if move.to is None else _extended(counted, move.at, move.to, terms)
        case _:
            assert_never(move.kind)


def _late_moved(clock: RunningClock, move: Move) -> RunningClock:
    """A late clock stays late; while its case stands still the steps of its chain rest."""
    since = clock.rests_since
    match move.kind:
        case MoveKind.HOLD if since is None and clock.steps:
            return replace(clock, rests_since=move.at)
        case MoveKind.GO if since is not None:
            return replace(clock, rests_since=None, steps=rested(clock, since=since, until=move.at))
        case _:
            return clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What is left of a limit after its earlier runs, and how long the whole is with what was granted to it."""

    left: timedelta
    whole: timedelta


def left_after(rounds: Iterable[Round], whole: timedelta, unit: LimitUnit, *, terms: Terms) -> Left:
    """What ``rounds`` leave of a limit of ``whole``: they took what passed, without the time they stood still.

    Raises:
        UnknownYear: when a run touches a year without a calendar.
    """
    left = Left(left=whole, whole=whole)
    for run in rounds:
        left = _run(left, run, unit, terms)
    return left


def _run(before: Left, run: Round, unit: LimitUnit, terms: Terms) -> Left:
    left, whole = before.left, before.whole
    due: datetime | None = after(run.started_at, left, unit, terms=terms).due_at
    for move in run.moves:
        if due is not None and move.at >= due:
            # Late by then: nothing that is done afterwards gives any of it back.
            return Left(left=timedelta(), whole=whole)
        match move.kind:
            case MoveKind.HOLD if due is not None:
                left, due = elapsed(move.at, due, unit, terms=terms), None
            case MoveKind.GO if due is None:
                due = after(move.at, left, unit, terms=terms).due_at
            case MoveKind.EXTEND if move.to is not None and (due is None or move.to > due):
                rest = left if due is None else elapsed(move.at, due, unit, terms=terms)
                granted = max(elapsed(move.at, move.to, unit, terms=terms) - rest, timedelta())
                left, whole = rest + granted, whole + granted
                due = None if due is None else move.to
    return Left(left=left if due is None else elapsed(run.ended_at, due, unit, terms=terms), whole=whole)


def _held(clock: RunningClock, at: datetime, terms: Terms) -> RunningClock:
    return replace(clock, still=Still(since=at, left=elapsed(at, clock.shown.due_at, _unit(clock), terms=terms)))


def _gone_on(clock: RunningClock, still: Still, at: datetime, terms: Terms) -> RunningClock:
    found = after(at, still.left, _unit(clock), terms=terms)
    passed = [warning for warning in clock.warnings if warning.at <= still.since]
    ahead = clock.warnings[len(passed) :]
    fresh = (replace(one, at=_warned_at(clock, one, found, terms)) for one in ahead)
    words = went_on(still.since, found, terms=terms)
    steps = gone_on(clock, _ground(clock, found, terms), since=still.since) if clock.steps else ()
    return replace(_due(clock, found, words), still=None, warnings=(*passed, *fresh), steps=steps)


def _extended(clock: RunningClock, at: datetime, to: datetime, terms: Terms) -> RunningClock:
    unit, still = _unit(clock), clock.still
    left = elapsed(at, clock.shown.due_at, unit, terms=terms) if still is None else still.left
    granted = elapsed(at, to, unit, terms=terms) - left
    if granted < timedelta() or (still is None and to <= clock.shown.due_at):
        return clock
    clock = replace(clock, amount=_amount(clock, terms) + granted, extended=clock.extended + 1)
    if still is not None:
        return replace(clock, still=replace(still, left=left + granted))
    found = Deadline(started_at=at, due_at=to, amount=left + granted)
    armed = [replace(one, at=_warned_at(clock, one, found, terms)) for one in clock.warnings]
    steps, taken = put_off_steps(clock, _ground(clock, found, terms)) if clock.steps else ((), 0)
    # A threshold that lies before the extension is not said again: of the longer limit it has passed already.
    return replace(
        _due(clock, found, put_off(found, terms=terms)),
        warnings=tuple(sorted(armed, key=lambda one: (one.at, one.fraction))),
        warnings_passed=sum(1 for one in armed if one.at <= at),
        steps=steps,
        steps_taken=taken,
    )


def _ground(clock: RunningClock, found: Deadline, terms: Terms) -> Ground:
    began, unit = clock.shown.started_at, _unit(clock)
    return Ground(started_at=began, found=found, whole=_amount(clock, terms), unit=unit, terms=terms)


def _due(clock: RunningClock, found: Deadline, words: tuple[str, str]) -> RunningClock:
    zh, bar, en = clock.shown.arithmetic.partition(" | ")
    arithmetic = f"{zh}；{words[0]} | {en if bar else zh}; {words[1]}"
    if len(arithmetic) > LONGEST:
        # What came last is what counts now; the start of it all stands in the event that told of the start.
        arithmetic = f"…；{words[0]} | …; {words[1]}"
    return replace(clock, shown=dataclasses.replace(clock.shown, due_at=found.due_at, arithmetic=arithmetic))


def _warned_at(clock: RunningClock, warning: Warned, found: Deadline, terms: Terms) -> datetime:
    # A warning stands where its fraction of the whole limit has passed, that is where the rest is left.
    whole = _amount(clock, terms)
    until = found.amount - (whole - whole * warning.fraction)
    return after(found.started_at, until, _unit(clock), terms=terms).due_at


def _unit(clock: RunningClock) -> LimitUnit:
    return clock.unit or unit_in_words(clock.shown.limit)


def _amount(clock: RunningClock, terms: Terms) -> timedelta:
    if clock.amount is not None:
        return clock.amount
    return elapsed(clock.shown.started_at, clock.shown.due_at, _unit(clock), terms=terms)
