"""One case as intake knows it: the view that every event carries, and beside it each order's own state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.intake.domain.states import STANDING
from shared.events.case import Rating
from shared.events.parts import CaseView, Target
from shared.vocabulary import Level, OrderRole, OrderState, Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseOrder:
    """One order of the case: lead, assist and oversee each go their own way."""

    order_id: UUID
    role: OrderRole
    target: Target
    level: Level
    state: OrderState

    @property
    def stands(self) -> bool:
        """Whether its target still has something to do."""
        return self.state in STANDING


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A case after all of its events; folding them anew gives the same value.

    ``text`` is the report's, masked; events that route anew carry it again. ``never_stood`` are
    orders that came too late to count (an earlier round, a resolved case, a second lead) and
    ``escalated`` the clocks that have moved the case up: both make a repeat harmless.
    """

    view: CaseView
    text: str
    orders: tuple[CaseOrder, ...] = ()
    never_stood: tuple[UUID, ...] = ()
    escalated: tuple[UUID, ...] = ()
    closed_at: datetime | None = None
    rating: Rating | None = None

    @property
    def lead(self) -> CaseOrder | None:
        """The lead order that stands or was resolved; at most one of a case is either."""
        return next((order for order in self.orders if order.role is OrderRole.LEAD and _leads(order)), None)

    def knows(self, order_id: UUID) -> bool:
        """Whether the order was folded before, in whatever state it is now."""
        return order_id in self.never_stood or any(order.order_id == order_id for order in self.orders)

    def order(self, order_id: UUID) -> CaseOrder:
        """The order of that id.

        Raises:
            Refused: when the case has no such order; ``allowed`` lists those that stand.
        """
        found = next((order for order in self.orders if order.order_id == order_id), None)
        if found is None:
            standing = [str(order.order_id) for order in self.orders if order.stands]
            raise Refused(f"case {self.view.case_id} has no order {order_id}", field="order_id", allowed=standing)
        return found


def _leads(order: CaseOrder) -> bool:
    return order.stands or order.state is OrderState.RESOLVED
