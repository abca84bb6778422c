"""A case on its straight path, and who is called to it: opened, ordered, worked on, checked, closed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Annotated, ClassVar
from uuid import UUID

from annotated_types import MaxLen, MinLen

from shared.events.parts import (
    Actor,
    Alike,
    CaseView,
    Digest,
    Guess,
    Instant,
    Note,
    Orders,
    Photo,
    Reply,
    Slug,
    Standing,
    Target,
    WhistleRef,
)
from shared.vocabulary import ClockKind, Level, OrderReason, OrderRole


@unique
class Rating(StrEnum):
    """What a reporter says of the outcome (满意、基本满意、不满意)."""

    SATISFIED = "satisfied"
    BASICALLY = "basically"
    NOT = "not"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseOpened:
    """A report became a case. ``text`` is masked; the two reasons say how it was placed and named.

    With ``case.state`` received it waits for a person to file it, and nobody routes it before. ``tracking``
    is the digest of the code by which its reporter follows it.
    """

    TYPE: ClassVar[str] = "whistle.case.opened.v1"
    case: CaseView
    by: Actor
    report_id: UUID
    text: Annotated[str, MinLen(1), MaxLen(8000)]
    area_why: Note
    category_why: Note
    guess: Guess | None = None
    alike: Annotated[tuple[Alike, ...], MaxLen(5)] = ()
    """Open cases that may be the same matter, for an officer to judge."""
    tracking: Digest | None = None
    photos: Annotated[tuple[Photo, ...], MaxLen(9)] = ()
    severity_why: Note = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRouted:
    """One order for the case was issued; the first takes the case from opened to routed."""

    TYPE: ClassVar[str] = "whistle.case.routed.v1"
    case: CaseView
    by: Actor
    order_id: UUID
    order_role: OrderRole
    target: Target
    level: Level
    reason: OrderReason | None = None
    issued_at: Instant | None = None
    step: Slug | None = None
    whistle: WhistleRef | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseOrderWithdrawn:
    """One order of the case no longer stands; its target need not act."""

    TYPE: ClassVar[str] = "whistle.case.order_withdrawn.v1"
    case: CaseView
    by: Actor
    order_id: UUID
    target: Target
    reason: Note


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseSigned:
    """The target of an order answers for it from now on (签收)."""

    TYPE: ClassVar[str] = "whistle.case.signed.v1"
    case: CaseView
    by: Actor
    order_id: UUID
    order_role: OrderRole
    target: Target
    note: Note = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseArrived:
    """The target of an order is on site (报到、到场)."""

    TYPE: ClassVar[str] = "whistle.case.arrived.v1"
    case: CaseView
    by: Actor
    order_id: UUID
    order_role: OrderRole
    target: Target
    note: Note = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseProgressed:
    """The target of an order says what has been done so far."""

    TYPE: ClassVar[str] = "whistle.case.progressed.v1"
    case: CaseView
    by: Actor
    order_id: UUID
    order_role: OrderRole
    target: Target
    note: Note = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResolved:
    """The target of an order reports it done; with the lead's word the case is resolved."""

    TYPE: ClassVar[str] = "whistle.case.resolved.v1"
    case: CaseView
    by: Actor
    order_id: UUID
    order_role: OrderRole
    target: Target
    note: Note
    reply: Reply | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseReturned:
    """The target of an order gives it back (退单) with a reason; the router decides who is next.

    ``text`` is the report's masked text again: rules that look for words must find them on the way
    back too, and the router keeps nothing.
    """

    TYPE: ClassVar[str] = "whistle.case.returned.v1"
    case: CaseView
    by: Actor
    order_id: UUID
    order_role: OrderRole
    target: Target
    reason: Note
    text: Annotated[str, MaxLen(8000)] = ""
    order: Standing | None = None
    standing: Orders = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseVerified:
    """A desk checked the result and found it good (核查)."""

    TYPE: ClassVar[str] = "whistle.case.verified.v1"
    case: CaseView
    by: Actor
    note: Note = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRejected:
    """A desk checked the result and sent the work back to the lead (返工)."""

    TYPE: ClassVar[str] = "whistle.case.rejected.v1"
    case: CaseView
    by: Actor
    order_id: UUID
    target: Target
    reason: Note


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseClosed:
    """The matter is finished (结案); it can be reopened for 72 hours."""

    TYPE: ClassVar[str] = "whistle.case.closed.v1"
    case: CaseView
    by: Actor
    note: Note = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseReopened:
    """A closed matter was not finished after all; it is routed anew, by its masked ``text`` too."""

    TYPE: ClassVar[str] = "whistle.case.reopened.v1"
    case: CaseView
    by: Actor
    reason: Note
    text: Annotated[str, MaxLen(8000)] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRated:
    """The reporter says how content they are with the outcome."""

    TYPE: ClassVar[str] = "whistle.case.rated.v1"
    case: CaseView
    by: Actor
    rating: Rating
    note: Note = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseEscalated:
    """A late case moved up: the desk of ``to_level`` is to answer for it, or to watch over it (升级).

    That is the desk that the clock names. One that gave the case back is passed over: the order that
    follows says who took it.
    """

    TYPE: ClassVar[str] = "whistle.case.escalated.v1"
    case: CaseView
    by: Actor
    clock_id: UUID
    clock: ClockKind
    order_id: UUID | None
    from_level: Level
    to_level: Level
