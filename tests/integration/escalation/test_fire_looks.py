"""How due clocks are looked for: by lane, by urgency, never over what may not fire."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from services.escalation.ports import Horizon, Overdue
from services.escalation.store.firing import PICK, until_of
from shared.runtime.migrate import migrate
from shared.runtime.outbox import BY_INDEX
from shared.runtime.postgres import PoolSettings, open_pool
from tests.fakes.horizons import EVERYTHING
from tests.integration.escalation.test_fire import START, Bench

NOBODYS = Horizon(settled={})
MANY = """
    INSERT INTO clock (clock_id, case_id, kind, level, partition, started_at, due_at, body, next_at, urgency)
    SELECT gen_random_uuid(), gen_random_uuid(), 'handle', 'town', $1, $2, $2, '{}', $2, $3 FROM generate_series(1, $4)
"""


@pytest.fixture
async def bench(postgres: str) -> AsyncIterator[Bench]:
    await migrate(postgres, ["escalation"])
    pool = await open_pool(postgres, "escalation", settings=PoolSettings(largest=3))
    await pool.execute("TRUNCATE clock, case_facts, ledger, outbox")
    yield Bench(pool)
    await pool.close()


async def test_a_backlog_that_may_not_fire_yet_is_not_walked_over(bench: Bench) -> None:
    await bench.pool.execute(MANY, 3, START - timedelta(hours=1), 1, 20_000)
    await bench.pool.execute(MANY, 7, START, 4, 20)
    await bench.pool.execute("ANALYZE clock")
    until = until_of(Horizon(settled={7: timedelta()}), now=START)
    async with bench.pool.acquire() as connection, connection.transaction():
        await connection.execute(BY_INDEX)
        assert len(await connection.fetch(PICK, *until, 500)) == 20
        lanes, instants = until
        query = PICK.replace("$1::smallint[]", f"'{{{lanes[0]}}}'::smallint[]").replace("$3", "500")
        query = query.replace("$2::timestamptz[]", f"ARRAY['{instants[0]}'::timestamptz]")
        (plan,) = json.loads(await connection.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {query}"))
    # Twenty thousand entries would be hundreds of pages.
    assert plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"] < 80


async def test_the_next_instant_is_told_by_urgency_and_other_lanes_count_when_they_are_left_alone(bench: Bench) -> None:
    await bench.pool.execute(MANY, 3, START + timedelta(minutes=5), 4, 2)
    await bench.pool.execute(MANY, 3, START + timedelta(minutes=9), 1, 2)
    await bench.pool.execute(MANY, 8, START + timedelta(minutes=1), 4, 2)
    ours = await bench.store.next_due(Horizon(settled={3: timedelta()}))
    assert ours.first == {1: START + timedelta(minutes=9), 4: START + timedelta(minutes=5)}
    assert ours.ahead == timedelta(minutes=5)
    alone = await bench.store.next_due(Horizon(settled={3: timedelta()}, others={8: timedelta(minutes=3)}))
    assert alone.first[4] == START + timedelta(minutes=4)
    assert (await bench.store.next_due(NOBODYS)).ahead is None


async def test_what_is_overdue_is_counted_by_urgency_up_to_a_bound(bench: Bench) -> None:
    await bench.pool.execute(MANY, 3, START, 2, 30)
    await bench.pool.execute(MANY, 5, START + timedelta(seconds=1), 2, 30)
    assert await bench.store.overdue(most=100) == {2: Overdue(clocks=30, seconds=0)}
    assert (await bench.store.overdue(most=7))[2].clocks == 7
    bench.now = START + timedelta(seconds=1)
    assert await bench.store.overdue(most=100) == {2: Overdue(clocks=60, seconds=1)}
    # The first of a lane is what counts, also where not all are counted.
    assert (await bench.store.overdue(most=7))[2] == Overdue(clocks=14, seconds=1)
    assert (await bench.store.next_due(EVERYTHING)).ahead == timedelta(seconds=-1)
