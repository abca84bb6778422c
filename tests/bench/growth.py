"""How much the clocks' tables grow: cycles of cases that live, are late, end and leave, with the size after each.

A cycle is a day in little: ``WHISTLE_BENCH_GROWTH`` (``5000:5``) cases go through the service's own folds and firings.
Their clocks start, are held, go on, fire and stop; what they say leaves the outbox as the relay takes it away. Ended
cases leave after a cycle instead of thirty days. Autovacuum is as in production; VACUUM is asked for after each cycle.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from deploy.local.playbooks import load_playbook
from services.escalation.handlers import fold_batch
from services.escalation.leaving import EndedCases, LeavingSettings
from services.escalation.store.leaving import PostgresLeaving
from services.escalation.store.postgres import PostgresStore
from shared.events.codec import encode
from shared.events.envelope import Event
from shared.events.order import Order
from shared.events.topics import CASE_PARTITIONS
from shared.runtime.clock import utc_now
from shared.runtime.delivery import NO_LIMITS, Record, Rejections
from shared.runtime.migrate import migrate
from shared.runtime.postgres import Pool, open_pool
from shared.vocabulary import CaseState
from tests.bench import fire
from tests.bench.ground import ground
from tests.bench.table import Row
from tests.fakes.story import Story

CASES, CYCLES = (int(text) for text in os.environ.get("WHISTLE_BENCH_GROWTH", "5000:5").split(":"))
FOLD: Final = 1000
WAVE: Final = 1000
START: Final = datetime(2026, 11, 23, 1, tzinfo=UTC)
TABLES: Final = ("case_facts", "clock", "outbox")
AREA: Final = "990101101200"
_LENGTHS: Final = """
    SELECT c.relname AS name, pg_relation_size(c.oid) AS heap, pg_indexes_size(c.oid) AS indexes,
        pg_total_relation_size(c.oid) - pg_relation_size(c.oid) - pg_indexes_size(c.oid) AS rest
    FROM pg_class c WHERE c.relnamespace = 'escalation'::regnamespace AND c.relname = ANY($1)
"""


class Log:
    """Records as a log would number them."""

    def __init__(self) -> None:
        self._next: dict[tuple[str, int], int] = defaultdict(int)

    def records(self, events: Iterator[Event[Any]]) -> list[Record]:
        """The events' records, each case in one partition."""
        found = []
        for event in events:
            message = encode(event)
            place = (message.topic, event.data.case.case_id.int % CASE_PARTITIONS)
            found.append(Record(*place, self._next[place], message.key, message.value, message.headers, 0))
            self._next[place] += 1
        return found


async def bench() -> Sequence[Row]:
    """Cycle after cycle, the sizes after each."""
    rows: list[Row] = []
    async with ground() as system:
        await migrate(system.dsn, ["escalation"])
        pool = await open_pool(system.dsn, "escalation")
        log, began = Log(), time.perf_counter()
        for cycle in range(1, CYCLES + 1):
            clocks = await _day(pool, log, cycle)
            before = await _sizes(pool)
            await _vacuum(pool)
            after = await _sizes(pool)
            rows.append(Row(what=f"day {cycle}: clocks, with yesterday's", figure=clocks, unit="clocks"))
            rows += [
                Row(
                    what=f"  {name}: heap",
                    figure=after[name][0] / 2**20,
                    unit="MiB",
                    more=f"indexes {_mib(after[name][1])}, long values {_mib(after[name][2])}; "
                    f"all before VACUUM {_mib(sum(before[name]))}",
                )
                for name in TABLES
            ]
        rows.append(Row(what="all days took", figure=time.perf_counter() - began, unit="s"))
        await pool.close()
    return rows


async def _day(pool: Pool, log: Log, day: int) -> int:
    """One cycle; yesterday's cases leave at its end. How many clocks lived in it."""
    store, playbooks, rejections = PostgresStore(pool), fire._OneCounty(), Rejections(NO_LIMITS)

    async def fold(events: Iterator[Event[Any]]) -> None:
        records = log.records(events)
        for start in range(0, len(records), FOLD):
            await fold_batch(
                records[start : start + FOLD],
                store=store,
                playbooks=playbooks,
                letters=fire._NoLetters(),
                rejections=rejections,
                now=utc_now(),
            )

    before = await pool.fetchval("SELECT clock_timestamp()")
    names = list(load_playbook().categories)
    for wave in range(0, CASES, WAVE):
        stories = [
            Story(f"{day}:{number}", area=AREA, at=START, category=names[number % len(names)])
            for number in range(wave, min(wave + WAVE, CASES))
        ]
        orders: dict[UUID, Order] = {}
        for events in _lives(stories, orders):
            await fold(iter(events))
        await fire._fire(pool)
        for events in _ends(stories, orders):
            await fold(iter(events))
        # The relay takes a row away once it is sent.
        while await pool.fetchval(
            """WITH gone AS (DELETE FROM outbox WHERE (shard, position) IN (
                    SELECT shard, position FROM outbox ORDER BY shard, position LIMIT 2000) RETURNING 1)
               SELECT count(*) FROM gone"""
        ):
            pass
    clocks = int(await pool.fetchval("SELECT count(*) FROM clock"))
    age = await pool.fetchval("SELECT clock_timestamp() - $1::timestamptz", before)
    # Those of the day before: what ended within this day stays.
    settings = LeavingSettings(keep=age, pause=timedelta(), slices=10_000)
    await EndedCases(PostgresLeaving(pool), settings=settings).round()
    return clocks


def _lives(stories: Sequence[Story], orders: dict[UUID, Order]) -> Iterator[list[Event[Any]]]:
    """Opened and ordered; some are held and go on."""
    for step in range(4):
        told = []
        for number, story in enumerate(stories):
            match step:
                case 0:
                    story.opened()
                case 1:
                    orders[story.case_id] = story.issued(AREA)
                case 2 if number % 4 == 0:
                    story.paused()
                case 3 if number % 4 == 0:
                    story.resumed()
                case _:
                    continue
            told.append(story.events[-1])
        yield told


def _ends(stories: Sequence[Story], orders: dict[UUID, Order]) -> Iterator[list[Event[Any]]]:
    """Signed, resolved, verified, closed: late by then."""
    for step in range(4):
        for story in stories:
            order = orders[story.case_id]
            match step:
                case 0:
                    story.signed(order)
                case 1:
                    story.resolved(order)
                case 2:
                    story.verified()
                case _:
                    story.state = CaseState.CLOSED
                    story.closed()
        yield [story.events[-1] for story in stories]


def _mib(size: int) -> str:
    return f"{size / 2**20:.1f} MiB"


async def _vacuum(pool: Pool) -> None:
    async with pool.acquire() as connection:
        await connection.execute("SET statement_timeout = 0")
        for name in TABLES:
            await connection.execute(f"VACUUM {name}", timeout=600)


async def _sizes(pool: Pool) -> dict[str, tuple[int, int, int]]:
    rows = await pool.fetch(_LENGTHS, list(TABLES))
    return {row["name"]: (row["heap"], row["indexes"], row["rest"]) for row in rows}
