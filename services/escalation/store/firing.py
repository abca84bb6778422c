"""One transaction of the timers."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final, TypeAlias, cast
from uuid import UUID

import msgspec

from services.escalation.domain.chain import CaseShown, RunningClock
from services.escalation.ports import (
    URGENCIES,
    Due,
    Horizon,
)
from services.escalation.store.rows import running_of
from shared.events.codec import Message
from shared.events.parts import CaseView
from shared.runtime.outbox import BY_INDEX, enqueue

if TYPE_CHECKING:
    import asyncpg

    from shared.runtime.postgres import Connection

    Now: TypeAlias = Callable[[Connection], Awaitable[datetime]]

_REACHES: Final = (1, 4, 16)
"""How far a look goes beyond what it may take, each time that others held some of what it found."""
_LANES: Final = """
    WITH RECURSIVE found (partition) AS (
        (SELECT partition FROM clock WHERE next_at IS NOT NULL ORDER BY partition LIMIT 1)
        UNION ALL
        SELECT (SELECT c.partition FROM clock c WHERE c.next_at IS NOT NULL AND c.partition > found.partition
                 ORDER BY c.partition LIMIT 1)
          FROM found WHERE found.partition IS NOT NULL),
    lane (partition) AS (SELECT partition FROM found WHERE partition IS NOT NULL)
"""
"""The lanes that have running clocks, each found by one look into the index."""
PICK: Final = f"""
    {_LANES}
    SELECT first.clock_id
      FROM (SELECT partition, ($2::timestamptz[])[array_position($1::smallint[], partition)] AS until FROM lane) AS lane
           CROSS JOIN generate_series(1, {URGENCIES}) AS grade (urgency)
           CROSS JOIN LATERAL (
               SELECT c.clock_id, c.next_at FROM clock c
                WHERE c.next_at IS NOT NULL AND c.partition = lane.partition AND c.urgency = grade.urgency
                  AND c.next_at <= lane.until
                ORDER BY c.next_at LIMIT $3) AS first
     WHERE lane.until IS NOT NULL
     ORDER BY grade.urgency, first.next_at, first.clock_id LIMIT $3
"""  # noqa: S608  put together from constants
# As bytes, for as text they are put into Python's own form and, to be read, into bytes again.
_COLUMNS: Final = """convert_to(c.body::text, 'UTF8') AS body, c.warnings_passed, c.steps_taken, c.breached_at,
       c.traceparent, c.urgency, c.partition, convert_to((f.facts -> 'view')::text, 'UTF8') AS view, f.version, f.county
"""
_UNTIL: Final = "($2::timestamptz[])[array_position($1::smallint[], c.partition)]"
# PostgreSQL looks again at a row that changed under it: one stopped or fired a moment ago is not returned.
_TAKE: Final = f"""
    SELECT {_COLUMNS}
      FROM unnest($3::uuid[]) AS due (clock_id) JOIN clock c USING (clock_id) JOIN case_facts f USING (case_id)
     WHERE c.next_at <= {_UNTIL}
     ORDER BY c.urgency, c.next_at, c.clock_id LIMIT $4 FOR UPDATE OF c SKIP LOCKED
"""  # noqa: S608  put together from constants
_BESIDE: Final = f"""
    SELECT {_COLUMNS}
      FROM unnest($3::uuid[]) AS known (case_id) JOIN clock c USING (case_id) JOIN case_facts f USING (case_id)
     WHERE c.next_at <= {_UNTIL} AND c.clock_id <> ALL ($5::uuid[])
     ORDER BY c.next_at, c.clock_id LIMIT $4 FOR UPDATE OF c SKIP LOCKED
"""  # noqa: S608  put together from constants
NEXT_DUE: Final = f"""
    {_LANES}
    SELECT grade.urgency, min(first.next_at + lane.later) AS first
      FROM (SELECT partition, ($2::interval[])[array_position($1::smallint[], partition)] AS later FROM lane) AS lane
           CROSS JOIN generate_series(1, {URGENCIES}) AS grade (urgency)
           CROSS JOIN LATERAL (
               SELECT c.next_at FROM clock c
                WHERE c.next_at IS NOT NULL AND c.partition = lane.partition AND c.urgency = grade.urgency
                ORDER BY c.next_at LIMIT 1) AS first
     WHERE lane.later IS NOT NULL
     GROUP BY grade.urgency
"""  # noqa: S608  put together from constants
OVERDUE: Final = f"""
    {_LANES}
    SELECT grade.urgency, sum(late.clocks)::int AS clocks,
           extract(epoch FROM $1::timestamptz - min(late.first))::float8 AS seconds
      FROM lane CROSS JOIN generate_series(1, {URGENCIES}) AS grade (urgency)
           CROSS JOIN LATERAL (SELECT count(*) AS clocks, min(counted.next_at) AS first FROM (
               SELECT c.next_at FROM clock c
                WHERE c.next_at <= $1 AND c.partition = lane.partition AND c.urgency = grade.urgency
                ORDER BY c.next_at LIMIT $2) AS counted
           ) AS late
     GROUP BY grade.urgency
"""  # noqa: S608  put together from constants
_SAID: Final = """
    UPDATE clock SET warnings_passed = t.warnings_passed, steps_taken = t.steps_taken, next_at = t.next_at,
                     breached_at = coalesce(clock.breached_at, CASE WHEN t.breached THEN $6::timestamptz END)
      FROM unnest($1::uuid[], $2::smallint[], $3::smallint[], $4::timestamptz[], $5::bool[])
           AS t (clock_id, warnings_passed, steps_taken, next_at, breached)
     WHERE clock.clock_id = t.clock_id
"""


class PostgresFiring:
    """One transaction of the timers."""

    def __init__(self, connection: Connection, now: Now) -> None:
        self._connection = connection
        self._now = now
        self._until: tuple[list[int], list[datetime]] = ([], [])
        """The lanes that may fire, and until when the facts of each are whole."""

    async def now(self) -> datetime:
        """The instant that the store was given, which is the database's own."""
        return await self._now(self._connection)

    async def due(self, horizon: Horizon, *, now: datetime, most: int) -> Sequence[Due]:
        """Lock and return due clocks, skipping those that others hold."""
        # Plans are made when there is much or nothing due: only a walk over the index serves both.
        await self._connection.execute(BY_INDEX)
        # Measured before ``now`` was asked for, and a transaction may have waited for its connection meanwhile.
        self._until = until_of(horizon.aged(time.monotonic()), now=now)
        taken: Sequence[Due] = ()
        for reach in _REACHES:
            picked = await self._connection.fetch(PICK, *self._until, most * reach)
            taken = await self._take(_TAKE, [row["clock_id"] for row in picked], most)
            # Where nobody was in the way, there is no more; else what was found may lie behind what others hold.
            if len(taken) == min(len(picked), most) or len(picked) < most * reach:
                break
        return taken

    async def beside(self, due: Sequence[Due], *, most: int) -> Sequence[Due]:
        """See ``Firing.beside``; what another holds at this moment speaks for itself later."""
        cases = list({one.clock.case_id for one in due})
        return await self._take(_BESIDE, cases, most, [one.clock.shown.clock_id for one in due])

    async def write(self, fired: Sequence[RunningClock], messages: Sequence[Message], *, at: datetime) -> None:
        """Write what each clock said last and when it speaks next, and put its words into the outbox."""
        await self._connection.execute(
            _SAID,
            [clock.shown.clock_id for clock in fired],
            [clock.warnings_passed for clock in fired],
            [clock.steps_taken for clock in fired],
            [clock.next_at for clock in fired],
            [clock.breached for clock in fired],
            at,
        )
        if messages:
            await enqueue(self._connection, messages)

    async def _take(self, query: str, wanted: Sequence[UUID], most: int, *but: Sequence[UUID]) -> Sequence[Due]:
        if not wanted:
            return ()
        rows = await self._connection.fetch(query, *self._until, wanted, most, *but)
        until = dict(zip(*self._until, strict=True))
        return [_due_of(row, until[row["partition"]]) for row in rows]


def _due_of(row: asyncpg.Record, until: datetime) -> Due:
    # What is stored is what events show, and is put into them as it is: to read it and write it anew costs as much as
    # all that is judged.
    view = cast("CaseView", msgspec.Raw(row["view"]))
    return Due(
        clock=running_of(row),
        case=CaseShown(view=view, version=row["version"], traceparent=row["traceparent"]),
        county=row["county"],
        urgency=row["urgency"],
        until=until,
    )


def until_of(horizon: Horizon, *, now: datetime) -> tuple[list[int], list[datetime]]:
    """The lanes whose facts are known, and until when each of them is."""
    known = {**horizon.others, **horizon.settled}
    return list(known), [now - age for age in known.values()]
