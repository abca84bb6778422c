"""A clock with a chain that was lost comes back with the steps that it took, and takes the others at their time."""

from datetime import timedelta

from tests.fakes.chained_county import chained_county
from tests.fakes.small_county import COUNTY, WEST_VILLAGE
from tests.fakes.story import Story
from tests.integration.escalation.test_audit import a_pass
from tests.integration.escalation.test_fire import START, bench
from tests.integration.escalation.test_repair import Desk, desk

__all__ = ["bench", "desk"]


async def test_steps_that_were_taken_stay_taken_and_no_word_is_new(desk: Desk) -> None:
    bench = desk.bench
    bench.books = {COUNTY: chained_county()}
    told = Story("ladder", area=WEST_VILLAGE, at=START)
    told.opened()
    told.issued(WEST_VILLAGE)
    await desk.tell(*told.events)
    for minutes in range(0, 45, 5):
        bench.now = START + timedelta(minutes=minutes)
        await bench.fire()
    assert await bench.pool.fetchval("SELECT max(steps_taken) FROM clock") > 3
    assert (await a_pass(bench))[0] == []
    before, words = await desk.rows(), {one.id for one in await bench.said()}
    await desk.relay()
    await bench.pool.execute("DELETE FROM clock")
    bench.now += timedelta(seconds=1)
    await desk.repair(told)
    for was, now in zip(before, await desk.rows(), strict=True):
        assert now == was
    await bench.fire()
    assert {one.id for one in await bench.said()} <= words
    assert (await a_pass(bench))[0] == []
    bench.now = START + timedelta(hours=3)
    await bench.fire()
    assert {one.id for one in await bench.said()} - words, "the steps that had not come are taken"
