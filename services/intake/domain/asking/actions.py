"""An action as it is asked for, the order it is meant for, and the command that it becomes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from services.intake.domain.asking.asking import life_of_case, life_on_order
from services.intake.domain.asking.requests import ActionRequest, Circumstances, tidy_request
from services.intake.domain.asking.targets import must_be_department, target_of
from services.intake.domain.life.case import Case, CaseOrder
from services.intake.domain.life.commands import (
    ArriveOnSite,
    BlowWhistle,
    CaseCommand,
    CloseCase,
    ConfirmWhistle,
    DeclineWhistle,
    LifeCommand,
    OrderCommand,
    RateCase,
    RejectCase,
    ReleaseOrder,
    ReopenCase,
    ReportProgress,
    ResolveOrder,
    ReturnOrder,
    RuleCase,
    SignOrder,
    TransferOrder,
    VerifyCase,
)
from services.intake.domain.life.permissions import Bearer, held_by, may_act, must_act, must_mean
from services.intake.domain.life.states import ORDER_MOVES, Action, WrongState
from services.intake.domain.moves.decide import allowed
from services.intake.domain.moves.replying import reply_of
from shared.events.case import Rating
from shared.events.parts import Actor
from shared.playbook.model import Playbook, Policy
from shared.vocabulary import OrderRole, Refused

__all__ = [
    "OF_OTHERS",
    "ActionRequest",
    "Circumstances",
    "command_of",
    "open_to_bearer",
    "order_meant",
    "tidy_request",
]


def order_meant(request: ActionRequest, case: Case, bearer: Bearer) -> CaseOrder | None:
    """The order that the action is about; None for an action on the whole case.

    Without ``order_id`` it is the one that the bearer holds: a standing one first, else the last.

    Raises:
        NotYours: the bearer may not do this.
        WrongState: there is no order to do it to yet.
        Refused: the bearer holds several, or the case has none of that id.
    """
    if request.action not in ORDER_MOVES:
        must_act(bearer, request.action, case, None)
        must_mean(bearer, request.action, case, request.supervision_id)
        return None
    if request.order_id is not None:
        named = next((order for order in case.orders if order.order_id == request.order_id), None)
        must_act(bearer, request.action, case, named)
        return case.order(request.order_id)
    # A desk hands on what others hold: the lead's, unless it says which.
    held = _led(case) if request.action in OF_OTHERS else held_by(bearer, case)
    standing = tuple(order for order in held if order.stands)
    if len(standing) > 1:
        raise Refused(
            "this key holds several orders of the case: say which",
            field="order_id",
            allowed=[str(order.order_id) for order in standing],
        )
    chosen = (standing or held or (None,))[-1]
    must_act(bearer, request.action, case, chosen)
    if chosen is None:
        raise WrongState(
            f"{request.action} is not open: no order leads the case, it is {case.view.state}",
            state=case.view.state,
        )
    return chosen


def _led(case: Case) -> tuple[CaseOrder, ...]:
    return () if case.lead is None else (case.lead,)


OF_OTHERS: Final = frozenset({Action.RELEASE, Action.TRANSFER, Action.RATE_DEPARTMENT})
"""Actions of a desk on the order of somebody else."""


def open_to_bearer(
    case: Case,
    order: CaseOrder | None,
    bearer: Bearer,
    *,
    policy: Policy,
    now: datetime,
    due_at: datetime | None = None,
) -> tuple[Action, ...]:
    """What the bearer may do next: open by the table and by the county's policy, and theirs to do.

    The one list of both answers, of an action done and of one refused; ``order`` is the one that the
    request was about, None means the case and whoever leads it.
    """
    found = allowed(case, order, policy=policy, now=now, due_at=due_at)
    return tuple(action for action in found if may_act(bearer, action, case, order or case.lead))


def command_of(
    request: ActionRequest, order: CaseOrder | None, *, case: Case, given: Circumstances
) -> OrderCommand | CaseCommand | LifeCommand:
    """The command that a tidy request becomes; departments, desks and categories that it names are the playbook's.

    Raises:
        Refused: it lacks a field that its action needs, or names what is not there.
    """
    if order is not None:
        found = life_on_order(request, order.order_id, given)
        return found or _on_order(request, order, case=case, by=given.by, playbook=given.playbook)
    life = life_of_case(request, case.view, given)
    if life is not None:
        return life
    if request.action in {Action.WHISTLE, Action.CONFIRM, Action.DECLINE, Action.RULE}:
        return _of_many(request, case=case, by=given.by, playbook=given.playbook)
    return _on_result(request, given.by, given.playbook.policy)


def _on_result(request: ActionRequest, by: Actor, policy: Policy) -> CaseCommand:
    reason = request.why
    match request.action:
        case Action.VERIFY:
            return VerifyCase(by=by, note=request.note)
        case Action.REJECT:
            return RejectCase(by=by, reason=reason)
        case Action.CLOSE:
            return CloseCase(by=by, note=request.note)
        case Action.REOPEN:
            return ReopenCase(by=by, reason=reason, window=timedelta(hours=policy.reopen_hours))
        case Action.RATE:
            return RateCase(by=by, rating=_grade(request), note=request.note)
        case _ as action:
            raise ValueError(f"{action} needs an order")


def _of_many(request: ActionRequest, *, case: Case, by: Actor, playbook: Playbook) -> CaseCommand:
    """What calls others to the case or says whose it is."""
    reason = request.why
    match request.action:
        case Action.WHISTLE:
            return _blow(request, by, playbook)
        case Action.CONFIRM:
            return ConfirmWhistle(by=by, whistle_id=_whistle(request, case), note=request.note)
        case Action.DECLINE:
            return DeclineWhistle(by=by, whistle_id=_whistle(request, case), reason=reason)
        case _:
            to = target_of(request.to, area=case.view.area, playbook=playbook)
            return RuleCase(by=by, to=to, reason=reason)


def _on_order(request: ActionRequest, order: CaseOrder, *, case: Case, by: Actor, playbook: Playbook) -> OrderCommand:
    order_id, reason = order.order_id, request.why
    match request.action:
        case Action.SIGN:
            return SignOrder(order_id=order_id, by=by, note=request.note)
        case Action.ARRIVE:
            return ArriveOnSite(order_id=order_id, by=by, note=request.note)
        case Action.PROGRESS:
            return ReportProgress(order_id=order_id, by=by, note=request.note)
        case Action.RESOLVE:
            leads = order.role is OrderRole.LEAD
            reply = reply_of(request.reply, required=leads and case.view.source in playbook.policy.reply_required)
            return ResolveOrder(order_id=order_id, by=by, note=request.note, reply=reply)
        case Action.RETURN:
            allowed = playbook.policy.returns_allowed
            return ReturnOrder(order_id=order_id, by=by, reason=reason, returns_allowed=allowed)
        case Action.RELEASE:
            return ReleaseOrder(order_id=order_id, by=by, reason=reason)
        case Action.TRANSFER:
            to = target_of(request.to, area=case.view.area, playbook=playbook)
            return TransferOrder(order_id=order_id, by=by, to=to, reason=reason)
        case _ as action:
            raise ValueError(f"{action} is about the whole case")


def _blow(request: ActionRequest, by: Actor, playbook: Playbook) -> BlowWhistle:
    for number, department in enumerate(request.departments):
        must_be_department(department, field=f"departments.{number}", playbook=playbook)
    return BlowWhistle(
        by=by,
        departments=request.departments,
        reason=request.why,
        kind=request.kind,
        lead=request.lead,
        whistle_id=request.whistle_id,
    )


def _whistle(request: ActionRequest, case: Case) -> UUID:
    if request.whistle_id is not None:
        return request.whistle_id
    asked = case.asked
    if asked is None:
        raise WrongState(f"{request.action} is not open: no whistle waits for its head's word", state=case.view.state)
    raise Refused("say which whistle", field="whistle_id", allowed=[str(asked.whistle.whistle_id)])


def _grade(request: ActionRequest) -> Rating:
    if request.rating is None:
        raise Refused("a rating needs its grade", field="rating", allowed=list(Rating))
    return request.rating
