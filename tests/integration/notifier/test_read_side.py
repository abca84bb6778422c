"""One suite over the read side in memory and the one in PostgreSQL, and what only PostgreSQL can show."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeAlias
from uuid import UUID, uuid4

import pytest

from services.notifier.domain.audience import Filter, Scope, hears
from services.notifier.domain.fold import CaseRead
from services.notifier.handlers import notify_batch
from services.notifier.ports import Unstorable
from services.notifier.store.cases import CaseQuery, Page, PostgresCases
from services.notifier.store.feed import PostgresFeed
from services.notifier.store.read_side import FEED_LOCK, PostgresReadSide, read_case
from shared.runtime.clock import utc_now
from shared.runtime.postgres import Pool
from shared.vocabulary import Level, Severity
from tests.fakes.notifier import Life, department, desk, whole_life
from tests.fakes.read_side import FakeReadSide

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)

Side: TypeAlias = FakeReadSide | PostgresReadSide


@pytest.fixture(params=("memory", "postgres"))
async def side(request: pytest.FixtureRequest, pool: Pool) -> Side:
    return FakeReadSide() if request.param == "memory" else PostgresReadSide(pool)


async def known(side: Side, case_id: UUID, pool: Pool) -> CaseRead | None:
    if isinstance(side, FakeReadSide):
        return side.cases.get(case_id)
    async with pool.acquire() as connection:
        return await read_case(connection, case_id)


async def told_ids(side: Side, pool: Pool) -> list[UUID]:
    if isinstance(side, FakeReadSide):
        return [telling.event_id for telling in side.feed]
    return [row["event_id"] for row in await pool.fetch("SELECT event_id FROM feed ORDER BY position")]


async def test_what_is_told_in_one_batch_is_what_is_told_in_many(side: Side, pool: Pool) -> None:
    together, apart = whole_life("together"), whole_life("apart")
    await notify_batch(together.events, read_side=side, now=NOW)
    for event in apart.events:
        await notify_batch([event], read_side=side, now=NOW)
    first, second = await known(side, together.case_id, pool), await known(side, apart.case_id, pool)
    assert first is not None
    assert second is not None
    assert (first.view.state, len(first.orders), len(first.clocks)) == (
        second.view.state,
        len(second.orders),
        len(second.clocks),
    )
    assert {order.target: order.state for order in first.orders.values()} == {
        order.target: order.state for order in second.orders.values()
    }
    assert await told_ids(side, pool) == [event.id for event in (*together.events, *apart.events)]


async def test_a_repeat_changes_nothing(side: Side, pool: Pool) -> None:
    life = whole_life("repeat")
    await notify_batch(life.events, read_side=side, now=NOW)
    before = await known(side, life.case_id, pool)
    assert await notify_batch(life.events[::-1], read_side=side, now=NOW) == []
    assert await known(side, life.case_id, pool) == before
    assert len(await told_ids(side, pool)) == len(life.events)


async def test_a_transaction_that_fails_leaves_nothing(side: Side, pool: Pool) -> None:
    life = Life(name="failing")

    async def fail() -> None:
        async with side.work() as work:
            await work.open_cases([life.case_id])
            raise RuntimeError("the power went")

    with pytest.raises(RuntimeError):
        await fail()
    assert await known(side, life.case_id, pool) is None


async def test_postgres_refuses_for_good_what_it_can_never_store(pool: Pool) -> None:
    side = PostgresReadSide(pool)
    life = Life(name="nul")
    nul = replace(life.events[0], data=replace(life.events[0].data, case=replace(life.view, title="a\x00b")))
    with pytest.raises(Unstorable):
        await notify_batch([nul], read_side=side, now=NOW)
    big = replace(life.events[0], sequence=2**40)
    with pytest.raises(Unstorable):
        await notify_batch([big], read_side=side, now=NOW)
    assert await pool.fetchval("SELECT count(*) FROM case_view") == 0


async def test_two_writers_of_one_case_wait_for_each_other_and_lose_nothing(pool: Pool) -> None:
    """Two partitions of two topics may be in two processes; both speak of the same case at once."""
    side = PostgresReadSide(pool)
    for number in range(10):
        life = whole_life(f"race-{number}")
        mine = [event for event in life.events if event.type.startswith("whistle.case.")]
        others = [event for event in life.events if not event.type.startswith("whistle.case.")]
        await asyncio.gather(
            *(notify_batch(part, read_side=side, now=NOW) for part in (mine[:5], others[:2], mine[5:], others[2:]))
        )
        whole = FakeReadSide()
        await notify_batch(life.events, read_side=whole, now=NOW)
        async with pool.acquire() as connection:
            read = await read_case(connection, life.case_id)
        assert read is not None
        expected = whole.cases[life.case_id]
        assert read.view == expected.view
        assert dict(read.orders) == dict(expected.orders)
        assert dict(read.clocks) == dict(expected.clocks)


async def test_a_reader_who_has_seen_a_position_never_meets_a_smaller_one_later(pool: Pool) -> None:
    """docs/decisions/0006: positions are visible in the order in which they were given out."""
    side, feed = PostgresReadSide(pool), PostgresFeed(pool)
    start = (await feed.bounds()).latest
    writers, batches = 8, 12
    done = asyncio.Event()

    async def write(writer: int) -> None:
        for batch in range(batches):
            life = whole_life(f"writer-{writer}-{batch}", area=f"99010100{writer}200")
            await notify_batch(life.events, read_side=side, now=NOW)

    async def read() -> list[int]:
        seen: list[int] = []
        position = start
        while True:
            last_look = done.is_set()
            rows = await feed.after(position, most=37)
            seen.extend(row.position for row in rows)
            position = seen[-1] if seen else start
            if last_look and not rows:
                return seen

    readers = [asyncio.create_task(read()) for _ in range(3)]
    await asyncio.gather(*(write(writer) for writer in range(writers)))
    done.set()
    total = writers * batches * len(whole_life("count").events)
    everything = [row["position"] for row in await pool.fetch("SELECT position FROM feed ORDER BY position")]
    assert len(everything) == total
    for seen in await asyncio.gather(*readers):
        assert seen == everything


async def test_a_late_commit_holds_back_the_positions_after_it(pool: Pool) -> None:
    side, feed = PostgresReadSide(pool), PostgresFeed(pool)
    async with pool.acquire() as slow, slow.transaction():
        await slow.execute("SELECT pg_advisory_xact_lock($1)", FEED_LOCK)
        await slow.execute(
            "INSERT INTO feed (event_id, case_id, type, area, level, category, severity, departments, data)"
            " VALUES ($1, $1, 't', '990101', 'county', '01', 1, '{}', '{}')",
            uuid4(),
        )
        quick = asyncio.create_task(notify_batch(Life(name="quick").events, read_side=side, now=NOW))
        await asyncio.sleep(0.2)
        assert not quick.done()
        assert await feed.after(0, most=10) == []
    await quick
    assert [row.facets.type for row in await feed.after(0, most=10)] == ["t", "whistle.case.opened.v1"]


async def test_sql_and_python_hear_the_same(pool: Pool) -> None:
    side, feed = PostgresReadSide(pool), PostgresFeed(pool)
    lives = [
        whole_life("a", area="990101001200001", lead="water"),
        whole_life("b", area="990101002200", lead="power", category="02.001"),
        whole_life("c", area="990101001201", lead="water", category="02"),
        Life(name="d", area="990102001200", severity=Severity.I),
        Life(name="e", area="990101001", severity=Severity.II, category="010"),
    ]
    for life in lives:
        await notify_batch(life.events, read_side=side, now=NOW)
    rows = await feed.after(0, most=1000)
    scopes = [
        Scope(area="990101"),
        Scope(area="990101001"),
        Scope(area="990101001200"),
        Scope(area="990102"),
        Scope(area="990101", department="water"),
        Scope(area="990101002", department="power"),
    ]
    filters = [
        Filter(),
        Filter(area="990101001"),
        Filter(levels=frozenset({Level.TOWN, Level.COUNTY})),
        Filter(categories=frozenset({"01"})),
        Filter(categories=frozenset({"02", "01.002"})),
        Filter(severities=frozenset({Severity.I, Severity.III})),
        Filter(types=frozenset({"whistle.sla", "whistle.case.signed.v1"})),
        Filter(departments=frozenset({"power"})),
        Filter(case_id=lives[0].case_id),
        Filter(area="990101001", types=frozenset({"whistle.order"}), departments=frozenset({"water"})),
    ]
    for scope in scopes:
        for asked in filters:
            page = await feed.history(0, 2**60, scope=scope, asked=asked, most=1000)
            assert list(page.rows) == [row for row in rows if hears(scope, asked, row.facets)], (scope, asked)


async def test_pruning_raises_the_floor_with_the_rows(pool: Pool) -> None:
    side, feed = PostgresReadSide(pool), PostgresFeed(pool)
    life = whole_life("old")
    await notify_batch(life.events, read_side=side, now=NOW)
    first = await pool.fetchval("SELECT min(position) FROM feed")
    await pool.execute("UPDATE feed SET told_at = told_at - interval '8 days' WHERE position < $1", first + 6)
    week_ago = utc_now() - timedelta(days=7)
    assert await feed.prune(week_ago, most=4) == 4
    assert (await feed.bounds()).floor == first + 3
    assert await feed.prune(week_ago, most=100) == 2
    assert await feed.prune(week_ago, most=100) == 0
    page = await feed.history(0, 2**60, scope=Scope(area="99"), asked=Filter(), most=100)
    assert len(page.rows) == len(life.events) - 6
    assert page.floor == page.rows[0].position - 1


async def test_lists_are_paged_without_gap_or_double_and_filtered(pool: Pool) -> None:
    side, cases = PostgresReadSide(pool), PostgresCases(pool)
    lives = [whole_life(f"page-{number}", area=f"99010100{number % 3}200") for number in range(25)]
    lives += [Life(name=f"open-{number}", title=f"路灯{number}不亮", category="02.003") for number in range(5)]
    for life in lives:
        await notify_batch(life.events, read_side=side, now=NOW)
    seen: list[UUID] = []
    query = CaseQuery(scope=Scope(area="990101"), asked=Filter(), most=7)
    while True:
        page = await cases.find(query)
        seen.extend(line.case_id for line in page.cases)
        if not page.more:
            break
        last = page.cases[-1]
        query = replace(query, after=Page(at=last.opened_at, case_id=last.case_id))
    assert len(seen) == len(set(seen)) == 30
    only = await cases.find(CaseQuery(scope=Scope(area="990101"), asked=Filter(), words="路灯"))
    assert len(only.cases) == 5
    assert (await cases.find(CaseQuery(scope=Scope(area="990101"), asked=Filter(), words="%"))).cases == []
    assert len((await cases.find(CaseQuery(scope=Scope(area="990101001"), asked=Filter()))).cases) == 13


async def test_late_cases_are_those_with_a_running_clock_past_due_and_come_in_order_of_urgency(pool: Pool) -> None:
    side, cases = PostgresReadSide(pool), PostgresCases(pool)
    for number, minutes in enumerate((30, 10, 20)):
        life = Life(name=f"late-{number}")
        order = life.order(department("water"))
        life.warn(life.clock(order, minutes=minutes))
        await notify_batch(life.events, read_side=side, now=NOW)
    signed = Life(name="signed")
    order = signed.order(desk("990101001200"))
    signed.breach(signed.clock(order, minutes=1))
    signed.sign(order)
    await notify_batch(signed.events, read_side=side, now=NOW)
    at = signed.view.opened_at + timedelta(minutes=25)
    late = await cases.find(CaseQuery(scope=Scope(area="990101"), asked=Filter(), late_at=at, due_first=True))
    limits = [line.clock.limit for line in late.cases if line.clock is not None]
    assert limits == ["10 分钟", "20 分钟"]
    counts = await cases.counts(Scope(area="990101"), now=at)
    assert (counts.open_clocks, counts.late_clocks, counts.late_cases) == (3, 2, 2)
