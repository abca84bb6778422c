"""What is stored of cases, page by page, and of a few of them while nobody folds them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final
from uuid import UUID

from services.escalation.domain.reconciling import StoredState
from services.escalation.store.folding import LANES
from services.escalation.store.postgres import ACQUIRE_SECONDS
from shared.runtime.delivery import Partition
from shared.vocabulary import CASE_ENDED

if TYPE_CHECKING:
    import asyncpg

    from shared.runtime.postgres import Connection, Pool

PAGE: Final = 5000
_STATE: Final = """SELECT case_id, partition, coalesce((facts #>> '{view,version}')::int, 0) AS version,
                          coalesce(facts #>> '{view,state}', '') AS state FROM case_facts"""


class PostgresStates:
    """The states of stored cases; no statement and no transaction is long."""

    def __init__(self, pool: Pool, *, topic: str) -> None:
        self._pool = pool
        self._topic = topic

    async def ledger(self) -> Mapping[Partition, int]:
        """Up to where the case topic is folded."""
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
            return await _ledger(connection, self._topic)

    async def pages(self) -> AsyncIterator[list[StoredState]]:
        """All cases, in the order of their ids."""
        after = UUID(int=0)
        while True:
            async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
                rows = await connection.fetch(f"{_STATE} WHERE case_id > $1 ORDER BY case_id LIMIT $2", after, PAGE)
            if rows:
                yield _states(rows)
            if len(rows) < PAGE:
                return
            after = rows[-1]["case_id"]

    @asynccontextmanager
    async def held(self, number: int) -> AsyncIterator[Held]:
        """A transaction in which nobody folds cases of partition ``number``."""
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection, connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1, $2)", LANES, number)
            yield Held(connection, self._topic)


class Held:
    """What a transaction sees that holds a lane."""

    def __init__(self, connection: Connection, topic: str) -> None:
        self._connection = connection
        self._topic = topic

    async def ledger(self) -> Mapping[Partition, int]:
        """Up to where the case topic is folded."""
        return await _ledger(self._connection, self._topic)

    async def states(self, case_ids: Collection[UUID]) -> list[StoredState]:
        """These cases as they are stored."""
        return _states(await self._connection.fetch(f"{_STATE} WHERE case_id = ANY($1)", list(case_ids)))


async def _ledger(connection: Connection, topic: str) -> Mapping[Partition, int]:
    rows = await connection.fetch("SELECT partition, next_offset FROM ledger WHERE topic = $1", topic)
    return {Partition(topic, row["partition"]): row["next_offset"] for row in rows}


def _states(rows: Iterable[asyncpg.Record]) -> list[StoredState]:
    ended = {str(state) for state in CASE_ENDED}
    return [
        StoredState(
            case_id=row["case_id"],
            partition=row["partition"],
            version=row["version"],
            is_open=row["state"] not in ended,
        )
        for row in rows
    ]
