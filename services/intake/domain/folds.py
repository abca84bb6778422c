"""What the router's and escalation's events make of the case."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final, assert_never

from services.intake.domain.case import Case, CaseOrder
from services.intake.domain.commands import Fold, FoldEscalated, FoldOrderIssued, FoldOrderWithdrawn
from services.intake.domain.evolve import evolve
from services.intake.domain.states import FOLLOWS
from shared.events.case import CaseEscalated, CaseEvent, CaseOrderWithdrawn, CaseRouted
from shared.events.order import Order
from shared.events.parts import Actor, CaseView
from shared.vocabulary import ActorKind, CaseState, Level, OrderRole, OrderState, Refused, TargetKind

SYSTEM: Final = Actor(kind=ActorKind.SYSTEM, id="intake", name="哨令")
ROUTER: Final = Actor(kind=ActorKind.SYSTEM, id="router", name="哨令")
ESCALATION: Final = Actor(kind=ActorKind.SYSTEM, id="escalation", name="哨令")

_DONE: Final = frozenset({CaseState.RESOLVED, CaseState.VERIFIED, CaseState.CLOSED})
_RANK: Final = {Level.VILLAGE: 0, Level.TOWN: 1, Level.COUNTY: 2}


def fold(case: Case, command: Fold, now: datetime) -> tuple[CaseEvent, ...]:
    """The case's events for what another service has decided; none for a repeat.

    Orders of two levels come on two topics, in either order: of two leads the higher one leads,
    whichever came first.

    Raises:
        Refused: an order of a round that the case has not come to.
    """
    match command:
        case FoldOrderIssued():
            return _issued(case, command.order, now)
        case FoldOrderWithdrawn():
            return _withdrawn(case, command)
        case FoldEscalated():
            return _escalated(case, command)
        case _:
            assert_never(command)


def _issued(case: Case, order: Order, now: datetime) -> tuple[CaseEvent, ...]:
    if case.knows(order.order_id):
        return ()
    too_late = _too_late(case, order)
    if too_late is not None:
        return (_never_stood(case, order, too_late),)
    standing = case.lead
    if order.role is not OrderRole.LEAD or standing is None:
        return (_routed(case, order),)
    replaced = _withdraw(
        case, standing, f"由上级 {order.target.name or order.target.id} 接管 / replaced by the level above"
    )
    return (replaced, _routed(evolve(case, replaced, at=now), order))


def _too_late(case: Case, order: Order) -> str | None:
    """Why an order just issued does not count any more, if so."""
    if order.generation > case.view.reopened:
        raise Refused(f"order of round {order.generation}, the case is in round {case.view.reopened}", field="order")
    if order.generation < case.view.reopened:
        return "属于重新打开之前的一轮 / of the round before the case was reopened"
    leads = order.role is OrderRole.LEAD
    if case.view.state is CaseState.CLOSED or (leads and case.view.state in _DONE):
        return f"到达时案件已{_WORDS[case.view.state]} / the case was {case.view.state} when it came"
    standing = case.lead
    if leads and standing is not None and not _outranks(order, standing):
        return "已有主办单 / another lead order stands"
    return None


_WORDS: Final = {CaseState.RESOLVED: "办结", CaseState.VERIFIED: "核查通过", CaseState.CLOSED: "结案"}


def _outranks(order: Order, standing: CaseOrder) -> bool:
    """Whether ``order`` takes over: from a higher level, or the desk above a department of its level."""
    return _rank(order) > _rank(standing)


def _rank(order: Order | CaseOrder) -> tuple[int, bool]:
    return _RANK[order.level], order.target.kind is TargetKind.DESK


def _routed(case: Case, order: Order) -> CaseRouted:
    view = _next(case)
    if order.role is OrderRole.LEAD:
        view = replace(view, state=FOLLOWS[OrderState.ISSUED], lead=order.target, level=order.level)
    return CaseRouted(
        case=view,
        by=ROUTER,
        order_id=order.order_id,
        order_role=order.role,
        target=order.target,
        level=order.level,
    )


def _withdrawn(case: Case, command: FoldOrderWithdrawn) -> tuple[CaseEvent, ...]:
    if not case.knows(command.order.order_id):
        return (_never_stood(case, command.order, command.reason),)
    known = next((order for order in case.orders if order.order_id == command.order.order_id), None)
    if known is None or not known.stands:
        return ()
    return (_withdraw(case, known, command.reason),)


def _withdraw(case: Case, order: CaseOrder, reason: str) -> CaseOrderWithdrawn:
    view = _next(case)
    if order.role is OrderRole.LEAD:
        view = replace(view, state=FOLLOWS[OrderState.WITHDRAWN], lead=None)
    return CaseOrderWithdrawn(case=view, by=ROUTER, order_id=order.order_id, target=order.target, reason=reason)


def _never_stood(case: Case, order: Order, reason: str) -> CaseOrderWithdrawn:
    return CaseOrderWithdrawn(case=_next(case), by=ROUTER, order_id=order.order_id, target=order.target, reason=reason)


def _escalated(case: Case, command: FoldEscalated) -> tuple[CaseEvent, ...]:
    if command.clock_id in case.escalated:
        return ()
    event = CaseEscalated(
        case=_next(case),
        by=ESCALATION,
        clock_id=command.clock_id,
        clock=command.clock,
        order_id=command.order_id,
        from_level=command.from_level,
        to_level=command.to_level,
    )
    return (event,)


def _next(case: Case) -> CaseView:
    return replace(case.view, version=case.view.version + 1)
