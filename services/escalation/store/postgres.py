"""The port ``Store`` on a pool: it opens the transactions, and answers what needs none."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from services.escalation.ports import (
    Firing,
    Folding,
    Horizon,
    Outlook,
    Overdue,
    Waiting,
)
from services.escalation.store.firing import NEXT_DUE, OVERDUE, PostgresFiring
from services.escalation.store.folding import PostgresFolding
from shared.runtime.delivery import Partition

if TYPE_CHECKING:
    from services.escalation.store.firing import Now
    from shared.runtime.postgres import Connection, Pool


ACQUIRE_SECONDS: Final = 10.0
WAITING: Final = ("cases", "since", "reason", "asked_at")


async def database_now(connection: Connection) -> datetime:
    """``clock_timestamp()``: the time that all replicas share, and that moves on during a transaction."""
    at: datetime = await connection.fetchval("SELECT clock_timestamp()")
    return at


class PostgresStore:
    """The port ``Store`` on a pool of its own."""

    def __init__(self, pool: Pool, *, now: Now = database_now) -> None:
        self._pool = pool
        self._now = now

    @asynccontextmanager
    async def folding(self) -> AsyncIterator[Folding]:
        """A transaction; see ``Folding``."""
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection, connection.transaction():
            yield PostgresFolding(connection)

    @asynccontextmanager
    async def firing(self) -> AsyncIterator[Firing]:
        """A transaction; see ``Firing``."""
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection, connection.transaction():
            yield PostgresFiring(connection, self._now)

    async def next_due(self, horizon: Horizon) -> Outlook:
        """See ``Store.next_due``; one look into the partial index for each lane and urgency."""
        # A clock of a lane that others fold is theirs until it is late by as much as the lane's age.
        later = {**horizon.others, **dict.fromkeys(horizon.settled, timedelta())}
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
            now = await self._now(connection)
            rows = await connection.fetch(NEXT_DUE, list(later), list(later.values()))
        return Outlook(now=now, first={row["urgency"]: row["first"] for row in rows})

    async def overdue(self, *, most: int) -> Mapping[int, Overdue]:
        """See ``Store.overdue``."""
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
            rows = await connection.fetch(OVERDUE, await self._now(connection), most)
        return {row["urgency"]: Overdue(clocks=row["clocks"], seconds=row["seconds"]) for row in rows if row["clocks"]}

    async def next_offsets(self, partitions: Collection[Partition]) -> Mapping[Partition, int]:
        """The ledger, 0 for a partition never read."""
        known = await self.ledger({partition.topic for partition in partitions})
        return {partition: known.get(partition, 0) for partition in partitions}

    async def ledger(self, topics: Collection[str]) -> Mapping[Partition, int]:
        """See ``Store.ledger``."""
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
            rows = await connection.fetch(
                "SELECT topic, partition, next_offset FROM ledger WHERE topic = ANY($1)", list(topics)
            )
        return {Partition(row["topic"], row["partition"]): row["next_offset"] for row in rows}

    async def waiting(self) -> Mapping[str, Waiting]:
        """The counties with waiting cases; one look at the partial index."""
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
            rows = await connection.fetch(
                """SELECT county, count(*) AS cases, min(waiting_since) AS since, min(waiting_for) AS reason,
                          clock_timestamp() AS asked_at
                     FROM case_facts WHERE waiting_since IS NOT NULL GROUP BY county LIMIT 10000"""
            )
        return {row["county"]: Waiting(**{name: row[name] for name in WAITING}) for row in rows}

    async def running(self) -> Mapping[str, int]:
        """How many clocks run, by level; an index-only count for the metrics."""
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
            rows = await connection.fetch(
                "SELECT level, count(*) AS n FROM clock WHERE next_at IS NOT NULL GROUP BY level"
            )
        return {row["level"]: row["n"] for row in rows}
