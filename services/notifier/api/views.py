"""What the endpoints answer, as values; the OpenAPI file is made from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.notifier.api.reports import (
    ReportsView,
    RequestsView,
    UnderstoodView,
    reports_view,
    requests_view,
    understood_view,
)
from services.notifier.api.steps import AheadView, StepView, ahead_views, step_views
from services.notifier.api.whistles import WhistleView, whistle_views
from services.notifier.domain.clocks import ClockRead, ahead
from services.notifier.domain.fold import CaseRead
from services.notifier.domain.orders import OrderRead
from services.notifier.domain.summary import CaseSummary
from services.notifier.domain.timeline import Entry
from services.notifier.ports import County
from services.notifier.store.cases import CaseStory
from shared.events.order import Explanation
from shared.events.parts import MatterView, Target, WhistleRef
from shared.events.sla import Outcome
from shared.vocabulary import ClockKind, Level, OrderReason, OrderRole, OrderState, Role, Severity, WhenLate
from shared.words import Words


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseListView:
    """One page, newest first. ``next`` is the cursor of the next page; stream on with ``?after=`` ``position``."""

    cases: Sequence[CaseSummary]
    next: str | None
    position: int
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderView:
    """One order, why it was issued, and how far it has come."""

    order_id: UUID
    role: OrderRole
    target: Target
    level: Level
    generation: int
    state: OrderState
    stands: bool
    reason: OrderReason | None
    issued_at: datetime | None
    signed_at: datetime | None
    changed_at: datetime | None
    note: str
    withdrawn_why: str | None
    explanation: Explanation | None
    step: str | None
    whistle: WhistleRef | None
    clock_profile: str | None
    on_duty: Sequence[str]
    arrived_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockView:
    """One clock. ``seconds_left`` is negative when it is late; ``arithmetic`` says how the deadline came about.

    One that stands ``still`` keeps its ``seconds_left`` until the case goes on. ``chain`` is the ladder that it keeps
    from its start, ``steps`` those of it that were taken, ``ahead`` those that come unless it stops before: none while
    it stands still, for they are reckoned anew then. ``escalated_to`` is the highest level that it has reached.
    """

    clock_id: UUID
    kind: ClockKind
    order_id: UUID | None
    target: Target | None
    level: Level
    limit: str
    arithmetic: str
    started_at: datetime
    due_at: datetime
    when_late: WhenLate
    running: bool
    still: bool
    stopped_at: datetime | None
    outcome: Outcome | None
    seconds_left: float
    warned: Sequence[float]
    breached_at: datetime | None
    nobody_above: bool
    escalated_at: datetime | None
    escalated_to: Level | None
    escalated_to_desk: Target | None
    chain: str | None
    chain_title: Words | None
    ahead: Sequence[AheadView]
    steps: Sequence[StepView]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseStoryView:
    """All there is about one case that this key may see."""

    case: CaseSummary
    text: str
    area_why: str
    category_why: str
    orders: Sequence[OrderView]
    clocks: Sequence[ClockView]
    timeline: Sequence[Entry]
    position: int
    now: datetime
    mode_title: Words
    matter: MatterView | None
    whistles: Sequence[WhistleView]
    understood: UnderstoodView
    reports: ReportsView
    requests: RequestsView


def story_view(story: CaseStory, *, county: County, department: str | None, now: datetime) -> CaseStoryView:
    """Return ``story`` as ``department`` may see it; None sees all."""
    read = story.read
    running = {one.clock.clock_id for one in read.running}
    orders = [order for order in read.orders.values() if department in (None, order.department)]
    mine = {order.order_id for order in orders}
    clocks = [
        clock
        for clock in read.clocks.values()
        if department is None or clock.clock.order_id is None or clock.clock.order_id in mine
    ]
    return CaseStoryView(
        case=story.summary,
        text=read.text,
        area_why=read.area_why,
        category_why=read.category_why,
        orders=[order_view(order, read) for order in sorted(orders, key=_issued)],
        clocks=[
            clock_view(clock, case=read, county=county, running=clock.clock.clock_id in running, now=now)
            for clock in sorted(clocks, key=lambda one: one.clock.due_at)
        ],
        timeline=story.timeline,
        position=story.position,
        now=now,
        mode_title=county.mode(read.view.area, read.view.mode),
        matter=read.view.matter,
        whistles=whistle_views(read, county, department=department),
        understood=understood_view(read, county),
        reports=reports_view(read, county, department=department),
        requests=requests_view(read, department=department),
    )


def _issued(order: OrderRead) -> tuple[bool, datetime | None, str]:
    return (order.issued_at is None, order.issued_at or order.step_at, str(order.order_id))


def order_view(order: OrderRead, read: CaseRead) -> OrderView:
    """Return ``order`` as it stands among the others of its case."""
    return OrderView(
        order_id=order.order_id,
        role=order.role,
        target=order.target,
        level=order.level,
        generation=order.generation,
        state=read.state_of(order),
        stands=order.stands(read.view.reopened),
        reason=order.reason,
        issued_at=order.issued_at,
        signed_at=order.signed_at,
        changed_at=order.step_at,
        note=order.note,
        withdrawn_why=order.withdrawn or order.taken_back,
        explanation=order.explanation,
        step=order.of_step,
        whistle=order.whistle,
        clock_profile=order.clock_profile,
        on_duty=order.on_duty,
        arrived_at=order.arrived_at,
    )


def _held(clock: ClockRead, read: CaseRead) -> datetime | None:
    return read.view.held.since if read.view.held is not None and read.stands_still(clock) else None


def clock_view(read: ClockRead, *, case: CaseRead, county: County, running: bool, now: datetime) -> ClockView:
    """Return a clock of ``case`` as it stands at ``now``."""
    clock, held = read.clock, _held(read, case)
    area = case.view.area
    coming = ahead(read, case.clocks.values()) if running and held is None else ()
    return ClockView(
        clock_id=clock.clock_id,
        kind=clock.kind,
        order_id=clock.order_id,
        target=clock.target,
        level=clock.level,
        limit=clock.limit,
        arithmetic=clock.arithmetic,
        started_at=clock.started_at,
        due_at=clock.due_at,
        when_late=clock.when_late,
        running=running,
        still=held is not None,
        stopped_at=read.stopped_at,
        outcome=read.outcome,
        seconds_left=(clock.due_at - (held or now)).total_seconds(),
        warned=read.warned,
        breached_at=read.breached_at,
        nobody_above=read.nobody_above,
        escalated_at=read.escalated_at,
        escalated_to=read.escalated_to,
        escalated_to_desk=read.escalated_to_desk,
        chain=clock.chain,
        chain_title=None if clock.chain is None else county.chain(area, clock.chain),
        ahead=ahead_views(coming, area=area, chain=clock.chain or "", county=county),
        steps=step_views(read.steps, area=area, chain=clock.chain or "", county=county),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryView:
    """How many of what this key may see."""

    cases: Mapping[str, int]
    open_by_severity: Mapping[str, int]
    orders: Mapping[str, int]
    orders_by_state: Mapping[str, int]
    escalations: Mapping[str, int]
    open_clocks: int
    late_clocks: int
    late_cases: int
    deliveries: Mapping[str, int]
    waits: Mapping[str, int]
    position: int
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MeView:
    """Whose key this is. Names are null while the county's playbook is not known."""

    key_id: str
    name: str
    role: Role
    area: str
    area_name: Words | None
    county: str
    county_name: Words | None
    department: str | None
    department_name: Words | None
    playbook_version: str | None
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaName:
    """What an area is called."""

    zh: str
    en: str
    level: Level
    parent: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryName:
    """What a category is called, and how grave it is by itself."""

    zh: str
    en: str
    parent: str | None
    severity: Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class NamesView:
    """Codes to names, by the playbook in force."""

    version: str
    digest: str
    areas: Mapping[str, AreaName]
    departments: Mapping[str, Words]
    categories: Mapping[str, CategoryName]
