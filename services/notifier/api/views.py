"""What the endpoints answer, as values; the OpenAPI file is made from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.notifier.api.whistles import WhistleView, whistle_views
from services.notifier.domain.clocks import ClockRead
from services.notifier.domain.delivery import REASONS, DeliveryState, Reason
from services.notifier.domain.fold import CaseRead
from services.notifier.domain.orders import OrderRead
from services.notifier.domain.subscription import Secret, Subscription, SubscriptionState
from services.notifier.domain.summary import CaseSummary
from services.notifier.domain.timeline import Entry
from services.notifier.ports import County
from services.notifier.store.cases import CaseStory
from services.notifier.store.subscriptions import DeliveryRow
from shared.events.order import Explanation
from shared.events.parts import MatterView, Target, WhistleRef
from shared.events.sla import Outcome
from shared.vocabulary import ClockKind, Level, OrderReason, OrderRole, OrderState, Purpose, Role, Severity, WhenLate
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
    """One clock. ``seconds_left`` is negative when it is late; ``arithmetic`` says how the deadline came about."""

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
    stopped_at: datetime | None
    outcome: Outcome | None
    seconds_left: float
    warned: Sequence[float]
    breached_at: datetime | None
    nobody_above: bool
    escalated_at: datetime | None
    escalated_to: Level | None
    escalated_to_desk: Target | None


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
            clock_view(clock, running=clock.clock.clock_id in running, now=now)
            for clock in sorted(clocks, key=lambda one: one.clock.due_at)
        ],
        timeline=story.timeline,
        position=story.position,
        now=now,
        mode_title=county.mode(read.view.area, read.view.mode),
        matter=read.view.matter,
        whistles=whistle_views(read, county, department=department),
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
        withdrawn_why=order.withdrawn,
        explanation=order.explanation,
        step=order.of_step,
        whistle=order.whistle,
        clock_profile=order.clock_profile,
        on_duty=order.on_duty,
        arrived_at=order.arrived_at,
    )


def clock_view(read: ClockRead, *, running: bool, now: datetime) -> ClockView:
    """Return a clock as it stands at ``now``."""
    clock = read.clock
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
        stopped_at=read.stopped_at,
        outcome=read.outcome,
        seconds_left=(clock.due_at - now).total_seconds(),
        warned=read.warned,
        breached_at=read.breached_at,
        nobody_above=read.nobody_above,
        escalated_at=read.escalated_at,
        escalated_to=read.escalated_to,
        escalated_to_desk=read.escalated_to_desk,
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


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionView:
    """A webhook subscription; ``secrets`` has one entry a live secret, newest first: when it ends, null = never."""

    subscription_id: UUID
    owner_area: str
    owner_department: str | None
    area: str
    levels: Sequence[Level]
    categories: Sequence[str]
    severities: Sequence[Severity]
    types: Sequence[str]
    departments: Sequence[str]
    case_id: UUID | None
    purposes: Sequence[Purpose]
    modes: Sequence[str]
    url: str
    description: str
    state: SubscriptionState
    state_reason: str | None
    resting_until: datetime | None
    secrets: Sequence[datetime | None]
    created_at: datetime
    created_by: str


def subscription_view(kept: Subscription) -> SubscriptionView:
    """Return ``kept`` as it is shown."""
    asked = kept.asked
    return SubscriptionView(
        subscription_id=kept.subscription_id,
        owner_area=kept.scope.area,
        owner_department=kept.scope.department,
        area=asked.area or kept.scope.area,
        levels=sorted(asked.levels),
        categories=sorted(asked.categories),
        severities=sorted(asked.severities),
        types=sorted(asked.types),
        departments=sorted(asked.departments),
        case_id=asked.case_id,
        purposes=sorted(asked.purposes),
        modes=sorted(asked.modes),
        url=kept.url,
        description=kept.description,
        state=kept.state,
        state_reason=kept.state_reason,
        resting_until=kept.not_before,
        secrets=kept.secret_expiries,
        created_at=kept.created_at,
        created_by=kept.created_by,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretView:
    """A secret, shown this once."""

    secret: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSubscriptionView:
    """A subscription just made, and its secret, shown this once."""

    subscription: SubscriptionView
    secret: str


def secret_view(secret: Secret) -> SecretView:
    """Return ``secret`` as it is shown."""
    return SecretView(secret=secret.text, created_at=secret.created_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionListView:
    """Subscriptions in the order of their ids; ``next`` is the ``after`` of the next page."""

    subscriptions: Sequence[SubscriptionView]
    next: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptView:
    """One attempt: what came of it, as a code and in words."""

    number: int
    at: datetime
    reason: Reason
    words: Words
    status: int | None
    milliseconds: int
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryView:
    """One event for one subscription; ``delivery_id`` is the ``webhook-id`` of every attempt."""

    delivery_id: UUID
    event_id: UUID
    case_id: UUID
    type: str
    state: DeliveryState
    reason: Reason
    words: Words
    attempts: int
    next_at: datetime | None
    created_at: datetime
    finished_at: datetime | None
    log: Sequence[AttemptView]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryListView:
    """Deliveries, newest first; ``next`` is the cursor of the next page."""

    deliveries: Sequence[DeliveryView]
    next: str | None


def delivery_view(row: DeliveryRow) -> DeliveryView:
    """Return ``row`` as it is shown."""
    return DeliveryView(
        delivery_id=row.delivery_id,
        event_id=row.event_id,
        case_id=row.case_id,
        type=row.type,
        state=row.state,
        reason=row.reason,
        words=REASONS[row.reason],
        attempts=row.attempts,
        next_at=row.next_at,
        created_at=row.created_at,
        finished_at=row.finished_at,
        log=[
            AttemptView(
                number=one.number,
                at=one.at,
                reason=one.reason,
                words=REASONS[one.reason],
                status=one.status,
                milliseconds=one.milliseconds,
                detail=one.detail,
            )
            for one in row.log
        ],
    )
