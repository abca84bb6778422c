"""After closing: an order's holder appeals (申诉), two persons review it, and the base level rates departments."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never
from uuid import UUID

from services.intake.domain.life.case import Appeal, Case, CaseOrder
from services.intake.domain.life.review_commands import AppealOrder, RateDepartment, ReviewAppeal, ReviewCommand
from services.intake.domain.moves.case_moves import not_shut, opened_by
from services.intake.domain.moves.order_moves import must_be_open
from services.intake.domain.reports.texts import must_say
from shared.events.case import CaseAppealed, CaseAppealReviewed, CaseDepartmentRated, CaseEvent
from shared.events.envelope import derive_id
from shared.vocabulary import Refused, TargetKind


def look_back(case: Case, command: ReviewCommand, now: datetime) -> CaseEvent:
    """The event of an appeal, of one of its reviews, or of a department's rating.

    Raises:
        WrongState: too late, done before, or there is nothing to review.
        Refused: without a reason, or another appeal than the one that waits.
    """
    match command:
        case AppealOrder():
            return _appealed(case, command, now)
        case ReviewAppeal():
            return _reviewed(case, command)
        case RateDepartment():
            return _graded(case, command)
        case _:
            assert_never(command)


def cannot_appeal(case: Case, order: CaseOrder, *, window: timedelta, now: datetime) -> str | None:
    """Why nobody can appeal over the order any more, if so; ``window`` counts from closing."""
    if case.closed_at is not None and now - case.closed_at > window:
        return f"closed at {case.closed_at.isoformat(timespec='seconds')}, open to appeals for {window.days} days"
    if any(appeal.order_id == order.order_id for appeal in case.appeals):
        return "an appeal over this order was made already: there is one for each closing"
    return None


def nothing_to_review(case: Case) -> str | None:
    """Why there is no appeal to review, if so."""
    return "no appeal waits for a review" if case.open_appeal is None else None


def cannot_be_graded(case: Case, order: CaseOrder) -> str | None:
    """Why the order's target cannot be rated, if so."""
    if order.target.kind is not TargetKind.DEPARTMENT:
        return "it was a desk's order: departments are rated"
    if order.order_id in case.graded:
        return "this order has been rated already"
    return None


def _appealed(case: Case, command: AppealOrder, now: datetime) -> CaseAppealed:
    order = must_be_open(case, command.order_id, command.ACTION)
    not_shut(cannot_appeal(case, order, window=command.window, now=now), case)
    must_say(command.reason, "what was judged wrongly, in words")
    view = replace(case.view, version=case.view.version + 1)
    return CaseAppealed(
        case=view,
        by=command.by,
        appeal_id=derive_id(view.case_id, "appeal", f"v{view.version}"),
        order_id=order.order_id,
        ground=command.ground,
        reason=command.reason,
    )


def _reviewed(case: Case, command: ReviewAppeal) -> CaseAppealReviewed:
    view = opened_by(case, command.ACTION)
    not_shut(nothing_to_review(case), case)
    must_say(command.reason, "why it is or is not upheld, in words")
    appeal = _waiting(case, command.appeal_id)
    step = 1 if appeal.first is None else 2
    exempt = view.exempt or (command.upheld and appeal.first is not None)
    return CaseAppealReviewed(
        case=replace(view, exempt=exempt),
        by=command.by,
        appeal_id=appeal.appeal_id,
        step=step,
        upheld=command.upheld,
        reason=command.reason,
    )


def _waiting(case: Case, appeal_id: UUID | None) -> Appeal:
    appeal = case.open_appeal
    if appeal is None:
        raise ValueError(f"no appeal of case {case.view.case_id} waits")
    if appeal_id not in {None, appeal.appeal_id}:
        raise Refused(
            f"appeal {appeal_id} is not the next to be reviewed", field="appeal_id", allowed=[str(appeal.appeal_id)]
        )
    return appeal


def _graded(case: Case, command: RateDepartment) -> CaseDepartmentRated:
    order = must_be_open(case, command.order_id, command.ACTION)
    not_shut(cannot_be_graded(case, order), case)
    return CaseDepartmentRated(
        case=replace(case.view, version=case.view.version + 1),
        by=command.by,
        order_id=order.order_id,
        order_role=order.role,
        target=order.target,
        speed=command.speed,
        quality=command.quality,
        note=command.note,
    )
