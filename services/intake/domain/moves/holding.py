"""A case stands still: paused for a reason that the county allows (暂停), hung by a leader (挂账); and goes on."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, assert_never

from services.intake.domain.life.case import Case
from services.intake.domain.life.states import FOLLOWS
from services.intake.domain.life.time_commands import HangCase, HoldCommand, PauseCase, ResumeCase
from services.intake.domain.moves.case_moves import not_shut, opened_by
from services.intake.domain.reports.texts import must_say
from shared.events.case import CaseEvent, CaseHung, CasePaused, CaseResumed
from shared.events.parts import Held
from shared.vocabulary import CaseState, Refused

HUNG: Final = "hung"
"""The reason's id of a case that a leader hung; the county's own are for pauses."""


def hold(case: Case, command: HoldCommand, now: datetime) -> tuple[CaseEvent, ...]:
    """The event of a pause, of hanging, or of going on; none when a date is looked at before it has come.

    Raises:
        WrongState: the case is not in a state for it, was hung before in this round, or may not stand still at all.
        Refused: without a reason, or a date that is past or too far off.
    """
    match command:
        case PauseCase():
            return (_paused(case, command, now),)
        case HangCase():
            return (_hung(case, command, now),)
        case ResumeCase():
            return _resumed(case, command, now)
        case _:
            assert_never(command)


def cannot_hold(case: Case) -> str | None:
    """Why the case cannot stand still whatever its state, if so."""
    if case.handed_over:
        services = ", ".join(case.handed_over)
        return f"handed to {services} as well: a case in which life may be at risk does not stand still"
    return None


def cannot_hang(case: Case) -> str | None:
    """Why the case cannot be hung whatever its state, if so."""
    return "hung before in this round: a case is hung once" if case.hung else cannot_hold(case)


def _paused(case: Case, command: PauseCase, now: datetime) -> CasePaused:
    view = opened_by(case, command.ACTION)
    not_shut(cannot_hold(case), case)
    must_say(command.reason, "why the work cannot go on, in words")
    lead = case.lead
    held = Held(code=command.code, since=now, until=command.until)
    return CasePaused(
        case=replace(view, held=held),
        by=command.by,
        code=command.code,
        reason=command.reason,
        order_id=None if lead is None else lead.order_id,
        until=command.until,
    )


def _hung(case: Case, command: HangCase, now: datetime) -> CaseHung:
    view = opened_by(case, command.ACTION)
    not_shut(cannot_hang(case), case)
    must_say(command.reason, "why the matter has to wait, in words")
    latest = now + timedelta(days=command.days)
    if not now < command.until <= latest:
        raise Refused(
            f"a case is hung to a date at most {command.days} days ahead",
            field="until",
            allowed=[f"after {now.isoformat(timespec='seconds')}, to {latest.isoformat(timespec='seconds')}"],
        )
    held = Held(code=HUNG, since=now, until=command.until, hung=True)
    return CaseHung(case=replace(view, held=held), by=command.by, until=command.until, reason=command.reason)


def _resumed(case: Case, command: ResumeCase, now: datetime) -> tuple[CaseEvent, ...]:
    if command.when_due and not _is_due(case, now):
        return ()
    view = replace(opened_by(case, command.ACTION), state=_goes_on_in(case), held=None)
    return (CaseResumed(case=view, by=command.by, reason=command.reason),)


def _is_due(case: Case, now: datetime) -> bool:
    held = case.view.held
    return held is not None and held.until is not None and held.until <= now


def _goes_on_in(case: Case) -> CaseState:
    return CaseState.OPENED if case.lead is None else FOLLOWS[case.lead.state]
