"""A subscription: whose it is, what it hears, where it is sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum, unique
from typing import Final
from uuid import UUID

from services.notifier.domain.audience import Filter, Scope

SECRETS_LIVE: Final = 3
"""Secrets of one subscription that sign at the same time, at most."""
OVERLAP: Final = timedelta(hours=24)
"""How long an old secret goes on signing beside a new one, unless asked otherwise."""


@unique
class SubscriptionState(StrEnum):
    """Whether events are sent."""

    ACTIVE = "active"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSubscription:
    """A subscription to be kept. ``asked.area`` lies within ``scope.area``."""

    subscription_id: UUID
    scope: Scope
    asked: Filter
    url: str
    description: str
    created_at: datetime
    created_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription(NewSubscription):
    """A subscription as it is kept; ``secret_expiries`` has one entry a live secret, newest first, None = no end."""

    state: SubscriptionState
    state_reason: str | None
    not_before: datetime | None
    secret_expiries: tuple[datetime | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """One signing secret in the clear, ``whsec_…``; shown once, kept only encrypted."""

    secret_id: UUID
    text: str
    created_at: datetime
