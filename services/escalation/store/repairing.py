"""The port ``RepairStore``: one case's rows are written anew in one transaction that holds its lane.

A clock that changes is taken out and put in again by the fold's own statement, so its columns are those of a clock that
was never touched. Its row is locked before, so no firing is in flight, and none sees it missing.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from services.escalation.audit_ports import StoredCase
from services.escalation.domain.mending import Mended, Told
from services.escalation.ports import CaseChange, Changes, Started
from services.escalation.repair_ports import Entry, Found, Work
from services.escalation.store.auditing import locked_case
from services.escalation.store.folding import LANES, PostgresFolding
from services.escalation.store.postgres import ACQUIRE_SECONDS, database_now
from shared.events.codec import encode
from shared.runtime.delivery import Partition, Record
from shared.runtime.outbox import shard_of

if TYPE_CHECKING:
    from services.escalation.store.folding import Now
    from shared.runtime.postgres import Connection, Pool


class PostgresRepairs:
    """See ``RepairStore``."""

    def __init__(self, pool: Pool, *, topics: Sequence[str], now: Now = database_now) -> None:
        self._pool = pool
        self._topics = topics
        self._now = now

    async def find(self, case_id: UUID) -> Found:
        """See ``RepairStore.find``; what cannot be read names no beginning."""
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
            case = await connection.fetchrow(
                "SELECT partition, facts #>> '{view,opened_at}' AS opened_at FROM case_facts WHERE case_id = $1",
                case_id,
            )
            clocks = await connection.fetchrow(
                "SELECT min(partition) AS partition, min(started_at) AS since FROM clock WHERE case_id = $1", case_id
            )
        found = {} if clocks is None else dict(clocks)
        since = [at for at in (found.get("since"), _instant(case["opened_at"] if case else None)) if at is not None]
        return Found(
            partition=found.get("partition") if case is None else case["partition"], since=min(since, default=None)
        )

    async def ledger(self, number: int) -> Mapping[Partition, int]:
        """See ``RepairStore.ledger``."""
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
            return await _ledger(connection, number, self._topics)

    @asynccontextmanager
    async def work(self, number: int) -> AsyncIterator[Work]:
        """See ``RepairStore.work``."""
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection, connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1, $2)", LANES, number)
            yield _Work(connection, number, self._topics, self._now)


class _Work:
    def __init__(self, connection: Connection, number: int, topics: Sequence[str], now: Now) -> None:
        self._connection = connection
        self._number = number
        self._topics = topics
        self._now = now

    async def now(self) -> datetime:
        return await self._now(self._connection)

    async def ledger(self) -> Mapping[Partition, int]:
        return await _ledger(self._connection, self._number, self._topics)

    async def case(self, case_id: UUID) -> StoredCase | None:
        return await locked_case(self._connection, case_id, self._number)

    async def unsent(self, case_id: UUID) -> Sequence[Record]:
        key = str(case_id).encode()
        rows = await self._connection.fetch(
            "SELECT topic, position, value, headers FROM outbox WHERE shard = $1 AND key = $2 ORDER BY position",
            shard_of(key),
            key,
        )
        return [
            Record(row["topic"], self._number, row["position"], key, row["value"], _headers(row["headers"]), 0)
            for row in rows
        ]

    async def write(self, case: CaseChange, mended: Sequence[Mended], told: Sequence[Told], entry: Entry) -> None:
        folding = PostgresFolding(self._connection)
        await self._connection.execute(
            "DELETE FROM clock WHERE clock_id = ANY($1)", [one.clock.shown.clock_id for one in mended]
        )
        started = [
            Started(
                clock=one.clock,
                partition=case.partition,
                traceparent=case.traceparent,
                stop=one.stop,
                urgency=int(case.facts.view.severity),
            )
            for one in mended
        ]
        await folding.write(Changes(cases=[case], started=started))
        await self._connection.execute(
            """UPDATE clock SET breached_at = t.breached_at FROM unnest($1::uuid[], $2::timestamptz[])
                      AS t (clock_id, breached_at) WHERE clock.clock_id = t.clock_id AND t.breached_at IS NOT NULL""",
            [one.clock.shown.clock_id for one in mended],
            [one.breached_at for one in mended],
        )
        await folding.tell([encode(event) for event in told])
        await self._connection.execute(
            "INSERT INTO repair (repair_id, case_id, by, reason, source, difference) VALUES ($1, $2, $3, $4, $5, $6)",
            entry.repair_id,
            entry.asked.case_id,
            entry.asked.by,
            entry.asked.reason,
            str(entry.basis),
            json.dumps(entry.difference, ensure_ascii=False),
        )


def _instant(text: str | None) -> datetime | None:
    try:
        at = None if text is None else datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if at is None or at.tzinfo is None else at


async def _ledger(connection: Connection, number: int, topics: Sequence[str]) -> Mapping[Partition, int]:
    rows = await connection.fetch(
        "SELECT topic, next_offset FROM ledger WHERE partition = $1 AND topic = ANY($2)", number, list(topics)
    )
    known = {row["topic"]: row["next_offset"] for row in rows}
    return {Partition(topic, number): known.get(topic, 0) for topic in topics}


def _headers(text: str) -> tuple[tuple[str, bytes], ...]:
    return tuple((name, value.encode()) for name, value in json.loads(text))
