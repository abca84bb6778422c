"""Cases that ended long ago leave with their clocks; what is told of one afterwards begins anew."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.escalation.leaving import EndedCases, LeavingSettings
from services.escalation.store.folding import LANES
from services.escalation.store.leaving import PostgresLeaving
from shared.events.parts import Target
from shared.runtime.migrate import migrate
from shared.runtime.postgres import open_pool
from shared.vocabulary import CaseState, TargetKind
from tests.fakes.small_county import GAS_BUREAU, WEST_VILLAGE
from tests.fakes.story import Story
from tests.integration.escalation.test_fire import Bench

START = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
KEEP = timedelta(days=30)


@pytest.fixture
async def bench(postgres: str) -> AsyncIterator[Bench]:
    await migrate(postgres, ["escalation"])
    pool = await open_pool(postgres, "escalation")
    await pool.execute("TRUNCATE clock, case_facts, ledger, outbox")
    yield Bench(pool=pool)
    await pool.close()


def ended(name: str) -> Story:
    """A case from its opening to its closing."""
    story = Story(name, area=WEST_VILLAGE, at=START)
    story.opened()
    order = story.issued(WEST_VILLAGE)
    story.signed(order)
    story.resolved(order)
    story.verified()
    story.state = CaseState.CLOSED
    story.closed()
    return story


async def aged(bench: Bench, story: Story, age: timedelta) -> None:
    await bench.pool.execute(
        "UPDATE case_facts SET ended_at = clock_timestamp() - $2::interval WHERE case_id = $1", story.case_id, age
    )


async def left(bench: Bench, *, most: int = 200) -> int:
    settings = LeavingSettings(keep=KEEP, most=most, pause=timedelta(milliseconds=1), slices=20)
    return await EndedCases(PostgresLeaving(bench.pool), settings=settings).round()


async def kept(bench: Bench) -> set[Any]:
    rows = await bench.pool.fetch("SELECT case_id FROM case_facts UNION SELECT case_id FROM clock")
    return {row["case_id"] for row in rows}


async def test_a_case_leaves_whole_when_its_time_is_over_and_not_before(bench: Bench) -> None:
    old, young, open_case = ended("old"), ended("young"), Story("open", area=WEST_VILLAGE, at=START)
    open_case.opened()
    await bench.fold(*old.events, *young.events, *open_case.events)
    await aged(bench, old, KEEP + timedelta(seconds=5))
    await aged(bench, young, KEEP - timedelta(seconds=60))
    assert await left(bench) == 1
    assert await kept(bench) == {young.case_id, open_case.case_id}


async def test_a_case_that_is_opened_again_has_not_ended(bench: Bench) -> None:
    story = ended("reopened")
    await bench.fold(*story.events)
    assert await bench.pool.fetchval("SELECT ended_at FROM case_facts") is not None
    told, story.state = len(story.events), CaseState.OPENED
    story.reopen()
    await bench.fold(*story.events[told:])
    assert await bench.pool.fetchval("SELECT ended_at FROM case_facts") is None
    await bench.pool.execute("UPDATE case_facts SET updated_at = updated_at - interval '1 year'")
    assert await left(bench) == 0


async def test_whoever_still_owes_an_answer_keeps_the_case(bench: Bench) -> None:
    story = ended("supervised")
    story.supervised(Target(kind=TargetKind.DEPARTMENT, id=GAS_BUREAU), START + timedelta(days=400))
    await bench.fold(*story.events)
    await aged(bench, story, 2 * KEEP)
    assert await bench.pool.fetchval("SELECT count(*) FROM clock WHERE stopped_at IS NULL") >= 1
    assert await left(bench) == 0
    assert await kept(bench) == {story.case_id}


async def test_those_that_stay_do_not_keep_others_from_leaving(bench: Bench) -> None:
    stories = [ended(f"case {number}") for number in range(7)]
    await bench.fold(*(event for story in stories for event in story.events))
    for number, story in enumerate(stories):
        await aged(bench, story, KEEP + timedelta(days=7 - number))
    stays = [story.case_id for story in stories[:4]]
    await bench.pool.execute("UPDATE case_facts SET waiting_since = clock_timestamp() WHERE case_id = ANY($1)", stays)
    assert await left(bench, most=2) == 3
    assert await kept(bench) == set(stays)


async def test_a_lane_that_is_folded_is_left_alone(bench: Bench) -> None:
    story = ended("folded")
    await bench.fold(*story.events)
    await aged(bench, story, 2 * KEEP)
    partition = await bench.pool.fetchval("SELECT partition FROM case_facts")
    async with bench.pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1, $2)", LANES, partition)
        async with asyncio.timeout(10):
            done = await PostgresLeaving(bench.pool).leave(partition, older=KEEP, most=10)
        assert (done.gone, done.more) == (0, True)
    assert await left(bench) == 1


async def test_what_is_told_of_a_case_that_left_begins_anew(bench: Bench) -> None:
    story = ended("back")
    await bench.fold(*story.events)
    await aged(bench, story, 2 * KEEP)
    assert await left(bench) == 1
    told, story.state = len(story.events), CaseState.OPENED
    story.reopen()
    await bench.fold(*story.events[told:])
    rows = await bench.pool.fetch("SELECT kind, started_at FROM clock WHERE stopped_at IS NULL")
    assert story.at in {row["started_at"] for row in rows if row["kind"] == "dispatch"}
