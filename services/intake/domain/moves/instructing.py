"""A clock's chain gives an instruction (督办): nobody above has to notice that a case is late."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum, unique
from typing import Final
from uuid import UUID

from services.intake.domain.life.case import Case
from services.intake.domain.life.commands import FoldSupervised
from services.intake.domain.life.states import CASE_MOVES, HELD, Action
from services.intake.domain.life.system import ESCALATION
from services.intake.domain.moves.supervising import too_many_instructions
from shared.events.case import CaseEvent, CaseSupervised
from shared.events.envelope import derive_id
from shared.events.parts import Target
from shared.vocabulary import CASE_ENDED, CaseState, ClockKind, OrderState


@unique
class Left(StrEnum):
    """Why a case is left without the instruction that a step of a chain gives."""

    ENDED = "ended"
    HELD = "held"
    """Its clocks stand still; the step came before that was known."""
    UNFILED = "unfiled"
    """It waits to be filed: nobody could reply."""
    FULL = "full"
    """As many instructions are open as one case may have."""
    OVER = "over"
    """Whoever it is for has done the order, or given it up, meanwhile."""
    NOBODY = "nobody"
    """Nobody leads the case, and the step names nobody."""


def instructed(case: Case, command: FoldSupervised) -> tuple[CaseEvent, ...]:
    """The instruction in force; nothing for a repeat, or when the case is left without it (``why_left``).

    A reply that is due in the past already, after an outage, is asked for all the same: it is late, and is seen to be.
    """
    target = _target(case, command)
    if target is None or supervision_of(command.step_id) in case.instructed or why_left(case, command) is not None:
        return ()
    event = CaseSupervised(
        case=replace(case.view, version=case.view.version + 1),
        by=ESCALATION,
        supervision_id=supervision_of(command.step_id),
        target=target,
        instruction=command.instruction,
        reply_due_at=command.reply_due_at,
        order_id=command.order_id,
    )
    return (event,)


def why_left(case: Case, command: FoldSupervised) -> Left | None:
    """Why the case is left without the instruction; None when it is given, now or before."""
    if supervision_of(command.step_id) in case.instructed:
        return None
    state = case.view.state
    if state in CASE_ENDED:
        return Left.ENDED
    if state in HELD and not (state is CaseState.PAUSED and command.assists):
        return Left.HELD
    if state not in CASE_MOVES[Action.SUPERVISE]:
        return Left.UNFILED
    if _is_over(case, command):
        return Left.OVER
    if _target(case, command) is None:
        return Left.NOBODY
    return None if too_many_instructions(case) is None else Left.FULL


def supervision_of(step_id: UUID) -> UUID:
    """The id of the instruction that the step's event gives: the same on every repeat."""
    return derive_id(step_id, "supervision")


def _target(case: Case, command: FoldSupervised) -> Target | None:
    if command.target is not None:
        return command.target
    return None if case.lead is None else case.lead.target


_GIVEN_UP: Final = frozenset({OrderState.RETURNED, OrderState.WITHDRAWN})
_OF_ITS_WORK: Final = frozenset({ClockKind.SIGN_IN, ClockKind.ARRIVE, ClockKind.HANDLE})


def _is_over(case: Case, command: FoldSupervised) -> bool:
    """Whether the order is known to ask for nothing any more; one still on its way from the router may stand.

    One that was resolved can still be late to be verified or to be told of.
    """
    if command.order_id in case.never_stood:
        return True
    over = _GIVEN_UP | {OrderState.RESOLVED} if command.clock in _OF_ITS_WORK else _GIVEN_UP
    return any(order.order_id == command.order_id and order.state in over for order in case.orders)
