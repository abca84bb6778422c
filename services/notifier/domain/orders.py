"""What is known of one order: set-once facts from two topics, in whatever order they come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from shared.events.case import (
    CaseArrived,
    CaseOrderWithdrawn,
    CaseProgressed,
    CaseRejected,
    CaseReleased,
    CaseResolved,
    CaseReturned,
    CaseRouted,
    CaseSigned,
)
from shared.events.envelope import Event, Payload
from shared.events.order import Explanation, Order, OrderIssued, OrderWithdrawn
from shared.events.parts import Target, WhistleRef
from shared.vocabulary import Level, OrderReason, OrderRole, OrderState, level_of


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRead:
    """One order as far as it is known.

    ``generation`` is its round, by the event's own name for it. ``step`` and ``step_sequence`` follow
    intake, whose versions are in order; ``withdrawn`` is the router's word, which may come before or
    after intake has folded it; ``taken_back`` is why it no longer stands in the case's own life, where no person gave
    it up: whose words are ``note``. ``of_step`` is the step of the case's matter; ``cause_id`` and
    ``withdrawn_by`` are the events that it and its withdrawal answer.
    """

    order_id: UUID
    role: OrderRole
    target: Target
    level: Level
    generation: int = 0
    issued_at: datetime | None = None
    reason: OrderReason | None = None
    explanation: Explanation | None = None
    step: OrderState = OrderState.ISSUED
    step_sequence: int = 0
    step_at: datetime | None = None
    signed_at: datetime | None = None
    withdrawn: str | None = None
    note: str = ""
    taken_back: str | None = None
    of_step: str | None = None
    whistle: WhistleRef | None = None
    clock_profile: str | None = None
    on_duty: tuple[str, ...] = ()
    arrived_at: datetime | None = None
    cause_id: UUID | None = None
    withdrawn_by: UUID | None = None

    @property
    def state(self) -> OrderState:
        """The state to show: a withdrawal ends every order that had not ended by itself."""
        if self.withdrawn is not None and self.step not in _ENDED:
            return OrderState.WITHDRAWN
        return self.step

    def stands(self, in_round: int) -> bool:
        """Say whether its target must still act when its case is in that round."""
        return self.generation >= in_round and self.state in _STANDING

    @property
    def department(self) -> str | None:
        """The department it asks, or None for a desk's."""
        return department_of(self.target)


_ENDED: Final = frozenset({OrderState.RESOLVED, OrderState.RETURNED, OrderState.WITHDRAWN})
_STANDING: Final = frozenset({OrderState.ISSUED, OrderState.SIGNED, OrderState.ARRIVED, OrderState.IN_PROGRESS})


def department_of(target: Target | None) -> str | None:
    """The id of ``target`` when it is a department."""
    return target.id if target is not None and target.kind == "department" else None


def fold_order(known: OrderRead | None, event: Event[Payload]) -> OrderRead | None:
    """Add what ``event`` says of its order; the same in any order of events, and a repeat adds nothing.

    Returns None when the event is about no order, or about one that cannot be described yet.
    """
    match event.data:
        case OrderIssued(order=order, explanation=explanation):
            return replace(_as_issued(known, order), explanation=explanation, cause_id=event.data.cause_id)
        case OrderWithdrawn(order=order, reason=reason, cause_id=cause_id):
            return replace(_as_issued(known, order), withdrawn=reason, withdrawn_by=cause_id)
        case CaseRouted() as routed:
            read = known or OrderRead(
                order_id=routed.order_id,
                role=routed.order_role,
                target=routed.target,
                level=routed.level,
                generation=routed.case.reopened,
                issued_at=routed.issued_at,
                reason=routed.reason,
                of_step=routed.step,
                whistle=routed.whistle,
            )
            return _step(read, event, OrderState.ISSUED)
        case CaseSigned() | CaseArrived() | CaseProgressed() | CaseResolved() as done:
            return _step(known or _of_action(done), event, _STEPS[type(done)], note=done.note)
        case CaseReturned() as done:
            return _step(known or _of_action(done), event, OrderState.RETURNED, note=done.reason)
        case CaseRejected() | CaseReleased() as done if known is not None:
            return _step(known, event, _STEPS[type(done)], note=done.reason)
        case CaseOrderWithdrawn(reason=reason) if known is not None:
            return replace(_step(known, event, OrderState.WITHDRAWN), taken_back=reason)
        case _:
            return known


_STEPS: Final[Mapping[type[Payload], OrderState]] = {
    CaseSigned: OrderState.SIGNED,
    CaseArrived: OrderState.ARRIVED,
    CaseProgressed: OrderState.IN_PROGRESS,
    CaseResolved: OrderState.RESOLVED,
    CaseRejected: OrderState.IN_PROGRESS,
    CaseReleased: OrderState.WITHDRAWN,
}


def order_id_of(data: Payload) -> UUID | None:
    """The order that ``data`` changes, if any."""
    match data:
        case OrderIssued(order=order) | OrderWithdrawn(order=order):
            return order.order_id
        case (
            CaseRouted()
            | CaseSigned()
            | CaseArrived()
            | CaseProgressed()
            | CaseResolved()
            | CaseReturned()
            | CaseRejected()
            | CaseOrderWithdrawn()
        ):
            return data.order_id
        case CaseReleased(order=order):
            return order.order_id
        case _:
            return None


def target_of(data: Payload) -> Target | None:
    """Whom the order is for that ``data`` changes."""
    match data:
        case OrderIssued(order=order) | OrderWithdrawn(order=order):
            return order.target
        case CaseReleased(order=released):
            return released.target
        case _ if order_id_of(data) is not None:
            target: Target = data.target  # type: ignore[attr-defined]  # every fact about an order names its target
            return target
        case _:
            return None


def _as_issued(known: OrderRead | None, order: Order) -> OrderRead:
    read = known or OrderRead(order_id=order.order_id, role=order.role, target=order.target, level=order.level)
    return replace(
        read,
        role=order.role,
        target=order.target,
        level=order.level,
        generation=order.generation,
        issued_at=order.issued_at,
        reason=order.reason,
        of_step=order.step,
        whistle=order.whistle,
        clock_profile=order.clock_profile,
        on_duty=order.on_duty,
    )


def _of_action(done: CaseSigned | CaseArrived | CaseProgressed | CaseResolved | CaseReturned) -> OrderRead:
    """An order first heard of by what its target did: the level is the desk's own, or the case's."""
    level = level_of(done.target.id) if done.target.kind == "desk" else done.case.level
    return OrderRead(
        order_id=done.order_id,
        role=done.order_role,
        target=done.target,
        level=level,
        generation=done.case.reopened,
    )


def _step(read: OrderRead, event: Event[Payload], state: OrderState, *, note: str = "") -> OrderRead:
    signed_at = read.signed_at
    if state is OrderState.SIGNED:
        signed_at = event.time if signed_at is None else min(signed_at, event.time)
    arrived_at = event.time if state is OrderState.ARRIVED and read.arrived_at is None else read.arrived_at
    if event.sequence <= read.step_sequence:
        return replace(read, signed_at=signed_at)
    if read.step is OrderState.RETURNED and state is OrderState.IN_PROGRESS:
        # First-contact responsibility (首接负责): it tells of its work until another has signed.
        return replace(read, step_sequence=event.sequence, note=note or read.note)
    return replace(
        read,
        step=state,
        step_sequence=event.sequence,
        step_at=event.time,
        signed_at=signed_at,
        arrived_at=arrived_at,
        note=note or read.note,
    )
