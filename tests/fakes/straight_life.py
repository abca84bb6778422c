"""A case on its straight path as the events that intake, router and escalation would write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from services.notifier.domain.fold import Told
from shared.events.case import (
    CaseArrived,
    CaseClosed,
    CaseEscalated,
    CaseEvent,
    CaseOpened,
    CaseOrderWithdrawn,
    CaseProgressed,
    CaseRejected,
    CaseReopened,
    CaseResolved,
    CaseReturned,
    CaseRouted,
    CaseSigned,
    CaseVerified,
)
from shared.events.envelope import WHISTLE, Event, derive_id
from shared.events.order import Condition, Explanation, Order, OrderIssued, OrderWithdrawn, ShadowMatch
from shared.events.parts import (
    Actor,
    Alike,
    CaseView,
    Guess,
    Photo,
    Place,
    PlaybookRef,
    Return,
    Target,
    WhistleRef,
)
from shared.events.sla import (
    Clock,
    ClockBreached,
    ClockEscalated,
    ClockStarted,
    ClockStopped,
    ClockWarned,
    Outcome,
)
from shared.vocabulary import (
    NORMAL,
    ActorKind,
    CaseState,
    ClockKind,
    Level,
    OrderReason,
    OrderRole,
    Purpose,
    Severity,
    Source,
    TargetKind,
    WhenLate,
    at_level,
    level_of,
)

START = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
PLAYBOOK = PlaybookRef(version="2026.11.1", digest="9f" * 32)
SYSTEM = Actor(kind=ActorKind.SYSTEM, id="intake")


def department(name: str) -> Target:
    """A department as a target."""
    return Target(kind=TargetKind.DEPARTMENT, id=name, name=f"{name} 部门")


def desk(area: str) -> Target:
    """A desk as a target."""
    return Target(kind=TargetKind.DESK, id=area, name=f"{area} 指挥平台")


@dataclass(slots=True, kw_only=True)
class StraightLife:
    """Writes one case's events in the order in which they happen; ``events`` holds all of them."""

    name: str
    area: str = "990101001200"
    category: str = "01.002"
    severity: Severity = Severity.III
    title: str = "三楼以上没有自来水"
    now: datetime = START
    place: Place | None = None
    purpose: Purpose = Purpose.REAL
    mode: str = NORMAL
    shadows: tuple[ShadowMatch, ...] = ()
    state: CaseState = CaseState.OPENED
    tracking: str | None = None
    guess: Guess | None = None
    alike: tuple[Alike, ...] = ()
    photos: tuple[Photo, ...] = ()
    events: list[Event[Told]] = field(default_factory=list)
    view: CaseView = field(init=False)

    def __post_init__(self) -> None:
        self.view = CaseView(
            case_id=uuid5(WHISTLE, self.name),
            version=1,
            state=self.state,
            county=self.area[:6],
            area=self.area,
            level=level_of(self.area),
            category=self.category,
            severity=self.severity,
            source=Source.HOTLINE,
            title=self.title,
            opened_at=self.now,
            playbook=PLAYBOOK,
            place=self.place,
            purpose=self.purpose,
            mode=self.mode,
        )
        opened = CaseOpened(
            case=self.view,
            by=Actor(kind=ActorKind.SOURCE, id="hotline", name="12345 热线"),
            report_id=derive_id(self.case_id, "report"),
            text=f"{self.title}。",
            area_why="由坐标定位到网格",
            category_why="关键词“停水”",
            tracking=self.tracking,
            guess=self.guess,
            alike=self.alike,
            photos=self.photos,
        )
        self._add(opened, id_step="v1")

    @property
    def case_id(self) -> UUID:
        return self.view.case_id

    def order(
        self,
        target: Target,
        *,
        role: OrderRole = OrderRole.LEAD,
        level: Level | None = None,
        reason: OrderReason = OrderReason.RULE,
        step: str | None = None,
        whistle: WhistleRef | None = None,
        cause_id: UUID | None = None,
    ) -> Order:
        """The router issues an order and intake folds it."""
        order = Order(
            order_id=derive_id(self.events[-1].id, role, target.id),
            case_id=self.case_id,
            role=role,
            reason=reason,
            target=target,
            level=level or (level_of(target.id) if target.kind is TargetKind.DESK else self.view.level),
            issued_at=self.now,
            generation=self.view.reopened,
            step=step,
            whistle=whistle,
        )
        why = Explanation(
            playbook=PLAYBOOK,
            words=f"规则“{self.category} 由 {target.name} 承办”：类别 {self.category}",
            words_en=f"Rule: {self.category} is handled by {target.id}",
            rule_id="water",
            rule_version="1",
            rule_title="供水类直达",
            conditions=(
                Condition(field="category", operator="within", expected="01", actual=self.category, held=True),
            ),
            shadows=self.shadows,
        )
        self._add(OrderIssued(order=order, case=self.view, explanation=why, cause_id=cause_id or self.events[-1].id))
        lead = target if role is OrderRole.LEAD else self.view.lead
        state = CaseState.ROUTED if role is OrderRole.LEAD else self.view.state
        self._next(state=state, lead=lead, level=order.level if role is OrderRole.LEAD else self.view.level)
        self._add(
            CaseRouted(
                case=self.view,
                by=SYSTEM,
                order_id=order.order_id,
                order_role=role,
                target=target,
                level=order.level,
                reason=reason,
                issued_at=order.issued_at,
                step=step,
                whistle=whistle,
            )
        )
        return order

    def withdraw(self, order: Order, reason: str = "上级接办", *, cause_id: UUID | None = None) -> None:
        """The router withdraws an order and intake folds it."""
        cause = cause_id or self.events[-1].id
        self._add(OrderWithdrawn(order=order, case=self.view, reason=reason, cause_id=cause))
        self._next()
        self._add(
            CaseOrderWithdrawn(case=self.view, by=SYSTEM, order_id=order.order_id, target=order.target, reason=reason)
        )

    def sign(self, order: Order) -> None:
        self._act(CaseSigned, order, CaseState.SIGNED)

    def arrive(self, order: Order) -> None:
        self._act(CaseArrived, order, CaseState.ARRIVED)

    def progress(self, order: Order, note: str = "正在抢修") -> None:
        self._act(CaseProgressed, order, CaseState.IN_PROGRESS, note=note)

    def resolve(self, order: Order, note: str = "已恢复供水") -> None:
        self._act(CaseResolved, order, CaseState.RESOLVED, note=note)

    def give_back(self, order: Order, reason: str = "不属于本部门职责") -> None:
        back = Return(order_id=order.order_id, target=order.target, reason=reason, at=self.now)
        self._next(state=CaseState.RETURNED, lead=None, returns=(*self.view.returns, back))
        self._add(
            CaseReturned(
                case=self.view,
                by=self._by(order.target),
                order_id=order.order_id,
                order_role=order.role,
                target=order.target,
                reason=reason,
            )
        )

    def reject(self, order: Order, reason: str = "水压仍然不足") -> None:
        self._next(state=CaseState.IN_PROGRESS)
        self._add(
            CaseRejected(
                case=self.view,
                by=self._by(desk(self.area[:9])),
                order_id=order.order_id,
                target=order.target,
                reason=reason,
            )
        )

    def verify(self) -> None:
        self._next(state=CaseState.VERIFIED)
        self._add(CaseVerified(case=self.view, by=self._by(desk(self.area[:9])), note="回访满意"))

    def close(self) -> None:
        self._next(state=CaseState.CLOSED)
        self._add(CaseClosed(case=self.view, by=self._by(desk(self.area[:9]))))

    def reopen(self) -> None:
        self._next(state=CaseState.OPENED, lead=None, reopened=self.view.reopened + 1)
        self._add(CaseReopened(case=self.view, by=SYSTEM, reason="又停水了"))

    def clock(self, order: Order, kind: ClockKind = ClockKind.SIGN_IN, *, minutes: float = 30) -> Clock:
        """A clock of ``order``; it says nothing until it is started, warned or late."""
        return Clock(
            clock_id=derive_id(order.order_id, "clock", kind),
            kind=kind,
            started_at=order.issued_at,
            due_at=order.issued_at + timedelta(minutes=minutes),
            level=order.level,
            limit=f"{minutes:g} 分钟",
            arithmetic=f"{order.issued_at:%H:%M} 起连续 {minutes:g} 分钟",
            when_late=WhenLate.TAKE_OVER,
            playbook=PLAYBOOK,
            order_id=order.order_id,
            order_role=order.role,
            target=order.target,
        )

    def start(self, clock: Clock) -> None:
        self._add(ClockStarted(case=self.view, clock=clock))

    def stop(self, clock: Clock, outcome: Outcome = Outcome.MET) -> None:
        self._add(ClockStopped(case=self.view, clock=clock, stopped_at=self.now, outcome=outcome))

    def warn(self, clock: Clock, fraction: float = 0.5) -> None:
        self._add(ClockWarned(case=self.view, clock=clock, fraction=fraction, fired_at=self.now))

    def breach(self, clock: Clock) -> None:
        self._add(ClockBreached(case=self.view, clock=clock, fired_at=self.now, late_seconds=0.4))

    def escalate(self, clock: Clock) -> None:
        """The late clock moves the case to the desk above; intake folds it."""
        above = clock.level.above
        to = desk(at_level(self.area, above))
        self._add(
            ClockEscalated(
                case=self.view,
                clock=clock,
                fired_at=self.now,
                from_level=clock.level,
                to_level=above,
                to=to,
                when_late=clock.when_late,
                reason="签收超时，上级接办",
            )
        )
        self._next(level=above)
        self._add(
            CaseEscalated(
                case=self.view,
                by=SYSTEM,
                clock_id=clock.clock_id,
                clock=clock.kind,
                order_id=clock.order_id,
                from_level=clock.level,
                to_level=above,
            )
        )

    def tell(
        self, fact: Callable[..., Told], *, by: Actor = SYSTEM, view: dict[str, Any] | None = None, **more: Any
    ) -> UUID:
        """Intake tells ``fact``, after which the case's view has the changes of ``view``; the event's id."""
        self._next(**(view or {}))
        self._add(fact(case=self.view, by=by, **more))
        return self.events[-1].id

    def wait(self, **passed: float) -> None:
        """Let time pass."""
        self.now += timedelta(**passed)

    def _act(
        self,
        fact: type[CaseSigned | CaseArrived | CaseProgressed | CaseResolved],
        order: Order,
        state: CaseState,
        *,
        note: str = "",
    ) -> None:
        self._next(state=state if order.role is OrderRole.LEAD else self.view.state)
        self._add(
            fact(
                case=self.view,
                by=self._by(order.target),
                order_id=order.order_id,
                order_role=order.role,
                target=order.target,
                note=note,
            )
        )

    def _by(self, target: Target) -> Actor:
        return Actor(kind=ActorKind(target.kind.value), id=target.id, name=target.name, key_id="k1")

    def _next(self, **changes: object) -> None:
        self.view = replace(self.view, version=self.view.version + 1, **changes)  # type: ignore[arg-type]  # fields of the view

    def _add(self, data: Told, *, id_step: str | None = None) -> None:
        step = id_step or f"{len(self.events)}"
        self.events.append(
            Event(
                id=derive_id(self.case_id, step, data.TYPE),
                source=f"/whistle/{'intake' if isinstance(data, CaseEvent) else 'other'}",
                subject=str(self.case_id),
                time=self.now,
                sequence=self.view.version,
                data=data,
                traceparent=f"00-{self.case_id.hex}-{self.case_id.hex[:16]}-01",
            )
        )
        self.now += timedelta(seconds=1)
