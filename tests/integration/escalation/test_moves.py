"""Clocks stand still, go on, are put off and start anew in the real PostgreSQL, by a clock that the test moves."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.escalation.handlers import revisit
from shared.events.envelope import Event
from shared.events.order import Order
from shared.events.parts import Target
from shared.events.sla import ClockBreached, ClockEscalated, ClockMoved, ClockStarted, ClockStopped, ClockWarned, Moved
from shared.playbook.model import YearStatus
from shared.runtime.clock import utc_now
from shared.vocabulary import ClockKind, Level, OrderRole, TargetKind
from tests.fakes.clock_county import clock_county
from tests.fakes.small_county import COUNTY, GAS_BUREAU, GAS_LEAK, WEST_VILLAGE
from tests.fakes.story import Story
from tests.integration.escalation.test_fire import START, Bench, bench

__all__ = ["bench"]

LIMIT = timedelta(hours=2)


def signed(category: str = GAS_LEAK, name: str = "held") -> tuple[Story, Order]:
    """A case whose lead has signed and is on site; a gas leak has two continuous hours, warned of at half and 0.8."""
    story = Story(name, area=WEST_VILLAGE, at=START, category=category)
    story.opened()
    order = story.issued(WEST_VILLAGE)
    story.signed(order)
    story.arrived(order)
    return story, order


async def handle(bench: Bench) -> Any:
    rows = await bench.pool.fetch(
        """SELECT due_at, next_at, moves, held_at, breached_at, stopped_at, outcome, stopped_by FROM clock
            WHERE kind = 'handle' ORDER BY stopped_at NULLS LAST, started_at"""
    )
    return rows[-1]


def handled(events: list[Event[Any]]) -> list[str]:
    return [type(one.data).__name__ for one in events if one.data.clock.kind is ClockKind.HANDLE]


async def test_a_clock_that_stands_still_never_fires_and_keeps_its_remainder_to_the_microsecond(bench: Bench) -> None:
    story, order = signed()
    story.at = order.issued_at + timedelta(minutes=90, microseconds=7)
    story.paused(order)
    await bench.fold(*story.events)
    paused_at = story.at
    told = len(story.events)
    bench.now = START + timedelta(days=20)
    await bench.fire()
    assert [name for name in handled(await bench.said()) if name != "ClockStarted"] == []
    assert (await handle(bench))["held_at"] == paused_at
    story.at = START + timedelta(days=30)
    story.resumed()
    await bench.fold(*story.events[told:])
    left = LIMIT - (paused_at - order.issued_at)
    assert (await handle(bench))["due_at"] == story.at + left
    bench.now = story.at + left - timedelta(microseconds=1)
    await bench.fire()
    assert not any(isinstance(one.data, ClockBreached) for one in await bench.said())
    bench.now = story.at + left
    await bench.fire()
    said = [one.data for one in await bench.said() if one.data.clock.kind is ClockKind.HANDLE]
    assert [type(one) for one in said] == [ClockStarted, ClockMoved, ClockWarned, ClockBreached, ClockEscalated]
    moved = said[1]
    assert (moved.why, moved.before, moved.clock.due_at) == (Moved.RESUMED, order.issued_at + LIMIT, story.at + left)


async def test_folding_twice_is_folding_once_and_one_by_one_is_all_at_once(bench: Bench) -> None:
    story, order = signed()
    story.paused(order)
    story.resumed()
    story.extended(order, START + timedelta(hours=9))
    story.hung()
    story.resumed()
    records = bench.tape.write(story.events)
    for record in records:
        await bench.fold_records([record])
        await bench.fold_records([record])
    once = await handle(bench)
    said = [(one.id, one.type) for one in await bench.said()]
    assert len(said) == len(set(said))
    await bench.pool.execute("TRUNCATE clock, case_facts, ledger, outbox")
    await bench.fold_records(records)
    again = await handle(bench)
    assert (once["due_at"], once["moves"]) == (again["due_at"], again["moves"])
    assert once["moves"] == 5
    assert once["due_at"] == START + timedelta(hours=9, minutes=1)


async def test_an_extension_moves_the_deadline_and_every_warning_is_said_again(bench: Bench) -> None:
    story, order = signed()
    await bench.fold(*story.events)
    bench.now = order.issued_at + timedelta(minutes=70)
    await bench.fire()
    told = len(story.events)
    story.at = bench.now
    to = order.issued_at + timedelta(hours=10)
    story.extended(order, to)
    await bench.fold(*story.events[told:])
    for hours in (2, 5, 8, 10):
        bench.now = order.issued_at + timedelta(hours=hours)
        await bench.fire()
    said = [one.data for one in await bench.said() if one.data.clock.kind is ClockKind.HANDLE]
    warned = [(one.fraction, one.fired_at - order.issued_at) for one in said if isinstance(one, ClockWarned)]
    assert warned == [(0.5, timedelta(minutes=70)), (0.5, timedelta(hours=5)), (0.8, timedelta(hours=8))]
    assert [one.fired_at for one in said if isinstance(one, ClockBreached)] == [to]


async def test_a_breach_stays_though_the_case_is_held_and_put_off_afterwards(bench: Bench) -> None:
    story, order = signed()
    await bench.fold(*story.events)
    bench.now = order.issued_at + LIMIT
    await bench.fire()
    told, breached_at = len(story.events), (await handle(bench))["breached_at"]
    story.at = bench.now + timedelta(minutes=5)
    story.paused(order)
    story.resumed()
    story.extended(order, story.at + timedelta(days=3))
    await bench.fold(*story.events[told:])
    bench.now += timedelta(days=9)
    assert (await bench.fire()).taken == 0
    row = await handle(bench)
    assert (row["breached_at"], row["due_at"], row["next_at"]) == (breached_at, order.issued_at + LIMIT, None)
    assert handled(await bench.said()).count("ClockBreached") == 1


async def test_an_assistant_goes_on_while_the_lead_pauses_and_stands_still_when_the_case_is_hung(bench: Bench) -> None:
    story, order = signed()
    helper = story.issued(GAS_BUREAU, role=OrderRole.ASSIST, level=Level.COUNTY)
    story.paused(order)
    await bench.fold(*story.events)
    bench.now = helper.issued_at + timedelta(minutes=30)
    await bench.fire()
    late = {(one.data.clock.kind, one.data.clock.order_id) for one in await bench.said() if _is_breach(one)}
    assert late == {(ClockKind.SIGN_IN, helper.order_id), (ClockKind.ARRIVE, helper.order_id)}
    told = len(story.events)
    story.at = bench.now
    story.hung()
    await bench.fold(*story.events[told:])
    bench.now += timedelta(days=30)
    assert (await bench.fire()).taken == 0


def _is_breach(event: Event[Any]) -> bool:
    return isinstance(event.data, ClockBreached)


async def test_a_new_name_calls_clocks_off_and_starts_others_whose_word_comes_last(bench: Bench) -> None:
    story, order = signed(category="99")
    await bench.fold(*story.events)
    told, said = len(story.events), len(await bench.said())
    story.at = order.issued_at + timedelta(minutes=30)
    story.recategorised(GAS_LEAK, order)
    await bench.fold(*story.events[told:])
    news = [one.data for one in (await bench.said())[said:]]
    assert [(type(one), one.clock.kind) for one in news] == [
        (ClockStopped, ClockKind.HANDLE),
        (ClockStarted, ClockKind.HANDLE),
    ]
    assert news[1].clock.due_at == order.issued_at + LIMIT
    bench.now = order.issued_at + LIMIT
    await bench.fire()
    assert handled(await bench.said()).count("ClockBreached") == 1


async def test_a_supervision_is_late_at_its_date_unless_the_reply_came(bench: Bench) -> None:
    bureau = Target(kind=TargetKind.DEPARTMENT, id=GAS_BUREAU, name="燃气公司")
    story, _ = signed(category="99")
    answered = story.supervised(bureau, START + timedelta(hours=3))
    story.supervised(bureau, START + timedelta(hours=4))
    story.replied(answered)
    await bench.fold(*story.events)
    bench.now = START + timedelta(hours=5)
    await bench.fire()
    late = [one.data for one in await bench.said() if _is_breach(one) and one.data.clock.kind is ClockKind.SUPERVISE]
    assert [(one.clock.due_at, one.clock.target) for one in late] == [(START + timedelta(hours=4), bureau)]


async def test_a_rest_that_runs_into_an_unknown_year_waits_for_a_calendar_and_fires_nothing(bench: Bench) -> None:
    story, order = signed(category="99")
    story.paused(order)
    await bench.fold(*story.events)
    told = len(story.events)
    bench.books[COUNTY] = _knowing(2026)
    story.at = story.at.replace(year=2027)
    story.resumed()
    await bench.fold(*story.events[told:])
    assert await bench.pool.fetchval("SELECT waiting_for FROM case_facts") is not None
    assert (await handle(bench))["next_at"] is None
    bench.books[COUNTY] = _knowing(2026, 2027)
    assert await revisit(COUNTY, store=bench.store, playbooks=bench, before=utc_now(), most=10) == 1
    assert await bench.pool.fetchval("SELECT waiting_for FROM case_facts") is None
    assert (await handle(bench))["due_at"].year == 2027


def _knowing(*years: int) -> Any:
    book = clock_county()
    calendar = replace(book.calendar, years=dict.fromkeys(years, YearStatus.ANNOUNCED))
    return replace(book, calendar=calendar)


async def test_a_report_that_waited_is_dispatched_once_it_is_filed(bench: Bench) -> None:
    story = Story("waits", area=WEST_VILLAGE, at=START)
    story.received()
    story.filed()
    await bench.fold(*story.events)
    kinds = {row["kind"] for row in await bench.pool.fetch("SELECT kind FROM clock")}
    assert kinds == {"dispatch"}, "the small county limits no acceptance"


@pytest.mark.parametrize("end", ("refused", "merged"))
async def test_what_ends_a_case_ends_a_clock_that_stands_still(bench: Bench, end: str) -> None:
    story, order = signed()
    story.paused(order)
    getattr(story, end)()
    await bench.fold(*story.events)
    bench.now = START + timedelta(days=30)
    assert (await bench.fire()).taken == 0
    row = await handle(bench)
    assert (row["outcome"], row["stopped_by"]) == ("cancelled", end)
