"""Folding and firing through the real PostgreSQL, with a clock that the test moves."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from services.escalation.handlers import FireReport, Hole, fire_due, fold_batch, revisit
from services.escalation.ports import Horizon
from services.escalation.store.postgres import PostgresStore
from shared.events.codec import decode
from shared.events.envelope import Event
from shared.events.order import Order
from shared.events.sla import ClockBreached, ClockEscalated, ClockWarned
from shared.events.topics import CASE
from shared.playbook.model import Playbook
from shared.playbook.shelf import UnknownCounty
from shared.runtime.clock import utc_now
from shared.runtime.delivery import Record, Rejected, RejectionLimits, Rejections, TooManyRejected
from shared.runtime.migrate import migrate
from shared.runtime.postgres import PoolSettings, open_pool
from shared.vocabulary import Level, OrderReason, OrderRole, WhenLate
from tests.fakes.clock_county import clock_county
from tests.fakes.horizons import EVERYTHING
from tests.fakes.small_county import COUNTY, GAS_BUREAU, WEST, WEST_VILLAGE
from tests.fakes.story import Story
from tests.fakes.tape import Tape

START = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


@dataclass
class Bench:
    """A store with its own clock, a shelf and a place for dead letters."""

    pool: Any
    now: datetime = START
    tape: Tape = field(default_factory=Tape)
    books: dict[str, Playbook] = field(default_factory=lambda: {COUNTY: clock_county()})
    letters: list[Rejected] = field(default_factory=list)
    rejections: Rejections = field(default_factory=lambda: Rejections(RejectionLimits(max_rejected_in_a_row=3)))

    @property
    def store(self) -> PostgresStore:
        async def now(_: object) -> datetime:
            return self.now

        return PostgresStore(self.pool, now=now)

    def of(self, area: str) -> Playbook:
        try:
            return self.books[area[:6]]
        except KeyError:
            raise UnknownCounty(area, self.books) from None

    async def set_aside(self, rejected: Any, *, now: datetime) -> None:
        self.letters.extend(rejected)

    async def fold(self, *events: Event[Any]) -> None:
        await self.fold_records(self.tape.write(events))

    async def fold_records(self, records: list[Record]) -> Any:
        return await fold_batch(
            records, store=self.store, playbooks=self, letters=self, rejections=self.rejections, now=self.now
        )

    async def fire(self, horizon: Horizon = EVERYTHING, most: int = 500) -> FireReport:
        return await fire_due(store=self.store, playbooks=self, horizon=horizon, most=most)

    async def said(self) -> list[Event[Any]]:
        """What waits in the outbox, in the order in which the relay would send it."""
        rows = await self.pool.fetch("SELECT value, headers FROM outbox ORDER BY position")
        headers = [[(name, text.encode()) for name, text in json.loads(row["headers"])] for row in rows]
        return [decode(row["value"], head) for row, head in zip(rows, headers, strict=True)]


@pytest.fixture
async def bench(postgres: str) -> AsyncIterator[Bench]:
    await migrate(postgres, ["escalation"])
    pool = await open_pool(postgres, "escalation", settings=PoolSettings(largest=6))
    await pool.execute("TRUNCATE clock, case_facts, ledger, outbox")
    yield Bench(pool)
    await pool.close()


def words(events: list[Event[Any]]) -> list[tuple[str, str, str]]:
    return [(type(event.data).__name__, event.data.clock.kind, event.data.clock.level) for event in events]


async def test_nobody_signs_and_the_case_climbs_from_village_to_town_to_county(bench: Bench) -> None:
    story = Story("climb", area=WEST_VILLAGE, at=START)
    story.opened()
    order = story.issued(WEST_VILLAGE)
    await bench.fold(*story.events)
    seen: list[tuple[Level, str]] = []
    for _ in range(2):
        told = len(await bench.said())
        # The sign-in limit is 30 minutes; its warning stands at four fifths.
        bench.now = order.issued_at + timedelta(minutes=24)
        await bench.fire()
        bench.now = order.issued_at + timedelta(minutes=30)
        await bench.fire()
        events = (await bench.said())[told:]
        assert [type(event.data) for event in events] == [ClockWarned, ClockBreached, ClockEscalated]
        moved = cast("ClockEscalated", events[2].data)
        assert moved.when_late is WhenLate.TAKE_OVER
        seen.append((moved.to_level, moved.to.id))
        order = await _taken_over(bench, story, order, moved)
    bench.now = order.issued_at + timedelta(hours=5)
    await bench.fire()
    last = (await bench.said())[-1].data
    assert isinstance(last, ClockBreached)
    assert last.nobody_above
    assert last.late_seconds == timedelta(hours=4, minutes=30).total_seconds()
    assert seen == [(Level.TOWN, WEST), (Level.COUNTY, COUNTY)]
    assert await bench.pool.fetchval("SELECT count(*) FROM clock WHERE next_at <= $1", bench.now) == 0


async def _taken_over(bench: Bench, story: Story, order: Order, moved: ClockEscalated) -> Order:
    """What the router answers: an order for the desk above, and the late one withdrawn."""
    told = len(story.events)
    story.at = moved.fired_at
    taken = story.issued(moved.to.id, reason=OrderReason.ESCALATED)
    story.withdrawn(order)
    await bench.fold(*story.events[told:])
    return taken


async def test_a_fired_clock_never_fires_again(bench: Bench) -> None:
    story = Story("once", area=WEST_VILLAGE, at=START)
    story.opened()
    story.issued(WEST_VILLAGE)
    await bench.fold(*story.events)
    bench.now = START + timedelta(days=3)
    assert (await bench.fire()).taken == 2
    before = await bench.said()
    assert (await bench.fire()).taken == 0
    assert [event.id for event in await bench.said()] == [event.id for event in before]


async def test_two_replicas_fire_each_clock_once(bench: Bench) -> None:
    for number in range(200):
        story = Story(f"many-{number}", area=WEST_VILLAGE, at=START)
        story.opened()
        story.issued(WEST_VILLAGE)
        await bench.fold(*story.events)
    bench.now = START + timedelta(hours=1)

    all_ready = asyncio.Barrier(3)

    async def replica() -> list[int]:
        # Three firings at once to begin with: else the first might have done all before the others have begun.
        await all_ready.wait()
        taken = [(await bench.fire(most=17)).taken]
        await all_ready.wait()
        while (report := await bench.fire(most=17)).taken:
            taken.append(report.taken)
        return taken

    shares = await asyncio.gather(replica(), replica(), replica())
    assert sum(map(sum, shares)) == 200
    assert sum(1 for share in shares if sum(share)) > 1, "one replica did everything; the test shows nothing"
    counted = Counter(words(await bench.said()))
    assert counted["ClockBreached", "sign_in", "village"] == 200
    assert counted["ClockEscalated", "sign_in", "village"] == 200
    assert counted["ClockBreached", "handle", "village"] == 0


async def test_nothing_fires_after_a_stop_and_a_firing_in_flight_is_over_before_it(bench: Bench) -> None:
    stories = [Story(f"race-{number}", area=WEST_VILLAGE, at=START) for number in range(60)]
    orders = []
    for story in stories:
        story.opened()
        orders.append(story.issued(WEST_VILLAGE))
        await bench.fold(*story.events)
    bench.now = START + timedelta(hours=1)

    async def sign() -> None:
        for story, order in zip(stories, orders, strict=True):
            told = len(story.events)
            story.signed(order)
            await bench.fold(*story.events[told:])

    async def fire() -> None:
        # A few at a time, so that stops and firings truly interleave.
        while (await bench.fire(most=3)).taken:
            pass

    await asyncio.gather(sign(), fire())
    rows = await bench.pool.fetch("SELECT next_at, breached_at, outcome FROM clock WHERE kind = 'sign_in'")
    breached = sum(1 for row in rows if row["breached_at"] is not None)
    assert all(row["next_at"] is None and row["outcome"] == "met" for row in rows)
    assert 0 < breached < 60, "stops and firings did not interleave; the test shows nothing"
    said = Counter(words(await bench.said()))
    assert said["ClockBreached", "sign_in", "village"] == breached


async def test_a_clock_that_a_fold_is_stopping_right_now_is_left_alone(bench: Bench) -> None:
    story = Story("held", area=WEST_VILLAGE, at=START)
    story.opened()
    order = story.issued(WEST_VILLAGE)
    await bench.fold(*story.events)
    bench.now = START + timedelta(hours=1)
    async with bench.pool.acquire() as held, held.transaction():
        await held.execute("SELECT 1 FROM clock WHERE order_id = $1 FOR UPDATE", order.order_id)
        assert (await bench.fire()).taken == 0
    assert (await bench.fire()).taken == 1


async def test_only_partitions_whose_facts_are_whole_fire(bench: Bench) -> None:
    story = Story("horizon", area=WEST_VILLAGE, at=START)
    story.opened()
    story.issued(WEST_VILLAGE)
    await bench.fold(*story.events)
    bench.now = START + timedelta(hours=1)
    number = story.case_id.int % 12
    others = {n: timedelta() for n in range(12) if n != number}
    assert (await bench.fire(Horizon(settled=others))).taken == 0
    assert (await bench.fire(Horizon(settled={number: timedelta(minutes=50)}))).taken == 0
    assert (await bench.fire(Horizon(settled=others, others={number: timedelta(minutes=50)}))).taken == 0
    frozen_since = time.monotonic() - timedelta(minutes=50).total_seconds()
    known_then = Horizon(settled={number: timedelta()}, others={number: timedelta()}, at=frozen_since)
    assert (await bench.fire(known_then)).taken == 0, "nobody knows what came while this process was frozen"
    assert (await bench.fire(Horizon(settled=others, others={number: timedelta(minutes=20)}))).taken == 1


async def test_repeats_change_nothing_and_a_hole_stops_the_fold(bench: Bench) -> None:
    story = Story("again", area=WEST_VILLAGE, at=START)
    story.opened()
    order = story.issued(WEST_VILLAGE)
    story.signed(order)
    records = bench.tape.write(story.events)
    await bench.fold_records(records)
    before = await bench.pool.fetch("SELECT * FROM clock ORDER BY clock_id")
    report = await bench.fold_records(records)
    assert (report.applied, report.repeated) == (0, 3)
    assert await bench.pool.fetch("SELECT * FROM clock ORDER BY clock_id") == before
    ledger = await bench.pool.fetch("SELECT * FROM ledger")
    gap = records[0]._replace(offset=records[0].offset + 7)
    with pytest.raises(Hole, match="arrived, the ledger waits for"):
        await bench.fold_records([gap])
    assert await bench.pool.fetch("SELECT * FROM ledger") == ledger


async def test_garbage_beyond_the_limits_stops_the_fold_and_nothing_is_written_or_set_aside(bench: Bench) -> None:
    story = Story("spoilt", area=WEST_VILLAGE, at=START)
    story.opened()
    (good,) = bench.tape.write(story.events)
    bad = [good._replace(offset=good.offset + n, value=b"no event") for n in range(1, 6)]
    await bench.fold_records([good])
    await bench.fold_records(bad[:2])
    ledger = await bench.pool.fetch("SELECT * FROM ledger")
    with pytest.raises(TooManyRejected, match="4 records in a row"):
        await bench.fold_records(bad[2:])
    assert await bench.pool.fetch("SELECT * FROM ledger") == ledger
    assert len(bench.letters) == 2


async def test_two_members_that_fold_one_case_at_once_lose_nothing(bench: Bench) -> None:
    """In the moment of a rebalance two members may hold one case, each with another of its topics."""
    stories = [Story(f"both-{number}", area=WEST_VILLAGE, at=START) for number in range(25)]
    for story in stories:
        story.opened()
        order = story.issued(WEST_VILLAGE)
        story.signed(order)
    records = bench.tape.write([event for story in stories for event in story.events])
    cases = [record for record in records if record.topic == CASE.name]
    orders = [record for record in records if record.topic != CASE.name]

    async def member(share: list[Record]) -> None:
        for record in share:
            await bench.fold_records([record])

    await asyncio.gather(member(cases), member(orders))
    rows = await bench.pool.fetch("SELECT kind, outcome FROM clock ORDER BY kind")
    counted = Counter((row["kind"], row["outcome"]) for row in rows)
    assert counted == {("dispatch", "met"): 25, ("sign_in", "met"): 25, ("handle", None): 25}


async def test_garbage_and_foreign_events_are_set_aside_and_the_rest_goes_on(bench: Bench) -> None:
    story = Story("mixed", area=WEST_VILLAGE, at=START)
    story.opened()
    good = bench.tape.write(story.events)
    bad = [bench.tape.garbage(CASE.name), bench.tape.garbage(CASE.name)._replace(value=None)]
    report = await bench.fold_records([*bad, *good])
    assert report.applied == 1
    assert ["missing header" in one.reason for one in bench.letters] == [True, True]
    assert await bench.pool.fetchval("SELECT count(*) FROM case_facts") == 1


async def test_a_case_without_a_playbook_waits_in_the_database_and_gets_its_clocks_later(bench: Bench) -> None:
    book = bench.books.pop(COUNTY)
    story = Story("early", area=WEST_VILLAGE, at=START)
    story.opened()
    story.issued(WEST_VILLAGE)
    await bench.fold(*story.events)
    assert await bench.pool.fetchval("SELECT count(*) FROM clock") == 0
    waiting = await bench.store.waiting()
    assert waiting[COUNTY].cases == 1
    assert "no playbook is in force" in waiting[COUNTY].reason
    bench.books[COUNTY] = book
    soon = utc_now() + timedelta(minutes=1)
    assert await revisit(COUNTY, store=bench.store, playbooks=bench, before=soon, most=10) == 1
    assert await bench.store.waiting() == {}
    assert await bench.pool.fetchval("SELECT count(*) FROM clock") == 3


async def test_a_departments_late_order_goes_to_the_desk_of_its_own_level(bench: Bench) -> None:
    story = Story("bureau", area=WEST_VILLAGE, at=START)
    story.opened()
    story.issued(GAS_BUREAU, role=OrderRole.ASSIST, level=Level.COUNTY)
    await bench.fold(*story.events)
    bench.now = START + timedelta(hours=1)
    await bench.fire()
    moved = next(event.data for event in await bench.said() if isinstance(event.data, ClockEscalated))
    assert (moved.from_level, moved.to_level, moved.to.id) == (Level.COUNTY, Level.COUNTY, COUNTY)


async def test_a_clock_says_what_was_due_when_its_lane_was_whole_and_waits_with_what_came_after(bench: Bench) -> None:
    story = Story("whole", area=WEST_VILLAGE, at=START)
    story.opened()
    order = story.issued(WEST_VILLAGE)
    await bench.fold(*story.events)
    lane = await bench.pool.fetchval("SELECT min(partition) FROM clock")
    told = len(await bench.said())
    bench.now = order.issued_at + timedelta(minutes=35)
    # The warning stands at 24 minutes, the limit at 30: the signature may lie in what is not folded yet.
    behind = Horizon(settled={**EVERYTHING.settled, lane: timedelta(minutes=6)})
    await bench.fire(behind)
    assert [type(event.data) for event in (await bench.said())[told:]] == [ClockWarned]
    assert (await bench.fire(behind)).taken == 0
    await bench.fire()
    assert ClockBreached in [type(event.data) for event in (await bench.said())[told + 1 :]]


async def test_what_a_clock_says_shows_its_case_as_it_was_told_last(bench: Bench) -> None:
    story = Story("shown", area=WEST_VILLAGE, at=START)
    story.opened()
    first = story.issued(WEST_VILLAGE)
    story.returned(first)
    story.issued(WEST_VILLAGE)
    await bench.fold(*story.events)
    told = len(await bench.said())
    bench.now = START + timedelta(hours=1)
    await bench.fire()
    said = (await bench.said())[told:]
    assert said
    assert story.view.returns
    for event in said:
        assert event.data.case == story.view
        assert (event.subject, event.sequence) == (str(story.view.case_id), story.view.version)


async def test_the_trace_of_the_report_goes_on_in_what_its_clock_says(bench: Bench) -> None:
    story = Story("trace", area=WEST_VILLAGE, at=START)
    story.opened()
    story.issued(WEST_VILLAGE)
    await bench.fold(*story.events)
    bench.now = START + timedelta(hours=1)
    await bench.fire()
    assert {event.traceparent for event in await bench.said()} == {story.events[0].traceparent}
