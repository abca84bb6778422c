"""One line of a case's life for a person: who did what, and why it came here, in both languages."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, assert_never
from uuid import UUID

from services.notifier.domain.case_words import case_words
from services.notifier.domain.clock_words import clock_whys, clock_words
from services.notifier.domain.fold import Told
from services.notifier.domain.orders import order_id_of, target_of
from services.notifier.domain.words import (
    CODES,
    REASONS_OF_ORDERS,
    ROLES,
    Names,
    office_words,
)
from shared.events.case import (
    CaseAppealed,
    CaseDepartmentRated,
    CaseEscalated,
    CaseEvent,
    CaseExtended,
    CaseExtensionAsked,
    CaseExtensionBacked,
    CaseExtensionDeclined,
    CaseOpened,
    CaseRuled,
    CaseStepDone,
    CaseSupervised,
    CaseTransferred,
)
from shared.events.envelope import Event
from shared.events.order import Explanation, OrderIssued, OrderWithdrawn
from shared.events.parts import Actor, Target
from shared.events.sla import (
    ClockBreached,
    ClockEscalated,
    ClockMoved,
    ClockStarted,
    ClockStepped,
    ClockStopped,
    ClockWarned,
    SlaEvent,
)
from shared.vocabulary import ActorKind, CaseState, Level
from shared.words import Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """Why here (为何在此): one sentence, and the rule with its conditions when a rule decided."""

    zh: str
    en: str
    explanation: Explanation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the timeline. ``note`` is a person's words as they came; ``state`` is the case's after it."""

    event_id: UUID
    type: str
    sequence: int
    at: datetime
    words: Words
    actor: Actor
    state: CaseState
    level: Level
    order_id: UUID | None = None
    target: Target | None = None
    note: str = ""
    why: tuple[Why, ...] = field(default=())


ROUTER: Final = Actor(kind=ActorKind.SYSTEM, id="router")
ESCALATION: Final = Actor(kind=ActorKind.SYSTEM, id="escalation")

FIRST: Final = 0
ANSWERING: Final = 1


def rank_of(data: Told) -> int:
    """Where an event stands among those of its version: the case's own first, then what answers it."""
    match data:
        case OrderIssued() | OrderWithdrawn():
            return ANSWERING
        case (
            ClockStarted()
            | ClockStopped()
            | ClockMoved()
            | ClockWarned()
            | ClockBreached()
            | ClockEscalated()
            | ClockStepped()
        ):
            return ANSWERING
        case _:
            return FIRST


def entry_of(event: Event[Told], names: Names = CODES) -> Entry:
    """Return the line of ``event``, in which codes are called as ``names`` calls them."""
    match event.data:
        case OrderIssued() | OrderWithdrawn() as data:
            return _of_order(event, data, names)
        case (
            ClockStarted()
            | ClockStopped()
            | ClockMoved()
            | ClockWarned()
            | ClockBreached()
            | ClockEscalated()
            | ClockStepped() as data
        ):
            return _of_clock(event, data, names)
        case data:
            return _of_case(event, data, names)


def _of_order(event: Event[Told], data: OrderIssued | OrderWithdrawn, names: Names) -> Entry:
    order, to = data.order, office_words(data.order.target, data.case.area, names)
    why: tuple[Why, ...] = ()
    note = ""
    match data:
        case OrderIssued(explanation=explanation):
            role, because = ROLES[order.role], REASONS_OF_ORDERS.get(order.reason)
            said = Words(zh="", en="") if because is None else Words(zh=f"，{because.zh}", en=f", {because.en}")
            words = Words(zh=f"派单给{to.zh}（{role.zh}{said.zh}）", en=f"Order to {to.en} ({role.en}{said.en})")
            why = (Why(zh=explanation.words, en=explanation.words_en, explanation=explanation),)
        case OrderWithdrawn(reason=note):
            words = Words(zh=f"撤回给{to.zh}的派单", en=f"Order to {to.en} withdrawn")
        case _:
            assert_never(data)
    return Entry(
        event_id=event.id,
        type=event.type,
        sequence=event.sequence,
        at=event.time,
        words=words,
        actor=ROUTER,
        state=data.case.state,
        level=order.level,
        order_id=order.order_id,
        target=order.target,
        note=note,
        why=why,
    )


def _of_clock(event: Event[Told], data: SlaEvent, names: Names) -> Entry:
    words, note = clock_words(data, names)
    clock = data.clock
    return Entry(
        event_id=event.id,
        type=event.type,
        sequence=event.sequence,
        at=event.time,
        words=words,
        actor=ESCALATION,
        state=data.case.state,
        level=data.to_level if isinstance(data, ClockEscalated) else clock.level,
        order_id=clock.order_id,
        target=clock.target,
        note=note,
        why=tuple(Why(zh=why.zh, en=why.en) for why in clock_whys(data, names)),
    )


def _about(data: CaseEvent) -> tuple[UUID | None, Target | None]:
    """The order and the target that a line is about."""
    match data:
        case CaseTransferred(order=order):
            return order.order_id, order.target
        case CaseRuled(order=order, to=to):
            return None if order is None else order.order_id, to
        case CaseStepDone(order_id=order_id):
            return order_id, None
        case CaseSupervised(order_id=order_id, target=to) | CaseDepartmentRated(order_id=order_id, target=to):
            return order_id, to
        case (
            CaseEscalated(order_id=order_id)
            | CaseExtensionAsked(order_id=order_id)
            | CaseExtensionBacked(order_id=order_id)
            | CaseExtensionDeclined(order_id=order_id)
            | CaseExtended(order_id=order_id)
            | CaseAppealed(order_id=order_id)
        ):
            return order_id, None
        case _:
            return order_id_of(data), target_of(data)


def _of_case(event: Event[Told], data: CaseEvent, names: Names) -> Entry:
    words, note = case_words(data, names)
    order_id, target = _about(data)
    return Entry(
        event_id=event.id,
        type=event.type,
        sequence=event.sequence,
        at=event.time,
        words=words,
        actor=data.by,
        state=data.case.state,
        level=data.to_level if isinstance(data, CaseEscalated) else data.case.level,
        order_id=order_id,
        target=target,
        note=note,
        why=_why_so(data) if isinstance(data, CaseOpened) else (),
    )


def _why_so(data: CaseOpened) -> tuple[Why, ...]:
    """How it was placed, named and graded."""
    said = (data.area_why, data.category_why, *((data.severity_why,) if data.severity_why else ()))
    return tuple(Why(zh=one, en=one) for one in said)
