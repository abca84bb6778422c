"""What becomes of the result: checked, sent back, closed, rated, opened again."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from services.intake.domain.case import Case
from services.intake.domain.commands import (
    CASE_ACTION,
    CaseCommand,
    CloseCase,
    RateCase,
    RejectCase,
    ReopenCase,
    VerifyCase,
)
from services.intake.domain.evolve import evolve
from services.intake.domain.folds import SYSTEM
from services.intake.domain.states import CASE_MOVES, Action, WrongState
from shared.events.case import (
    CaseClosed,
    CaseEvent,
    CaseOrderWithdrawn,
    CaseRated,
    CaseRejected,
    CaseReopened,
    CaseVerified,
)
from shared.events.parts import CaseView
from shared.vocabulary import Refused


def move_case(case: Case, command: CaseCommand, now: datetime) -> CaseEvent:
    """The event of an action on the whole case.

    Raises:
        WrongState: the case is not in a state for it.
        Refused: the action needs a reason.
    """
    view = _after_case_move(case, CASE_ACTION[type(command)])
    match command:
        case VerifyCase():
            return CaseVerified(case=view, by=command.by, note=command.note)
        case RejectCase():
            return _rejected(case, view, command)
        case CloseCase():
            return CaseClosed(case=view, by=command.by, note=command.note)
        case ReopenCase():
            return _reopened(case, view, command, now)
        case RateCase():
            return _rated(case, view, command)
        case _:
            assert_never(command)


def _after_case_move(case: Case, action: Action) -> CaseView:
    after = CASE_MOVES[action].get(case.view.state)
    if after is None:
        raise WrongState(f"{action} is not open: the case is {case.view.state}", state=case.view.state)
    return replace(case.view, version=case.view.version + 1, state=after)


def _rejected(case: Case, view: CaseView, command: RejectCase) -> CaseRejected:
    if not command.reason.strip():
        raise Refused("a rejection needs a reason", field="reason", allowed=["what is still to be done, in words"])
    lead = case.lead
    if lead is None:
        raise ValueError(f"case {view.case_id} was resolved without a lead")
    return CaseRejected(case=view, by=command.by, order_id=lead.order_id, target=lead.target, reason=command.reason)


def _reopened(case: Case, view: CaseView, command: ReopenCase, now: datetime) -> CaseReopened:
    if not command.reason.strip():
        raise Refused("reopening needs a reason", field="reason", allowed=["what is still wrong, in words"])
    shut = shut_for_good(case, window=command.window, now=now)
    if shut is not None:
        raise WrongState(shut, state=case.view.state)
    view = replace(view, lead=None, reopened=view.reopened + 1)
    return CaseReopened(case=view, by=command.by, reason=command.reason, text=case.text)


def _rated(case: Case, view: CaseView, command: RateCase) -> CaseRated:
    rated = rated_already(case)
    if rated is not None:
        raise WrongState(rated, state=case.view.state)
    return CaseRated(case=view, by=command.by, rating=command.rating, note=command.note)


def shut_for_good(case: Case, *, window: timedelta, now: datetime) -> str | None:
    """Why a closed case cannot be reopened any more, if so; ``window`` counts from closing."""
    if case.closed_at is None or now - case.closed_at <= window:
        return None
    hours = window.total_seconds() / 3600
    return f"closed at {case.closed_at.isoformat()} and open to reopening for {hours:g} hours: send a new report"


def rated_already(case: Case) -> str | None:
    """Why a closed case cannot be rated again, if so."""
    return None if case.rating is None else f"rated {case.rating} already since it was closed"


def close(case: Case, command: CloseCase, now: datetime) -> tuple[CaseEvent, ...]:
    """Closing releases whoever was still asked to assist or to oversee, each by an event of its own."""
    _after_case_move(case, Action.CLOSE)
    events: list[CaseEvent] = []
    for order in case.orders:
        if order.stands:
            released = CaseOrderWithdrawn(
                case=replace(case.view, version=case.view.version + 1),
                by=SYSTEM,
                order_id=order.order_id,
                target=order.target,
                reason="案件结案,协同单随之解除 / released: the case is closed",
            )
            case = evolve(case, released, at=now)
            events.append(released)
    return (*events, move_case(case, command, now))
