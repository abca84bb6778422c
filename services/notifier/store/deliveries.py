"""Deliveries that wait, claimed by several workers side by side; a claim is a lease: none is lost with its worker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, assert_never
from uuid import UUID, uuid4

from services.notifier.domain.delivery import (
    Answered,
    Delivered,
    DeliveryState,
    Disable,
    GiveUp,
    Reason,
    Retry,
    Unreached,
    Verdict,
    reason_of,
)
from services.notifier.domain.subscription import SubscriptionState
from services.notifier.ports import Attempt, Claim
from services.notifier.store.read_side import ACQUIRE_SECONDS
from services.notifier.store.vault import Vault

if TYPE_CHECKING:
    from shared.runtime.postgres import Connection, Pool

LOOKED_AT: Final = 500
"""Due rows that one claim looks through; a receiver with more than these in line cannot fill it twice (``busy``)."""
DETAIL: Final = 500


class PostgresDeliveries:
    """See ``ports.Deliveries``."""

    def __init__(self, pool: Pool, vault: Vault) -> None:
        self._pool = pool
        self._vault = vault

    async def claim(
        self, *, now: datetime, lease: timedelta, most: int, most_each: int, busy: Mapping[UUID, int]
    ) -> Sequence[Claim]:
        """See ``ports.Deliveries.claim``."""
        token = uuid4()
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection, connection.transaction():
            rows = await connection.fetch(
                _CLAIM,
                now,
                now + lease,
                token,
                most,
                most_each,
                list(busy),
                list(busy.values()),
                LOOKED_AT,
            )
            secrets = await _secrets(connection, {row["subscription_id"] for row in rows}, now)
        return [
            Claim(
                delivery_id=row["delivery_id"],
                lease=token,
                subscription_id=row["subscription_id"],
                url=row["url"],
                secrets=tuple(self._vault.open(sealed) for sealed in secrets.get(row["subscription_id"], ())),
                body=row["body"],
                attempt=row["attempts"] - row["round"] + 1,
                traceparent=row["traceparent"],
                longest_pause=row["longest_pause"],
            )
            for row in rows
        ]

    async def record(self, claim: Claim, attempt: Attempt, verdict: Verdict) -> bool:
        """See ``ports.Deliveries.record``."""
        state, next_at = _outcome(verdict)
        finished_at = attempt.at if next_at is None else None
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection, connection.transaction():
            number = await connection.fetchval(
                """
                UPDATE delivery SET state = $3, reason = $4, next_at = $5, finished_at = $6, lease = NULL,
                    attempts = attempts + 1
                WHERE delivery_id = $1 AND lease = $2 AND state = 'waiting' RETURNING attempts
                """,
                claim.delivery_id,
                claim.lease,
                state.value,
                verdict.reason.value,
                next_at,
                finished_at,
            )
            if number is None:
                return False
            await _log_attempt(connection, claim, attempt, number=number)
            await _settle_subscription(connection, claim, verdict, at=attempt.at)
        return True

    async def backlog(self, now: datetime) -> tuple[int, float]:
        """Return how many deliveries are due, and for how many seconds the oldest of them."""
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
            row = await connection.fetchrow(
                "SELECT count(*) AS due, min(next_at) AS oldest FROM delivery"
                " WHERE state = 'waiting' AND next_at <= $1",
                now,
            )
        if row is None or row["oldest"] is None:
            return 0, 0.0
        return row["due"], (now - row["oldest"]).total_seconds()

    async def prune(self, before: datetime, *, most: int) -> int:
        """Remove at most ``most`` deliveries finished before ``before`` and return how many."""
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
            gone: str = await connection.execute(
                """
                DELETE FROM delivery WHERE delivery_id IN (
                    SELECT delivery_id FROM delivery WHERE finished_at < $1 ORDER BY finished_at LIMIT $2)
                """,
                before,
                most,
            )
        return int(gone.split()[1])


# Looks at the longest due first, leaves out receivers that rest or have their hands full, and takes
# of each no more than its free places. Rows that another worker is taking right now are skipped.
_CLAIM: Final = """
    WITH busy AS (SELECT * FROM unnest($6::uuid[], $7::integer[]) AS b (subscription_id, held)),
    due AS MATERIALIZED (
        SELECT d.delivery_id, d.subscription_id, d.next_at, $5 - coalesce(b.held, 0) AS room
        FROM delivery AS d
        JOIN subscription AS s USING (subscription_id)
        LEFT JOIN busy AS b USING (subscription_id)
        WHERE d.state = 'waiting' AND d.next_at <= $1 AND s.state = 'active'
            AND (s.not_before IS NULL OR s.not_before <= $1) AND coalesce(b.held, 0) < $5
        ORDER BY d.next_at LIMIT $8),
    ranked AS (
        SELECT delivery_id, next_at, room,
            row_number() OVER (PARTITION BY subscription_id ORDER BY next_at, delivery_id) AS place
        FROM due),
    taken AS (
        SELECT d.delivery_id FROM delivery AS d
        WHERE d.state = 'waiting' AND d.next_at <= $1 AND d.delivery_id IN (
            SELECT delivery_id FROM ranked WHERE place <= room ORDER BY next_at, delivery_id LIMIT $4)
        FOR UPDATE OF d SKIP LOCKED)
    UPDATE delivery AS d SET next_at = $2, lease = $3
    FROM taken, subscription AS s
    WHERE d.delivery_id = taken.delivery_id AND s.subscription_id = d.subscription_id
    RETURNING d.delivery_id, d.subscription_id, s.url, d.body, d.attempts, d.round, d.traceparent, d.longest_pause
"""


async def _secrets(connection: Connection, subscription_ids: set[UUID], now: datetime) -> dict[UUID, list[bytes]]:
    found: dict[UUID, list[bytes]] = {}
    for row in await connection.fetch(
        """
        SELECT subscription_id, sealed FROM subscription_secret
        WHERE subscription_id = ANY($1) AND (expires_at IS NULL OR expires_at > $2) ORDER BY created_at DESC
        """,
        list(subscription_ids),
        now,
    ):
        found.setdefault(row["subscription_id"], []).append(row["sealed"])
    return found


def _outcome(verdict: Verdict) -> tuple[DeliveryState, datetime | None]:
    match verdict:
        case Delivered():
            return DeliveryState.DELIVERED, None
        case Retry(at=at):
            return DeliveryState.WAITING, at
        case GiveUp() | Disable():
            return DeliveryState.FAILED, None


async def _log_attempt(connection: Connection, claim: Claim, attempt: Attempt, *, number: int) -> None:
    code: int | None = None
    detail = ""
    match attempt.answer:
        case Answered(status=status):
            reason, code = reason_of(status), status
        case Unreached(reason=reason, detail=detail):
            pass
        case _:
            assert_never(attempt.answer)
    await connection.execute(
        """
        INSERT INTO delivery_attempt (delivery_id, number, at, reason, status, milliseconds, detail)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        """,
        claim.delivery_id,
        number,
        attempt.at,
        reason.value,
        code,
        attempt.milliseconds,
        detail.replace("\x00", "")[:DETAIL],
    )


async def _settle_subscription(connection: Connection, claim: Claim, verdict: Verdict, *, at: datetime) -> None:
    match verdict:
        case Retry(rest_until=rest_until) if rest_until is not None:
            await connection.execute(
                "UPDATE subscription SET not_before = greatest(not_before, $2) WHERE subscription_id = $1",
                claim.subscription_id,
                rest_until,
            )
        case Disable(reason=reason):
            await connection.execute(
                "UPDATE subscription SET state = $2, state_reason = $3 WHERE subscription_id = $1",
                claim.subscription_id,
                SubscriptionState.DISABLED.value,
                reason.value,
            )
            await connection.execute(
                """
                UPDATE delivery SET state = 'failed', reason = $2, next_at = NULL, finished_at = $3, lease = NULL
                WHERE subscription_id = $1 AND state = 'waiting'
                """,
                claim.subscription_id,
                Reason.SUBSCRIPTION_DISABLED.value,
                at,
            )
        case _:
            return
