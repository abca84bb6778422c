"""What clocks say, on ``whistle.sla.v1``; escalation alone writes it. A breach is never undone."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Annotated, ClassVar
from uuid import UUID

from annotated_types import Ge, Le, MaxLen

from shared.events.order import Order
from shared.events.parts import CaseView, Instant, Note, PlaybookRef, Target
from shared.vocabulary import ClockKind, Level, OrderRole, WhenLate


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """One running limit: of the case, or of one order when ``order_id`` is there.

    ``limit`` is the limit in the playbook's words, ``arithmetic`` how the deadline came of it,
    step by step, for a person to check. ``order`` is the whole of that order, as it was issued;
    a clock started before the field was there has ``order_id`` alone. ``target`` is who must act:
    for verification a desk, not the target of the order.
    """

    clock_id: UUID
    kind: ClockKind
    started_at: Instant
    due_at: Instant
    level: Level
    limit: Annotated[str, MaxLen(64)]
    arithmetic: Note
    when_late: WhenLate
    playbook: PlaybookRef
    order_id: UUID | None = None
    order_role: OrderRole | None = None
    target: Target | None = None
    order: Order | None = None


@unique
class Outcome(StrEnum):
    """How a clock stopped: what it waited for happened, or nobody waits for it any more."""

    MET = "met"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockStarted:
    """A limit runs from now on: whoever shows the case can count down to ``clock.due_at``."""

    TYPE: ClassVar[str] = "whistle.sla.started.v1"
    case: CaseView
    clock: Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockStopped:
    """A limit no longer runs; a breach that came before stays a breach."""

    TYPE: ClassVar[str] = "whistle.sla.stopped.v1"
    case: CaseView
    clock: Clock
    stopped_at: Instant
    outcome: Outcome


@unique
class Moved(StrEnum):
    """Why a running clock is due at another instant than before."""

    RESUMED = "resumed"
    EXTENDED = "extended"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockMoved:
    """A clock that stood still goes on, or was put off: ``clock.due_at`` counts from now on, not ``before``.

    That a clock stands still is told by the case (``case.held``) and has no event of its own. Of several of one
    clock the one with the latest ``clock.due_at`` holds, for no move ever brings a deadline nearer.
    """

    TYPE: ClassVar[str] = "whistle.sla.moved.v1"
    case: CaseView
    clock: Clock
    before: Instant
    why: Moved
    moved_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockWarned:
    """``fraction`` of a limit has passed and nothing has stopped its clock."""

    TYPE: ClassVar[str] = "whistle.sla.warned.v1"
    case: CaseView
    clock: Clock
    fraction: Annotated[float, Ge(0), Le(1)]
    fired_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockBreached:
    """A limit passed; ``nobody_above`` when the county itself is late and nobody can take over."""

    TYPE: ClassVar[str] = "whistle.sla.breached.v1"
    case: CaseView
    clock: Clock
    fired_at: Instant
    late_seconds: Annotated[float, Ge(0)]
    nobody_above: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockEscalated:
    """A late case moves up: the desk ``to`` oversees it, or takes it over (``when_late``)."""

    TYPE: ClassVar[str] = "whistle.sla.escalated.v1"
    case: CaseView
    clock: Clock
    fired_at: Instant
    from_level: Level
    to_level: Level
    to: Target
    when_late: WhenLate
    reason: Note


SlaEvent = ClockStarted | ClockStopped | ClockMoved | ClockWarned | ClockBreached | ClockEscalated
