"""Webhook subscriptions are made, and their secrets changed."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Address
from typing import Final
from uuid import UUID, uuid4

from services.notifier.domain.audience import Filter, Scope
from services.notifier.domain.subscription import OVERLAP, NewSubscription, Secret, Subscription
from services.notifier.domain.target_url import UrlRules, endpoint, refuse_address
from services.notifier.ports import Resolver, Subscriptions
from shared.vocabulary import Refused

SECRET_BYTES: Final = 32
"""Between the 24 and 64 bytes that Standard Webhooks asks for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a key asks for."""

    scope: Scope
    asked: Filter
    url: str
    description: str
    key_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscribeDoors:
    """What making subscriptions needs."""

    subscriptions: Subscriptions
    resolver: Resolver
    rules: UrlRules
    clock: Callable[[], datetime]
    most_each: int


async def add_subscription(wish: Wish, doors: SubscribeDoors) -> tuple[Subscription, Secret]:
    """Keep a subscription and return it with its secret, which is shown this once.

    Raises:
        Refused: when its URL may not be sent to, or its owner has as many subscriptions as allowed.
    """
    place = endpoint(wish.url, doors.rules)
    for address in await _addresses(place.host, place.port, doors):
        refuse_address(address, doors.rules)
    now = doors.clock()
    secret = fresh_secret(now)
    kept = await doors.subscriptions.add(
        NewSubscription(
            subscription_id=uuid4(),
            scope=wish.scope,
            asked=wish.asked,
            url=place.url,
            description=wish.description,
            created_at=now,
            created_by=wish.key_id,
        ),
        secret,
        most=doors.most_each,
    )
    if kept is None:
        raise Refused(
            f"this area or department has {doors.most_each} subscriptions already",
            field="url",
            allowed=["fewer subscriptions: delete one, or widen the filter of one"],
        )
    return kept, secret


async def rotate_secret(subscription_id: UUID, doors: SubscribeDoors, *, overlap: timedelta = OVERLAP) -> Secret:
    """Give the subscription a new secret; for ``overlap`` the old ones sign beside it."""
    now = doors.clock()
    secret = fresh_secret(now)
    await doors.subscriptions.rotate(subscription_id, secret, old_until=now + overlap)
    return secret


def fresh_secret(now: datetime) -> Secret:
    """Return a new random secret in the form of Standard Webhooks."""
    text = base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
    return Secret(secret_id=uuid4(), text=f"whsec_{text}", created_at=now)


async def _addresses(host: str, port: int, doors: SubscribeDoors) -> list[IPv4Address | IPv6Address]:
    try:
        return list(await doors.resolver.addresses(host, port))
    except OSError as error:
        raise Refused(
            f"the host {host} does not resolve", field="url", allowed=["a host on the public internet"]
        ) from error
