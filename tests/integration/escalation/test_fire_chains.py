"""Chains through the real PostgreSQL, with a clock that the test moves."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from services.escalation.ports import Horizon
from shared.events.envelope import Event
from shared.events.sla import ClockBreached, ClockEscalated, ClockStarted, ClockStepped, ClockStopped
from shared.playbook.model import Playbook
from shared.runtime.migrate import migrate
from shared.runtime.postgres import PoolSettings, open_pool
from shared.vocabulary import ChainAction, ClockKind, Post, Severity, WhenLate
from tests.fakes.chained_county import CHAINED, DAY, THIRTEEN, URGING, chained_county
from tests.fakes.clock_county import limit
from tests.fakes.small_county import COUNTY, WEST, WEST_VILLAGE
from tests.fakes.story import Story
from tests.integration.escalation.test_fire import Bench

START = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
"""Nine in the morning in the county."""


@pytest.fixture
async def bench(postgres: str) -> AsyncIterator[Bench]:
    await migrate(postgres, ["escalation"])
    pool = await open_pool(postgres, "escalation", settings=PoolSettings(largest=6))
    await pool.execute("TRUNCATE clock, case_facts, ledger, outbox")
    yield Bench(pool, books={COUNTY: chained_county()})
    await pool.close()


def ladder(playbook: Playbook, chain: str) -> Playbook:
    """Sign-in of two days by ``chain``, nothing else."""
    sign_in = limit(ClockKind.SIGN_IN, 2, DAY, late=WhenLate.NONE, warn_at=())
    return replace(playbook, clocks=(CHAINED[0], replace(sign_in, chain=chain)))


async def issued(bench: Bench, name: str, *, at: datetime = START, severity: Severity = Severity.IV) -> Story:
    story = Story(name, area=WEST_VILLAGE, at=at)
    story.opened()
    story.issued(WEST_VILLAGE)
    await bench.fold(*[graded(event, severity) for event in story.events])
    return story


def graded(event: Event[Any], severity: Severity) -> Event[Any]:
    return replace(event, data=replace(event.data, case=replace(event.data.case, severity=severity)))


def words(events: list[Event[Any]]) -> list[str]:
    return [
        f"{one.data.step}{one.data.nth}" if isinstance(one.data, ClockStepped) else type(one.data).__name__
        for one in events
    ]


async def walk(bench: Bench, *, minutes: int, every: int = 1) -> list[tuple[int, list[str], list[Event[Any]]]]:
    """What is said minute by minute."""
    told, found = len(await bench.said()), []
    for minute in range(0, minutes + 1, every):
        bench.now = START + timedelta(minutes=minute)
        if (await bench.fire()).taken:
            events = (await bench.said())[told:]
            told += len(events)
            found.append((minute, words(events), events))
    return found


async def test_a_case_that_nobody_touches_walks_its_whole_chain_to_the_leader_of_the_county(bench: Bench) -> None:
    story = await issued(bench, "untouched", at=START - timedelta(minutes=2))
    began = cast("ClockStarted", next(e.data for e in await bench.said() if e.data.clock.kind == ClockKind.SIGN_IN))
    assert began.clock.chain == "emergency"
    assert [(one.step, one.nth) for one in began.clock.ahead][:2] == [("urge", 1), ("urge", 2)]
    assert len(began.clock.ahead) == 7
    found = await walk(bench, minutes=100)
    assert [(minute, said) for minute, said, _ in found] == [
        (15, ["urge1"]),
        (20, ["urge2"]),
        (24, ["ClockWarned"]),
        (25, ["urge3"]),
        (30, ["ClockBreached", "ClockEscalated"]),
        (35, ["instruct1"]),
        (40, ["county1", "ClockEscalated"]),
        (50, ["leader1"]),
        (90, ["known1"]),
    ]
    steps = {
        one.data.step + str(one.data.nth): one.data
        for _, _, es in found
        for one in es
        if isinstance(one.data, ClockStepped)
    }
    # The nth time calls the nth officer too.
    assert [told.officers for n in (1, 2, 3) for told in steps[f"urge{n}"].to] == [
        ("day",),
        ("day", "second"),
        ("day", "second", "third"),
    ]
    climbs = [one.data for _, _, es in found for one in es if isinstance(one.data, ClockEscalated)]
    assert [(one.from_level, one.to_level, one.to.id) for one in climbs] == [
        ("village", "town", WEST),
        ("town", "county", COUNTY),
    ]
    leader = steps["leader1"]
    assert [(told.target.id, told.post, told.officers) for told in leader.to] == [(COUNTY, Post.LEADER, ("head",))]
    assert "县级以上无平台" in leader.reason
    instruct = steps["instruct1"]
    assert instruct.action is ChainAction.SUPERVISE
    assert instruct.reply_due_at == instruct.fired_at + timedelta(hours=2)
    assert [(told.target.id, told.post) for told in (*instruct.to, *instruct.copies)] == [
        (WEST_VILLAGE, Post.OFFICER),
        (WEST_VILLAGE, Post.LEADER),
    ]
    assert instruct.instruction == "书面说明原因 | say in writing why"
    assert [len(one.clock.ahead) for one in steps.values()] == [6, 5, 4, 3, 2, 1, 0]
    assert {event.subject for _, _, es in found for event in es} == {str(story.case_id)}
    assert await bench.pool.fetchval("SELECT count(*) FROM clock WHERE next_at IS NOT NULL") == 0
    ids = [event.id for event in await bench.said()]
    assert len(set(ids)) == len(ids)


async def test_the_ladder_of_13710_and_that_of_urging_come_to_their_days(bench: Bench) -> None:
    base = chained_county(chains=(URGING, THIRTEEN))
    for name in ("13710", "urging"):
        bench.books[COUNTY] = ladder(base, name)
        await issued(bench, f"case-{name}", at=START - timedelta(minutes=2))
    found = await walk(bench, minutes=60 * 24 * 37, every=60)
    hours = [(minute / 60, word) for minute, said, _ in found for word in said]
    assert hours == [
        (15, "placed1"),
        (24, "urge1"),
        (48, "ClockBreached"),
        (48, "ClockBreached"),
        (72, "progress1"),
        (72, "written1"),
        (7 * 24, "solved1"),
        (7 * 24, "ClockEscalated"),
        # Five working days after nine on a Wednesday.
        (9 * 24, "known1"),
        (30 * 24, "hard1"),
        *(((30 + nth) * 24, f"none-left{nth}") for nth in range(1, 6)),
    ]


async def test_at_three_in_the_night_the_officer_of_the_night_is_called_and_the_leader_on_duty(bench: Bench) -> None:
    night = datetime(2026, 11, 23, 19, 0, tzinfo=UTC)
    await issued(bench, "night", at=night - timedelta(minutes=17))
    bench.now = night
    await bench.fire()
    (urge,) = [event.data for event in await bench.said() if isinstance(event.data, ClockStepped)]
    assert [told.officers for told in urge.to] == [("night",)]


async def test_an_edit_of_the_playbook_leaves_the_chain_of_a_running_clock_and_who_is_on_duty_is_read_anew(
    bench: Bench,
) -> None:
    await issued(bench, "running", at=START - timedelta(minutes=2))
    edited = chained_county(version="2", chains=())
    roster = replace(edited.roster, shifts=tuple(replace(one, officers=("night",)) for one in edited.roster.shifts))
    bench.books[COUNTY] = replace(edited, clocks=(CHAINED[0],), roster=roster)
    found = await walk(bench, minutes=40)
    assert [word for _, said, _ in found for word in said][-3:] == ["instruct1", "county1", "ClockEscalated"]
    urge = found[0][2][0].data
    assert [told.officers for told in urge.to] == [("night",)]
    assert {event.data.clock.playbook.version for _, _, events in found for event in events} == {"1"}


async def test_without_a_playbook_a_step_is_taken_names_nobody_and_says_so(bench: Bench) -> None:
    await issued(bench, "bookless", at=START - timedelta(minutes=2))
    bench.books.clear()
    found = await walk(bench, minutes=35, every=35)
    steps = [event.data for _, _, events in found for event in events if isinstance(event.data, ClockStepped)]
    assert {told.officers for one in steps for told in one.to} == {()}
    assert all("预案未到" in one.reason for one in steps)
    assert steps[-1].reply_due_at == steps[-1].fired_at + timedelta(hours=2)


async def test_a_clock_that_stops_takes_no_more_steps(bench: Bench) -> None:
    story = Story("signed", area=WEST_VILLAGE, at=START - timedelta(minutes=2))
    story.opened()
    order = story.issued(WEST_VILLAGE)
    await bench.fold(*story.events)
    bench.now = START + timedelta(minutes=16)
    await bench.fire()
    told = len(story.events)
    story.at = bench.now
    story.signed(order)
    await bench.fold(*story.events[told:])
    assert await walk(bench, minutes=600, every=30) == []
    stop = [event.data for event in await bench.said() if isinstance(event.data, ClockStopped)][-1]
    assert stop.clock.ahead == ()


async def test_after_three_days_without_escalation_each_case_is_told_of_once_the_urgent_first(bench: Bench) -> None:
    grades = [Severity.IV, Severity.II, Severity.III, Severity.I]
    stories = {}
    for number in range(200):
        at = START + timedelta(minutes=number % 50)
        story = await issued(bench, f"outage-{number}", at=at, severity=grades[number % 4])
        stories[str(story.case_id)] = (int(grades[number % 4]), at)
    told = len(await bench.said())
    bench.now = START + timedelta(days=3)
    while (await bench.fire(most=40)).taken:
        pass
    events = (await bench.said())[told:]
    notices = [
        e
        for e in events
        if isinstance(e.data, ClockStepped) and e.data.action in (ChainAction.URGE, ChainAction.CIRCULATE)
    ]
    assert Counter(event.subject for event in notices) == Counter(dict.fromkeys(stories, 1))
    # One notice stands for the urgings before it, and says how late it is.
    assert {(e.data.step, e.data.passed_over) for e in notices} == {("known", ("urge",))}
    assert all("本步迟发 2 天" in e.data.reason and "一并说明" in e.data.reason for e in notices)
    facts = Counter(f"{type(e.data).__name__} {getattr(e.data, 'step', '')}".strip() for e in events)
    assert facts == {
        "ClockBreached": 200,
        "ClockEscalated": 400,
        "ClockStepped instruct": 200,
        "ClockStepped county": 200,
        "ClockStepped leader": 200,
        "ClockStepped known": 200,
    }
    first = list(dict.fromkeys(event.subject for event in events))
    assert [stories[case] for case in first] == sorted(stories.values())


async def test_what_several_clocks_of_a_case_should_have_told_is_told_in_one_notice(bench: Bench) -> None:
    handle = replace(
        limit(ClockKind.HANDLE, 40, CHAINED[1].limit.unit, late=WhenLate.NONE, warn_at=()), chain="emergency"
    )
    bench.books[COUNTY] = chained_county(clocks=(*CHAINED, handle))
    await issued(bench, "several", at=START - timedelta(minutes=2))
    told = len(await bench.said())
    bench.now = START + timedelta(hours=9)
    # One clock fits into a firing: the other of the case comes with it.
    assert (await bench.fire(most=1)).taken == 2
    events = (await bench.said())[told:]
    notices = [e.data for e in events if isinstance(e.data, ClockStepped) and e.data.step in ("urge", "known")]
    assert len(notices) == 1
    assert len(notices[0].covers) == 1
    assert sum(1 for e in events if isinstance(e.data, ClockBreached)) == 2


async def test_a_case_that_becomes_more_urgent_takes_its_clocks_with_it(bench: Bench) -> None:
    story = await issued(bench, "graver")
    assert await bench.pool.fetchval("SELECT DISTINCT urgency FROM clock WHERE next_at IS NOT NULL") == 4
    story.at = START + timedelta(minutes=5)
    told = len(story.events)
    story.paused()
    await bench.fold(*[graded(event, Severity.I) for event in story.events[told:]])
    assert await bench.pool.fetchval("SELECT DISTINCT urgency FROM clock WHERE stopped_at IS NULL") == 1


async def test_three_replicas_that_fire_at_once_say_each_thing_once_under_the_same_ids(bench: Bench) -> None:
    async def run(most: int, replicas: int) -> Counter[str]:
        await bench.pool.execute("TRUNCATE clock, case_facts, ledger, outbox")
        bench.tape, bench.now = type(bench.tape)(), START
        for number in range(60):
            await issued(bench, f"twice-{number}", at=START - timedelta(minutes=2))
        for minute in (16, 26, 31, 36, 41, 51, 91):
            bench.now = START + timedelta(minutes=minute)

            async def replica() -> None:
                while (await bench.fire(most=most)).taken:
                    pass

            await asyncio.gather(*(replica() for _ in range(replicas)))
        return Counter(str(event.id) for event in await bench.said())

    alone, together = await run(500, 1), await run(7, 3)
    assert set(alone.values()) == set(together.values()) == {1}
    assert set(alone) == set(together)


async def test_nothing_is_said_that_came_after_the_facts_were_known_to_be_whole(bench: Bench) -> None:
    await issued(bench, "horizon", at=START - timedelta(minutes=2))
    bench.now = START + timedelta(minutes=31)
    behind = Horizon(settled=dict.fromkeys(range(64), timedelta(minutes=10)))
    await bench.fire(behind)
    assert "ClockBreached" not in words(await bench.said()), "the signature may still be on its way"
    await bench.fire()
    assert "ClockBreached" in words(await bench.said())
