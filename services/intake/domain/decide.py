"""Decide what a command makes of a case: events to append, or a refusal that says what is open instead."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from services.intake.domain.case import Case, CaseOrder
from services.intake.domain.case_moves import close, move_case, rated_already, shut_for_good
from services.intake.domain.commands import (
    ArriveOnSite,
    BlowWhistle,
    ChangeMode,
    CloseCase,
    Command,
    CommandOnCase,
    ConfirmWhistle,
    DeclineWhistle,
    FoldEscalated,
    FoldOrderIssued,
    FoldOrderWithdrawn,
    OpenCase,
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
from services.intake.domain.folds import fold
from services.intake.domain.handing import cannot_be_transferred, hand_on, must_stay, rule
from services.intake.domain.joining import joined, unjoined
from services.intake.domain.order_moves import move_order, must_be_kept
from services.intake.domain.states import Action, open_to
from services.intake.domain.whistling import nothing_asked, too_many_called, whistle
from shared.events.case import CaseEvent, CaseModeChanged, CaseOpened
from shared.events.parts import CaseView
from shared.playbook.model import Policy
from shared.vocabulary import CaseState, OrderRole, Refused


def decide(case: Case | None, command: Command, now: datetime) -> tuple[CaseEvent, ...]:
    """The events that ``command`` leads to, each with the case's view after it and a version one higher.

    Nothing happens for a fold that the case has seen already. The last event leaves the case where
    the command wants it; `evolve` over them, in order, gives that case.

    Raises:
        WrongState: the action is not open now: by the state of the case or of the order, or by the county's policy
            (returns used up, reopening window over, nobody above).
        Refused: the case or order is not there, or the action needs a reason.
    """
    if isinstance(command, OpenCase):
        return (_opened(command, now),)
    if case is None:
        raise Refused("there is no such case", field="case_id")
    events = _events(case, command, now)
    has_matter = case.view.matter is not None or any(event.case.matter is not None for event in events)
    return joined(case, events, now) if has_matter else events


def _events(case: Case, command: CommandOnCase, now: datetime) -> tuple[CaseEvent, ...]:
    match command:
        case FoldOrderIssued() | FoldOrderWithdrawn() | FoldEscalated():
            return fold(case, command, now)
        case SignOrder() | ArriveOnSite() | ReportProgress() | ResolveOrder() | ReturnOrder():
            return (move_order(case, command, now),)
        case ReleaseOrder() | TransferOrder():
            return (hand_on(case, command),)
        case CloseCase():
            return close(case, command, now)
        case BlowWhistle() | ConfirmWhistle() | DeclineWhistle():
            return (whistle(case, command),)
        case RuleCase():
            return (rule(case, command),)
        case ChangeMode():
            return _changed(case, command)
        case VerifyCase() | RejectCase() | ReopenCase() | RateCase():
            return (move_case(case, command, now),)
        case _:
            assert_never(command)


def allowed(case: Case, order: CaseOrder | None, *, policy: Policy, now: datetime) -> tuple[Action, ...]:
    """The actions that `decide` takes now on the case and, when one is named, on ``order``; the lead's when none is."""
    subject = order or case.lead
    shut = {
        Action.REOPEN: shut_for_good(case, window=timedelta(hours=policy.reopen_hours), now=now),
        Action.RATE: rated_already(case),
        Action.WHISTLE: too_many_called(case),
        Action.CONFIRM: nothing_asked(case),
        Action.DECLINE: nothing_asked(case),
    }
    if subject is not None:
        shut |= _shut_on(case, subject, policy=policy, now=now)
    found = open_to(case.view.state, None if subject is None else subject.state)
    return tuple(action for action in found if shut.get(action) is None)


def _shut_on(case: Case, order: CaseOrder, *, policy: Policy, now: datetime) -> dict[Action, str | None]:
    return {
        Action.RETURN: must_be_kept(case, order, returns_allowed=policy.returns_allowed),
        Action.RESOLVE: unjoined(case, now=now) if order.role is OrderRole.LEAD else None,
        Action.RELEASE: must_stay(order),
        Action.TRANSFER: cannot_be_transferred(order),
    }


def _changed(case: Case, command: ChangeMode) -> tuple[CaseEvent, ...]:
    """The case in its new mode; nothing when it is closed or in that mode already."""
    before = case.view.mode
    if case.view.state is CaseState.CLOSED or before == command.mode:
        return ()
    event = CaseModeChanged(
        case=replace(case.view, version=case.view.version + 1, mode=command.mode),
        by=command.by,
        before=before,
        reason=command.reason,
        text=case.text,
        standing=case.all_standing(),
        change_id=command.change_id,
    )
    return (event,)


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
        purpose=command.purpose,
        mode=command.mode,
        earlier=command.earlier,
    )
    return CaseOpened(
        case=view,
        by=command.by,
        report_id=command.report_id,
        text=command.text,
        area_why=command.area_why,
        category_why=command.category_why,
        photos=command.photos,
    )
