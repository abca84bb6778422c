"""What the endpoints of webhooks answer, as values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.notifier.domain.delivery import REASONS, DeliveryState, Reason
from services.notifier.domain.subscription import Secret, Subscription, SubscriptionState
from services.notifier.store.subscriptions import DeliveryRow
from shared.vocabulary import Level, Purpose, Severity
from shared.words import Words


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
