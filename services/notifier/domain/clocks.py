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
)
from shared.vocabulary import CASE_ENDED, CaseState, ClockKind, Level, OrderRole, OrderState


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockRead:
    """One clock and all that it has said; each fact is set once, so the order of events does not matter."""

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


def fold_clock(known: ClockRead | None, said: SlaEvent) -> ClockRead:
    """Add what a clock says; a repeat adds nothing."""
    read = known or ClockRead(clock=said.clock)
    if said.clock.due_at > read.clock.due_at:
        # No move ever brings a deadline nearer, so the latest holds whatever came first.
        read = replace(read, clock=said.clock)
    match said:
        case ClockStarted() | ClockMoved() | ClockStepped():
            return read
        case ClockStopped():
            # A fact that came late can move a stop to an earlier instant, never to a later one.
            first = min([(said.stopped_at, said.outcome), *_stop_of(read)], key=_stop_order)
            return replace(read, stopped_at=first[0], outcome=first[1])
        case ClockWarned():
            return replace(read, warned=tuple(sorted({*read.warned, said.fraction})))
        case ClockBreached():
            return replace(read, breached_at=said.fired_at, nobody_above=said.nobody_above)
        case ClockEscalated():
            return replace(
                read,
                escalated_at=said.fired_at,
                escalated_to=said.to_level,
                escalated_to_desk=said.to,
                escalated_why=said.reason,
            )


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
    if read.stopped_at is not None or view.state in CASE_ENDED:
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
