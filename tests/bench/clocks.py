"""A million open clocks, so many due each second while so many events are folded, in one escalation process.

``WHISTLE_BENCH_CLOCKS`` are open (1,000,000); each of ``WHISTLE_BENCH_LOADS`` (``5000:2000``: due a second, events a
second) lasts ``WHISTLE_BENCH_SECONDS`` (60). Every due clock is late and says so in one event; every event opens a case
and starts its clocks. Lateness is that of the instant at which the database was asked, by its own clock.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import asyncpg
import psutil

from deploy.local.platform import Platform
from shared.events.codec import Message
from shared.events.topics import CASE_PARTITIONS
from shared.runtime.delivery import Publisher
from shared.vocabulary import Severity
from tests.bench.ground import Spent, cases, fill, ground, until
from tests.bench.table import Row

OPEN: Final = int(os.environ.get("WHISTLE_BENCH_CLOCKS", "1000000"))
SECONDS: Final = int(os.environ.get("WHISTLE_BENCH_SECONDS", "60"))
LOADS: Final = tuple(
    (int(due), int(events))
    for due, events in (one.split(":") for one in os.environ.get("WHISTLE_BENCH_LOADS", "5000:2000").split(","))
)
TEMPLATES: Final = 50
AT_ONCE: Final = 50_000
SEEDED_A_SECOND: Final = 1500
"""How fast due clocks are seeded at least: the first of them must not be due before."""
AHEAD: Final = timedelta(seconds=20)
PATIENCE: Final = 180.0
TICK: Final = 0.1
LOOK: Final = 0.2

_COPY_CASES: Final = """
    INSERT INTO case_facts SELECT made.* FROM copied JOIN template_facts t USING (number),
    LATERAL jsonb_populate_record(t.row, jsonb_build_object(
        'case_id', copied.case_id, 'partition', copied.partition,
        'facts', (t.row).facts || jsonb_build_object('view', (t.row).facts -> 'view'
            || jsonb_build_object('case_id', copied.case_id)))) AS made
"""
_COPY_CLOCKS: Final = """
    INSERT INTO clock SELECT made.* FROM copied JOIN template_clock t USING (number),
    LATERAL jsonb_populate_record(t.row, jsonb_build_object(
        'case_id', copied.case_id, 'clock_id', copied.clock_id, 'partition', copied.partition,
        'due_at', copied.due_at, 'next_at', copied.due_at, 'breached_at', NULL, 'stopped_at', NULL, 'outcome', NULL,
        'stopped_by', NULL, 'warnings_passed', 0, 'steps_taken', 0,
        'body', (t.row).body || jsonb_build_object('case_id', copied.case_id, 'warnings', '[]'::jsonb,
            'warnings_passed', 0, 'breached', false, 'steps', '[]'::jsonb, 'chain', NULL,
            'shown', (t.row).body -> 'shown' || jsonb_build_object(
                'clock_id', copied.clock_id, 'due_at', to_char(copied.due_at AT TIME ZONE 'UTC',
                'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'when_late', 'none')))) AS made
"""
_COPIED: Final = """
    CREATE TEMP TABLE copied AS
    SELECT n % $1 AS number, gen_random_uuid() AS case_id, gen_random_uuid() AS clock_id, n % $2 AS partition,
        $3::timestamptz + n * $4::interval AS due_at
    FROM generate_series(0, $5 - 1) AS n
"""
_LATE: Final = """
    SELECT count(*) AS fired, coalesce(percentile_cont(ARRAY[0.5, 0.99, 1]) WITHIN GROUP (
        ORDER BY extract(epoch FROM breached_at - due_at)), '{0,0,0}') AS late
    FROM clock WHERE breached_at IS NOT NULL AND due_at >= $1 AND due_at < $2
"""

_STILL_DUE: Final = """
    SELECT EXISTS (
        SELECT 1 FROM generate_series(0, $1::int - 1) AS lane (number), unnest($2::int[]) AS grade (urgency),
        LATERAL (SELECT 1 FROM clock
                  WHERE partition = lane.number AND urgency = grade.urgency AND next_at < $3 LIMIT 1) AS one)
"""
"""One glance a lane and grade into the index that firing uses: a look over all clocks would take the core from it."""
_FOLDED: Final = "SELECT coalesce(sum(next_offset), 0)::bigint FROM ledger"


@dataclass(slots=True, kw_only=True)
class Seen:
    """What was seen of the process and the fold while a load lasted."""

    sent: int = 0
    memory: int = 0
    lag: int = 0


async def bench() -> Sequence[Row]:
    """Seed, then one load after the other, then a start anew."""
    rows: list[Row] = []
    async with ground("escalation") as system, _connected(system) as connection:
        await _templates(system, connection)
        began = time.perf_counter()
        await _open(connection)
        rows.append(Row(what=f"{OPEN:,} open clocks are there after", figure=time.perf_counter() - began, unit="s"))
        for due, events in LOADS:
            rows += await _load(system, connection, due, events)
        rows += await _sizes(connection)
        rows.append(await _restart(system, connection))
    return rows


@asynccontextmanager
async def _connected(system: Platform) -> AsyncIterator[asyncpg.Connection[Any]]:
    connection = await asyncpg.connect(system.dsn, server_settings={"search_path": "escalation"})
    try:
        yield connection
    finally:
        await connection.close(timeout=5)


async def _templates(system: Platform, connection: asyncpg.Connection[Any]) -> None:
    """Have the service fold a few cases, whose rows are copied then."""
    await fill(system.bootstrap, list(cases(TEMPLATES)))

    async def folded() -> bool:
        return bool(await connection.fetchval("SELECT count(DISTINCT case_id) >= $1 FROM clock", TEMPLATES))

    await until(folded)
    await asyncio.to_thread(system.stop_part, "escalation")
    await connection.execute("""
        CREATE TEMP TABLE template_clock AS
        SELECT row_number() OVER () - 1 AS number, c AS row
        FROM (SELECT DISTINCT ON (case_id) * FROM clock ORDER BY case_id, clock_id) AS one
        JOIN clock c USING (clock_id);
        CREATE TEMP TABLE template_facts AS
        SELECT t.number, f AS row FROM template_clock t JOIN case_facts f ON f.case_id = (t.row).case_id;
    """)


async def _open(connection: asyncpg.Connection[Any]) -> None:
    far = await connection.fetchval("SELECT clock_timestamp() + interval '300 days'")
    for start in range(0, OPEN, AT_ONCE):
        await _copy(connection, min(AT_ONCE, OPEN - start), since=far, apart=timedelta(seconds=1))
    await connection.execute("VACUUM ANALYZE clock")
    await connection.execute("VACUUM ANALYZE case_facts")


async def _copy(connection: asyncpg.Connection[Any], count: int, *, since: datetime, apart: timedelta) -> None:
    await connection.execute("DROP TABLE IF EXISTS copied")
    await connection.execute(_COPIED, TEMPLATES, CASE_PARTITIONS, since, apart, count, timeout=600)
    await connection.execute(_COPY_CASES, timeout=600)
    await connection.execute(_COPY_CLOCKS, timeout=600)


async def _load(system: Platform, connection: asyncpg.Connection[Any], due: int, events: int) -> list[Row]:
    count = due * SECONDS
    messages = list(cases(events * SECONDS))
    since = await connection.fetchval("SELECT clock_timestamp()") + timedelta(seconds=count / SEEDED_A_SECOND) + AHEAD
    for start in range(0, count, AT_ONCE):
        at = since + timedelta(seconds=start / due)
        await _copy(connection, min(AT_ONCE, count - start), since=at, apart=timedelta(seconds=1 / due))
    await connection.execute("ANALYZE clock")
    await asyncio.to_thread(system.start_part, "escalation")
    spent, seen, starts = Spent(system), Seen(), system.starts("escalation")
    left = (since - await connection.fetchval("SELECT clock_timestamp()")).total_seconds()
    await asyncio.sleep(max(left, 0))
    watching = asyncio.create_task(_watch(system, seen))
    sent = await _send(system.bootstrap, messages, events, seen)
    until_at = since + timedelta(seconds=SECONDS)
    took = await _all_fired(connection, until_at)
    watching.cancel()
    row = await connection.fetchrow(_LATE, since, until_at)
    if row is None:
        raise AssertionError("an aggregate without a row")
    fired, (half, most, worst) = row["fired"], row["late"]
    if system.starts("escalation") != starts:
        raise AssertionError("the process ended under load:\n" + "\n".join(system.tail("escalation", 400)))
    each = spent.rows(count + len(messages), "a clock or event")
    await asyncio.to_thread(system.stop_part, "escalation")
    name = f"{due:,} due/s, {events:,} events/s"
    return [
        Row(what=f"{name}: fired of {count:,}", figure=fired, unit="clocks", more=f"seeded {-min(left, 0):.0f} s late"),
        Row(what="  lateness: half", figure=half, unit="s"),
        Row(what="  lateness: 99 %", figure=most, unit="s"),
        Row(what="  lateness: the worst", figure=worst, unit="s"),
        Row(what="  all fired after the first was due", figure=took + SECONDS, unit="s"),
        Row(what="  events sent", figure=sent, unit="events/s"),
        Row(what="  most records behind", figure=seen.lag, unit="records"),
        Row(what="  memory of the process", figure=seen.memory / 2**20, unit="MiB"),
        *each,
    ]


async def _send(bootstrap: str, messages: Sequence[Message], rate: int, seen: Seen) -> float:
    """Publish at ``rate``, or as fast as it goes; events a second."""
    publisher, began = Publisher(bootstrap, client_id="filler"), time.perf_counter()
    each = max(1, int(rate * TICK))
    for number, start in enumerate(range(0, len(messages), each)):
        await asyncio.sleep(max(0.0, began + number * TICK - time.perf_counter()))
        await publisher.publish(messages[start : start + each])
        seen.sent += len(messages[start : start + each])
    await publisher.stop()
    return len(messages) / (time.perf_counter() - began)


async def _all_fired(connection: asyncpg.Connection[Any], until_at: datetime) -> float:
    """Seconds after ``until_at`` at which nothing is due any more; as long as patience lasts."""
    began = time.perf_counter()
    while await connection.fetchval(_STILL_DUE, CASE_PARTITIONS, list(map(int, Severity)), until_at):
        if time.perf_counter() - began > PATIENCE:
            return PATIENCE
        await asyncio.sleep(LOOK)
    return time.perf_counter() - began


async def _watch(system: Platform, seen: Seen) -> None:
    process = psutil.Process(system.pids()["escalation"])
    async with _connected(system) as own:
        before = await own.fetchval(_FOLDED)
        while True:
            seen.memory = max(seen.memory, process.memory_info().rss)
            seen.lag = max(seen.lag, seen.sent - (await own.fetchval(_FOLDED) - before))
            await asyncio.sleep(0.5)


async def _sizes(connection: asyncpg.Connection[Any]) -> list[Row]:
    found = await connection.fetch("""
        SELECT relname, pg_relation_size(oid) AS size FROM pg_class
        WHERE relnamespace = 'escalation'::regnamespace AND relkind IN ('r', 'i') AND pg_relation_size(oid) > 1048576
        ORDER BY 2 DESC
    """)
    return [Row(what=f"  {row['relname']}", figure=row["size"] / 2**20, unit="MiB") for row in found]


async def _restart(system: Platform, connection: asyncpg.Connection[Any]) -> Row:
    """Seconds from a start to the first firing of a clock that was due meanwhile."""
    await _copy(connection, 1, since=await connection.fetchval("SELECT clock_timestamp()"), apart=timedelta())
    [clock_id] = [row["clock_id"] for row in await connection.fetch("SELECT clock_id FROM copied")]

    async def fired() -> bool:
        return await connection.fetchval("SELECT breached_at FROM clock WHERE clock_id = $1", clock_id) is not None

    began = time.perf_counter()
    starting = asyncio.create_task(asyncio.to_thread(system.start_part, "escalation"))
    await until(fired)
    took = time.perf_counter() - began
    await starting
    return Row(what="a start until its first firing", figure=took, unit="s")
