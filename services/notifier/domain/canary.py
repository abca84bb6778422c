"""The way of a canary (探测) through the whole system, hop by hop: what came when after it was opened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum, unique

from services.notifier.domain.fold import Told
from shared.events.case import CaseClosed, CaseOpened
from shared.events.envelope import Event
from shared.events.order import OrderIssued
from shared.events.sla import ClockStarted
from shared.vocabulary import ClockKind, OrderRole


@unique
class Hop(StrEnum):
    """What has been seen of a canary."""

    OPENED = "opened"
    """Intake has opened it: API or timer, PostgreSQL, outbox, Kafka."""
    ORDER = "order"
    """The router has issued the lead's order."""
    CLOCK = "clock"
    """Escalation has started that order's sign-in clock."""
    CLOSED = "closed"
    """Intake has folded the order and closed it: the way round."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A canary of ``opened_at`` was seen at ``hop`` so long after its opening."""

    hop: Hop
    opened_at: datetime
    after: timedelta


def sighted(event: Event[Told], *, now: datetime) -> Sighting | None:
    """What ``event`` of a canary shows at ``now``; None when it is no hop of its way."""
    hop = _hop(event.data)
    if hop is None:
        return None
    opened_at = event.data.case.opened_at
    return Sighting(hop=hop, opened_at=opened_at, after=max(now - opened_at, timedelta()))


def _hop(data: Told) -> Hop | None:
    match data:
        case CaseOpened():
            return Hop.OPENED
        case OrderIssued(order=order) if order.role is OrderRole.LEAD:
            return Hop.ORDER
        case ClockStarted(clock=clock) if clock.kind is ClockKind.SIGN_IN and clock.order_role is OrderRole.LEAD:
            return Hop.CLOCK
        case CaseClosed():
            return Hop.CLOSED
        case _:
            return None
