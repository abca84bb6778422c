"""One transaction of the timers."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

from services.escalation.ports import (
    Due,
    Fired,
    Horizon,
)
from services.escalation.store.rows import due_of
from shared.events.codec import Message
from shared.runtime.outbox import enqueue

if TYPE_CHECKING:
    from shared.runtime.postgres import Connection

    Now: TypeAlias = Callable[[Connection], Awaitable[datetime]]


class PostgresFiring:
    """One transaction of the timers."""

    def __init__(self, connection: Connection, now: Now) -> None:
        self._connection = connection
        self._now = now

    async def now(self) -> datetime:
        """The instant that the store was given, which is the database's own."""
        return await self._now(self._connection)

    async def due(self, horizon: Horizon, *, now: datetime, most: int) -> Sequence[Due]:
        """Lock and return due clocks, skipping those that others hold.

        PostgreSQL looks again at a row that changed under it, so a clock that was stopped or fired
        a moment ago is not returned.
        """
        # Measured before ``now`` was asked for, and a transaction may have waited for its connection meanwhile.
        horizon = horizon.aged(time.monotonic())
        until = {number: now - age for number, age in horizon.settled.items()}
        elsewhere = None if horizon.elsewhere is None else now - horizon.elsewhere
        rows = await self._connection.fetch(
            """SELECT c.clock_id, c.body, c.warnings_passed, c.traceparent, f.facts -> 'view' AS view
                 FROM clock c JOIN case_facts f USING (case_id)
                WHERE c.next_at <= $1
                  AND c.next_at <= coalesce(($3::timestamptz[])[array_position($2::smallint[], c.partition)], $4)
                ORDER BY c.next_at LIMIT $5 FOR UPDATE OF c SKIP LOCKED""",
            max((*until.values(), *([elsewhere] if elsewhere else [])), default=None),
            list(until),
            list(until.values()),
            elsewhere,
            most,
        )
        return [due_of(row) for row in rows]

    async def write(self, fired: Sequence[Fired], messages: Sequence[Message]) -> None:
        """Write what each clock said last and when it speaks next, and put its words into the outbox."""
        await self._connection.execute(
            """UPDATE clock SET warnings_passed = t.warnings_passed, next_at = t.next_at, breached_at = t.breached_at
                 FROM unnest($1::uuid[], $2::smallint[], $3::timestamptz[], $4::timestamptz[])
                      AS t (clock_id, warnings_passed, next_at, breached_at)
                WHERE clock.clock_id = t.clock_id""",
            [one.clock.shown.clock_id for one in fired],
            [one.clock.warnings_passed for one in fired],
            [one.clock.next_at for one in fired],
            [one.at if one.clock.breached else None for one in fired],
        )
        if messages:
            await enqueue(self._connection, messages)
