"""What becomes of the result: checked, sent back, closed, rated, opened again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, assert_never

from services.intake.domain.life.case import Case
from services.intake.domain.life.commands import (
    CASE_ACTION,
    CaseCommand,
    CloseCase,
    RateCase,
    RejectCase,
    ReopenCase,
    ResultCommand,
    VerifyCase,
)
from services.intake.domain.life.evolve import evolve
from services.intake.domain.life.states import CASE_MOVES, HELD, Action, WrongState
from services.intake.domain.life.system import SYSTEM
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
from shared.vocabulary import CaseState, OrderRole, Refused


def move_case(case: Case, command: ResultCommand, now: datetime) -> CaseEvent:
    """The event of an action on the result.

    Raises:
        WrongState: the case is not in a state for it.
        Refused: the action needs a reason.
    """
    view = after_case_move(case, command)
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


def after_case_move(case: Case, command: CaseCommand) -> CaseView:
    """The case's view after ``command``.

    Raises:
        WrongState: the table does not open it.
    """
    return opened_by(case, CASE_ACTION[type(command)])


def opened_by(case: Case, action: Action) -> CaseView:
    """The case's view after ``action`` on the whole of it.

    Raises:
        WrongState: the table does not open it.
    """
    after = CASE_MOVES[action].get(case.view.state)
    if after is None:
        raise WrongState(f"{action} is not open: the case is {case.view.state}", state=case.view.state)
    return replace(case.view, version=case.view.version + 1, state=after)


def not_shut(reason: str | None, case: Case) -> None:
    """Pass when there is no reason why not.

    Raises:
        WrongState: otherwise, with that reason.
    """
    if reason is not None:
        raise WrongState(f"{reason}; the case is {case.view.state}", state=case.view.state)


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
    view = replace(
        view, lead=None, holder=None, matter=None, reopened=view.reopened + 1, mode=command.mode or view.mode
    )
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


def result(case: Case, command: ResultCommand, now: datetime) -> tuple[CaseEvent, ...]:
    """The events of an action on the result; closing first releases whoever is still asked.

    Raises:
        WrongState: the case is not in a state for it.
        Refused: the action needs a reason.
    """
    return close(case, command, now) if isinstance(command, CloseCase) else (move_case(case, command, now),)


def close(case: Case, command: CloseCase, now: datetime) -> tuple[CaseEvent, ...]:
    """Closing releases whoever was still asked to assist or to oversee, each by an event of its own."""
    after_case_move(case, command)
    released = release_all(case, now)
    return (*released, move_case(_after(case, released, now), command, now))


def end(case: Case, action: Action, now: datetime, *, why: str) -> tuple[tuple[CaseOrderWithdrawn, ...], CaseView]:
    """The events that release everybody before ``action`` ends the case, and its view behind them.

    Raises:
        WrongState: the table does not open it.
    """
    view = opened_by(case, action)
    released = release_all(case, now, why=why)
    version = view.version + len(released)
    return released, replace(view, version=version, lead=None, held=None)


def _after(case: Case, events: Sequence[CaseEvent], now: datetime) -> Case:
    for event in events:
        case = evolve(case, event, at=now)
    return case


def close_canary(case: Case, now: datetime) -> tuple[CaseEvent, ...]:
    """A canary has shown that the way is open: whoever it was sent to is released and it closes itself."""
    released = release_all(case, now)
    view = released[-1].case if released else case.view
    view = replace(view, version=view.version + 1, state=CaseState.CLOSED, lead=None)
    closed = CaseClosed(case=view, by=SYSTEM, note="探测件自行结案 / a canary closes itself")
    return (*released, closed)


_CLOSED: Final = "案件结案,协同单随之解除 / released: the case is closed"


def without_lead(view: CaseView) -> CaseView:
    """The view when its lead order is withdrawn: opened, unless the case stands still."""
    state = view.state if view.state in HELD else CaseState.OPENED
    return replace(view, state=state, lead=None)


def release_all(case: Case, now: datetime, *, why: str = _CLOSED) -> tuple[CaseOrderWithdrawn, ...]:
    """An event for each order that still stands, the lead's among them: its target need not act."""
    events: list[CaseOrderWithdrawn] = []
    for order in case.standing:
        view = replace(case.view, version=case.view.version + 1)
        released = CaseOrderWithdrawn(
            case=without_lead(view) if order.role is OrderRole.LEAD else view,
            by=SYSTEM,
            order_id=order.order_id,
            target=order.target,
            reason=why,
        )
        case = evolve(case, released, at=now)
        events.append(released)
    return tuple(events)
