"""What the router's and escalation's events make of the case."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final, assert_never

from services.intake.domain.life.case import Case, CaseOrder
from services.intake.domain.life.commands import (
    Fold,
    FoldEscalated,
    FoldOrderIssued,
    FoldOrderWithdrawn,
    FoldSupervised,
)
from services.intake.domain.life.evolve import evolve
from services.intake.domain.life.states import FOLLOWS, HELD
from services.intake.domain.life.system import ESCALATION, ROUTER
from services.intake.domain.moves.case_moves import close_canary, without_lead
from services.intake.domain.moves.instructing import instructed
from shared.events.case import CaseEscalated, CaseEvent, CaseOrderWithdrawn, CaseRouted
from shared.events.order import Order
from shared.events.parts import CaseView, Target
from shared.vocabulary import (
    CASE_ENDED,
    CaseState,
    Level,
    OrderReason,
    OrderRole,
    OrderState,
    Purpose,
    Refused,
    TargetKind,
)

MOST_TAGS: Final = 32
"""What a CaseView can carry."""
_DONE: Final = frozenset({CaseState.RESOLVED, CaseState.VERIFIED}) | CASE_ENDED
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
            return _issued(case, command, now)
        case FoldOrderWithdrawn():
            return _withdrawn(case, command)
        case FoldEscalated():
            return _escalated(case, command)
        case FoldSupervised():
            return instructed(case, command)
        case _:
            assert_never(command)


def _issued(case: Case, command: FoldOrderIssued, now: datetime) -> tuple[CaseEvent, ...]:
    order = command.order
    if case.knows(order.order_id):
        return ()
    too_late = _too_late(case, command)
    if too_late is not None:
        return (_never_stood(case, order, too_late),)
    events: list[CaseEvent] = []
    for old in _giving_way(case, command):
        withdrawn = _withdraw(case, old, _replaced_by(order, old))
        case = evolve(case, withdrawn, at=now)
        events.append(withdrawn)
    routed = _routed(case, command)
    if case.view.purpose is not Purpose.CANARY:
        return (*events, routed)
    return (*events, routed, *close_canary(evolve(case, routed, at=now), now))


def _giving_way(case: Case, command: FoldOrderIssued) -> tuple[CaseOrder, ...]:
    """The orders that the new one takes the place of: nobody has two, and one leads."""
    order = command.order
    leads = case.lead if order.role is OrderRole.LEAD else None
    held = () if order.step is not None else _held_by(case, order.target)
    return tuple(
        old for old in case.orders if old == leads or (old.stands and (old in held or old.order_id in command.replaces))
    )


def _held_by(case: Case, target: Target) -> tuple[CaseOrder, ...]:
    """The standing orders of ``target``; a matter's steps are things of their own and do not count."""
    return tuple(
        old
        for old in case.standing
        if (old.target.kind, old.target.id) == (target.kind, target.id) and old.step is None
    )


def _replaced_by(order: Order, old: CaseOrder) -> str:
    name = order.target.name or order.target.id
    if old.role is OrderRole.LEAD:
        return f"由 {name} 接替主办 / replaced as the lead by {name}"
    return f"由 {name} 的新派单代替 / a newer order of {name} stands instead"


def _too_late(case: Case, command: FoldOrderIssued) -> str | None:
    """Why an order just issued does not count any more, if so."""
    order = command.order
    if order.generation > case.view.reopened:
        raise Refused(f"order of round {order.generation}, the case is in round {case.view.reopened}", field="order")
    if order.generation < case.view.reopened:
        return "属于重新打开之前的一轮 / of the round before the case was reopened"
    if case.view.state is CaseState.RECEIVED:
        return "案件尚未立案 / nobody has filed the case yet"
    leads = order.role is OrderRole.LEAD
    does_the_work = leads or order.whistle is not None or order.step is not None
    if case.view.state in CASE_ENDED or (does_the_work and case.view.state in _DONE):
        return f"到达时案件已{_WORDS[case.view.state]} / the case was {case.view.state} when it came"
    return _second_lead(case, command) if leads else _second_order(case, command)


def _second_lead(case: Case, command: FoldOrderIssued) -> str | None:
    standing = case.lead
    if standing is None or standing.order_id in command.replaces or _outranks(command.order, standing):
        return None
    return "已有主办单 / another lead order stands"


def _second_order(case: Case, command: FoldOrderIssued) -> str | None:
    """The router asks nobody twice, but its answers to two events can cross with what has come of the first."""
    order = command.order
    if order.step is not None:
        twins = tuple(old for old in case.standing if old.step == order.step)
    else:
        twins = tuple(old for old in _held_by(case, order.target) if _STRENGTH[old.role] <= _STRENGTH[order.role])
    if all(old.order_id in command.replaces for old in twins):
        return None
    return "已有派单，不重复派单 / it has such an order already"


_STRENGTH: Final = {OrderRole.LEAD: 0, OrderRole.ASSIST: 1, OrderRole.OVERSEE: 2}
_WORDS: Final = {
    CaseState.RESOLVED: "办结",
    CaseState.VERIFIED: "核查通过",
    CaseState.CLOSED: "结案",
    CaseState.REFUSED: "不予受理",
    CaseState.MERGED: "并案",
}


_DECIDED: Final = frozenset({OrderReason.TRANSFERRED, OrderReason.RULED, OrderReason.WHISTLE, OrderReason.MODE})


def _outranks(order: Order, standing: CaseOrder) -> bool:
    """Whether ``order`` takes over: from a higher level, or the desk above a department of its level.

    What people decided about the lead (or a mode did) holds against everything older, whatever its level,
    and gives way only to a newer one: so both orders of arrival end alike.
    """
    before = standing.issued_at
    if order.reason in _DECIDED:
        return before is None or before <= order.issued_at
    if standing.reason in _DECIDED and before is not None and before > order.issued_at:
        return False
    return _rank(order) > _rank(standing)


def _rank(order: Order | CaseOrder) -> tuple[int, bool]:
    return _RANK[order.level], order.target.kind is TargetKind.DESK


def _routed(case: Case, command: FoldOrderIssued) -> CaseRouted:
    view, order = _next(case), command.order
    if order.role is OrderRole.LEAD:
        # A case that stands still goes on standing still, whoever leads it now.
        state = view.state if view.state in HELD else FOLLOWS[OrderState.ISSUED]
        view = _led(replace(view, state=state, lead=order.target, level=order.level), command)
    return CaseRouted(
        case=view,
        by=ROUTER,
        order_id=order.order_id,
        order_role=order.role,
        target=order.target,
        level=order.level,
        reason=order.reason,
        issued_at=order.issued_at,
        step=order.step,
        whistle=order.whistle,
    )


def _led(view: CaseView, command: FoldOrderIssued) -> CaseView:
    """What comes with the lead's order: what its rules set, and the matter, which a round is given once."""
    sets = command.sets
    if sets is not None:
        tags = tuple(dict.fromkeys((*view.tags, *sets.tags)))[:MOST_TAGS]
        view = replace(view, severity=sets.severity or view.severity, tags=tags)
    return view if view.matter is not None else replace(view, matter=command.matter)


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
        view = without_lead(view)
    return CaseOrderWithdrawn(case=view, by=ROUTER, order_id=order.order_id, target=order.target, reason=reason)


def _never_stood(case: Case, order: Order, reason: str) -> CaseOrderWithdrawn:
    return CaseOrderWithdrawn(case=_next(case), by=ROUTER, order_id=order.order_id, target=order.target, reason=reason)


def _escalated(case: Case, command: FoldEscalated) -> tuple[CaseEvent, ...]:
    if case.has_moved_up(command.clock_id, command.to_level):
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
