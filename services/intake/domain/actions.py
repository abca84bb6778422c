"""An action as it is asked for, the order it is meant for, and the command that it becomes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never
from uuid import UUID

from services.intake.domain.case import Case, CaseOrder
from services.intake.domain.commands import (
    ArriveOnSite,
    CaseCommand,
    CloseCase,
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
from services.intake.domain.decide import allowed
from services.intake.domain.permissions import Bearer, held_by, may_act, must_act
from services.intake.domain.states import ORDER_MOVES, Action, WrongState
from services.intake.domain.texts import clean
from shared.events.case import Rating
from shared.events.parts import Actor
from shared.masking import mask
from shared.playbook.model import Policy
from shared.vocabulary import Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRequest:
    """What somebody asks of a case; ``reason`` may also come as ``note``."""

    action: Action
    order_id: UUID | None = None
    note: str = ""
    reason: str = ""
    rating: Rating | None = None


def tidy_request(request: ActionRequest) -> ActionRequest:
    """The request with its words cleaned and masked: they go into events.

    Raises:
        Refused: control characters in note or reason.
    """
    return ActionRequest(
        action=request.action,
        order_id=request.order_id,
        note=_words(request.note, "note"),
        reason=_words(request.reason, "reason"),
        rating=request.rating,
    )


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
        return None
    if request.order_id is not None:
        named = next((order for order in case.orders if order.order_id == request.order_id), None)
        must_act(bearer, request.action, case, named)
        return case.order(request.order_id)
    held = held_by(bearer, case)
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


def open_to_bearer(
    case: Case, order: CaseOrder | None, bearer: Bearer, *, policy: Policy, now: datetime
) -> tuple[Action, ...]:
    """What the bearer may do next: open by the table and by the county's policy, and theirs to do.

    The one list of both answers, of an action done and of one refused; ``order`` is the one that the
    request was about, None means the case and whoever leads it.
    """
    found = allowed(case, order, policy=policy, now=now)
    return tuple(action for action in found if may_act(bearer, action, case, order or case.lead))


def command_of(
    request: ActionRequest, order: CaseOrder | None, *, by: Actor, policy: Policy
) -> OrderCommand | CaseCommand:
    """The command that a tidy request becomes.

    Raises:
        Refused: a rating without a grade.
    """
    if order is not None:
        return _on_order(request, order.order_id, by, policy)
    reason = request.reason or request.note
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
        case Action.SIGN | Action.ARRIVE | Action.PROGRESS | Action.RESOLVE | Action.RETURN:
            raise ValueError(f"{request.action} needs an order")
        case _:
            assert_never(request.action)


def _on_order(request: ActionRequest, order_id: UUID, by: Actor, policy: Policy) -> OrderCommand:
    match request.action:
        case Action.SIGN:
            return SignOrder(order_id=order_id, by=by, note=request.note)
        case Action.ARRIVE:
            return ArriveOnSite(order_id=order_id, by=by, note=request.note)
        case Action.PROGRESS:
            return ReportProgress(order_id=order_id, by=by, note=request.note)
        case Action.RESOLVE:
            return ResolveOrder(order_id=order_id, by=by, note=request.note)
        case Action.RETURN:
            reason = request.reason or request.note
            return ReturnOrder(order_id=order_id, by=by, reason=reason, returns_allowed=policy.returns_allowed)
        case Action.VERIFY | Action.REJECT | Action.CLOSE | Action.REOPEN | Action.RATE:
            raise ValueError(f"{request.action} is about the whole case")
        case _:
            assert_never(request.action)


def _grade(request: ActionRequest) -> Rating:
    if request.rating is None:
        raise Refused("a rating needs its grade", field="rating", allowed=list(Rating))
    return request.rating


def _words(text: str, field: str) -> str:
    return mask(clean(text, field=field)) if text.strip() else ""
