"""Cases that ended long ago leave, a slice at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from services.escalation.store.folding import LANES

if TYPE_CHECKING:
    from shared.runtime.postgres import Pool

ACQUIRE_SECONDS: Final = 10.0

# A clock that still runs, or has yet to start, keeps its case here: who is supervised owes an answer after the case
# is closed. What was passed over for that is not looked at again in this round: `after` goes on behind it.
_SLICE: Final = """
    WITH old AS MATERIALIZED (
        SELECT case_id, ended_at, waiting_since IS NOT NULL AS waits FROM case_facts
        WHERE partition = $1 AND ended_at > $2 AND ended_at < clock_timestamp() - $3::interval
        ORDER BY ended_at LIMIT $4
    ), leaving AS MATERIALIZED (
        SELECT case_id FROM old
        WHERE NOT waits AND NOT EXISTS (
            SELECT FROM clock WHERE clock.case_id = old.case_id AND clock.stopped_at IS NULL)
    ), clocks AS (
        DELETE FROM clock USING leaving WHERE clock.case_id = leaving.case_id
    ), cases AS (
        DELETE FROM case_facts USING leaving WHERE case_facts.case_id = leaving.case_id
    )
    SELECT (SELECT count(*) FROM leaving) AS gone, (SELECT count(*) FROM old) AS seen,
           (SELECT max(ended_at) FROM old) AS last
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """What one slice came to: cases that left, and whether there may be more."""

    gone: int
    more: bool


class PostgresLeaving:
    """The port ``Leaving`` on a pool: one lane a transaction, and none that a fold holds."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._after: dict[int, object] = {}

    async def partitions(self) -> list[int]:
        """The lanes that cases lie in, as far as this process may know."""
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
            rows = await connection.fetch("SELECT DISTINCT partition FROM ledger ORDER BY 1 LIMIT 1000")
        return [row["partition"] for row in rows]

    async def leave(self, partition: int, *, older: timedelta, most: int) -> Slice:
        """Delete cases of one lane that ended before ``older``, at most ``most``; none while a fold has the lane."""
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection, connection.transaction():
            if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1, $2)", LANES, partition):
                return Slice(gone=0, more=True)
            after = self._after.get(partition) or await connection.fetchval("SELECT '-infinity'::timestamptz")
            row = await connection.fetchrow(_SLICE, partition, after, older, most)
        if row is None:
            raise AssertionError("a row of counts did not come")
        more = row["seen"] == most
        self._after[partition] = row["last"] if more else None
        return Slice(gone=row["gone"], more=more)
