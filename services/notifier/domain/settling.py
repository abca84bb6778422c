"""What a change of mode did to one case: routed anew, an order withdrawn, or all kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum, unique
from uuid import UUID

from services.notifier.domain.orders import OrderRead


@unique
class Settled(StrEnum):
    """What became of a case's orders."""

    REROUTED = "rerouted"
    WITHDRAWN = "withdrawn"
    KEPT = "kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settling:
    """The case was told of the mode change ``change_id`` by the event ``event_id``."""

    event_id: UUID
    change_id: UUID


def settled(settling: Settling, orders: Iterable[OrderRead]) -> Settled:
    """Say what followed; an order that answers the event counts, whichever topic spoke first."""
    known = tuple(orders)
    if any(order.cause_id == settling.event_id for order in known):
        return Settled.REROUTED
    if any(order.withdrawn_by == settling.event_id for order in known):
        return Settled.WITHDRAWN
    return Settled.KEPT
