"""What can be asked of a case: by people through the API, and by what other services have decided."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias
from uuid import UUID

from services.intake.domain.states import Action
from shared.events.case import Rating
from shared.events.order import Order
from shared.events.parts import Actor, Place, PlaybookRef
from shared.vocabulary import ClockKind, Level, Severity, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCase:
    """A report becomes a case; every text is masked already."""

    case_id: UUID
    report_id: UUID
    by: Actor
    county: str
    area: str
    area_why: str
    level: Level
    category: str
    category_why: str
    condition: str | None
    severity: Severity
    source: Source
    title: str
    text: str
    tags: tuple[str, ...]
    place: Place | None
    playbook: PlaybookRef


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldOrderIssued:
    """The router issued ``order``."""

    order: Order


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldOrderWithdrawn:
    """The router withdrew ``order``."""

    order: Order
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldEscalated:
    """A clock of the case moved it up."""

    clock_id: UUID
    clock: ClockKind
    order_id: UUID | None
    from_level: Level
    to_level: Level


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOrder:
    """The holder answers for the order from now on."""

    order_id: UUID
    by: Actor
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArriveOnSite:
    """The holder of the order is there."""

    order_id: UUID
    by: Actor
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportProgress:
    """The holder of the order says what is done so far."""

    order_id: UUID
    by: Actor
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveOrder:
    """The holder of the order reports it done."""

    order_id: UUID
    by: Actor
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnOrder:
    """The holder gives the order back; ``returns_allowed`` is the county's policy."""

    order_id: UUID
    by: Actor
    reason: str
    returns_allowed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyCase:
    """A desk found the result good."""

    by: Actor
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectCase:
    """A desk sends the work back to the lead."""

    by: Actor
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseCase:
    """A desk finishes the matter."""

    by: Actor
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReopenCase:
    """The matter was not finished after all; ``window`` counts from closing, by the county's policy."""

    by: Actor
    reason: str
    window: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class RateCase:
    """The reporter says how content they are."""

    by: Actor
    rating: Rating
    note: str = ""


OrderCommand: TypeAlias = SignOrder | ArriveOnSite | ReportProgress | ResolveOrder | ReturnOrder
CaseCommand: TypeAlias = VerifyCase | RejectCase | CloseCase | ReopenCase | RateCase
Fold: TypeAlias = FoldOrderIssued | FoldOrderWithdrawn | FoldEscalated
Command: TypeAlias = OpenCase | Fold | OrderCommand | CaseCommand

ORDER_ACTION: dict[type[OrderCommand], Action] = {
    SignOrder: Action.SIGN,
    ArriveOnSite: Action.ARRIVE,
    ReportProgress: Action.PROGRESS,
    ResolveOrder: Action.RESOLVE,
    ReturnOrder: Action.RETURN,
}
CASE_ACTION: dict[type[CaseCommand], Action] = {
    VerifyCase: Action.VERIFY,
    RejectCase: Action.REJECT,
    CloseCase: Action.CLOSE,
    ReopenCase: Action.REOPEN,
    RateCase: Action.RATE,
}
