"""What clocks say, on ``whistle.sla.v1``; escalation alone writes it. A breach is never undone."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Annotated, ClassVar
from uuid import UUID

from annotated_types import Ge, Le, MaxLen

from shared.events.order import Order
from shared.events.parts import CaseView, Instant, Note, PlaybookRef, Target
from shared.vocabulary import ChainAction, ClockKind, Level, OrderRole, Post, WhenLate


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """A step of a clock's chain that is still to come, unless the clock stops before."""

    step: Annotated[str, MaxLen(64)]
    nth: Annotated[int, Ge(1)]
    action: ChainAction
    at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """One running limit: of the case, or of one order when ``order_id`` is there.

    ``limit`` is the limit in the playbook's words, ``arithmetic`` how the deadline came of it,
    step by step, for a person to check. ``order`` is the whole of that order, as it was issued;
    a clock started before the field was there has ``order_id`` alone. ``target`` is who must act:
    for verification a desk, not the target of the order. ``chain`` is the ladder that was in force when
    it started, ``ahead`` the steps of it still to come, in order.
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
    chain: Annotated[str, MaxLen(64)] | None = None
    ahead: Annotated[tuple[Ahead, ...], MaxLen(32)] = ()


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
    REPAIRED = "repaired"


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
    """``fraction`` of a limit has passed and nothing has stopped its clock.

    After an outage one notice stands for all that a case's clocks should have said: ``covers`` are the others.
    """

    TYPE: ClassVar[str] = "whistle.sla.warned.v1"
    case: CaseView
    clock: Clock
    fraction: Annotated[float, Ge(0), Le(1)]
    fired_at: Instant
    covers: Annotated[tuple[UUID, ...], MaxLen(64)] = ()


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Whom a step tells: a desk or a department, and who is on duty there at that instant, first called first.

    ``officers`` are ids of the county's roster; none when nobody stands on it then.
    """

    target: Target
    post: Post
    officers: Annotated[tuple[Annotated[str, MaxLen(64)], ...], MaxLen(8)] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockStepped:
    """A step of a clock's chain is taken: somebody is urged or told, an instruction is given, a case made known.

    ``planned_at`` is the step's own instant. After an outage one step stands for those before it (``passed_over``)
    and for those of the case's other clocks (``covers``): a case is told of once. Where the step moves the case up,
    ``whistle.sla.escalated.v1`` beside it says so; above the county's desk its leader on duty is told instead.
    """

    TYPE: ClassVar[str] = "whistle.sla.stepped.v1"
    case: CaseView
    clock: Clock
    chain: Annotated[str, MaxLen(64)]
    step: Annotated[str, MaxLen(64)]
    nth: Annotated[int, Ge(1)]
    action: ChainAction
    planned_at: Instant
    fired_at: Instant
    late_seconds: Annotated[float, Ge(0)]
    reason: Note
    to: Annotated[tuple[Told, ...], MaxLen(8)] = ()
    copies: Annotated[tuple[Told, ...], MaxLen(8)] = ()
    instruction: Note = ""
    reply_due_at: Instant | None = None
    passed_over: Annotated[tuple[Annotated[str, MaxLen(64)], ...], MaxLen(32)] = ()
    covers: Annotated[tuple[UUID, ...], MaxLen(64)] = ()


SlaEvent = ClockStarted | ClockStopped | ClockMoved | ClockWarned | ClockBreached | ClockEscalated | ClockStepped
