"""Fold an event into the case; the only way a case changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final, TypeAlias, assert_never
from uuid import UUID

from services.intake.domain.life.case import Asked, Case, CaseOrder, MovedUp, Sounded
from services.intake.domain.life.evolve_life import lived
from services.intake.domain.life.states import Action, after_move
from shared.events.case import (
    CaseArrived,
    CaseClosed,
    CaseEscalated,
    CaseEvent,
    CaseModeChanged,
    CaseOpened,
    CaseOrderWithdrawn,
    CaseProgressed,
    CaseRated,
    CaseRejected,
    CaseReleased,
    CaseReopened,
    CaseResolved,
    CaseReturned,
    CaseRouted,
    CaseRuled,
    CaseSigned,
    CaseStepDone,
    CaseTransferred,
    CaseVerified,
    CaseWhistleAsked,
    CaseWhistled,
    CaseWhistleDeclined,
)
from shared.events.parts import WhistleRef
from shared.vocabulary import OrderRole, OrderState


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
            return _answered(replace(after, orders=(*case.orders, _issued(event))), event.whistle)
        case CaseOrderWithdrawn():
            return _withdrawn(after, event.order_id)
        case CaseSigned() | CaseReturned() | CaseArrived() | CaseProgressed() | CaseResolved() | CaseRejected():
            return _worked(after, event)
        case CaseReleased():
            return _released(after, event.order.order_id)
        case CaseWhistleAsked() | CaseWhistleDeclined() | CaseWhistled():
            return _whistled(after, event, at=at)
        case (
            CaseVerified()
            | CaseClosed()
            | CaseReopened()
            | CaseRated()
            | CaseEscalated()
            | CaseTransferred()
            | CaseRuled()
            | CaseStepDone()
            | CaseModeChanged()
        ):
            return _of_the_whole(after, event, at=at)
        case _:
            return lived(after, event)


def _worked(case: Case, event: _OfAnOrder) -> Case:
    match event:
        case CaseSigned():
            return _signed(case, event)
        case CaseReturned():
            return _moved(case, event.order_id, _given_back(case, event))
        case _:
            return _moved(case, event.order_id, _ORDER_AFTER[type(event)])


def _of_the_whole(case: Case, event: _Whole, *, at: datetime) -> Case:
    match event:
        case CaseVerified() | CaseTransferred() | CaseRuled() | CaseStepDone() | CaseModeChanged():
            return case
        case CaseClosed():
            return replace(case, closed_at=at)
        case CaseReopened():
            return _begun_anew(case)
        case CaseRated():
            return replace(case, rating=event.rating)
        case CaseEscalated():
            return _escalated(case, event)
        case _:
            assert_never(event)


def _escalated(case: Case, event: CaseEscalated) -> Case:
    clocks = dict.fromkeys((*case.escalated, event.clock_id))
    reached = MovedUp(clock_id=event.clock_id, level=event.to_level)
    return replace(case, escalated=tuple(clocks), moved_up=(*case.moved_up, reached))


_Whole: TypeAlias = (
    CaseVerified
    | CaseClosed
    | CaseReopened
    | CaseRated
    | CaseEscalated
    | CaseTransferred
    | CaseRuled
    | CaseStepDone
    | CaseModeChanged
)
_OfAnOrder: TypeAlias = CaseSigned | CaseReturned | CaseArrived | CaseProgressed | CaseResolved | CaseRejected
_OfWhistle: TypeAlias = CaseWhistleAsked | CaseWhistleDeclined | CaseWhistled

_ORDER_AFTER: Final = {
    CaseArrived: OrderState.ARRIVED,
    CaseProgressed: OrderState.IN_PROGRESS,
    CaseResolved: OrderState.RESOLVED,
    CaseRejected: OrderState.IN_PROGRESS,
}


def _issued(event: CaseRouted) -> CaseOrder:
    return CaseOrder(
        order_id=event.order_id,
        role=event.order_role,
        target=event.target,
        level=event.level,
        state=OrderState.ISSUED,
        reason=event.reason,
        issued_at=event.issued_at,
        step=event.step,
        whistle=event.whistle,
        generation=event.case.reopened,
    )


def _answered(case: Case, whistle: WhistleRef | None) -> Case:
    """The first order of a whistle shows that the router has heard it."""
    if whistle is None:
        return case
    heard = (
        replace(one, awaited_since=None) if one.whistle.whistle_id == whistle.whistle_id else one
        for one in case.sounded
    )
    return replace(case, sounded=tuple(heard))


def _signed(case: Case, event: CaseSigned) -> Case:
    """Another lead has signed: whoever gave the case back before need not answer any more (首接负责)."""
    signed = _moved(case, event.order_id, OrderState.SIGNED)
    if event.order_role is not OrderRole.LEAD:
        return signed
    free = (
        replace(order, state=OrderState.RETURNED) if order.state is OrderState.RETURNING else order
        for order in signed.orders
    )
    return replace(signed, orders=tuple(free))


def _given_back(case: Case, event: CaseReturned) -> OrderState:
    order = next((one for one in case.orders if one.order_id == event.order_id), None)
    after = None if order is None else after_move(Action.RETURN, order.state, order.role)
    return after or OrderState.RETURNED


def _released(case: Case, order_id: UUID) -> Case:
    orders = (
        replace(order, state=OrderState.WITHDRAWN, released=True) if order.order_id == order_id else order
        for order in case.orders
    )
    return replace(case, orders=tuple(orders))


def _whistled(case: Case, event: _OfWhistle, *, at: datetime) -> Case:
    match event:
        case CaseWhistleAsked():
            asked = Asked(
                whistle=event.whistle,
                by=event.by,
                departments=event.departments,
                reason=event.reason,
                lead=event.lead,
            )
            return replace(case, asked=asked)
        case CaseWhistleDeclined():
            return replace(case, asked=None)
        case CaseWhistled():
            return _sounded(case, event, at=at)
        case _:
            assert_never(event)


def _sounded(case: Case, event: CaseWhistled, *, at: datetime) -> Case:
    asked, whistle_id = case.asked, event.whistle.whistle_id
    was_asked = asked is not None and asked.whistle.whistle_id == whistle_id and asked.departments == event.departments
    before = case.whistle(whistle_id)
    desk = asked.desk if asked is not None and was_asked else event.by.id
    sounded = Sounded(whistle=event.whistle, desk=desk if before is None else before.desk, awaited_since=at)
    others = (one for one in case.sounded if one.whistle.whistle_id != whistle_id)
    return replace(case, asked=None if was_asked else asked, sounded=(*others, sounded))


def _withdrawn(case: Case, order_id: UUID) -> Case:
    if case.knows(order_id):
        return _moved(case, order_id, OrderState.WITHDRAWN)
    return replace(case, never_stood=(*case.never_stood, order_id))


def _moved(case: Case, order_id: UUID, state: OrderState) -> Case:
    """A returning order stays what it is, whatever its target still reports."""
    orders = tuple(
        replace(order, state=order.state if order.state is OrderState.RETURNING else state)
        if order.order_id == order_id
        else order
        for order in case.orders
    )
    return replace(case, orders=orders)


def _begun_anew(case: Case) -> Case:
    """A reopened case: what was asked, extended, hung or appealed against in the round before is over."""
    return replace(
        case,
        orders=_none_stands(case),
        closed_at=None,
        rating=None,
        asked=None,
        sounded=(),
        extension=None,
        hung=False,
        appeals=(),
    )


def _none_stands(case: Case) -> tuple[CaseOrder, ...]:
    return tuple(replace(order, state=OrderState.WITHDRAWN) for order in case.orders)
