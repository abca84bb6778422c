"""A whistle as it is shown: whom it called, and how far each of them has come."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.notifier.domain.fold import CaseRead
from services.notifier.domain.orders import OrderRead
from services.notifier.domain.whistles import WhistleRead, WhistleState
from services.notifier.ports import County
from shared.events.parts import Actor
from shared.vocabulary import ClockKind, OrderRole, OrderState, WhistleKind
from shared.words import Words


@dataclass(frozen=True, slots=True, kw_only=True)
class CalledView:
    """One department that was called. ``state`` is that of its order; None: it has none (yet).

    ``sign_due_at`` and ``arrive_due_at`` are its own limits, ``late`` those of them that were missed.
    """

    department: str
    name: Words
    waits: bool
    order_id: UUID | None
    role: OrderRole | None
    state: OrderState | None
    stands: bool
    issued_at: datetime | None
    signed_at: datetime | None
    arrived_at: datetime | None
    sign_due_at: datetime | None
    arrive_due_at: datetime | None
    late: Sequence[ClockKind]


@dataclass(frozen=True, slots=True, kw_only=True)
class WhistleView:
    """One whistle (吹哨) of the case."""

    whistle_id: UUID
    kind: WhistleKind
    state: WhistleState
    reason: str
    lead: str | None
    asked_at: datetime | None
    asked_by: Actor | None
    sounded_at: datetime | None
    sounded_by: Actor | None
    declined_why: str
    called: Sequence[CalledView]


def whistle_views(read: CaseRead, county: County, *, department: str | None) -> list[WhistleView]:
    """The whistles of a case, the first first; ``department`` sees only those that called it, and itself in them."""
    views = [_view(whistle, read, county, department=department) for whistle in read.whistles.values()]
    shown = [view for view in views if department is None or view.called]
    return sorted(shown, key=lambda one: (one.asked_at or one.sounded_at or read.updated_at, str(one.whistle_id)))


def _view(whistle: WhistleRead, read: CaseRead, county: County, *, department: str | None) -> WhistleView:
    waiting = () if department is not None else whistle.waiting
    called = (*whistle.departments, *(one for one in waiting if one not in whistle.departments))
    return WhistleView(
        whistle_id=whistle.whistle_id,
        kind=whistle.kind,
        state=whistle.state,
        reason=whistle.reason,
        lead=whistle.lead,
        asked_at=whistle.asked_at,
        asked_by=whistle.asked_by,
        sounded_at=whistle.sounded_at,
        sounded_by=whistle.sounded_by,
        declined_why=whistle.declined_why,
        called=[_called(code, whistle, read, county) for code in called if department is None or code == department],
    )


def _called(code: str, whistle: WhistleRead, read: CaseRead, county: County) -> CalledView:
    order = next(reversed(list(_orders(code, whistle, read))), None)
    clocks = [one for one in read.clocks.values() if order is not None and one.clock.order_id == order.order_id]
    due = {one.clock.kind: one.clock.due_at for one in clocks}
    return CalledView(
        department=code,
        name=county.department(read.view.area, code),
        waits=code in whistle.waiting,
        order_id=None if order is None else order.order_id,
        role=None if order is None else order.role,
        state=None if order is None else read.state_of(order),
        stands=order is not None and order.stands(read.view.reopened),
        issued_at=None if order is None else order.issued_at,
        signed_at=None if order is None else order.signed_at,
        arrived_at=None if order is None else order.arrived_at,
        sign_due_at=due.get(ClockKind.SIGN_IN),
        arrive_due_at=due.get(ClockKind.ARRIVE),
        late=sorted(one.clock.kind for one in clocks if one.breached_at is not None),
    )


def _orders(code: str, whistle: WhistleRead, read: CaseRead) -> Iterator[OrderRead]:
    """Its orders of this whistle, the newest last."""
    mine = [
        order
        for order in read.orders.values()
        if order.department == code and order.whistle is not None and order.whistle.whistle_id == whistle.whistle_id
    ]
    yield from sorted(
        mine, key=lambda order: (order.issued_at or order.step_at or read.updated_at, str(order.order_id))
    )
