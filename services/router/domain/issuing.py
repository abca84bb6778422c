"""A decision as events, with ids that are the same on every replay."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from services.router.domain.decision import Decision, Demanded, Withdrawal
from shared.events.envelope import Event, Payload, derive_id
from shared.events.order import Order, OrderEvent, OrderIssued, OrderWithdrawn
from shared.events.parts import CaseView
from shared.vocabulary import OrderRole

EVENT_SOURCE: Final = "/whistle/router"


def events_of(
    decision: Decision, cause: Event[Payload], case: CaseView, *, now: datetime
) -> tuple[Event[OrderEvent], ...]:
    """Return the events of `decision`, which answers `cause` about `case`; the lead's order first.

    The id of a lead's order does not depend on who leads: a replay under a newer playbook, which
    might choose another, is then dropped as a repeat and the case never has two leads.
    """
    issued = [_issued(demand, cause, case, now) for demand in decision.orders]
    payloads: list[OrderEvent] = list(issued)
    replacement = issued[0].order if issued else None
    payloads += [_withdrawn(withdrawal, cause, case, replacement) for withdrawal in decision.withdrawals]
    return tuple(_enveloped(payloads, cause, case, now))


def _issued(demand: Demanded, cause: Event[Payload], case: CaseView, now: datetime) -> OrderIssued:
    who = f"{demand.target.kind}/{demand.target.id}" if demand.role is not OrderRole.LEAD else ""
    order = Order(
        order_id=derive_id(cause.id, f"order.{demand.role}", who),
        case_id=case.case_id,
        role=demand.role,
        reason=demand.reason,
        target=demand.target,
        level=demand.level,
        issued_at=now,
        generation=case.reopened,
    )
    return OrderIssued(order=order, case=case, explanation=demand.explanation, cause_id=cause.id)


def _withdrawn(
    withdrawal: Withdrawal, cause: Event[Payload], case: CaseView, replacement: Order | None
) -> OrderWithdrawn:
    return OrderWithdrawn(
        order=withdrawal.order,
        case=case,
        reason=withdrawal.reason,
        cause_id=cause.id,
        replaced_by=replacement.order_id if replacement is not None else None,
    )


def _enveloped(
    payloads: list[OrderEvent], cause: Event[Payload], case: CaseView, now: datetime
) -> Iterator[Event[OrderEvent]]:
    for payload in payloads:
        step = "issued" if isinstance(payload, OrderIssued) else "withdrawn"
        yield Event(
            id=derive_id(cause.id, step, str(payload.order.order_id)),
            source=EVENT_SOURCE,
            subject=str(case.case_id),
            time=now,
            sequence=cause.sequence,
            data=payload,
            traceparent=cause.traceparent,
        )
