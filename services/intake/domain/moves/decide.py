"""Decide what a command makes of a case: events to append, or a refusal that says what is open instead."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from services.intake.domain.life.case import Case, CaseOrder
from services.intake.domain.life.commands import (
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
    FoldSupervised,
    LifeCommand,
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
from services.intake.domain.life.filing_commands import FileCase, HandOverCase, NoteCase, RecategoriseCase, RefuseCase
from services.intake.domain.life.joining import joined, unjoined
from services.intake.domain.life.review_commands import (
    AppealOrder,
    RateDepartment,
    ReplySupervision,
    ReviewAppeal,
    SendBackSupervision,
    SignOffSupervision,
    SuperviseCase,
)
from services.intake.domain.life.states import Action, open_to
from services.intake.domain.life.system import SYSTEM
from services.intake.domain.life.time_commands import (
    ApproveExtension,
    AskExtension,
    DeclineExtension,
    HangCase,
    PauseCase,
    ResumeCase,
)
from services.intake.domain.moves.appealing import cannot_appeal, cannot_be_graded, look_back, nothing_to_review
from services.intake.domain.moves.case_moves import rated_already, result, shut_for_good
from services.intake.domain.moves.extending import cannot_extend, extend, nothing_to_approve, nothing_to_decline
from services.intake.domain.moves.filing import file_or_refuse
from services.intake.domain.moves.folds import fold
from services.intake.domain.moves.handing import cannot_be_transferred, hand_on, must_stay, rule
from services.intake.domain.moves.holding import cannot_hang, cannot_hold, hold
from services.intake.domain.moves.noting import note
from services.intake.domain.moves.order_moves import move_order, must_be_kept
from services.intake.domain.moves.supervising import no_instruction, supervise, too_many_instructions
from services.intake.domain.moves.whistling import nothing_asked, too_many_called, whistle
from shared.events.case import CaseEvent, CaseHandedOver, CaseModeChanged, CaseOpened
from shared.events.parts import CaseView
from shared.playbook.model import Policy
from shared.vocabulary import CASE_ENDED, OrderRole, Refused


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
        return _opened(command, now)
    if case is None:
        raise Refused("there is no such case", field="case_id")
    events = _events(case, command, now)
    has_matter = case.view.matter is not None or any(event.case.matter is not None for event in events)
    return joined(case, events, now) if has_matter else events


def _events(case: Case, command: CommandOnCase, now: datetime) -> tuple[CaseEvent, ...]:
    match command:
        case FoldOrderIssued() | FoldOrderWithdrawn() | FoldEscalated() | FoldSupervised():
            return fold(case, command, now)
        case SignOrder() | ArriveOnSite() | ReportProgress() | ResolveOrder() | ReturnOrder():
            return (move_order(case, command, now),)
        case ReleaseOrder() | TransferOrder():
            return (hand_on(case, command),)
        case BlowWhistle() | ConfirmWhistle() | DeclineWhistle():
            return (whistle(case, command),)
        case RuleCase():
            return (rule(case, command),)
        case ChangeMode():
            return _changed(case, command)
        case CloseCase() | VerifyCase() | RejectCase() | ReopenCase() | RateCase():
            return result(case, command, now)
        case _:
            return _lived(case, command, now)


def _lived(case: Case, command: LifeCommand, now: datetime) -> tuple[CaseEvent, ...]:
    """What a person asks beside the course of orders and of the result."""
    match command:
        case FileCase() | RefuseCase() | RecategoriseCase():
            return file_or_refuse(case, command, now)
        case NoteCase() | HandOverCase():
            return (note(case, command),)
        case PauseCase() | HangCase() | ResumeCase():
            return hold(case, command, now)
        case AskExtension() | ApproveExtension() | DeclineExtension():
            return (extend(case, command, now),)
        case SuperviseCase() | ReplySupervision() | SignOffSupervision() | SendBackSupervision():
            return (supervise(case, command, now),)
        case AppealOrder() | ReviewAppeal() | RateDepartment():
            return (look_back(case, command, now),)
        case _:
            assert_never(command)


def allowed(
    case: Case, order: CaseOrder | None, *, policy: Policy, now: datetime, due_at: datetime | None = None
) -> tuple[Action, ...]:
    """The actions that `decide` takes now on the case and, when one is named, on ``order``; the lead's when none is.

    ``due_at`` is the deadline of that order's handling, None when none is known.
    """
    subject = order or case.lead
    shut = _shut(case, policy=policy, now=now)
    if subject is None:
        found = open_to(case.view.state, None)
    else:
        shut |= _shut_on(case, subject, policy=policy, now=now, due_at=due_at)
        found = open_to(case.view.state, subject.state, subject.role)
    return tuple(action for action in found if shut.get(action) is None)


def _shut(case: Case, *, policy: Policy, now: datetime) -> dict[Action, str | None]:
    """Why an action on the whole case is not open although its state is one for it."""
    return {
        Action.REOPEN: shut_for_good(case, window=timedelta(hours=policy.reopen_hours), now=now),
        Action.RATE: rated_already(case),
        Action.WHISTLE: too_many_called(case),
        Action.CONFIRM: nothing_asked(case),
        Action.DECLINE: nothing_asked(case),
        Action.PAUSE: cannot_hold(case) if policy.pause_reasons else "the county allows no reason for a pause",
        Action.HANG: cannot_hang(case) if policy.hang_days > 0 else "the county hangs no case",
        Action.APPROVE: nothing_to_approve(case, now=now),
        Action.DECLINE_EXTENSION: nothing_to_decline(case),
        Action.SUPERVISE: too_many_instructions(case),
        Action.REPLY: no_instruction(case, replied=False),
        Action.SIGN_OFF: no_instruction(case, replied=True),
        Action.SEND_BACK: no_instruction(case, replied=True),
        Action.REVIEW: nothing_to_review(case),
        Action.SPLIT: "it stands for one report alone" if case.view.reports == 1 else None,
    }


def _shut_on(
    case: Case, order: CaseOrder, *, policy: Policy, now: datetime, due_at: datetime | None
) -> dict[Action, str | None]:
    """Why an action on the order is not open although its state and its case's are ones for it."""
    return {
        Action.RETURN: must_be_kept(case, order, returns_allowed=policy.returns_allowed),
        Action.RESOLVE: unjoined(case, now=now) if order.role is OrderRole.LEAD else None,
        Action.RELEASE: must_stay(order),
        Action.TRANSFER: cannot_be_transferred(order),
        Action.EXTEND: cannot_extend(case, order, due_at=due_at, most=policy.extensions_allowed, now=now),
        Action.APPEAL: cannot_appeal(case, order, window=timedelta(days=policy.appeal_days), now=now),
        Action.RATE_DEPARTMENT: cannot_be_graded(case, order),
    }


def _changed(case: Case, command: ChangeMode) -> tuple[CaseEvent, ...]:
    """The case in its new mode; nothing when it is over or in that mode already."""
    before = case.view.mode
    if case.view.state in CASE_ENDED or before == command.mode:
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


def _opened(command: OpenCase, now: datetime) -> tuple[CaseEvent, ...]:
    """The case opened; right behind it the emergency services that have it as well, still without their receipts."""
    view = _first_view(command, now)
    opened = CaseOpened(
        case=view,
        by=command.by,
        report_id=command.report_id,
        text=command.text,
        area_why=command.area_why,
        category_why=command.category_why,
        guess=command.guess,
        alike=command.alike,
        tracking=command.tracking,
        photos=command.photos,
        severity_why=command.severity_why,
    )
    handed = (
        CaseHandedOver(case=replace(view, version=version), by=SYSTEM, service=one.service, words=one.words)
        for version, one in enumerate(command.handovers, start=view.version + 1)
    )
    return (opened, *handed)


def _first_view(command: OpenCase, now: datetime) -> CaseView:
    return CaseView(
        case_id=command.case_id,
        version=1,
        state=command.state,
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
        secret=command.secret,
        mode=command.mode,
        earlier=command.earlier,
    )
