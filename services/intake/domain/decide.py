"""Decide what a command makes of a case: events to append, or a refusal that says what is open instead."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, assert_never

from services.intake.domain.case import Case, CaseOrder
from services.intake.domain.commands import (
    CASE_ACTION,
    ORDER_ACTION,
    ArriveOnSite,
    CaseCommand,
    CloseCase,
    Command,
    FoldEscalated,
    FoldOrderIssued,
    FoldOrderWithdrawn,
    OpenCase,
    OrderCommand,
    RateCase,
    RejectCase,
    ReopenCase,
    ReportProgress,
    ResolveOrder,
    ReturnOrder,
    SignOrder,
    VerifyCase,
)
from services.intake.domain.evolve import evolve
from services.intake.domain.folds import SYSTEM, fold
from services.intake.domain.states import CASE_MOVES, FOLLOWS, ORDER_MOVES, Action, WrongState, open_to
from shared.events.case import (
    CaseArrived,
    CaseClosed,
    CaseEvent,
    CaseOpened,
    CaseOrderWithdrawn,
    CaseProgressed,
    CaseRated,
    CaseRejected,
    CaseReopened,
    CaseResolved,
    CaseReturned,
    CaseSigned,
    CaseVerified,
)
from shared.events.parts import CaseView, Return
from shared.vocabulary import CaseState, Level, OrderRole, Refused, TargetKind

MOST_RETURNS: Final = 32
"""What a CaseView can carry; a case given back more often than that has no taker at all."""


def decide(case: Case | None, command: Command, now: datetime) -> tuple[CaseEvent, ...]:
    """The events that ``command`` leads to, each with the case's view after it and a version one higher.

    Nothing happens for a fold that the case has seen already. The last event leaves the case where
    the command wants it; `evolve` over them, in order, gives that case.

    Raises:
        WrongState: the action is not open in the state of the case or of the order.
        Refused: the case or order is not there, or the county's policy forbids it.
    """
    if isinstance(command, OpenCase):
        return (_opened(command, now),)
    if case is None:
        raise Refused("there is no such case", field="case_id")
    match command:
        case FoldOrderIssued() | FoldOrderWithdrawn() | FoldEscalated():
            return fold(case, command, now)
        case SignOrder() | ArriveOnSite() | ReportProgress() | ResolveOrder() | ReturnOrder():
            return (_order_move(case, command, now),)
        case CloseCase():
            return _closed(case, command, now)
        case VerifyCase() | RejectCase() | ReopenCase() | RateCase():
            return (_case_move(case, command, now),)
        case _:
            assert_never(command)


def allowed(case: Case, order: CaseOrder | None, *, now: datetime, window: timedelta) -> tuple[Action, ...]:
    """The actions open now on the case and, when one is named, on ``order``; the lead's when none is."""
    subject = order or case.lead
    found = open_to(case.view.state, None if subject is None else subject.state)
    closed_for_good = case.closed_at is not None and now - case.closed_at > window
    shut = {Action.REOPEN: closed_for_good, Action.RATE: case.rating is not None}
    if subject is not None:
        shut[Action.RETURN] = _not_returnable(subject) is not None
    return tuple(action for action in found if not shut.get(action, False))


def _opened(command: OpenCase, now: datetime) -> CaseOpened:
    view = CaseView(
        case_id=command.case_id,
        version=1,
        state=CaseState.OPENED,
        county=command.county,
        area=command.area,
        level=command.level,
        category=command.category,
        severity=command.severity,
        source=command.source,
        title=command.title,
        opened_at=now,
        playbook=command.playbook,
        condition=command.condition,
        tags=command.tags,
        place=command.place,
    )
    return CaseOpened(
        case=view,
        by=command.by,
        report_id=command.report_id,
        text=command.text,
        area_why=command.area_why,
        category_why=command.category_why,
    )


def _order_move(case: Case, command: OrderCommand, now: datetime) -> CaseEvent:
    order = case.order(command.order_id)
    view = _after_order_move(case, order, ORDER_ACTION[type(command)])
    match command:
        case SignOrder(by=by, note=note):
            kind: type[CaseSigned | CaseArrived | CaseProgressed | CaseResolved] = CaseSigned
        case ArriveOnSite(by=by, note=note):
            kind = CaseArrived
        case ReportProgress(by=by, note=note):
            kind = CaseProgressed
        case ResolveOrder(by=by, note=note):
            kind = CaseResolved
        case ReturnOrder():
            return _returned(case, view, command, now)
        case _:
            assert_never(command)
    return kind(case=view, by=by, order_id=order.order_id, order_role=order.role, target=order.target, note=note)


def _after_order_move(case: Case, order: CaseOrder, action: Action) -> CaseView:
    after = ORDER_MOVES[action].get(order.state)
    if after is None:
        raise WrongState(
            f"{action} is not open: the order is {order.state}, the case {case.view.state}",
            state=case.view.state,
            order_state=order.state,
            allowed=open_to(case.view.state, order.state),
        )
    view = replace(case.view, version=case.view.version + 1)
    return replace(view, state=FOLLOWS[after]) if order.role is OrderRole.LEAD else view


def _returned(case: Case, view: CaseView, command: ReturnOrder, now: datetime) -> CaseReturned:
    order = case.order(command.order_id)
    why_not = _not_returnable(order) or _returned_enough(view, order, command.returns_allowed)
    if why_not is not None:
        raise WrongState(
            why_not, state=case.view.state, order_state=order.state, allowed=_without(Action.RETURN, case, order)
        )
    if not command.reason.strip():
        raise Refused("a return needs a reason", field="reason", allowed=["why the order is not yours, in words"])
    given_back = Return(order_id=order.order_id, target=order.target, reason=command.reason, at=now)
    view = replace(view, returns=(*view.returns, given_back))
    return CaseReturned(
        case=replace(view, lead=None) if order.role is OrderRole.LEAD else view,
        by=command.by,
        order_id=order.order_id,
        order_role=order.role,
        target=order.target,
        reason=command.reason,
        text=case.text,
    )


def _not_returnable(order: CaseOrder) -> str | None:
    if order.role is OrderRole.OVERSEE:
        return "an order to oversee cannot be returned: the level above watches, it does not take turns"
    if order.target.kind is TargetKind.DESK and order.level is Level.COUNTY:
        return "the county desk cannot return an order: there is nobody above"
    return None


def _returned_enough(view: CaseView, order: CaseOrder, returns_allowed: int) -> str | None:
    """The desk that decides for good (终审) after so many returns must keep the order."""
    given = len(view.returns)
    if given >= MOST_RETURNS or (order.target.kind is TargetKind.DESK and given >= returns_allowed):
        return f"returned {given} times already, {returns_allowed} allowed: this desk decides for good"
    return None


def _without(action: Action, case: Case, order: CaseOrder | None) -> tuple[Action, ...]:
    found = open_to(case.view.state, None if order is None else order.state)
    return tuple(one for one in found if one is not action)


def _case_move(case: Case, command: CaseCommand, now: datetime) -> CaseEvent:
    view = _after_case_move(case, CASE_ACTION[type(command)])
    match command:
        case VerifyCase():
            return CaseVerified(case=view, by=command.by, note=command.note)
        case RejectCase():
            return _rejected(case, view, command)
        case CloseCase():
            return CaseClosed(case=view, by=command.by, note=command.note)
        case ReopenCase():
            return _reopened(case, view, command, now)
        case RateCase():
            return _rated(case, view, command)
        case _:
            assert_never(command)


def _after_case_move(case: Case, action: Action) -> CaseView:
    after = CASE_MOVES[action].get(case.view.state)
    if after is None:
        lead = case.lead
        raise WrongState(
            f"{action} is not open: the case is {case.view.state}",
            state=case.view.state,
            allowed=open_to(case.view.state, None if lead is None else lead.state),
        )
    return replace(case.view, version=case.view.version + 1, state=after)


def _rejected(case: Case, view: CaseView, command: RejectCase) -> CaseRejected:
    if not command.reason.strip():
        raise Refused("a rejection needs a reason", field="reason", allowed=["what is still to be done, in words"])
    lead = case.lead
    if lead is None:
        raise ValueError(f"case {view.case_id} was resolved without a lead")
    return CaseRejected(case=view, by=command.by, order_id=lead.order_id, target=lead.target, reason=command.reason)


def _reopened(case: Case, view: CaseView, command: ReopenCase, now: datetime) -> CaseReopened:
    if not command.reason.strip():
        raise Refused("reopening needs a reason", field="reason", allowed=["what is still wrong, in words"])
    if case.closed_at is not None and now - case.closed_at > command.window:
        hours = command.window.total_seconds() / 3600
        raise WrongState(
            f"closed at {case.closed_at.isoformat()} and open to reopening for {hours:g} hours: send a new report",
            state=case.view.state,
            allowed=_without(Action.REOPEN, case, None),
        )
    view = replace(view, lead=None, reopened=view.reopened + 1)
    return CaseReopened(case=view, by=command.by, reason=command.reason, text=case.text)


def _rated(case: Case, view: CaseView, command: RateCase) -> CaseRated:
    if case.rating is not None:
        raise WrongState(
            f"rated {case.rating} already since it was closed",
            state=case.view.state,
            allowed=_without(Action.RATE, case, None),
        )
    return CaseRated(case=view, by=command.by, rating=command.rating, note=command.note)


def _closed(case: Case, command: CloseCase, now: datetime) -> tuple[CaseEvent, ...]:
    """Closing releases whoever was still asked to assist or to oversee, each by an event of its own."""
    _after_case_move(case, Action.CLOSE)
    events: list[CaseEvent] = []
    for order in case.orders:
        if order.stands:
            released = CaseOrderWithdrawn(
                case=replace(case.view, version=case.view.version + 1),
                by=SYSTEM,
                order_id=order.order_id,
                target=order.target,
                reason="案件结案,协同单随之解除 / released: the case is closed",
            )
            case = evolve(case, released, at=now)
            events.append(released)
    return (*events, _case_move(case, command, now))
