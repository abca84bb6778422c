"""One case between intake and router: the real decisions of both, and records on their way between them."""

from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from services.intake.domain.life.case import Case, CaseOrder
from services.intake.domain.life.commands import (
    Command,
    FoldEscalated,
    FoldOrderIssued,
    FoldOrderWithdrawn,
)
from services.intake.domain.life.evolve import evolve
from services.intake.domain.moves.decide import decide
from services.router.domain.answering import Answered, answer, text_of
from services.router.domain.facts import Facts
from services.router.domain.issuing import events_of
from services.router.domain.rulebook import Rulebook
from shared.events.case import CaseEvent
from shared.events.envelope import WHISTLE, Event
from shared.events.order import Order, OrderEvent, OrderIssued, OrderWithdrawn
from shared.events.parts import Target
from shared.events.sla import Clock, ClockEscalated
from shared.playbook.above import desk_above
from shared.vocabulary import ClockKind, Level, OrderRole, OrderState, Refused, WhenLate, level_of
from tests.fakes.router import desk

START = datetime(2026, 11, 21, 8, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What the router made of one event."""

    cause: Event[Any]
    events: tuple[Event[OrderEvent], ...]


@dataclass(slots=True)
class World:
    """Each topic keeps its own order; between them any order of arrival is possible."""

    book: Rulebook
    now: datetime = START
    case: Case | None = None
    orders: dict[UUID, Order] = field(default_factory=dict)
    decided: list[Decided] = field(default_factory=list)
    on_the_way: dict[Level, deque[OrderEvent]] = field(default_factory=lambda: {level: deque() for level in Level})
    waiting: deque[Event[Any]] = field(default_factory=deque)
    """Case and sla events that the router has not read yet."""
    reached: dict[UUID, Target] = field(default_factory=dict)
    """The desk that each clock has moved the case up to last."""

    def do(self, command: Command) -> bool:
        """Carry out `command` if it is open now; the router does not hear of it before `route`."""
        self.now += timedelta(minutes=1)
        try:
            events = decide(self.case, command, self.now)
        except Refused:
            return False
        for event in events:
            self.case = evolve(self.case, event, at=self.now)
            self.waiting.append(self._enveloped(event))
        return True

    def route(self) -> None:
        """The router reads the next event and its orders go out."""
        if not self.waiting:
            return
        self.now += timedelta(seconds=1)
        cause = self.waiting.popleft()
        if not isinstance(cause.data, Answered):
            return
        events = self.answered(cause)
        self.decided.append(Decided(cause=cause, events=events))
        for event in events:
            self.orders.setdefault(event.data.order.order_id, event.data.order)
            self.on_the_way[event.data.order.level].append(event.data)

    def answered(self, cause: Event[Any]) -> tuple[Event[OrderEvent], ...]:
        """What the router makes of `cause`, now or again."""
        happened = cause.data
        facts = Facts.of(happened.case, text_of(happened), at=cause.time)
        return events_of(answer(happened, facts, self.book), cause, happened.case, now=self.now)

    def deliver(self, level: Level) -> None:
        """Intake reads the next record of one topic of orders."""
        if not self.on_the_way[level]:
            return
        match self.on_the_way[level].popleft():
            case OrderIssued(order=order, sets=sets, matter=matter, replaces=replaces):
                self.do(FoldOrderIssued(order=order, sets=sets, matter=matter, replaces=replaces))
            case OrderWithdrawn(order=order, reason=reason):
                self.do(FoldOrderWithdrawn(order=order, reason=reason))

    def settle(self) -> None:
        """Everything on its way arrives, the highest level's topic first."""
        while self.waiting or any(self.on_the_way.values()):
            self.route()
            for level in reversed(Level):
                while self.on_the_way[level]:
                    self.deliver(level)

    def be_late(self, order: CaseOrder, when_late: WhenLate) -> None:
        """The clock of `order` runs out, and the desk above takes hold; each time again, the next above that one."""
        issued, view = self.orders[order.order_id], self.life.view
        clock_id = uuid5(WHISTLE, f"clock of {order.order_id}")
        last = self.reached.get(clock_id, order.target)
        level = level_of(last.id) if clock_id in self.reached else order.level
        above = desk_above(self.book.playbook, last, level=level, area=view.area)
        if above is None:
            return
        clock = Clock(
            clock_id=clock_id,
            kind=ClockKind.SIGN_IN,
            started_at=issued.issued_at,
            due_at=self.now,
            level=order.level,
            limit="30 分钟（连续）",
            arithmetic="自派单起 30 分钟",
            when_late=when_late,
            playbook=self.book.ref,
            order_id=order.order_id,
            order_role=order.role,
            target=order.target,
            order=issued,
        )
        late = ClockEscalated(
            case=view,
            clock=clock,
            fired_at=self.now,
            from_level=level,
            to_level=above.level,
            to=desk(above.code),
            when_late=when_late,
            reason="30 分钟未签收",
        )
        fold = FoldEscalated(
            clock_id=clock_id,
            clock=clock.kind,
            order_id=order.order_id,
            from_level=level,
            to_level=above.level,
        )
        if self.do(fold):
            self.reached[clock_id] = desk(above.code)
            self.waiting.append(self._enveloped(late))

    @property
    def life(self) -> Case:
        """The case, which is open by now."""
        assert self.case is not None
        return self.case

    @property
    def quiet(self) -> bool:
        """Whether nothing is on its way."""
        return not self.waiting and not any(self.on_the_way.values())

    def _enveloped(self, data: CaseEvent | ClockEscalated) -> Event[Any]:
        return Event(
            id=uuid5(WHISTLE, f"{data.TYPE} {data.case.version} {getattr(data, 'clock', None)}"),
            source="/whistle/intake",
            subject=str(data.case.case_id),
            time=self.now,
            sequence=data.case.version,
            data=data,
        )


def standing_leads(case: Case) -> list[CaseOrder]:
    return [order for order in case.standing if order.role is OrderRole.LEAD]


def signed(order: CaseOrder) -> bool:
    return order.state is not OrderState.ISSUED
