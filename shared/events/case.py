"""The facts of a case's life, on ``whistle.case.v1``; intake alone writes them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Annotated, ClassVar
from uuid import UUID

from annotated_types import MaxLen, MinLen

from shared.events.parts import Actor, CaseView, Instant, Note, Orders, Slug, Standing, Target, WhistleRef
from shared.vocabulary import ClockKind, Level, OrderReason, OrderRole


@unique
class Rating(StrEnum):
    """What a reporter says of the outcome (满意、基本满意、不满意)."""

    SATISFIED = "satisfied"
    BASICALLY = "basically"
    NOT = "not"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseOpened:
    """A report became a case. ``text`` is masked; the two reasons say how it was placed and named."""

    TYPE: ClassVar[str] = "whistle.case.opened.v1"
    case: CaseView
    by: Actor
    report_id: UUID
    text: Annotated[str, MinLen(1), MaxLen(8000)]
    area_why: Note
    category_why: Note


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


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseWhistleAsked:
    """A base-level desk wants to call departments to the case (吹哨); its head has yet to say the word."""

    TYPE: ClassVar[str] = "whistle.case.whistle_asked.v1"
    case: CaseView
    by: Actor
    whistle: WhistleRef
    departments: Annotated[tuple[Slug, ...], MinLen(1), MaxLen(16)]
    reason: Note
    lead: Slug | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseWhistleDeclined:
    """The head of the desk did not let the whistle sound."""

    TYPE: ClassVar[str] = "whistle.case.whistle_declined.v1"
    case: CaseView
    by: Actor
    whistle: WhistleRef
    reason: Note


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseWhistled:
    """A whistle sounds for ``departments``, each of which must sign and arrive (部门报到).

    ``lead`` is one of them when the whistle gives the case a new lead. The same whistle sounds again
    for departments added later. ``by`` confirmed it, or for an emergency blew it.
    """

    TYPE: ClassVar[str] = "whistle.case.whistled.v1"
    case: CaseView
    by: Actor
    whistle: WhistleRef
    departments: Annotated[tuple[Slug, ...], MinLen(1), MaxLen(16)]
    reason: Note
    lead: Slug | None = None
    standing: Orders = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseReleased:
    """A desk lets the target of an order go before it is done; the order stands no more."""

    TYPE: ClassVar[str] = "whistle.case.released.v1"
    case: CaseView
    by: Actor
    order: Standing
    reason: Note


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseTransferred:
    """A desk hands an order to somebody else (转办); the router checks and issues it."""

    TYPE: ClassVar[str] = "whistle.case.transferred.v1"
    case: CaseView
    by: Actor
    order: Standing
    to: Target
    reason: Note
    standing: Orders = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRuled:
    """The level above rules whose duty the case is (裁定): ``to`` leads, even if it returned the case before.

    Remembered as a proposal for the duty list: ``to`` answers for the case's category in its area.
    ``order`` is the lead's order that stands, if any.
    """

    TYPE: ClassVar[str] = "whistle.case.ruled.v1"
    case: CaseView
    by: Actor
    to: Target
    reason: Note
    order: Standing | None = None
    standing: Orders = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseStepDone:
    """A step of the case's matter is done or released: those that waited for it may open."""

    TYPE: ClassVar[str] = "whistle.case.step_done.v1"
    case: CaseView
    by: Actor
    step: Slug
    order_id: UUID
    standing: Orders = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseModeChanged:
    """The mode where the case lies changed from ``before`` to ``case.mode``; the router does what the profile says.

    ``change_id`` names the change (``ModeChanged``) that reached the case.
    """

    TYPE: ClassVar[str] = "whistle.case.mode_changed.v1"
    case: CaseView
    by: Actor
    before: Slug
    reason: Note
    text: Annotated[str, MaxLen(8000)] = ""
    standing: Orders = ()
    change_id: UUID | None = None


CaseEvent = (
    CaseOpened
    | CaseRouted
    | CaseOrderWithdrawn
    | CaseSigned
    | CaseArrived
    | CaseProgressed
    | CaseResolved
    | CaseReturned
    | CaseVerified
    | CaseRejected
    | CaseClosed
    | CaseReopened
    | CaseRated
    | CaseEscalated
    | CaseWhistleAsked
    | CaseWhistleDeclined
    | CaseWhistled
    | CaseReleased
    | CaseTransferred
    | CaseRuled
    | CaseStepDone
    | CaseModeChanged
)
