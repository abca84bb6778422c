"""An action as it is asked for, the order it is meant for, and the command that it becomes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from services.intake.domain.case import Case, CaseOrder
from services.intake.domain.commands import (
    ArriveOnSite,
    BlowWhistle,
    CaseCommand,
    CloseCase,
    ConfirmWhistle,
    DeclineWhistle,
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
from services.intake.domain.decide import allowed
from services.intake.domain.permissions import Bearer, held_by, may_act, must_act
from services.intake.domain.states import ORDER_MOVES, Action, WrongState
from services.intake.domain.targets import Whom, must_be_department, target_of
from services.intake.domain.texts import clean
from shared.events.case import Rating
from shared.events.parts import Actor
from shared.masking import mask
from shared.playbook.model import Playbook, Policy
from shared.vocabulary import Refused, WhistleKind


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRequest:
    """What somebody asks of a case; ``reason`` may also come as ``note``."""

    action: Action
    order_id: UUID | None = None
    note: str = ""
    reason: str = ""
    rating: Rating | None = None
    kind: WhistleKind | None = None
    departments: tuple[str, ...] = ()
    lead: str | None = None
    whistle_id: UUID | None = None
    to: Whom | None = None


def tidy_request(request: ActionRequest) -> ActionRequest:
    """The request with its words cleaned and masked: they go into events.

    Raises:
        Refused: control characters in note or reason.
    """
    return replace(request, note=_words(request.note, "note"), reason=_words(request.reason, "reason"))


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


OF_OTHERS: Final = frozenset({Action.RELEASE, Action.TRANSFER})
"""Actions of a desk on the order of somebody else."""


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
    request: ActionRequest, order: CaseOrder | None, *, case: Case, by: Actor, playbook: Playbook
) -> OrderCommand | CaseCommand:
    """The command that a tidy request becomes; departments and desks that it names are the playbook's.

    Raises:
        Refused: it lacks a grade, a target or a whistle, or names one that is not there.
    """
    if order is not None:
        return _on_order(request, order.order_id, case=case, by=by, playbook=playbook)
    if request.action in {Action.WHISTLE, Action.CONFIRM, Action.DECLINE, Action.RULE}:
        return _of_many(request, case=case, by=by, playbook=playbook)
    return _on_result(request, by, playbook.policy)


def _on_result(request: ActionRequest, by: Actor, policy: Policy) -> CaseCommand:
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
        case _ as action:
            raise ValueError(f"{action} needs an order")


def _of_many(request: ActionRequest, *, case: Case, by: Actor, playbook: Playbook) -> CaseCommand:
    """What calls others to the case or says whose it is."""
    reason = request.reason or request.note
    match request.action:
        case Action.WHISTLE:
            return _blow(request, by, playbook)
        case Action.CONFIRM:
            return ConfirmWhistle(by=by, whistle_id=_whistle(request, case))
        case Action.DECLINE:
            return DeclineWhistle(by=by, whistle_id=_whistle(request, case), reason=reason)
        case _:
            to = target_of(request.to, area=case.view.area, playbook=playbook)
            return RuleCase(by=by, to=to, reason=reason)


def _on_order(request: ActionRequest, order_id: UUID, *, case: Case, by: Actor, playbook: Playbook) -> OrderCommand:
    reason = request.reason or request.note
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
        reason=request.reason or request.note,
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


def _words(text: str, field: str) -> str:
    return mask(clean(text, field=field)) if text.strip() else ""
