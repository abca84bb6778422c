"""More time for an order (延期): asked before its deadline, approved by two persons, so often as the county allows."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import assert_never
from uuid import UUID

from services.intake.domain.life.case import Case, CaseOrder, Extension
from services.intake.domain.life.time_commands import ApproveExtension, AskExtension, DeclineExtension, ExtensionCommand
from services.intake.domain.moves.case_moves import not_shut, opened_by
from services.intake.domain.moves.order_moves import must_be_open
from services.intake.domain.reports.texts import must_say
from shared.events.case import CaseEvent, CaseExtended, CaseExtensionAsked, CaseExtensionBacked, CaseExtensionDeclined
from shared.events.envelope import derive_id
from shared.vocabulary import OrderRole, Refused


def extend(case: Case, command: ExtensionCommand, now: datetime) -> CaseEvent:
    """The event of an extension asked for, approved once, granted by the second approval, or declined.

    Raises:
        WrongState: the deadline is past or not known, the allowance is used up, or nothing waits for a word.
        Refused: without a reason, a date that is no later than the deadline, another extension than the one that waits.
    """
    match command:
        case AskExtension():
            return _asked(case, command, now)
        case ApproveExtension():
            return _approved(case, command, now)
        case DeclineExtension():
            return _declined(case, command)
        case _:
            assert_never(command)


def cannot_extend(case: Case, order: CaseOrder, *, due_at: datetime | None, most: int, now: datetime) -> str | None:
    """Why no more time can be asked for, whatever the order's state, if so; ``most`` is the county's allowance."""
    if order.role is OrderRole.OVERSEE:
        return "an order to oversee has no deadline of its own"
    if case.view.extensions >= most:
        return f"extended {case.view.extensions} times, {most} allowed"
    if case.waiting_extension is not None:
        return f"extension {case.waiting_extension.extension_id} waits for its two approvals"
    if due_at is None:
        return "no deadline of this order is known: there is nothing to extend"
    if due_at <= now:
        return f"the deadline was {due_at.isoformat(timespec='seconds')}: more time is asked for before it"
    return None


def nothing_to_approve(case: Case, *, now: datetime) -> str | None:
    """Why no extension can be approved, if so."""
    asked = case.waiting_extension
    if asked is None:
        return nothing_to_decline(case)
    if asked.to <= now:
        return f"the date asked for, {asked.to.isoformat(timespec='seconds')}, is past: decline it"
    return None


def nothing_to_decline(case: Case) -> str | None:
    """Why there is no extension to decline, if so."""
    return "no extension waits for a word" if case.waiting_extension is None else None


def _asked(case: Case, command: AskExtension, now: datetime) -> CaseExtensionAsked:
    order = must_be_open(case, command.order_id, command.ACTION)
    not_shut(cannot_extend(case, order, due_at=command.due_at, most=command.most, now=now), case)
    must_say(command.reason, "why the time does not suffice, in words")
    due_at = command.due_at or now
    if command.to <= due_at:
        raise Refused(
            f"the deadline is {due_at.isoformat(timespec='seconds')} already",
            field="until",
            allowed=["a later moment than that"],
        )
    version = case.view.version + 1
    return CaseExtensionAsked(
        case=replace(case.view, version=version),
        by=command.by,
        extension_id=derive_id(case.view.case_id, "extension", f"v{version}"),
        order_id=order.order_id,
        due_at=due_at,
        to=command.to,
        reason=command.reason,
    )


def _approved(case: Case, command: ApproveExtension, now: datetime) -> CaseEvent:
    view = opened_by(case, command.ACTION)
    not_shut(nothing_to_approve(case, now=now), case)
    asked = _waiting(case, command.extension_id)
    if asked.backed_by is None:
        return CaseExtensionBacked(
            case=view,
            by=command.by,
            extension_id=asked.extension_id,
            order_id=asked.order_id,
            note=command.note,
        )
    return CaseExtended(
        case=replace(view, extensions=view.extensions + 1),
        by=command.by,
        extension_id=asked.extension_id,
        order_id=asked.order_id,
        to=asked.to,
        note=command.note,
    )


def _declined(case: Case, command: DeclineExtension) -> CaseExtensionDeclined:
    view = opened_by(case, command.ACTION)
    not_shut(nothing_to_decline(case), case)
    must_say(command.reason, "why there is no more time, in words")
    asked = _waiting(case, command.extension_id)
    return CaseExtensionDeclined(
        case=view,
        by=command.by,
        extension_id=asked.extension_id,
        order_id=asked.order_id,
        reason=command.reason,
    )


def _waiting(case: Case, extension_id: UUID | None) -> Extension:
    asked = case.waiting_extension
    if asked is None:
        raise ValueError(f"no extension of case {case.view.case_id} waits")
    if extension_id not in {None, asked.extension_id}:
        raise Refused(
            f"extension {extension_id} does not wait for a word",
            field="extension_id",
            allowed=[str(asked.extension_id)],
        )
    return asked
