"""Fold an event into the case; the only way a case changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final, TypeAlias, assert_never
from uuid import UUID

from services.intake.domain.case import Case, CaseOrder
from shared.events.case import (
    CaseArrived,
    CaseClosed,
    CaseEscalated,
    CaseEvent,
    CaseOpened,
    CaseOrderWithdrawn,
    CaseProgressed,
    CaseRated,
    CaseRejected,
    CaseReopened,
    CaseResolved,
    CaseReturned,
    CaseRouted,
    CaseSigned,
    CaseVerified,
)
from shared.vocabulary import OrderState


def evolve(case: Case | None, event: CaseEvent, *, at: datetime) -> Case:
    """The case after ``event``, which happened ``at`` that moment; ``case`` is None before the first.

    Never refuses: what is written in the log has happened.
    """
    if isinstance(event, CaseOpened):
        return Case(view=event.case, text=event.text)
    if case is None:
        raise ValueError(f"{event.TYPE} of case {event.case.case_id} comes before it was opened")
    after = replace(case, view=event.case)
    match event:
        case CaseRouted():
            return replace(after, orders=(*case.orders, _issued(event)))
        case CaseOrderWithdrawn():
            return _withdrawn(after, event.order_id)
        case CaseSigned() | CaseArrived() | CaseProgressed() | CaseResolved() | CaseReturned() | CaseRejected():
            return _moved(after, event.order_id, _ORDER_AFTER[type(event)])
        case _:
            return _of_the_whole(after, event, at=at)


def _of_the_whole(case: Case, event: _Whole, *, at: datetime) -> Case:
    match event:
        case CaseVerified():
            return case
        case CaseClosed():
            return replace(case, closed_at=at)
        case CaseReopened():
            return replace(case, orders=_none_stands(case), closed_at=None, rating=None)
        case CaseRated():
            return replace(case, rating=event.rating)
        case CaseEscalated():
            return replace(case, escalated=(*case.escalated, event.clock_id))
        case _:
            assert_never(event)


_Whole: TypeAlias = CaseVerified | CaseClosed | CaseReopened | CaseRated | CaseEscalated

_ORDER_AFTER: Final = {
    CaseSigned: OrderState.SIGNED,
    CaseArrived: OrderState.ARRIVED,
    CaseProgressed: OrderState.IN_PROGRESS,
    CaseResolved: OrderState.RESOLVED,
    CaseReturned: OrderState.RETURNED,
    CaseRejected: OrderState.IN_PROGRESS,
}


def _issued(event: CaseRouted) -> CaseOrder:
    return CaseOrder(
        order_id=event.order_id,
        role=event.order_role,
        target=event.target,
        level=event.level,
        state=OrderState.ISSUED,
    )


def _withdrawn(case: Case, order_id: UUID) -> Case:
    if case.knows(order_id):
        return _moved(case, order_id, OrderState.WITHDRAWN)
    return replace(case, never_stood=(*case.never_stood, order_id))


def _moved(case: Case, order_id: UUID, state: OrderState) -> Case:
    orders = tuple(replace(order, state=state) if order.order_id == order_id else order for order in case.orders)
    return replace(case, orders=orders)


def _none_stands(case: Case) -> tuple[CaseOrder, ...]:
    return tuple(replace(order, state=OrderState.WITHDRAWN) for order in case.orders)
