"""The port ``AuditStore``: reads in slices and holds no lock, but the lane of one case when it is read again.

The turn is a row of its own. Taking it is one short statement that skips a locked row, so replicas never wait here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import msgspec

from services.escalation.audit_ports import Counts, Passes, Place, Slice, StoredCase, Turn
from services.escalation.domain.audit import StoredClock
from services.escalation.domain.chain import RunningClock
from services.escalation.domain.clocks import Stop
from services.escalation.domain.facts import Facts
from services.escalation.store.folding import LANES
from services.escalation.store.postgres import ACQUIRE_SECONDS
from services.escalation.store.rows import as_json, decode_facts, running_of, stop_of

if TYPE_CHECKING:
    import asyncpg

    from shared.runtime.postgres import Connection, Pool

STRAYS_AT_ONCE: Final = 20
"""Clocks that are asked, in the place of one case, whether they have a case: the database answers alone."""
_counts = msgspec.json.Decoder(Counts)


class PostgresAuditing:
    """See ``AuditStore``; on the pool of the service."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def take(self, *, lease: timedelta) -> Turn | None:
        """See ``AuditStore.take``."""
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
            row = await connection.fetchrow(
                """UPDATE auditor SET next_at = clock_timestamp() + $1, turn = turn + 1
                    WHERE single = (SELECT single FROM auditor WHERE next_at <= clock_timestamp()
                                    FOR UPDATE SKIP LOCKED)
                RETURNING turn, strays, county, case_id, counts""",
                lease,
            )
        if row is None:
            return None
        place = Place(strays=row["strays"], county=row["county"], case_id=row["case_id"])
        return Turn(number=row["turn"], after=place, counts=_counts.decode(row["counts"]))

    async def slice(self, after: Place, *, most: int) -> Slice:
        """See ``AuditStore.slice``; several statements, so what differs is read again before it is told."""
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
            if after.strays:
                return await _strays(connection, after, most * STRAYS_AT_ONCE)
            known = await connection.fetch(
                """SELECT case_id, county, partition, facts, traceparent FROM case_facts
                    WHERE (county, case_id) > ($1, $2) ORDER BY county, case_id LIMIT $3""",
                after.county,
                after.case_id,
                most,
            )
            rows = await connection.fetch(
                "SELECT * FROM clock WHERE case_id = ANY($1)", [row["case_id"] for row in known]
            )
        clocks = _by_case(rows)
        end = len(known) < most
        last = Place(strays=True) if end else Place(county=known[-1]["county"], case_id=known[-1]["case_id"])
        return Slice(cases=[stored_case(row, clocks.get(row["case_id"], ())) for row in known], last=last)

    async def again(self, case_id: UUID, partition: int) -> StoredCase | None:
        """See ``AuditStore.again``."""
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection, connection.transaction():
            return await locked_case(connection, case_id, partition)

    async def done(self, turn: Turn, *, last: Place | None, counts: Counts, pause: timedelta) -> bool:
        """See ``AuditStore.done``."""
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
            place = last or Place()
            found = await connection.fetchval(
                _WHOLE if last is None else _GO_ON,
                turn.number,
                place.strays,
                place.county,
                place.case_id,
                as_json(counts),
                pause,
            )
        return found is not None

    async def passes(self) -> Passes:
        """See ``AuditStore.passes``."""
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
            row = await connection.fetchrow("SELECT counts, looked_at, whole, whole_at, whole_seconds FROM auditor")
        if row is None:
            return Passes(counts=Counts())
        return Passes(
            counts=_counts.decode(row["counts"]),
            looked_at=row["looked_at"],
            whole=None if row["whole"] is None else _counts.decode(row["whole"]),
            whole_at=row["whole_at"],
            whole_seconds=row["whole_seconds"],
        )

    async def cases(self) -> int:
        """See ``AuditStore.cases``; a table that was never analysed counts as empty."""
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
            found: int = await connection.fetchval(
                "SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = 'case_facts'::regclass"
            )
        return found


_KEEP: Final = """UPDATE auditor SET strays = $2, county = $3, case_id = $4, looked_at = clock_timestamp(),
                         next_at = clock_timestamp() + $6"""
_GO_ON: Final = f"{_KEEP}, counts = $5 WHERE turn = $1 RETURNING turn"
_WHOLE: Final = f"""{_KEEP}, counts = '{{}}', whole = $5, whole_at = clock_timestamp(),
                         whole_seconds = extract(epoch FROM clock_timestamp() - began_at),
                         began_at = clock_timestamp() + $6
                    WHERE turn = $1 RETURNING turn"""


async def _strays(connection: Connection, after: Place, most: int) -> Slice:
    """Cases that have clocks and no facts, among the next ``most`` clocks."""
    seen = await connection.fetch(
        """SELECT s.case_id, min(s.partition) AS partition, bool_and(f.case_id IS NULL) AS stray
             FROM (SELECT case_id, partition FROM clock WHERE case_id > $1 ORDER BY case_id LIMIT $2) AS s
             LEFT JOIN case_facts f USING (case_id) GROUP BY s.case_id ORDER BY s.case_id""",
        after.case_id,
        most,
    )
    cases = [_without_facts(row["case_id"], row["partition"], ()) for row in seen if row["stray"]]
    return Slice(cases=cases, last=Place(strays=True, case_id=seen[-1]["case_id"]) if seen else None)


async def locked_case(connection: Connection, case_id: UUID, partition: int) -> StoredCase | None:
    """Take the lane and read one case in the transaction of ``connection``; None when nothing is left of it."""
    await connection.execute("SELECT pg_advisory_xact_lock($1, $2)", LANES, partition)
    facts = await connection.fetchrow(
        "SELECT case_id, partition, facts, traceparent FROM case_facts WHERE case_id = $1", case_id
    )
    rows = await connection.fetch("SELECT * FROM clock WHERE case_id = $1 ORDER BY clock_id FOR UPDATE", case_id)
    if facts is None:
        return _without_facts(case_id, partition, rows) if rows else None
    return stored_case(facts, rows)


def stored_case(row: asyncpg.Record, clocks: Iterable[asyncpg.Record]) -> StoredCase:
    """One case of its rows; what cannot be read is said and never in the way of others."""
    facts: Facts | None = None
    why = ""
    try:
        facts = decode_facts(row["facts"])
    except msgspec.DecodeError as error:
        why = f"its facts cannot be read: {error}"
    return StoredCase(
        case_id=row["case_id"],
        partition=row["partition"],
        facts=facts,
        traceparent=row["traceparent"],
        rows={one["clock_id"]: stored_clock(one) for one in clocks},
        why=why,
    )


def stored_clock(row: asyncpg.Record) -> StoredClock:
    """One row of clocks."""
    clock: RunningClock | None = None
    stop: Stop | None = None
    unreadable = ""
    try:
        clock, stop = running_of(row), stop_of(row)
    except (msgspec.DecodeError, ValueError) as error:
        unreadable = str(error)
    return StoredClock(
        clock_id=row["clock_id"],
        clock=clock,
        kind=row["kind"],
        stop=stop,
        moves=row["moves"],
        due_at=row["due_at"],
        held_at=row["held_at"],
        next_at=row["next_at"],
        breached_at=row["breached_at"],
        unreadable=unreadable,
    )


def _without_facts(case_id: UUID, partition: int, rows: Iterable[asyncpg.Record]) -> StoredCase:
    return StoredCase(
        case_id=case_id,
        partition=partition,
        facts=None,
        traceparent=None,
        rows={one["clock_id"]: stored_clock(one) for one in rows},
        why="the facts of the case are gone",
    )


def _by_case(rows: Iterable[Any]) -> dict[UUID, list[Any]]:
    found: dict[UUID, list[Any]] = defaultdict(list)
    for row in rows:
        found[row["case_id"]].append(row)
    return found
