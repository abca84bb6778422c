"""The auditor finds each difference between clocks and facts in the real PostgreSQL, and nothing else."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.escalation.audit_ports import Passes, Place, StoredCase
from services.escalation.auditor import Auditor
from services.escalation.domain.audit import Finding, Kind, Standing
from services.escalation.handlers.auditing import Pace, audit_slice
from services.escalation.store.auditing import PostgresAuditing
from shared.playbook.model import LimitUnit, YearStatus
from shared.vocabulary import CaseState, ClockKind
from tests.fakes.clock_county import CLOCKS, clock_county, limit
from tests.fakes.small_county import COUNTY, GAS_LEAK, WEST_VILLAGE
from tests.fakes.story import Story
from tests.integration.escalation.test_fire import START, Bench, bench
from tests.integration.escalation.world import until

__all__ = ["bench"]

AT_ONCE = Pace(whole=timedelta(), most=2, share=1)


def story(name: str, *, signed: bool = True, category: str = GAS_LEAK) -> Story:
    """A gas leak whose lead has signed and is on site: one clock runs, those before it have stopped."""
    told = Story(name, area=WEST_VILLAGE, at=START, category=category)
    told.opened()
    order = told.issued(WEST_VILLAGE)
    if signed:
        told.signed(order)
        told.arrived(order)
    return told


async def a_pass(bench: Bench, *, auditing: Any = None, pace: Pace = AT_ONCE) -> tuple[list[Finding], Passes]:
    store = auditing or PostgresAuditing(bench.pool)
    found: list[Finding] = []
    for _ in range(200):
        looked = await audit_slice(store=store, playbooks=bench, pace=pace)
        assert looked is not None
        found.extend(looked.findings)
        if looked.is_whole:
            return found, await store.passes()
    raise AssertionError("the pass does not end")


def kinds(found: Sequence[Finding]) -> list[Kind]:
    return [one.kind for one in found]


async def test_whole_lives_leave_nothing_to_find_and_every_open_case_is_counted_once(bench: Bench) -> None:
    held, hung, closed, climbed = story("held"), story("hung"), story("closed"), story("climbed", signed=False)
    held.paused()
    held.resumed()
    hung.hung()
    closed.state = CaseState.CLOSED
    closed.closed()
    for told in (held, hung, closed, climbed, story("running")):
        await bench.fold(*told.events)
    bench.now = START + timedelta(days=3)
    await bench.fire()
    await bench.fire()
    found, passes = await a_pass(bench)
    assert found == []
    assert passes.whole is not None
    assert (passes.whole.cases, passes.whole.open) == (5, {Standing.RUNNING: 3, Standing.HELD: 1})
    assert passes.whole.clocks == await bench.pool.fetchval("SELECT count(*) FROM clock")


@pytest.mark.parametrize(
    ("harm", "kind"),
    (
        ("DELETE FROM clock WHERE kind = 'handle'", Kind.MISSING),
        ("DELETE FROM clock WHERE kind = 'dispatch'", Kind.MISSING),
        (
            (
                "UPDATE clock SET stopped_at = NULL, outcome = NULL, stopped_by = NULL, next_at = due_at "
                "WHERE kind = 'sign_in'"
            ),
            Kind.UNSTOPPED,
        ),
        (
            (
                "UPDATE clock SET stopped_at = now(), outcome = 'met', stopped_by = 'resolved', next_at = NULL "
                "WHERE kind = 'handle'"
            ),
            Kind.STOPPED,
        ),
        ("UPDATE clock SET stopped_at = stopped_at + interval '1 microsecond' WHERE kind = 'arrive'", Kind.STOP),
        ("UPDATE clock SET outcome = 'cancelled' WHERE kind = 'arrive'", Kind.STOP),
        ("UPDATE clock SET due_at = due_at + interval '1 hour' WHERE kind = 'handle'", Kind.ROW),
        ("UPDATE clock SET next_at = NULL WHERE kind = 'handle'", Kind.ROW),
        ("UPDATE clock SET next_at = next_at + interval '1 second' WHERE kind = 'handle'", Kind.ROW),
        ("UPDATE clock SET body = '{\"none\": 1}' WHERE kind = 'handle'", Kind.ROW),
        (
            (
                "UPDATE clock SET due_at = '2026-11-24T03:01:00Z', body = jsonb_set(body, '{shown,due_at}', "
                "to_jsonb('2026-11-24T03:01:00Z'::text)) WHERE kind = 'handle'"
            ),
            Kind.DUE,
        ),
        (
            "UPDATE clock SET body = jsonb_set(body, '{moves}', '0'), moves = 0 WHERE kind = 'handle'",
            Kind.MOVES,
        ),
        ("DELETE FROM case_facts", Kind.FACTS),
        ("UPDATE case_facts SET facts = '{}'", Kind.FACTS),
    ),
)
async def test_each_harm_is_found_as_what_it_is(bench: Bench, harm: str, kind: Kind) -> None:
    hurt = story("hurt")
    hurt.paused()
    hurt.resumed()
    await bench.fold(*hurt.events)
    assert (await a_pass(bench))[0] == []
    await bench.pool.execute(harm)
    found, passes = await a_pass(bench)
    assert kinds(found) == [kind]
    assert passes.whole is not None
    assert dict(passes.whole.findings) == {kind: 1}
    assert all(one.case_id == hurt.case_id for one in found)


async def test_a_clock_that_nobody_demands_is_found(bench: Bench) -> None:
    await bench.fold(*story("extra").events)
    await bench.pool.execute(
        """UPDATE clock SET clock_id = gen_random_uuid(), body = jsonb_set(body, '{shown,clock_id}',
           to_jsonb(gen_random_uuid()::text)) WHERE kind = 'handle'"""
    )
    found, passes = await a_pass(bench)
    assert sorted(kinds(found)) == [Kind.MISSING, Kind.UNKNOWN]
    assert passes.whole is not None
    assert passes.whole.open == {Standing.NONE: 1}


async def test_a_breach_that_came_before_its_stop_was_heard_of_is_no_difference(bench: Bench) -> None:
    told = story("late", signed=False)
    await bench.fold(*told.events)
    bench.now = START + timedelta(days=1)
    await bench.fire()
    order = next(one.data.order for one in told.events if hasattr(one.data, "order"))
    told.signed(order)
    await bench.fold(told.events[-1])
    assert (await a_pass(bench))[0] == []


async def test_cases_that_wait_for_a_playbook_or_a_year_are_counted_apart(bench: Bench) -> None:
    books, bench.books = bench.books, {}
    await bench.fold(*story("waits").events)
    found, passes = await a_pass(bench)
    assert found == []
    assert passes.whole is not None
    assert passes.whole.open == {Standing.WAITING: 1}
    book = books[COUNTY]
    bench.books = {COUNTY: replace(book, calendar=replace(book.calendar, years={2020: YearStatus.PROVISIONAL}))}
    await bench.fold(*story("no year", category="99").events)
    found, passes = await a_pass(bench)
    assert kinds(found) == [Kind.MISSING] * 4, "a gas leak has no limit in working time"
    assert passes.whole is not None
    assert passes.whole.open[Standing.WAITING] == 1


async def test_a_limit_that_a_later_playbook_sets_is_no_finding_until_something_was_settled_by_it(bench: Bench) -> None:
    without = tuple(one for one in CLOCKS if one.kind is not ClockKind.HANDLE)
    bench.books = {COUNTY: clock_county(clocks=without)}
    await bench.fold(*story("earlier").events)
    assert (await a_pass(bench))[1].whole.open == {Standing.UNLIMITED: 1}  # type: ignore[union-attr]
    bench.books = {COUNTY: clock_county(version="2")}
    found, passes = await a_pass(bench)
    assert found == []
    assert passes.whole is not None
    assert passes.whole.open == {Standing.LATER: 1}
    second = story("second")
    await bench.fold(*second.events)
    await bench.pool.execute("DELETE FROM clock WHERE kind = 'handle' AND case_id = $1", second.case_id)
    assert kinds((await a_pass(bench))[0]) == [Kind.MISSING]


async def test_a_clock_of_an_earlier_playbook_keeps_its_deadline_and_is_no_finding(bench: Bench) -> None:
    told = story("kept")
    await bench.fold(*told.events)
    faster = limit(ClockKind.HANDLE, 1, LimitUnit.CONTINUOUS_HOUR, category=GAS_LEAK)
    bench.books = {COUNTY: clock_county(version="2", clocks=(*CLOCKS[:4], faster, *CLOCKS[5:]))}
    assert (await a_pass(bench))[0] == []


class Overtaken(PostgresAuditing):
    """What was read in a slice is over by the time that it is read again."""

    bench: Bench
    told: Story

    async def again(self, case_id: Any, partition: int) -> StoredCase | None:
        await self.bench.pool.execute("TRUNCATE clock, case_facts, ledger, outbox")
        await self.bench.fold(*self.told.events)
        return await super().again(case_id, partition)


async def test_a_case_that_changes_while_it_is_looked_at_is_read_again_before_it_is_told(bench: Bench) -> None:
    told = story("moving")
    await bench.fold(*told.events)
    await bench.pool.execute("DELETE FROM clock WHERE kind = 'handle'")
    bench.tape.ends.clear()
    auditing = Overtaken(bench.pool)
    auditing.bench, auditing.told = bench, told
    assert (await a_pass(bench, auditing=auditing))[0] == []


async def test_reading_again_waits_for_the_fold_that_has_the_case_in_hand(bench: Bench) -> None:
    told = story("lane")
    await bench.fold(*told.events)
    partition = await bench.pool.fetchval("SELECT partition FROM case_facts")
    auditing = PostgresAuditing(bench.pool)
    async with bench.store.folding() as folding:
        await folding.known([told.case_id])
        await folding._take_lanes([partition])  # type: ignore[attr-defined]
        reading = asyncio.create_task(auditing.again(told.case_id, partition))
        await asyncio.sleep(0.2)
        assert not reading.done()
    again = await reading
    assert again is not None
    assert again.case_id == told.case_id


async def test_replicas_take_turns_and_a_lost_turn_changes_nothing(bench: Bench) -> None:
    for name in ("a", "b", "c"):
        await bench.fold(*story(name).events)
    auditing = PostgresAuditing(bench.pool)
    first = await auditing.take(lease=timedelta(minutes=1))
    assert first is not None
    assert await auditing.take(lease=timedelta(minutes=1)) is None
    await bench.pool.execute("UPDATE auditor SET next_at = now() - interval '1 second'")
    second = await auditing.take(lease=timedelta(minutes=1))
    assert second is not None
    kept = [
        await auditing.done(turn, last=Place(county="x"), counts=turn.counts, pause=timedelta())
        for turn in (first, second)
    ]
    assert kept == [False, True]
    assert await bench.pool.fetchval("SELECT county FROM auditor") == "x"


async def test_the_room_tells_of_a_case_once_and_again_when_it_differs_anew(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    told = story("told")
    await bench.fold(*told.events)
    await bench.pool.execute("DELETE FROM clock WHERE kind = 'handle'")
    auditor = Auditor(PostgresAuditing(bench.pool), playbooks=bench, pace=AT_ONCE)

    def said() -> list[str]:
        return [r.getMessage() for r in caplog.records if str(told.case_id) in r.getMessage()]

    async def passes(most: int) -> None:
        start = await bench.pool.fetchval("SELECT turn FROM auditor")

        async def done() -> bool:
            return bool(await bench.pool.fetchval("SELECT turn FROM auditor") > start + most)

        await until(done, what="slices looked at")

    with caplog.at_level(logging.ERROR):
        running = asyncio.create_task(auditor.run())
        await passes(9)
        assert len(said()) == 1
        assert f"whistle clocks repair {told.case_id}" in said()[0]
        assert "missing handle" in said()[0]
        await bench.pool.execute("DELETE FROM clock WHERE kind = 'arrive'")
        await passes(9)
        assert len(said()) == 2
        auditor.stop()
        await running
    assert auditor.passes.whole is not None
    assert auditor.passes.whole.findings[Kind.MISSING] >= 1


def test_a_pass_takes_its_time_and_never_more_than_its_share() -> None:
    pace = Pace(whole=timedelta(hours=1), most=100, share=0.1)
    assert pace.pause(cases=36_000, worked=timedelta(milliseconds=100)) == timedelta(seconds=9.9)
    assert pace.pause(cases=1_000_000, worked=timedelta(milliseconds=100)) == timedelta(milliseconds=900)
    assert pace.pause(cases=0, worked=timedelta()) == timedelta(hours=1)
