"""What the holder of an order does with it: sign, arrive, report, resolve, give back."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final, assert_never
from uuid import UUID

from services.intake.domain.life.case import Case, CaseOrder
from services.intake.domain.life.commands import (
    ORDER_ACTION,
    ArriveOnSite,
    HolderCommand,
    OrderCommand,
    ReportProgress,
    ResolveOrder,
    ReturnOrder,
    SignOrder,
)
from services.intake.domain.life.joining import unjoined
from services.intake.domain.life.states import FOLLOWS, Action, WrongState, after_move, order_move
from shared.events.case import CaseArrived, CaseEvent, CaseProgressed, CaseResolved, CaseReturned, CaseSigned
from shared.events.parts import CaseView, Return
from shared.vocabulary import Level, OrderReason, OrderRole, OrderState, Refused, TargetKind

MOST_RETURNS: Final = 32
"""What a CaseView can carry; a case given back more often than that has no taker at all."""


def move_order(case: Case, command: HolderCommand, now: datetime) -> CaseEvent:
    """The event of an action on one order; a lead's takes the case along.

    Raises:
        WrongState: the order is not in a state for it, or its target must keep it.
        Refused: the case has no such order, or the action needs a reason.
    """
    order = case.order(command.order_id)
    view = after_order_move(case, command)
    match command:
        case SignOrder(by=by, note=note):
            kind: type[CaseSigned | CaseArrived | CaseProgressed] = CaseSigned
        case ArriveOnSite(by=by, note=note):
            kind = CaseArrived
        case ReportProgress(by=by, note=note):
            kind = CaseProgressed
        case ResolveOrder():
            _must_be_joined(case, order, now)
            return _resolved(order, view, command)
        case ReturnOrder():
            return _returned(case, view, command, now)
        case _:
            assert_never(command)
    return kind(case=view, by=by, order_id=order.order_id, order_role=order.role, target=order.target, note=note)


def _resolved(order: CaseOrder, view: CaseView, command: ResolveOrder) -> CaseResolved:
    return CaseResolved(
        case=view,
        by=command.by,
        order_id=order.order_id,
        order_role=order.role,
        target=order.target,
        note=command.note,
        reply=command.reply,
    )


def after_order_move(case: Case, command: OrderCommand) -> CaseView:
    """The case's view after ``command`` on one of its orders.

    Raises:
        WrongState: the table does not open it.
        Refused: the case has no such order.
    """
    action = ORDER_ACTION[type(command)]
    order = must_be_open(case, command.order_id, action)
    after = after_move(action, order.state, order.role)
    view = replace(case.view, version=case.view.version + 1)
    # Whoever is giving the lead back still reports, but the case goes on without them.
    if order.role is not OrderRole.LEAD or order.state is OrderState.RETURNING:
        return view
    holder = order.target if after is OrderState.SIGNED else view.holder
    return replace(view, state=FOLLOWS[after or order.state], holder=holder)


def must_be_open(case: Case, order_id: UUID, action: Action) -> CaseOrder:
    """The order of that id, when the table opens ``action`` on it.

    Raises:
        WrongState: it does not.
        Refused: the case has no such order.
    """
    order = case.order(order_id)
    if order_move(action, case=case.view.state, order=order.state, role=order.role) is None:
        raise WrongState(
            f"{action} is not open: the order is {order.state}, the case {case.view.state}",
            state=case.view.state,
            order_state=order.state,
        )
    return order


def _must_be_joined(case: Case, order: CaseOrder, now: datetime) -> None:
    open_ends = None if order.role is not OrderRole.LEAD else unjoined(case, now=now)
    if open_ends is not None:
        raise WrongState(open_ends, state=case.view.state, order_state=order.state)


def _returned(case: Case, view: CaseView, command: ReturnOrder, now: datetime) -> CaseReturned:
    order = case.order(command.order_id)
    kept = must_be_kept(case, order, returns_allowed=command.returns_allowed)
    if kept is not None:
        raise WrongState(kept, state=case.view.state, order_state=order.state)
    if not command.reason.strip():
        raise Refused("a return needs a reason", field="reason", allowed=["why the order is not yours, in words"])
    given_back = Return(order_id=order.order_id, target=order.target, reason=command.reason, at=now)
    view = replace(view, returns=(*view.returns, given_back))
    after = after_move(Action.RETURN, order.state, order.role) or OrderState.RETURNED
    return CaseReturned(
        case=replace(view, lead=None) if order.role is OrderRole.LEAD else view,
        by=command.by,
        order_id=order.order_id,
        order_role=order.role,
        target=order.target,
        reason=command.reason,
        text=case.text,
        order=replace(case.as_standing(order), state=after),
        standing=tuple(one for one in case.all_standing() if one.order_id != order.order_id),
    )


def must_be_kept(case: Case, order: CaseOrder, *, returns_allowed: int) -> str | None:
    """Why an order cannot be given back whatever its state, if so; ``returns_allowed`` is the county's policy.

    A desk decides for good (终审) once the case has been returned that often.
    """
    if order.role is OrderRole.OVERSEE:
        return "an order to oversee cannot be returned: the level above watches, it does not take turns"
    if order.target.kind is TargetKind.DESK and order.level is Level.COUNTY:
        return "the county desk cannot return an order: there is nobody above"
    if order.reason is OrderReason.RULED:
        return "ruled by the level above: it stays with whom it was ruled to, until it is ruled anew"
    given = len(case.view.returns)
    if given >= MOST_RETURNS or (order.target.kind is TargetKind.DESK and given >= returns_allowed):
        return f"returned {given} times already, {returns_allowed} allowed: this desk decides for good"
    return None
