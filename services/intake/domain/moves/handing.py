"""An order leaves its target's hands: released by a desk, transferred to another (转办), or ruled upon (裁定)."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from services.intake.domain.life.case import Case, CaseOrder
from services.intake.domain.life.commands import HandingCommand, ReleaseOrder, RuleCase, TransferOrder
from services.intake.domain.life.states import WrongState
from services.intake.domain.moves.case_moves import after_case_move
from services.intake.domain.moves.order_moves import after_order_move
from services.intake.domain.reports.texts import must_say
from shared.events.case import CaseEvent, CaseReleased, CaseRuled, CaseTransferred
from shared.events.parts import Target
from shared.vocabulary import OrderReason, OrderRole, OrderState, Refused


def hand_on(case: Case, command: HandingCommand) -> CaseEvent:
    """The event of a desk's word about an order of somebody else.

    Raises:
        WrongState: the order is not one for it, or no longer stands.
        Refused: without a reason; or the new target has an order of the case, or gave it back and
            nobody has ruled that it is theirs.
    """
    view = replace(after_order_move(case, command), state=case.view.state)
    order = case.order(command.order_id)
    match command:
        case ReleaseOrder():
            _must_not(must_stay(order), case, order)
            must_say(command.reason, "why the department is no longer needed, in words")
            released = replace(case.as_standing(order), state=OrderState.WITHDRAWN)
            return CaseReleased(case=view, by=command.by, order=released, reason=command.reason)
        case TransferOrder():
            _must_not(cannot_be_transferred(order), case, order)
            must_say(command.reason, "why it is theirs, in words")
            _may_get(case, command.to)
            return CaseTransferred(
                case=view,
                by=command.by,
                order=case.as_standing(order),
                to=command.to,
                reason=command.reason,
                standing=case.all_standing(),
            )
        case _:
            assert_never(command)


def rule(case: Case, command: RuleCase) -> CaseRuled:
    """The event of a ruling; it may name one who gave the case back, and then they keep it.

    Raises:
        WrongState: the case is done.
        Refused: without a reason; or the lead is who it is ruled to already.
    """
    view, lead = after_case_move(case, command), case.lead
    must_say(command.reason, "why it is theirs, in words")
    if lead is not None and _same(lead.target, command.to) and not lead.is_to_rule:
        raise Refused(f"{_name(command.to)} leads the case already", field="to", allowed=["somebody else"])
    return CaseRuled(
        case=view,
        by=command.by,
        to=command.to,
        reason=command.reason,
        order=None if lead is None else case.as_standing(lead),
        standing=case.all_standing(),
    )


def must_stay(order: CaseOrder) -> str | None:
    """Why an order cannot be released whatever its state, if so."""
    if order.role is OrderRole.LEAD:
        return "the lead is not released: transfer the order, or let it be returned"
    return "an overseer is not released" if order.role is OrderRole.OVERSEE else None


def cannot_be_transferred(order: CaseOrder) -> str | None:
    """Why an order cannot be handed to another whatever its state, if so."""
    if order.role is OrderRole.OVERSEE:
        return "an order to oversee is not transferred: the level above watches"
    if order.is_to_rule:
        return "its target is to rule whose duty it is, not to pass it on: action rule"
    if order.reason is OrderReason.RULED:
        return "ruled by the level above: only a new ruling moves it"
    return None


def _must_not(reason: str | None, case: Case, order: CaseOrder) -> None:
    if reason is not None:
        words = f"{reason}; the order is {order.state}, the case {case.view.state}"
        raise WrongState(words, state=case.view.state, order_state=order.state)


def _may_get(case: Case, to: Target) -> None:
    if any(_same(order.target, to) for order in case.standing):
        raise Refused(
            f"{_name(to)} has an order of this case already",
            field="to",
            allowed=["somebody who has none that stands"],
        )
    ruled = any(order.reason is OrderReason.RULED and _same(order.target, to) for order in case.orders)
    if not ruled and any(_same(given.target, to) for given in case.view.returns):
        raise Refused(
            f"{_name(to)} has returned this case: only a ruling of the level above can give it back to them",
            field="to",
            allowed=["somebody who has not returned it", "action rule, by the level above"],
        )


def _same(one: Target, other: Target) -> bool:
    return (one.kind, one.id) == (other.kind, other.id)


def _name(target: Target) -> str:
    return f"{target.kind} {target.id}"
