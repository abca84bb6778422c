"""What can be asked of a case: by people through the API, and by what other services have decided."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias
from uuid import UUID

from services.intake.domain.life.filing_commands import FactCommand, FilingCommand
from services.intake.domain.life.review_commands import ReviewCommand, SupervisionCommand
from services.intake.domain.life.states import Action
from services.intake.domain.life.time_commands import ExtensionCommand, HoldCommand
from shared.events.case import Rating
from shared.events.order import CaseSettings, Order
from shared.events.parts import Actor, Alike, Digest, Guess, MatterView, Photo, Place, PlaybookRef, Reply, Target
from shared.vocabulary import (
    NORMAL,
    CaseState,
    ClockKind,
    EmergencyService,
    Level,
    Purpose,
    Severity,
    Source,
    WhistleKind,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOver:
    """An emergency service that the report's ``words`` call for."""

    service: EmergencyService
    words: tuple[str, ...]


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
    purpose: Purpose = Purpose.REAL
    mode: str = NORMAL
    earlier: tuple[datetime, ...] = ()
    photos: tuple[Photo, ...] = ()
    state: CaseState = CaseState.OPENED
    """Received when a person is to file it first."""
    guess: Guess | None = None
    alike: tuple[Alike, ...] = ()
    tracking: Digest | None = None
    handovers: tuple[HandOver, ...] = ()
    """Emergency services that are called at once."""
    severity_why: str = ""
    secret: bool = False
    """The reporter asked for secrecy: nothing of the matter is shown outside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldOrderIssued:
    """The router issued ``order``; the lead's may bring settings of its rules and the case's matter.

    ``replaces`` are the orders that it stands instead of; their withdrawals may come before it or after.
    """

    order: Order
    sets: CaseSettings | None = None
    matter: MatterView | None = None
    replaces: tuple[UUID, ...] = ()


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
class FoldSupervised:
    """A step of a clock's chain gives ``target`` an instruction (督办); ``step_id`` is the step's event.

    ``assists`` when the clock is of an order that goes on while the lead pauses. Without a ``target`` it is for
    whoever leads.
    """

    step_id: UUID
    clock: ClockKind
    order_id: UUID | None
    target: Target | None
    instruction: str
    reply_due_at: datetime
    assists: bool = False


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
    """The holder of the order reports it done, with the four elements of a reply where the county wants them."""

    order_id: UUID
    by: Actor
    note: str
    reply: Reply | None = None


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
    """The matter was not finished after all; ``window`` counts from closing, by the county's policy.

    ``mode`` is the one in force where the case lies now; None leaves the case's as it is.
    """

    by: Actor
    reason: str
    window: timedelta
    mode: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RateCase:
    """The reporter says how content they are."""

    by: Actor
    rating: Rating
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseOrder:
    """A desk lets the target of an assist order go before it is done."""

    order_id: UUID
    by: Actor
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferOrder:
    """A desk hands an order to somebody else (转办)."""

    order_id: UUID
    by: Actor
    to: Target
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleCase:
    """The level above says whose duty the case is (裁定)."""

    by: Actor
    to: Target
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BlowWhistle:
    """A desk calls departments to the case (吹哨); with ``whistle_id`` it adds to one that sounded."""

    by: Actor
    departments: tuple[str, ...]
    reason: str
    kind: WhistleKind | None = None
    lead: str | None = None
    whistle_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmWhistle:
    """The head of the desk lets the whistle sound."""

    by: Actor
    whistle_id: UUID
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclineWhistle:
    """The head of the desk does not let the whistle sound."""

    by: Actor
    whistle_id: UUID
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeMode:
    """Another mode is in force where the case lies; ``change_id`` is the change that reached it."""

    mode: str
    by: Actor
    reason: str
    change_id: UUID | None = None


HolderCommand: TypeAlias = SignOrder | ArriveOnSite | ReportProgress | ResolveOrder | ReturnOrder
HandingCommand: TypeAlias = ReleaseOrder | TransferOrder
OrderCommand: TypeAlias = HolderCommand | HandingCommand
ResultCommand: TypeAlias = VerifyCase | RejectCase | CloseCase | ReopenCase | RateCase
WhistleCommand: TypeAlias = BlowWhistle | ConfirmWhistle | DeclineWhistle
CaseCommand: TypeAlias = ResultCommand | WhistleCommand | RuleCase
LifeCommand: TypeAlias = (
    FilingCommand | FactCommand | HoldCommand | ExtensionCommand | SupervisionCommand | ReviewCommand
)
"""What a person may ask beside the orders' and the result's own course; each names its action itself."""
Fold: TypeAlias = FoldOrderIssued | FoldOrderWithdrawn | FoldEscalated | FoldSupervised
CommandOnCase: TypeAlias = Fold | OrderCommand | CaseCommand | LifeCommand | ChangeMode
Command: TypeAlias = OpenCase | CommandOnCase

ORDER_ACTION: dict[type[OrderCommand], Action] = {
    SignOrder: Action.SIGN,
    ArriveOnSite: Action.ARRIVE,
    ReportProgress: Action.PROGRESS,
    ResolveOrder: Action.RESOLVE,
    ReturnOrder: Action.RETURN,
    ReleaseOrder: Action.RELEASE,
    TransferOrder: Action.TRANSFER,
}
CASE_ACTION: dict[type[CaseCommand], Action] = {
    VerifyCase: Action.VERIFY,
    RejectCase: Action.REJECT,
    CloseCase: Action.CLOSE,
    ReopenCase: Action.REOPEN,
    RateCase: Action.RATE,
    BlowWhistle: Action.WHISTLE,
    ConfirmWhistle: Action.CONFIRM,
    DeclineWhistle: Action.DECLINE,
    RuleCase: Action.RULE,
}
