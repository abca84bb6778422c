"""Subscriptions and their secrets; a secret lies here only encrypted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

import asyncpg

from services.notifier.domain.audience import Scope
from services.notifier.domain.delivery import DeliveryState, Reason
from services.notifier.domain.subscription import (
    SECRETS_LIVE,
    NewSubscription,
    Secret,
    Subscription,
    SubscriptionState,
)
from services.notifier.store.filters import StoredFilter, Where
from services.notifier.store.read_side import ACQUIRE_SECONDS
from services.notifier.store.rows import text_of, value_of
from services.notifier.store.vault import Vault
from shared.vocabulary import Refused

if TYPE_CHECKING:
    from shared.runtime.postgres import Connection, Pool


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRow:
    """One attempt as it was recorded."""

    number: int
    at: datetime
    reason: Reason
    status: int | None
    milliseconds: int
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRow:
    """One delivery with its attempts, the first attempt first."""

    delivery_id: UUID
    event_id: UUID
    case_id: UUID
    type: str
    state: DeliveryState
    reason: Reason
    attempts: int
    next_at: datetime | None
    created_at: datetime
    finished_at: datetime | None
    log: Sequence[AttemptRow]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryPage:
    """Where a page of deliveries begins: after this one in the order newest first."""

    created_at: datetime
    delivery_id: UUID


class PostgresSubscriptions:
    """See ``ports.Subscriptions``."""

    def __init__(self, pool: Pool, vault: Vault) -> None:
        self._pool = pool
        self._vault = vault

    async def add(self, subscription: NewSubscription, secret: Secret, *, most: int) -> Subscription | None:
        """See ``ports.Subscriptions.add``; one owner's additions wait for each other, so that the limit holds."""
        scope = subscription.scope
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection, connection.transaction():
            await connection.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"subscription/{scope.area}/{scope.department}"
            )
            there = await connection.fetchval(
                "SELECT count(*) FROM subscription WHERE owner_area = $1 AND department IS NOT DISTINCT FROM $2",
                scope.area,
                scope.department,
            )
            if there >= most:
                return None
            await connection.execute(
                """
                INSERT INTO subscription (subscription_id, owner_area, department, area, filter, url, description,
                                          state, created_at, created_by)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
                """,
                subscription.subscription_id,
                scope.area,
                scope.department,
                subscription.asked.area or scope.area,
                text_of(StoredFilter.of(subscription.asked)),
                subscription.url,
                subscription.description,
                SubscriptionState.ACTIVE.value,
                subscription.created_at,
                subscription.created_by,
            )
            await self._add_secret(connection, subscription.subscription_id, secret)
            return await _one(connection, subscription.subscription_id, scope)

    async def get(self, subscription_id: UUID, scope: Scope) -> Subscription | None:
        """See ``ports.Subscriptions.get``."""
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
            return await _one(connection, subscription_id, scope)

    async def find(self, scope: Scope, *, after: UUID | None, most: int) -> Sequence[Subscription]:
        """Return the subscriptions of ``scope`` in the order of their ids, from the one after ``after`` on."""
        where = _owned(scope, most)
        if after is not None:
            where.add("subscription_id > {}::uuid", after)
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
            rows = await connection.fetch(
                f"{_SELECT} WHERE {where.sql} ORDER BY subscription_id LIMIT $1", *where.parameters
            )
        return [_subscription(row) for row in rows]

    async def rotate(self, subscription_id: UUID, secret: Secret, *, old_until: datetime) -> None:
        """See ``ports.Subscriptions.rotate``."""
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection, connection.transaction():
            await connection.execute(
                "UPDATE subscription_secret SET expires_at = least(expires_at, $2) WHERE subscription_id = $1",
                subscription_id,
                old_until,
            )
            await self._add_secret(connection, subscription_id, secret)
            await connection.execute(
                """
                DELETE FROM subscription_secret WHERE subscription_id = $1 AND (expires_at <= $2 OR secret_id NOT IN (
                    SELECT secret_id FROM subscription_secret WHERE subscription_id = $1
                    ORDER BY created_at DESC, secret_id LIMIT $3))
                """,
                subscription_id,
                secret.created_at,
                SECRETS_LIVE,
            )

    async def enable(self, subscription_id: UUID) -> None:
        """See ``ports.Subscriptions.enable``."""
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
            await connection.execute(
                "UPDATE subscription SET state = 'active', state_reason = NULL, not_before = NULL"
                " WHERE subscription_id = $1",
                subscription_id,
            )

    async def remove(self, subscription_id: UUID) -> None:
        """Remove a subscription with its secrets, deliveries and attempts."""
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
            await connection.execute("DELETE FROM subscription WHERE subscription_id = $1", subscription_id)

    async def deliveries(
        self, subscription_id: UUID, *, state: DeliveryState | None, after: DeliveryPage | None, most: int
    ) -> Sequence[DeliveryRow]:
        """Return deliveries, the newest first, each with its attempts."""
        where = Where(most)
        where.add("subscription_id = {}::uuid", subscription_id)
        if state is not None:
            where.add("state = {}", state.value)
        if after is not None:
            where.add("(created_at, delivery_id) < ({}, {}::uuid)", after.created_at, after.delivery_id)
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
            rows = await connection.fetch(
                f"SELECT {_DELIVERY}, {_LOG} AS log FROM delivery AS d WHERE {where.sql}"  # noqa: S608  conditions are constants
                " ORDER BY created_at DESC, delivery_id DESC LIMIT $1",
                *where.parameters,
            )
        return [_delivery(row) for row in rows]

    async def replay(self, subscription_id: UUID, delivery_id: UUID, *, now: datetime) -> bool | None:
        """See ``ports.Subscriptions.replay``; the attempts so far stay on record."""
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection, connection.transaction():
            state = await connection.fetchval(
                "SELECT state FROM delivery WHERE delivery_id = $1 AND subscription_id = $2 FOR UPDATE",
                delivery_id,
                subscription_id,
            )
            if state is None:
                return None
            if state == DeliveryState.WAITING:
                return False
            if state == DeliveryState.HELD:
                raise Refused("this delivery was held back: a drill is told to nobody outside", field="delivery_id")
            await connection.execute(
                """
                UPDATE delivery SET state = 'waiting', reason = $2, next_at = $3, finished_at = NULL, lease = NULL,
                    round = attempts WHERE delivery_id = $1
                """,
                delivery_id,
                Reason.REPLAYED.value,
                now,
            )
            await connection.execute("SELECT pg_notify('notifier_delivery', '')")
            return True

    async def _add_secret(self, connection: Connection, subscription_id: UUID, secret: Secret) -> None:
        await connection.execute(
            "INSERT INTO subscription_secret (secret_id, subscription_id, sealed, created_at) VALUES ($1, $2, $3, $4)",
            secret.secret_id,
            subscription_id,
            self._vault.seal(secret.text),
            secret.created_at,
        )


_SELECT: Final = """
    SELECT subscription_id, owner_area, department, filter, url, description, state, state_reason, not_before,
        created_at, created_by,
        ARRAY(SELECT expires_at FROM subscription_secret AS k WHERE k.subscription_id = s.subscription_id
              ORDER BY created_at DESC) AS secret_expiries
    FROM subscription AS s
"""
_DELIVERY: Final = "delivery_id, event_id, case_id, type, state, reason, attempts, next_at, created_at, finished_at"
_LOG: Final = """
    (SELECT coalesce(json_agg(json_build_object('number', number, 'at', at, 'reason', reason, 'status', status,
        'milliseconds', milliseconds, 'detail', detail) ORDER BY number), '[]'::json)
     FROM delivery_attempt AS a WHERE a.delivery_id = d.delivery_id)
"""


def _owned(scope: Scope, *parameters: object) -> Where:
    """Subscriptions made by keys of ``scope`` or of something inside it; a department sees its own only."""
    where = Where(*parameters)
    where.add("starts_with(owner_area, {})", scope.area)
    if scope.department is not None:
        where.add("department = {}", scope.department)
    return where


async def _one(connection: Connection, subscription_id: UUID, scope: Scope) -> Subscription | None:
    where = _owned(scope)
    where.add("subscription_id = {}::uuid", subscription_id)
    row = await connection.fetchrow(f"{_SELECT} WHERE {where.sql}", *where.parameters)
    return None if row is None else _subscription(row)


def _subscription(row: asyncpg.Record) -> Subscription:
    return Subscription(
        subscription_id=row["subscription_id"],
        scope=Scope(area=row["owner_area"], department=row["department"]),
        asked=value_of(StoredFilter, row["filter"]).filter(),
        url=row["url"],
        description=row["description"],
        created_at=row["created_at"],
        created_by=row["created_by"],
        state=SubscriptionState(row["state"]),
        state_reason=row["state_reason"],
        not_before=row["not_before"],
        secret_expiries=tuple(row["secret_expiries"]),
    )


def _delivery(row: asyncpg.Record) -> DeliveryRow:
    return DeliveryRow(
        delivery_id=row["delivery_id"],
        event_id=row["event_id"],
        case_id=row["case_id"],
        type=row["type"],
        state=DeliveryState(row["state"]),
        reason=Reason(row["reason"]),
        attempts=row["attempts"],
        next_at=row["next_at"],
        created_at=row["created_at"],
        finished_at=row["finished_at"],
        log=tuple(
            AttemptRow(
                number=one["number"],
                at=datetime.fromisoformat(one["at"]),
                reason=Reason(one["reason"]),
                status=one["status"],
                milliseconds=one["milliseconds"],
                detail=one["detail"],
            )
            for one in json.loads(row["log"])
        ),
    )
