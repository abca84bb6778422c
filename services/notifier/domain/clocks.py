"""What is known of one clock, and whether it still runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from services.notifier.domain.orders import OrderRead
from shared.events.parts import CaseView, Target
from shared.events.sla import (
    Ahead,
    Clock,
    ClockBreached,
    ClockEscalated,
    ClockMoved,
    ClockStarted,
    ClockStepped,
    ClockStopped,
    ClockWarned,
    Outcome,
    SlaEvent,
    Told,
)
from shared.vocabulary import CASE_ENDED, CaseState, ChainAction, ClockKind, Level, OrderRole, OrderState

MOST_STEPS_KEPT: Final = 64
"""Steps of one clock that are remembered; the newest count. A chain has half as many, and an extension arms it anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stepped:
    """A step of the clock's chain that was taken, and whom it told; ``passed_over`` are steps that it stood for."""

    step: str
    nth: int
    action: ChainAction
    planned_at: datetime
    fired_at: datetime
    to: tuple[Told, ...] = ()
    copies: tuple[Told, ...] = ()
    reply_due_at: datetime | None = None
    passed_over: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What a clock said for others of its case as well, after an outage: nothing planned until ``at`` is said again."""

    at: datetime
    covers: tuple[UUID, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockRead:
    """One clock and all that it has said; each fact is set once, so the order of events does not matter.

    Of several levels that a chain has moved the case up to, the highest stands.
    """

    clock: Clock
    warned: tuple[float, ...] = ()
    stopped_at: datetime | None = None
    outcome: Outcome | None = None
    breached_at: datetime | None = None
    nobody_above: bool = False
    escalated_at: datetime | None = None
    escalated_to: Level | None = None
    escalated_to_desk: Target | None = None
    escalated_why: str = ""
    steps: tuple[Stepped, ...] = ()
    notices: tuple[Notice, ...] = ()


def fold_clock(known: ClockRead | None, said: SlaEvent) -> ClockRead:
    """Add what a clock says; a repeat adds nothing."""
    read = known or ClockRead(clock=said.clock)
    if said.clock.due_at > read.clock.due_at:
        # No move ever brings a deadline nearer, so the latest holds whatever came first.
        read = replace(read, clock=said.clock)
    match said:
        case ClockStarted() | ClockMoved():
            return read
        case ClockStopped():
            # A fact that came late can move a stop to an earlier instant, never to a later one.
            first = min([(said.stopped_at, said.outcome), *_stop_of(read)], key=_stop_order)
            return replace(read, stopped_at=first[0], outcome=first[1])
        case ClockWarned():
            warned = replace(read, warned=tuple(sorted({*read.warned, said.fraction})))
            return _for_others(warned, said.fired_at, said.covers)
        case ClockBreached():
            return replace(read, breached_at=said.fired_at, nobody_above=said.nobody_above)
        case ClockEscalated():
            return _escalated(read, said)
        case ClockStepped():
            return _for_others(_stepped(read, said), said.fired_at, said.covers)


def _escalated(read: ClockRead, said: ClockEscalated) -> ClockRead:
    reached = (said.to_level.digits, said.fired_at)
    if (
        read.escalated_to is not None
        and read.escalated_at is not None
        and (read.escalated_to.digits, read.escalated_at) <= reached
    ):
        return read
    return replace(
        read,
        escalated_at=said.fired_at,
        escalated_to=said.to_level,
        escalated_to_desk=said.to,
        escalated_why=said.reason,
    )


def _stepped(read: ClockRead, said: ClockStepped) -> ClockRead:
    taken = Stepped(
        step=said.step,
        nth=said.nth,
        action=said.action,
        planned_at=said.planned_at,
        fired_at=said.fired_at,
        to=said.to,
        copies=said.copies,
        reply_due_at=said.reply_due_at,
        passed_over=said.passed_over,
    )
    kept = sorted({taken, *read.steps}, key=lambda one: (one.fired_at, one.planned_at, one.step, one.nth))
    return replace(read, steps=tuple(kept[-MOST_STEPS_KEPT:]))


def _for_others(read: ClockRead, at: datetime, covers: tuple[UUID, ...]) -> ClockRead:
    if not covers:
        return read
    kept = sorted({Notice(at=at, covers=covers), *read.notices}, key=lambda one: (one.at, one.covers))
    return replace(read, notices=tuple(kept[-MOST_STEPS_KEPT:]))


def ahead(read: ClockRead, clocks: Iterable[ClockRead]) -> tuple[Ahead, ...]:
    """The steps still to come of a clock that runs, one of the case's ``clocks``: none that was taken or stood for."""
    said = [step.fired_at for step in read.steps]
    said += [one.at for other in clocks for one in other.notices if read.clock.clock_id in one.covers]
    last = max(said, default=None)
    return tuple(one for one in read.clock.ahead if last is None or one.at > last)


def _stop_of(read: ClockRead) -> tuple[tuple[datetime, Outcome], ...]:
    return () if read.stopped_at is None or read.outcome is None else ((read.stopped_at, read.outcome),)


def _stop_order(stop: tuple[datetime, Outcome]) -> tuple[datetime, bool]:
    """At one instant the deed counts, not the call-off."""
    return (stop[0], stop[1] is Outcome.CANCELLED)


def runs(read: ClockRead, *, view: CaseView, order: OrderRead | None) -> bool:
    """Say whether a clock still limits somebody.

    Escalation alone starts, stops and fires clocks; beside what it has said, this hides a clock whose
    matter is over by the case and its order already, for those facts come here first.
    """
    clock = read.clock
    over = _OVER_FOR_GOOD if clock.kind is ClockKind.SUPERVISE else CASE_ENDED
    if read.stopped_at is not None or view.state in over:
        return False
    match clock.kind:
        case ClockKind.ACCEPT:
            return view.state is CaseState.RECEIVED
        case ClockKind.DISPATCH:
            return view.state in (CaseState.OPENED, CaseState.RETURNED)
        case ClockKind.VERIFY:
            return view.state is CaseState.RESOLVED
        case ClockKind.SIGN_IN | ClockKind.ARRIVE | ClockKind.HANDLE if order is not None:
            return order.stands(view.reopened) and order.state in _RUNS_IN[clock.kind]
        case _:
            return True


def stands_still(read: ClockRead, *, view: CaseView, order: OrderRead | None) -> bool:
    """Say whether a running clock keeps its remainder: a hung case's all do, a paused one's that are its lead's."""
    held = view.held
    if held is None or not runs(read, view=view, order=order):
        return False
    return held.hung or order is None or order.role is OrderRole.LEAD


_OVER_FOR_GOOD: Final = CASE_ENDED - {CaseState.CLOSED}
"""An instruction outlives the closing of its case: its reply is still due."""
_RUNS_IN: Final = {
    ClockKind.SIGN_IN: frozenset({OrderState.ISSUED}),
    ClockKind.ARRIVE: frozenset({OrderState.ISSUED, OrderState.SIGNED}),
    ClockKind.HANDLE: frozenset({OrderState.ISSUED, OrderState.SIGNED, OrderState.ARRIVED, OrderState.IN_PROGRESS}),
}


def most_pressing(clocks: Iterable[ClockRead]) -> ClockRead | None:
    """The clock that is due first; ``clocks`` are running ones."""
    return min(clocks, key=lambda read: (read.clock.due_at, _text(read.clock.clock_id)), default=None)


def _text(clock_id: UUID) -> str:
    return str(clock_id)
