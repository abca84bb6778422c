"""The transaction that tells a batch: locks its cases, folds them, queues deliveries, appends to the feed.

Locks are taken in one order everywhere, so that no two transactions wait for each other: cases by
id, subscriptions by id, the feed's lock last; after it nothing waits for anybody.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

import asyncpg

from services.notifier.domain.clocks import ClockRead
from services.notifier.domain.fold import CaseRead
from services.notifier.domain.orders import OrderRead
from services.notifier.domain.proposals import Ruling
from services.notifier.domain.telling import Telling
from services.notifier.domain.tracking import Link
from services.notifier.ports import Owed, Subscriber, Unstorable
from services.notifier.store.filters import AREA_DIGITS, StoredFilter
from services.notifier.store.rows import records, value_of
from services.notifier.store.told_rows import (
    case_row,
    clock_rows,
    feed_row,
    link_row,
    mode_row,
    order_row,
    owed_row,
    ruling_row,
    settled_rows,
    timeline_row,
)
from shared.events.mode import ModeChanged

if TYPE_CHECKING:
    from shared.runtime.postgres import Connection, Pool

FEED_LOCK: Final = 0x7768_6973_6665_6564
"""The advisory lock that orders the feed; the number is the ASCII of ``whisfeed``. See docs/decisions/0006."""
ACQUIRE_SECONDS: Final = 10.0
NEVER_STORABLE: Final = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,
)


class PostgresReadSide:
    """See ``ports.ReadSide``."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def keep_modes(self, changes: Sequence[ModeChanged]) -> None:
        """See ``ports.ReadSide.keep_modes``."""
        try:
            async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
                await connection.execute(
                    """
                    INSERT INTO mode_change (change_id, area, changed_at, body)
                    SELECT * FROM json_to_recordset($1::json)
                        AS r (change_id uuid, area text, changed_at timestamptz, body json)
                    ON CONFLICT (change_id) DO NOTHING
                    """,
                    records(mode_row(change) for change in changes),
                )
        except NEVER_STORABLE as error:
            raise Unstorable(f"{type(error).__name__}: {error}") from error

    @asynccontextmanager
    async def work(self) -> AsyncIterator[PostgresWork]:
        """See ``ports.ReadSide.work``."""
        try:
            async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection, connection.transaction():
                yield PostgresWork(connection)
        except NEVER_STORABLE as error:
            raise Unstorable(f"{type(error).__name__}: {error}") from error


class PostgresWork:
    """See ``ports.Work``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def open_cases(self, case_ids: Collection[UUID]) -> Mapping[UUID, CaseRead]:
        """See ``ports.Work.open_cases``. A case that nobody knows yet gets its row now, to lock it by."""
        wanted = sorted(case_ids)
        await self._connection.execute(
            "INSERT INTO case_view (case_id) SELECT * FROM unnest($1::uuid[]) ORDER BY 1 ON CONFLICT DO NOTHING", wanted
        )
        rows = await self._connection.fetch(
            "SELECT case_id, fold FROM case_view WHERE case_id = ANY($1) ORDER BY case_id FOR UPDATE", wanted
        )
        known = {row["case_id"]: value_of(CaseRead, row["fold"]) for row in rows if row["fold"] is not None}
        return await _with_parts(self._connection, known)

    async def told(self, event_ids: Collection[UUID]) -> frozenset[UUID]:
        """See ``ports.Work.told``."""
        rows = await self._connection.fetch("SELECT event_id FROM timeline WHERE event_id = ANY($1)", list(event_ids))
        return frozenset(row["event_id"] for row in rows)

    async def subscribers(self, areas: Collection[str], *, counties: Collection[str] = ()) -> Sequence[Subscriber]:
        """See ``ports.Work.subscribers``; ``KEY SHARE`` holds off their deletion, not their use."""
        prefixes = {area[:digits] for area in areas for digits in AREA_DIGITS if len(area) >= digits}
        # Circulars are rare: all others keep to the index.
        of_counties = "OR left(area, 6) = ANY($2)" if counties else "AND $2::text[] IS NOT NULL"
        rows = await self._connection.fetch(
            f"""
            SELECT subscription_id, owner_area, department, filter FROM subscription
            WHERE (area = ANY($1) {of_counties}) AND state = 'active' ORDER BY subscription_id FOR KEY SHARE
            """,  # noqa: S608  one of two constants
            sorted(prefixes),
            sorted(counties),
        )
        return [_subscriber(row) for row in rows]

    async def save(self, reads: Sequence[CaseRead], tellings: Sequence[Telling]) -> None:
        """See ``ports.Work.save``."""
        await self._connection.execute(_SAVE_CASES, records(case_row(read) for read in reads))
        await self._connection.execute(
            _SAVE_ORDERS, records(order_row(order, read) for read in reads for order in read.orders.values())
        )
        await self._connection.execute(_SAVE_CLOCKS, records(row for read in reads for row in clock_rows(read)))
        await self._connection.execute(_SAVE_TIMELINE, records(timeline_row(telling) for telling in tellings))
        outcomes = [row for read in reads for row in settled_rows(read)]
        if outcomes:
            await self._connection.execute(_SAVE_SETTLED, records(outcomes))

    async def remember(self, rulings: Sequence[Ruling]) -> None:
        """See ``ports.Work.remember``."""
        if rulings:
            await self._connection.execute(
                """
                INSERT INTO ruling (event_id, case_id, department, category, area, ruled_at)
                SELECT * FROM json_to_recordset($1::json) AS r (event_id uuid, case_id uuid, department text,
                    category text, area text, ruled_at timestamptz)
                ON CONFLICT (event_id) DO NOTHING
                """,
                records(ruling_row(ruling) for ruling in rulings),
            )

    async def follow(self, links: Sequence[Link]) -> None:
        """See ``ports.Work.follow``."""
        if links:
            await self._connection.execute(
                """
                INSERT INTO tracked (digest, event_id, case_id, report_id, how, since)
                SELECT * FROM json_to_recordset($1::json) AS r (digest text, event_id uuid, case_id uuid,
                    report_id uuid, how text, since timestamptz)
                ON CONFLICT (digest, event_id) DO NOTHING
                """,
                records(link_row(link) for link in links),
            )

    async def owe(self, owed: Sequence[Owed], *, now: datetime) -> None:
        """See ``ports.Work.owe``."""
        if not owed:
            return
        await self._connection.execute(
            """
            INSERT INTO delivery (delivery_id, subscription_id, event_id, case_id, type, state, reason, next_at, body,
                                  traceparent, created_at, finished_at, longest_pause)
            SELECT delivery_id, subscription_id, event_id, case_id, type, state, reason,
                   CASE state WHEN 'waiting' THEN $2::timestamptz END, body, traceparent, $2::timestamptz,
                   CASE state WHEN 'waiting' THEN NULL ELSE $2::timestamptz END, make_interval(secs => pause_seconds)
            FROM json_to_recordset($1::json) AS r (delivery_id uuid, subscription_id uuid, event_id uuid, case_id uuid,
                                                   type text, state text, reason text, body text, traceparent text,
                                                   pause_seconds double precision)
            ON CONFLICT (delivery_id) DO NOTHING
            """,
            records(owed_row(one) for one in owed),
            now,
        )
        await self._connection.execute("SELECT pg_notify('notifier_delivery', '')")

    async def publish(self, tellings: Sequence[Telling]) -> None:
        """See ``ports.Work.publish``.

        The lock is held from here until the commit is visible to others, so a reader that has seen a
        position has seen, or can see, every position before it.
        """
        await self._connection.execute("SELECT pg_advisory_xact_lock($1)", FEED_LOCK)
        await self._connection.execute(
            """
            INSERT INTO feed (event_id, case_id, type, area, level, category, severity, departments, purpose, mode,
                              data, circular)
            SELECT event_id, case_id, type, area, level, category, severity, departments, purpose, mode, data::text,
                   circular::text
            FROM json_to_recordset($1::json) AS r (place integer, event_id uuid, case_id uuid, type text, area text,
                level text, category text, severity smallint, departments text[], purpose text, mode text, data json,
                circular json)
            ORDER BY place
            """,
            records({"place": place, **feed_row(telling)} for place, telling in enumerate(tellings)),
        )
        await self._connection.execute("SELECT pg_notify('notifier_feed', '')")


async def _with_parts(connection: Connection, known: Mapping[UUID, CaseRead]) -> dict[UUID, CaseRead]:
    orders: dict[UUID, dict[UUID, OrderRead]] = defaultdict(dict)
    for row in await connection.fetch("SELECT case_id, fold FROM case_order WHERE case_id = ANY($1)", list(known)):
        order = value_of(OrderRead, row["fold"])
        orders[row["case_id"]][order.order_id] = order
    clocks: dict[UUID, dict[UUID, ClockRead]] = defaultdict(dict)
    for row in await connection.fetch("SELECT case_id, fold FROM case_clock WHERE case_id = ANY($1)", list(known)):
        clock = value_of(ClockRead, row["fold"])
        clocks[row["case_id"]][clock.clock.clock_id] = clock
    return {
        case_id: replace(read, orders=orders.get(case_id, {}), clocks=clocks.get(case_id, {}))
        for case_id, read in known.items()
    }


async def read_case(connection: Connection, case_id: UUID) -> CaseRead | None:
    """Return what is known of one case, without locking it."""
    text = await connection.fetchval("SELECT fold FROM case_view WHERE case_id = $1", case_id)
    if text is None:
        return None
    return (await _with_parts(connection, {case_id: value_of(CaseRead, text)}))[case_id]


def _subscriber(row: asyncpg.Record) -> Subscriber:
    stored = value_of(StoredFilter, row["filter"])
    return Subscriber(
        subscription_id=row["subscription_id"],
        scope=stored.scope(row["owner_area"], row["department"]),
        asked=stored.filter(),
    )


_SAVE_CASES: Final = """
    UPDATE case_view AS c SET version = r.version, state = r.state, area = r.area, level = r.level,
        category = r.category, severity = r.severity, title = r.title, opened_at = r.opened_at,
        departments = r.departments, due_at = r.due_at, escalated_to = r.escalated_to,
        purpose = r.purpose, mode = r.mode, waits = r.waits, secret = r.secret, summary = r.summary, fold = r.fold
    FROM json_to_recordset($1::json) AS r (case_id uuid, version integer, state text, area text, level text,
        category text, severity smallint, title text, opened_at timestamptz, departments text[], due_at timestamptz,
        escalated_to text, purpose text, mode text, waits text[], secret boolean,
        summary json, fold json)
    WHERE c.case_id = r.case_id
"""
_SAVE_ORDERS: Final = """
    INSERT INTO case_order AS o (order_id, case_id, level, state, fold)
    SELECT * FROM json_to_recordset($1::json) AS r (order_id uuid, case_id uuid, level text, state text, fold json)
    ON CONFLICT (order_id) DO UPDATE SET level = excluded.level, state = excluded.state, fold = excluded.fold
    WHERE o.fold::text <> excluded.fold::text
"""
_SAVE_CLOCKS: Final = """
    INSERT INTO case_clock AS k (clock_id, case_id, open, due_at, escalated_to, fold)
    SELECT * FROM json_to_recordset($1::json)
        AS r (clock_id uuid, case_id uuid, open boolean, due_at timestamptz, escalated_to text, fold json)
    ON CONFLICT (clock_id) DO UPDATE SET open = excluded.open, due_at = excluded.due_at,
        escalated_to = excluded.escalated_to, fold = excluded.fold
    WHERE k.open <> excluded.open OR k.fold::text <> excluded.fold::text
"""
_SAVE_TIMELINE: Final = """
    INSERT INTO timeline (event_id, case_id, sequence, rank, at, departments, entry, public)
    SELECT * FROM json_to_recordset($1::json) AS r (event_id uuid, case_id uuid, sequence integer, rank smallint,
        at timestamptz, departments text[], entry json, public json)
"""

_SAVE_SETTLED: Final = """
    INSERT INTO mode_settled AS m (change_id, case_id, outcome)
    SELECT * FROM json_to_recordset($1::json) AS r (change_id uuid, case_id uuid, outcome text)
    ON CONFLICT (change_id, case_id) DO UPDATE SET outcome = excluded.outcome WHERE m.outcome <> excluded.outcome
"""
