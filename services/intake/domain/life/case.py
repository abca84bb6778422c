"""One case as intake knows it: the view that every event carries, and beside it each order's own state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.intake.domain.life.states import STANDING, WrongState
from shared.events.case import Rating
from shared.events.parts import Actor, CaseView, Standing, Target, WhistleRef
from shared.vocabulary import EmergencyService, Level, OrderReason, OrderRole, OrderState, Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseOrder:
    """One order of the case: lead, assist and oversee each go their own way.

    ``reason`` and ``issued_at`` are None for orders folded before they were written down;
    ``released`` says that a desk let its target go; ``generation`` counts reopenings before it.
    """

    order_id: UUID
    role: OrderRole
    target: Target
    level: Level
    state: OrderState
    reason: OrderReason | None = None
    issued_at: datetime | None = None
    step: str | None = None
    whistle: WhistleRef | None = None
    released: bool = False
    generation: int = 0

    @property
    def stands(self) -> bool:
        """Whether its target still has something to do."""
        return self.state in STANDING

    @property
    def is_joint(self) -> bool:
        """Whether it is of a whistle or of a step: the case resolves only when it is done or released."""
        return self.role is OrderRole.ASSIST and (self.whistle is not None or self.step is not None)

    @property
    def is_to_rule(self) -> bool:
        """Whether its target is to rule whose duty the case is."""
        return self.reason is OrderReason.RULING


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A whistle that waits for the word of the head of ``desk``."""

    whistle: WhistleRef
    by: Actor
    departments: tuple[str, ...]
    reason: str
    lead: str | None = None

    @property
    def desk(self) -> str:
        """The area of the desk that whistled."""
        return self.by.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Sounded:
    """A whistle that sounded: for which desk, and since when the router's orders are awaited, if they are."""

    whistle: WhistleRef
    desk: str
    awaited_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """More time that the holder of an order has asked for; ``backed_by`` once one of the two has approved."""

    extension_id: UUID
    order_id: UUID
    by: Actor
    to: datetime
    backed_by: Actor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Supervision:
    """An instruction that ``by`` gave ``target`` and has not signed off; ``replied`` when it is theirs to judge."""

    supervision_id: UUID
    by: Actor
    target: Target
    replied: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedUp:
    """A clock of the case has moved it up to ``level``; a chain's clock moves it more than once, higher each time."""

    clock_id: UUID
    level: Level


@dataclass(frozen=True, slots=True, kw_only=True)
class Appeal:
    """An appeal over one order of the closed case; ``first`` upheld it first, ``decided`` when nobody is to judge."""

    appeal_id: UUID
    order_id: UUID
    by: Actor
    first: Actor | None = None
    decided: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A case after all of its events; folding them anew gives the same value.

    ``text`` is the report's, masked; events that route anew carry it again. ``never_stood`` are
    orders that came too late to count (an earlier round, a resolved case, a second lead), ``escalated``
    the clocks that have moved the case up, ``moved_up`` how far (a clock of ``escalated`` alone did it before
    that was written down, and only once), and ``instructed`` the instructions that escalation has given: all
    make a repeat harmless. ``asked`` is
    the one whistle that waits for its head's word, ``extension`` the one asked for last; ``hung`` when
    this round was hung once; ``graded`` are the orders whose departments were rated; ``handed_over``
    the emergency services that have the case as well.
    """

    view: CaseView
    text: str
    orders: tuple[CaseOrder, ...] = ()
    never_stood: tuple[UUID, ...] = ()
    escalated: tuple[UUID, ...] = ()
    closed_at: datetime | None = None
    rating: Rating | None = None
    asked: Asked | None = None
    sounded: tuple[Sounded, ...] = ()
    extension: Extension | None = None
    hung: bool = False
    supervisions: tuple[Supervision, ...] = ()
    appeals: tuple[Appeal, ...] = ()
    graded: tuple[UUID, ...] = ()
    handed_over: tuple[EmergencyService, ...] = ()
    moved_up: tuple[MovedUp, ...] = ()
    instructed: tuple[UUID, ...] = ()

    @property
    def lead(self) -> CaseOrder | None:
        """The lead order that stands or was resolved; at most one of a case is either."""
        return next((order for order in self.orders if order.role is OrderRole.LEAD and _leads(order)), None)

    @property
    def standing(self) -> tuple[CaseOrder, ...]:
        """The orders whose targets still have something to do, in the order in which they came."""
        return tuple(order for order in self.orders if order.stands)

    @property
    def waiting_extension(self) -> Extension | None:
        """The extension that waits for a word; one whose order no longer stands waits for nobody."""
        asked = self.extension
        return asked if asked is not None and any(one.order_id == asked.order_id for one in self.standing) else None

    @property
    def open_appeal(self) -> Appeal | None:
        """The oldest appeal that is still to be judged."""
        return next((appeal for appeal in self.appeals if not appeal.decided), None)

    def knows(self, order_id: UUID) -> bool:
        """Whether the order was folded before, in whatever state it is now."""
        return order_id in self.never_stood or any(order.order_id == order_id for order in self.orders)

    def has_moved_up(self, clock_id: UUID, level: Level) -> bool:
        """Whether that clock has moved the case up to that level before."""
        levels = {one.level for one in self.moved_up if one.clock_id == clock_id}
        return level in levels if levels else clock_id in self.escalated

    def order(self, order_id: UUID) -> CaseOrder:
        """The order of that id.

        Raises:
            WrongState: the order came too late to count: nothing is open on it, now or later.
            Refused: when the case has no such order; ``allowed`` lists those that stand.
        """
        found = next((order for order in self.orders if order.order_id == order_id), None)
        if found is None and order_id in self.never_stood:
            raise WrongState(
                f"order {order_id} came too late to count and asks for nothing",
                state=self.view.state,
                order_state=OrderState.WITHDRAWN,
            )
        if found is None:
            standing = [str(order.order_id) for order in self.standing]
            # Order events reach webhooks and intake side by side: whoever is quick can be there first.
            raise Refused(
                f"case {self.view.case_id} has no order {order_id}; one just issued may be here in a moment: try again",
                field="order_id",
                allowed=standing,
            )
        return found

    def whistle(self, whistle_id: UUID) -> Sounded | None:
        """The whistle of that id, if it has sounded."""
        return next((one for one in self.sounded if one.whistle.whistle_id == whistle_id), None)

    def whistled_by(self, order: CaseOrder) -> str | None:
        """The area of the desk whose whistle called the order's target; None when none did."""
        sounded = None if order.whistle is None else self.whistle(order.whistle.whistle_id)
        return None if sounded is None else sounded.desk

    def as_standing(self, order: CaseOrder) -> Standing:
        """The order as events carry it."""
        return Standing(
            order_id=order.order_id,
            role=order.role,
            reason=order.reason or OrderReason.RULE,
            target=order.target,
            level=order.level,
            state=order.state,
            issued_at=order.issued_at or self.view.opened_at,
            step=order.step,
            whistle=order.whistle,
        )

    def all_standing(self) -> tuple[Standing, ...]:
        """The orders that stand, as events carry them."""
        return tuple(map(self.as_standing, self.standing))


def _leads(order: CaseOrder) -> bool:
    return order.stands or order.state is OrderState.RESOLVED
