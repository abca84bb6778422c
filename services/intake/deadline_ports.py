"""What intake's handlers need to know of deadlines, and of cases that stand still to a date."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """By when an order is to be handled."""

    case_id: UUID
    order_id: UUID
    due_at: datetime


class DeadlineBook(Protocol):
    """By when orders are to be handled, and which cases stand still to a date, inside a transaction."""

    async def of(self, case_id: UUID, order_id: UUID) -> datetime | None:
        """By when the order is to be handled; None when no such clock runs."""

    async def run(self, deadlines: Sequence[Deadline]) -> None:
        """Keep these; each order has one, the last that was said."""

    async def stop(self, orders: Collection[tuple[UUID, UUID]]) -> None:
        """Forget the deadlines of these orders, by case and order id."""

    async def take_due(self, *, now: datetime, most: int) -> Sequence[UUID]:
        """At most so many cases that stand still to a date that has come, locked; none that somebody has in hand."""

    async def forget_holds(self, case_ids: Collection[UUID]) -> None:
        """Forget the ends of holds of these cases: they do not stand still."""
