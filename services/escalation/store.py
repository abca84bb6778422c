"""Clocks, facts and the ledger in PostgreSQL; schema in deploy/sql/escalation.

A fold holds the lanes of its partitions: a case lives in one partition number of every topic, so
whoever holds that lane is the only one to fold it. The timers take no lane: they lock clock rows and
skip those that are locked. So of a stop and a firing of one clock, the one that locks its row first
goes first: after the stop there is nothing left to fire, and a firing in flight is over before the
stop is written. Lanes are taken in order and before any row, so nothing here can deadlock.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from uuid import UUID

import msgspec

from services.escalation.domain.chain import RunningClock
from services.escalation.domain.clocks import Stop
from services.escalation.domain.fold import Fact, Facts
from services.escalation.ports import (
    CaseChange,
    Changes,
    Due,
    Fired,
    Firing,
    Folding,
    Horizon,
    KnownCase,
    Moving,
    Started,
    Waiting,
)
from shared.events.codec import Message
from shared.events.parts import CaseView
from shared.events.sla import Outcome
from shared.runtime.delivery import Partition
from shared.runtime.outbox import enqueue

if TYPE_CHECKING:
    import asyncpg

    from shared.runtime.postgres import Connection, Pool

    Now: TypeAlias = Callable[[Connection], Awaitable[datetime]]

ACQUIRE_SECONDS: Final = 10.0
LANES: Final = 0x657363
"""The space of advisory locks for lanes; the number is the ASCII of ``esc``."""

_facts = msgspec.json.Decoder(Facts)
_clock = msgspec.json.Decoder(RunningClock)
_view = msgspec.json.Decoder(CaseView)


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

    async def next_due(self) -> datetime | None:
        """The earliest instant of any clock; one look at the partial index."""
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
            found: datetime | None = await connection.fetchval(
                "SELECT min(next_at) FROM clock WHERE next_at IS NOT NULL"
            )
            return found

    async def next_offsets(self, partitions: Collection[Partition]) -> Mapping[Partition, int]:
        """The ledger, 0 for a partition never read."""
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
            rows = await connection.fetch(
                "SELECT topic, partition, next_offset FROM ledger WHERE topic = ANY($1)",
                list({p.topic for p in partitions}),
            )
        known = {Partition(row["topic"], row["partition"]): row["next_offset"] for row in rows}
        return {partition: known.get(partition, 0) for partition in partitions}

    async def waiting(self) -> Mapping[str, Waiting]:
        """The counties with waiting cases; one look at the partial index."""
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
            rows = await connection.fetch(
                """SELECT county, count(*) AS cases, min(waiting_since) AS since, min(waiting_for) AS reason
                     FROM case_facts WHERE waiting_since IS NOT NULL GROUP BY county LIMIT 10000"""
            )
        return {row["county"]: Waiting(cases=row["cases"], since=row["since"], reason=row["reason"]) for row in rows}

    async def running(self) -> Mapping[str, int]:
        """How many clocks run, by level; an index-only count for the metrics."""
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
            rows = await connection.fetch(
                "SELECT level, count(*) AS n FROM clock WHERE next_at IS NOT NULL GROUP BY level"
            )
        return {row["level"]: row["n"] for row in rows}


class PostgresFolding:
    """One transaction of the fold."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def claim(self, partitions: Collection[Partition]) -> Mapping[Partition, int]:
        """Take the lanes and read the ledger; a member that comes late for a partition waits, then finds repeats."""
        await self._take_lanes({partition.number for partition in partitions})
        ordered = sorted(partitions)
        topics, numbers = [p.topic for p in ordered], [p.number for p in ordered]
        await self._connection.execute(
            """INSERT INTO ledger (topic, partition, next_offset)
               SELECT topic, partition, 0 FROM unnest($1::text[], $2::int[]) AS t (topic, partition)
               ON CONFLICT DO NOTHING""",
            topics,
            numbers,
        )
        rows = await self._connection.fetch(
            """SELECT topic, partition, next_offset FROM ledger
                WHERE (topic, partition) IN (SELECT * FROM unnest($1::text[], $2::int[]))""",
            topics,
            numbers,
        )
        return {Partition(row["topic"], row["partition"]): row["next_offset"] for row in rows}

    async def known(self, case_ids: Collection[UUID]) -> Mapping[UUID, KnownCase]:
        """Read the cases and how their clocks stand; their lane is held, so both stay so."""
        ordered = list(case_ids)
        rows = await self._connection.fetch(
            "SELECT case_id, facts, partition, traceparent FROM case_facts WHERE case_id = ANY($1)", ordered
        )
        stops = await self._connection.fetch(
            "SELECT case_id, clock_id, stopped_at, outcome, stopped_by, moves FROM clock WHERE case_id = ANY($1)",
            ordered,
        )
        clocks: dict[UUID, dict[UUID, Stop | None]] = {}
        moves: dict[UUID, dict[UUID, int]] = {}
        for row in stops:
            clocks.setdefault(row["case_id"], {})[row["clock_id"]] = _stop(row)
            if row["moves"]:
                moves.setdefault(row["case_id"], {})[row["clock_id"]] = row["moves"]
        return {
            row["case_id"]: KnownCase(
                facts=_facts.decode(row["facts"]),
                partition=row["partition"],
                traceparent=row["traceparent"],
                clocks=clocks.get(row["case_id"], {}),
                moves=moves.get(row["case_id"], {}),
            )
            for row in rows
        }

    async def running(self, clock_ids: Collection[UUID]) -> Mapping[UUID, RunningClock]:
        """Lock and read clocks; a firing that holds one of them is over before it is read."""
        if not clock_ids:
            return {}
        rows = await self._connection.fetch(
            """SELECT clock_id, body, warnings_passed, breached_at FROM clock
                WHERE clock_id = ANY($1) ORDER BY clock_id FOR UPDATE""",
            list(clock_ids),
        )
        return {row["clock_id"]: _running(row) for row in rows}

    async def waiting(self, county: str, *, before: datetime, most: int) -> Sequence[UUID]:
        """Cases that wait, longest first, with their lanes taken; a case that no longer waits is harmless here."""
        rows = await self._connection.fetch(
            """SELECT case_id, partition FROM case_facts
                WHERE county = $1 AND waiting_since IS NOT NULL AND updated_at < $2
                ORDER BY waiting_since LIMIT $3""",
            county,
            before,
            most,
        )
        await self._take_lanes({row["partition"] for row in rows})
        return [row["case_id"] for row in rows]

    async def write(self, changes: Changes) -> Mapping[UUID, RunningClock]:
        """Write a batch's changes in a handful of statements."""
        await self._write_cases(changes.cases)
        await self._start(changes.started)
        await self._shift(changes.moved)
        stopped = await self._stop(changes.stopped)
        await self._move(changes.ledger)
        return stopped

    async def tell(self, messages: Sequence[Message]) -> None:
        """See ``Folding.tell``."""
        await enqueue(self._connection, messages)

    async def _take_lanes(self, numbers: Collection[int]) -> None:
        await self._connection.execute(
            "SELECT pg_advisory_xact_lock($1, number) FROM unnest($2::int[]) AS lane (number)", LANES, sorted(numbers)
        )

    async def _write_cases(self, cases: Sequence[CaseChange]) -> None:
        if not cases:
            return
        await self._connection.execute(
            """INSERT INTO case_facts
                      (case_id, county, version, partition, facts, traceparent, waiting_since, waiting_for)
               SELECT case_id, county, version, partition, facts, traceparent,
                      CASE WHEN waiting_for IS NULL THEN NULL ELSE clock_timestamp() END, waiting_for
                 FROM unnest($1::uuid[], $2::text[], $3::int[], $4::smallint[], $5::jsonb[], $6::text[], $7::text[])
                      AS t (case_id, county, version, partition, facts, traceparent, waiting_for)
               ON CONFLICT (case_id) DO UPDATE SET
                      version = excluded.version, facts = excluded.facts, traceparent = excluded.traceparent,
                      partition = excluded.partition, waiting_for = excluded.waiting_for,
                      waiting_since = CASE WHEN excluded.waiting_for IS NULL THEN NULL
                                           ELSE coalesce(case_facts.waiting_since, excluded.waiting_since) END,
                      updated_at = clock_timestamp()""",
            [case.facts.view.case_id for case in cases],
            [case.facts.view.county for case in cases],
            [case.facts.view.version for case in cases],
            [case.partition for case in cases],
            [_json(case.facts) for case in cases],
            [case.traceparent for case in cases],
            [case.waiting_for for case in cases],
        )

    async def _start(self, started: Sequence[Started]) -> None:
        if not started:
            return
        await self._connection.execute(
            """INSERT INTO clock (clock_id, case_id, order_id, kind, level, partition, started_at, due_at, body,
                                  traceparent, next_at, stopped_at, outcome, stopped_by, moves, held_at,
                                  warnings_passed)
               SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::smallint[],
                                    $7::timestamptz[], $8::timestamptz[], $9::jsonb[], $10::text[],
                                    $11::timestamptz[], $12::timestamptz[], $13::text[], $14::text[], $15::smallint[],
                                    $16::timestamptz[], $17::smallint[])
               ON CONFLICT (clock_id) DO NOTHING""",
            *_columns(started),
        )

    async def _shift(self, moved: Sequence[Moving]) -> None:
        if not moved:
            return
        ordered = sorted((one.clock for one in moved), key=lambda clock: clock.shown.clock_id)
        await self._connection.execute(
            """UPDATE clock SET body = t.body, due_at = t.due_at, moves = t.moves, held_at = t.held_at,
                               next_at = t.next_at, warnings_passed = t.warnings_passed
                 FROM unnest($1::uuid[], $2::jsonb[], $3::timestamptz[], $4::smallint[], $5::timestamptz[],
                             $6::timestamptz[], $7::smallint[])
                      AS t (clock_id, body, due_at, moves, held_at, next_at, warnings_passed)
                WHERE clock.clock_id = t.clock_id AND clock.stopped_at IS NULL""",
            [clock.shown.clock_id for clock in ordered],
            [_json(clock) for clock in ordered],
            [clock.shown.due_at for clock in ordered],
            [clock.moves for clock in ordered],
            [clock.still.since if clock.still else None for clock in ordered],
            [clock.next_at for clock in ordered],
            [clock.warnings_passed for clock in ordered],
        )

    async def _stop(self, stopped: Mapping[UUID, Stop]) -> Mapping[UUID, RunningClock]:
        if not stopped:
            return {}
        ordered = sorted(stopped.items())
        rows = await self._connection.fetch(
            """UPDATE clock SET next_at = NULL, stopped_at = t.stopped_at,
                               outcome = t.outcome, stopped_by = t.stopped_by
                 FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[])
                      AS t (clock_id, stopped_at, outcome, stopped_by)
                WHERE clock.clock_id = t.clock_id
            RETURNING clock.clock_id, clock.body""",
            [clock_id for clock_id, _ in ordered],
            [stop.at for _, stop in ordered],
            [str(stop.outcome) for _, stop in ordered],
            [str(stop.by) for _, stop in ordered],
        )
        return {row["clock_id"]: _clock.decode(row["body"]) for row in rows}

    async def _move(self, ledger: Mapping[Partition, int]) -> None:
        if not ledger:
            return
        await self._connection.execute(
            """UPDATE ledger SET next_offset = t.next_offset, updated_at = clock_timestamp()
                 FROM unnest($1::text[], $2::int[], $3::bigint[]) AS t (topic, partition, next_offset)
                WHERE ledger.topic = t.topic AND ledger.partition = t.partition
                  AND ledger.next_offset <> t.next_offset""",
            [partition.topic for partition in ledger],
            [partition.number for partition in ledger],
            list(ledger.values()),
        )


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
        return [_due(row) for row in rows]

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


def _columns(started: Iterable[Started]) -> list[list[Any]]:
    """One list a column of ``clock``, in the order of the INSERT."""
    rows = [
        (
            one.clock.shown.clock_id,
            one.clock.case_id,
            one.clock.shown.order_id,
            str(one.clock.shown.kind),
            str(one.clock.shown.level),
            one.partition,
            one.clock.shown.started_at,
            one.clock.shown.due_at,
            _json(one.clock),
            one.traceparent,
            one.clock.next_at if one.stop is None else None,
            one.stop.at if one.stop else None,
            str(one.stop.outcome) if one.stop else None,
            str(one.stop.by) if one.stop else None,
            one.clock.moves,
            one.clock.still.since if one.clock.still else None,
            one.clock.warnings_passed,
        )
        for one in started
    ]
    return [list(column) for column in zip(*rows, strict=True)]


def _stop(row: asyncpg.Record) -> Stop | None:
    if row["stopped_at"] is None:
        return None
    return Stop(at=row["stopped_at"], outcome=Outcome(row["outcome"]), by=Fact(row["stopped_by"]))


def _running(row: asyncpg.Record) -> RunningClock:
    clock = _clock.decode(row["body"])
    return replace(clock, warnings_passed=row["warnings_passed"], breached=row["breached_at"] is not None)


def _due(row: asyncpg.Record) -> Due:
    clock = replace(_clock.decode(row["body"]), warnings_passed=row["warnings_passed"])
    return Due(clock=clock, view=_view.decode(row["view"]), traceparent=row["traceparent"])


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
