"""All that the read side knows of one case, and how one more event adds to it.

Three topics speak of a case and keep no order between them: an old event never overwrites a newer
view (versions are compared), and folding the same events in any order gives the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, TypeAlias
from uuid import UUID

from services.notifier.domain.clocks import ClockRead, fold_clock, runs, stands_still
from services.notifier.domain.orders import OrderRead, fold_order, order_id_of
from services.notifier.domain.reports import ReportsRead, fold_reports
from services.notifier.domain.requests import Requests, fold_requests
from services.notifier.domain.settling import Settling
from services.notifier.domain.whistles import WhistleRead, fold_whistle
from shared.events.case import (
    CaseEvent,
    CaseModeChanged,
    CaseOpened,
    CaseReopened,
    CaseWhistleAsked,
    CaseWhistled,
    CaseWhistleDeclined,
)
from shared.events.envelope import Event
from shared.events.order import OrderEvent
from shared.events.parts import CaseView
from shared.events.sla import (
    ClockBreached,
    ClockEscalated,
    ClockMoved,
    ClockStarted,
    ClockStepped,
    ClockStopped,
    ClockWarned,
    SlaEvent,
)
from shared.vocabulary import CASE_ENDED, CaseState, Level, OrderRole, OrderState

MOST_SETTLINGS: Final = 16
"""Mode changes of one case that are remembered; the newest count."""

Told: TypeAlias = CaseEvent | OrderEvent | SlaEvent
"""What the notifier hears: everything on the topics of cases, orders and clocks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRead:
    """One case: the newest view, what was reported, its orders and its clocks by id."""

    view: CaseView
    updated_at: datetime
    text: str = ""
    area_why: str = ""
    category_why: str = ""
    escalated_to: Level | None = None
    orders: Mapping[UUID, OrderRead] = field(default_factory=dict[UUID, OrderRead])
    clocks: Mapping[UUID, ClockRead] = field(default_factory=dict[UUID, ClockRead])
    whistles: Mapping[UUID, WhistleRead] = field(default_factory=dict[UUID, WhistleRead])
    settlings: tuple[Settling, ...] = ()
    reports: ReportsRead = field(default_factory=ReportsRead)
    requests: Requests = field(default_factory=Requests)

    @property
    def departments(self) -> frozenset[str]:
        """Every department that has or had an order of this case."""
        return frozenset(order.department for order in self.orders.values() if order.department is not None)

    @property
    def running(self) -> tuple[ClockRead, ...]:
        """The clocks that still limit somebody."""
        return tuple(read for read in self.clocks.values() if runs(read, view=self.view, order=self._order_of(read)))

    def state_of(self, order: OrderRead) -> OrderState:
        """The state of ``order`` among the case's others.

        A lead that signed and gave the case back is returning until another lead has signed (首接负责).
        """
        answers = order.role is OrderRole.LEAD and order.signed_at is not None and order.step_at is not None
        if order.state is not OrderState.RETURNED or not answers or order.generation < self.view.reopened:
            return order.state
        others = [one for one in self.orders.values() if one.role is OrderRole.LEAD and one.signed_at is not None]
        relieved = any(one.signed_at > order.step_at for one in others if one.signed_at and order.step_at)
        return OrderState.RETURNED if relieved or self.view.state in _OVER else OrderState.RETURNING

    def stands_still(self, read: ClockRead) -> bool:
        """Say whether a clock that has not stopped keeps its remainder for now."""
        return stands_still(read, view=self.view, order=self._order_of(read))

    def _order_of(self, read: ClockRead) -> OrderRead | None:
        return None if read.clock.order_id is None else self.orders.get(read.clock.order_id)


_OVER: Final = frozenset({CaseState.RESOLVED, CaseState.VERIFIED, *CASE_ENDED})


def fold(known: CaseRead | None, event: Event[Told]) -> CaseRead:
    """Return ``known`` with what ``event`` adds."""
    data = event.data
    read = known or CaseRead(view=data.case, updated_at=event.time)
    newer = data.case.version > read.view.version
    read = replace(
        read,
        view=data.case if newer else read.view,
        updated_at=max(read.updated_at, event.time),
    )
    match data:
        case CaseOpened(text=text, area_why=area_why, category_why=category_why):
            reports = fold_reports(read.reports, event)
            return replace(read, text=text, area_why=area_why, category_why=category_why, reports=reports)
        case CaseReopened(text=text) if text and not read.text:
            return replace(read, text=text)
        case CaseWhistleAsked() | CaseWhistled() | CaseWhistleDeclined():
            return replace(read, whistles=fold_whistle(read.whistles, event))
        case CaseModeChanged(change_id=change_id) if change_id is not None:
            told = Settling(event_id=event.id, change_id=change_id)
            return replace(read, settlings=tuple(dict.fromkeys((*read.settlings, told)))[-MOST_SETTLINGS:])
        case (
            ClockStarted()
            | ClockStopped()
            | ClockMoved()
            | ClockWarned()
            | ClockBreached()
            | ClockEscalated()
            | ClockStepped() as said
        ):
            return _with_clock(read, said)
        case _:
            reports, requests = fold_reports(read.reports, event), fold_requests(read.requests, event)
            return _with_order(replace(read, reports=reports, requests=requests), event)


def _with_clock(read: CaseRead, said: SlaEvent) -> CaseRead:
    clock = fold_clock(read.clocks.get(said.clock.clock_id), said)
    escalated_to = read.escalated_to
    if isinstance(said, ClockEscalated):
        escalated_to = said.to_level if escalated_to is None else max(escalated_to, said.to_level, key=_height)
    return replace(read, clocks={**read.clocks, clock.clock.clock_id: clock}, escalated_to=escalated_to)


def _height(level: Level) -> int:
    return -level.digits


def _with_order(read: CaseRead, event: Event[Told]) -> CaseRead:
    order_id = order_id_of(event.data)
    order = fold_order(read.orders.get(order_id), event) if order_id is not None else None
    return read if order is None else replace(read, orders={**read.orders, order.order_id: order})
