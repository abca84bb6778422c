"""What the router's and escalation's events ask of the case."""

from __future__ import annotations

from uuid import UUID

from services.intake.domain.life.commands import (
    Fold,
    FoldEscalated,
    FoldOrderIssued,
    FoldOrderWithdrawn,
    FoldSupervised,
)
from shared.events.envelope import Event, Payload
from shared.events.order import OrderIssued, OrderWithdrawn
from shared.events.sla import (
    ClockBreached,
    ClockEscalated,
    ClockMoved,
    ClockStarted,
    ClockStepped,
    ClockStopped,
    ClockWarned,
)
from shared.vocabulary import ChainAction, Malformed, OrderRole


def fold_of(event: Event[Payload]) -> Fold | None:
    """What an event asks of its case; None for what a clock says of itself, which changes no case.

    Raises:
        Malformed: neither the router nor escalation says such a thing, or an instruction says not what to do by when.
    """
    match event.data:
        case OrderIssued() as issued:
            return FoldOrderIssued(order=issued.order, sets=issued.sets, matter=issued.matter, replaces=issued.replaces)
        case OrderWithdrawn() as withdrawn:
            return FoldOrderWithdrawn(order=withdrawn.order, reason=withdrawn.reason)
        case ClockEscalated() as escalated:
            return FoldEscalated(
                clock_id=escalated.clock.clock_id,
                clock=escalated.clock.kind,
                order_id=escalated.clock.order_id,
                from_level=escalated.from_level,
                to_level=escalated.to_level,
            )
        case ClockStepped(action=ChainAction.SUPERVISE) as step:
            return _instruction_of(event.id, step)
        case ClockStarted() | ClockStopped() | ClockMoved() | ClockWarned() | ClockBreached() | ClockStepped():
            return None
        case _:
            raise Malformed(f"ce_type {event.type} does not belong on this topic")


def _instruction_of(step_id: UUID, step: ClockStepped) -> FoldSupervised:
    """What a step of a chain orders whom: whoever it tells first, else whoever the clock waits for."""
    if not step.instruction.strip() or step.reply_due_at is None:
        raise Malformed(f"step {step.step} of chain {step.chain} supervises without instruction or time to reply")
    clock = step.clock
    return FoldSupervised(
        step_id=step_id,
        clock=clock.kind,
        order_id=clock.order_id,
        target=step.to[0].target if step.to else clock.target,
        instruction=step.instruction,
        reply_due_at=step.reply_due_at,
        assists=clock.order_role not in (OrderRole.LEAD, None),
    )
