"""A decision as events, with ids that are the same on every replay."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from services.router.domain.decision import Decision, Demanded, Withdrawal
from services.router.domain.settings import as_set
from shared.events.envelope import Event, Payload, derive_id
from shared.events.order import Order, OrderEvent, OrderIssued, OrderWithdrawn
from shared.events.parts import CaseView
from shared.vocabulary import OrderReason, OrderRole

EVENT_SOURCE: Final = "/whistle/router"


def events_of(
    decision: Decision, cause: Event[Payload], case: CaseView, *, now: datetime
) -> tuple[Event[OrderEvent], ...]:
    """Return the events of `decision`, which answers `cause` about `case`; the lead's order first.

    The id of a lead's order does not depend on who leads: a replay under a newer playbook, which
    might choose another, is then dropped as a repeat and the case never has two leads. The case in them
    has the severity and tags that the rules set.
    """
    sets = next((demand.sets for demand in decision.orders if demand.sets is not None), None)
    case = as_set(case, sets)
    issued = [_issued(demand, cause, case, now) for demand in decision.orders]
    payloads: list[OrderEvent] = [_standing_instead(one, decision, cause, case) for one in issued]
    payloads += [_withdrawn(withdrawal, cause, case) for withdrawal in decision.withdrawals]
    return tuple(_enveloped(payloads, cause, case, now))


def order_id_of(demand: Demanded, cause: Event[Payload], case: CaseView) -> UUID:
    """Return the id of the order for `demand`, which answers `cause` about `case`.

    A step opens once in a round of the case, whichever event opens it: its id follows from the case,
    the round and the step. A step's order that goes on to somebody else is told apart by its cause.
    """
    if demand.reason is OrderReason.STEP and demand.step is not None:
        return step_order_id(case, demand.step)
    if demand.role is OrderRole.LEAD:
        return derive_id(cause.id, f"order.{demand.role}")
    step = f".{demand.step}" if demand.step is not None else ""
    return derive_id(cause.id, f"order.{demand.role}{step}", f"{demand.target.kind}/{demand.target.id}")


def step_order_id(case: CaseView, step: str) -> UUID:
    """Return the id of the order that opens `step` in this round of `case`."""
    return derive_id(case.case_id, f"order.step.{case.reopened}", step)


def _issued(demand: Demanded, cause: Event[Payload], case: CaseView, now: datetime) -> OrderIssued:
    order = Order(
        order_id=order_id_of(demand, cause, case),
        case_id=case.case_id,
        role=demand.role,
        reason=demand.reason,
        target=demand.target,
        level=demand.level,
        issued_at=now,
        generation=case.reopened,
        step=demand.step,
        whistle=demand.whistle,
        clock_profile=demand.clock_profile,
        on_duty=demand.on_duty,
    )
    return OrderIssued(
        order=order,
        case=case,
        explanation=demand.explanation,
        cause_id=cause.id,
        sets=demand.sets,
        matter=demand.matter,
    )


def _standing_instead(issued: OrderIssued, decision: Decision, cause: Event[Payload], case: CaseView) -> OrderIssued:
    replaced = _replaced(issued, decision, cause, case)
    return replace(issued, replaces=replaced) if replaced else issued


def _replaced(issued: OrderIssued, decision: Decision, cause: Event[Payload], case: CaseView) -> tuple[UUID, ...]:
    return tuple(
        withdrawal.order.order_id
        for withdrawal in decision.withdrawals
        if withdrawal.by is not None and order_id_of(withdrawal.by, cause, case) == issued.order.order_id
    )


def _withdrawn(withdrawal: Withdrawal, cause: Event[Payload], case: CaseView) -> OrderWithdrawn:
    return OrderWithdrawn(
        order=withdrawal.order,
        case=case,
        reason=withdrawal.reason,
        reason_en=withdrawal.reason_en,
        cause_id=cause.id,
        replaced_by=order_id_of(withdrawal.by, cause, case) if withdrawal.by is not None else None,
    )


def _enveloped(
    payloads: list[OrderEvent], cause: Event[Payload], case: CaseView, now: datetime
) -> Iterator[Event[OrderEvent]]:
    for payload in payloads:
        opens_step = isinstance(payload, OrderIssued) and payload.order.reason is OrderReason.STEP
        parent = payload.order.order_id if opens_step else cause.id
        step = "issued" if isinstance(payload, OrderIssued) else "withdrawn"
        yield Event(
            # Two events may open the same step; the second then is a repeat of the first.
            id=derive_id(parent, step, str(payload.order.order_id)),
            source=EVENT_SOURCE,
            subject=str(case.case_id),
            time=now,
            sequence=cause.sequence,
            data=payload,
            traceparent=cause.traceparent,
        )
