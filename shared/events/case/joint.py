"""Several act on one case, or another than before: whistles, releases, transfers, rulings, steps, modes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar
from uuid import UUID

from annotated_types import MaxLen, MinLen

from shared.events.parts import Actor, CaseView, Note, Orders, Slug, Standing, Target, WhistleRef


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
    for departments added later. ``by`` confirmed it, for the reason in ``note``, or for an emergency blew it;
    ``reason`` is that of who asked, and told to the departments.
    """

    TYPE: ClassVar[str] = "whistle.case.whistled.v1"
    case: CaseView
    by: Actor
    whistle: WhistleRef
    departments: Annotated[tuple[Slug, ...], MinLen(1), MaxLen(16)]
    reason: Note
    lead: Slug | None = None
    standing: Orders = ()
    note: Note = ""


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
