"""One transaction of the fold."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final, TypeAlias
from uuid import UUID

from msgspec.structs import replace

from services.escalation.domain.chain import RunningClock
from services.escalation.domain.clocks import Stop
from services.escalation.domain.warning.reports import Report
from services.escalation.ports import (
    CaseChange,
    Changes,
    KnownCase,
    Moving,
    Started,
)
from services.escalation.store.rows import as_json, columns, decode_clock, decode_facts, running_of, stop_of
from services.escalation.store.warning import count
from shared.events.codec import Message
from shared.runtime.delivery import Partition
from shared.runtime.outbox import enqueue
from shared.vocabulary import CASE_ENDED

if TYPE_CHECKING:
    from shared.runtime.postgres import Connection

    Now: TypeAlias = Callable[[Connection], Awaitable[datetime]]

LANES: Final = 0x657363
"""The space of advisory locks for lanes; the number is the ASCII of ``esc``."""


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
            clocks.setdefault(row["case_id"], {})[row["clock_id"]] = stop_of(row)
            if row["moves"]:
                moves.setdefault(row["case_id"], {})[row["clock_id"]] = row["moves"]
        return {
            row["case_id"]: KnownCase(
                facts=decode_facts(row["facts"]),
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
            """SELECT clock_id, body, warnings_passed, steps_taken, breached_at FROM clock
                WHERE clock_id = ANY($1) ORDER BY clock_id FOR UPDATE""",
            list(clock_ids),
        )
        return {row["clock_id"]: running_of(row) for row in rows}

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
        await self._press(changes.pressed)
        stopped = await self._stop(changes.stopped)
        await self._move(changes.ledger)
        return stopped

    async def breach(self, late: Mapping[UUID, datetime]) -> None:
        """See ``Folding.breach``; the rows were written, and so are held, by this transaction."""
        if not late:
            return
        await self._connection.execute(
            """UPDATE clock SET breached_at = t.breached_at
                 FROM unnest($1::uuid[], $2::timestamptz[]) AS t (clock_id, breached_at)
                WHERE clock.clock_id = t.clock_id AND clock.breached_at IS NULL""",
            list(late),
            list(late.values()),
        )

    async def tell(self, messages: Sequence[Message]) -> None:
        """See ``Folding.tell``."""
        await enqueue(self._connection, messages)

    async def count(self, reports: Sequence[Report]) -> None:
        """See ``Folding.count``."""
        await count(self._connection, reports)

    async def _take_lanes(self, numbers: Collection[int]) -> None:
        await self._connection.execute(
            "SELECT pg_advisory_xact_lock($1, number) FROM unnest($2::int[]) AS lane (number)", LANES, sorted(numbers)
        )

    async def _write_cases(self, cases: Sequence[CaseChange]) -> None:
        if not cases:
            return
        await self._connection.execute(
            """INSERT INTO case_facts
                      (case_id, county, version, partition, facts, traceparent, waiting_since, waiting_for, ended_at)
               SELECT case_id, county, version, partition, facts, traceparent,
                      CASE WHEN waiting_for IS NULL THEN NULL ELSE clock_timestamp() END, waiting_for,
                      CASE WHEN ended THEN clock_timestamp() END
                 FROM unnest($1::uuid[], $2::text[], $3::int[], $4::smallint[], $5::jsonb[], $6::text[], $7::text[],
                             $8::bool[])
                      AS t (case_id, county, version, partition, facts, traceparent, waiting_for, ended)
               ON CONFLICT (case_id) DO UPDATE SET
                      version = excluded.version, facts = excluded.facts, traceparent = excluded.traceparent,
                      partition = excluded.partition, waiting_for = excluded.waiting_for,
                      waiting_since = CASE WHEN excluded.waiting_for IS NULL THEN NULL
                                           ELSE coalesce(case_facts.waiting_since, excluded.waiting_since) END,
                      updated_at = clock_timestamp(), ended_at = excluded.ended_at""",
            [case.facts.view.case_id for case in cases],
            [case.facts.view.county for case in cases],
            [case.facts.view.version for case in cases],
            [case.partition for case in cases],
            [as_json(case.facts) for case in cases],
            [case.traceparent for case in cases],
            [case.waiting_for for case in cases],
            [case.facts.view.state in CASE_ENDED for case in cases],
        )

    async def _start(self, started: Sequence[Started]) -> None:
        if not started:
            return
        await self._connection.execute(
            """INSERT INTO clock (clock_id, case_id, order_id, kind, level, partition, started_at, due_at, body,
                                  traceparent, next_at, stopped_at, outcome, stopped_by, moves, held_at,
                                  warnings_passed, urgency, steps_taken)
               SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::smallint[],
                                    $7::timestamptz[], $8::timestamptz[], $9::jsonb[], $10::text[],
                                    $11::timestamptz[], $12::timestamptz[], $13::text[], $14::text[], $15::smallint[],
                                    $16::timestamptz[], $17::smallint[], $18::smallint[], $19::smallint[])
               ON CONFLICT (clock_id) DO NOTHING""",
            *columns(started),
        )

    async def _shift(self, moved: Sequence[Moving]) -> None:
        if not moved:
            return
        ordered = sorted((one.clock for one in moved), key=lambda clock: clock.shown.clock_id)
        await self._connection.execute(
            """UPDATE clock SET body = t.body, due_at = t.due_at, moves = t.moves, held_at = t.held_at,
                               next_at = t.next_at, warnings_passed = t.warnings_passed,
                               steps_taken = t.steps_taken
                 FROM unnest($1::uuid[], $2::jsonb[], $3::timestamptz[], $4::smallint[], $5::timestamptz[],
                             $6::timestamptz[], $7::smallint[], $8::smallint[])
                      AS t (clock_id, body, due_at, moves, held_at, next_at, warnings_passed, steps_taken)
                WHERE clock.clock_id = t.clock_id AND clock.stopped_at IS NULL""",
            [clock.shown.clock_id for clock in ordered],
            [as_json(clock) for clock in ordered],
            [clock.shown.due_at for clock in ordered],
            [clock.moves for clock in ordered],
            [clock.still.since if clock.still else None for clock in ordered],
            [clock.next_at for clock in ordered],
            [clock.warnings_passed for clock in ordered],
            [clock.steps_taken for clock in ordered],
        )

    async def _press(self, pressed: Mapping[UUID, int]) -> None:
        """Keep how urgent the running clocks of cases are whose severity has changed."""
        if not pressed:
            return
        await self._connection.execute(
            """UPDATE clock SET urgency = t.urgency FROM unnest($1::uuid[], $2::smallint[]) AS t (case_id, urgency)
                WHERE clock.case_id = t.case_id AND clock.stopped_at IS NULL AND clock.urgency <> t.urgency""",
            list(pressed),
            list(pressed.values()),
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
            RETURNING clock.clock_id, clock.body, clock.breached_at""",
            [clock_id for clock_id, _ in ordered],
            [stop.at for _, stop in ordered],
            [str(stop.outcome) for _, stop in ordered],
            [str(stop.by) for _, stop in ordered],
        )
        return {
            row["clock_id"]: replace(decode_clock(row["body"]), breached=row["breached_at"] is not None) for row in rows
        }

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
