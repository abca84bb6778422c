"""The Faust worker as a process: what it folds, how it ends, and what it does after it was killed."""

import asyncio
import random
import time
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.structs import TopicPartition

from services.escalation.agents import FoldWorker, Stalled
from services.escalation.domain.clocks import demanded
from services.escalation.domain.facts import Facts
from services.escalation.domain.fold import fold
from services.escalation.domain.limits import start
from services.escalation.ends import LogEnds
from services.escalation.faust_app import FoldSettings
from services.escalation.progress import FoldProgress
from services.escalation.store.postgres import PostgresStore
from shared.events.codec import Message, encode
from shared.events.sla import ClockEscalated
from shared.events.topics import CASE, DEAD_LETTER
from shared.runtime.clock import utc_now
from shared.runtime.migrate import migrate
from shared.vocabulary import Level, OrderRole
from tests.fakes.clock_county import clock_county
from tests.fakes.small_county import EAST, GAS_BUREAU, WEST, WEST_VILLAGE
from tests.fakes.story import Story
from tests.integration.escalation.world import World, until


def lives(count: int, *, seed: int = 7) -> list[Story]:
    """Cases whose lives differ: some signed, some returned, some done."""
    chance, stories = random.Random(seed), []
    for number in range(count):
        story = Story(f"life-{seed}-{number}", area=WEST_VILLAGE, at=utc_now() + timedelta(days=30))
        story.opened()
        order = story.issued(chance.choice((WEST_VILLAGE, WEST, EAST)))
        other = story.issued(GAS_BUREAU, role=OrderRole.ASSIST, level=Level.COUNTY)
        for step in (story.signed, story.progressed, story.arrived, story.resolved)[: chance.randrange(5)]:
            step(order)
        if chance.random() < 0.3:
            story.returned(other)
        stories.append(story)
    return stories


def expected(stories: list[Story]) -> dict[UUID, str | None]:
    """Each clock that these lives demand, and how it stopped."""
    book, clocks = clock_county(), dict[UUID, str | None]()
    for story in stories:
        facts: Facts | None = None
        for event in story.events:
            facts = fold(facts, event)
        assert facts is not None
        for demand in demanded(facts):
            if start(demand, book) is not None:
                clocks[demand.clock_id] = str(demand.stop.outcome) if demand.stop else None
    return clocks


async def test_a_case_gets_its_clocks_and_sigterm_ends_the_process_with_zero(here: World) -> None:
    await here.put(clock_county())
    story = Story("one", area=WEST_VILLAGE, at=utc_now())
    story.opened()
    order = story.issued(WEST_VILLAGE)
    story.issued(GAS_BUREAU, role=OrderRole.ASSIST, level=Level.COUNTY)
    story.signed(order)
    await here.tell(story.events)
    worker = await here.start()
    await here.until_folded(4)
    clocks = await here.rows("SELECT kind, level, outcome FROM clock ORDER BY level, kind")
    assert [(row["kind"], row["level"], row["outcome"]) for row in clocks] == [
        ("handle", "county", None),
        ("sign_in", "county", None),
        ("dispatch", "village", "met"),
        ("handle", "village", None),
        ("sign_in", "village", "met"),
    ]
    assert (await worker.ops("/readyz")).status_code == 200
    assert (await worker.ops("/livez")).status_code == 200
    assert 'whistle_escalation_records_total{outcome="applied"} 4.0' in (await worker.ops("/metrics")).text
    began = time.monotonic()
    assert await worker.terminate() == 0, worker.output
    assert time.monotonic() - began < 15


async def test_killed_again_and_again_in_mid_stream_it_folds_everything_once(here: World) -> None:
    await here.put(clock_county())
    stories = lives(1500)
    # The stories' events mixed, each story's in order.
    chance = random.Random(1)
    waiting = [list(reversed(story.events)) for story in stories]
    mixed = []
    while waiting:
        place = chance.randrange(len(waiting))
        mixed.append(waiting[place].pop())
        if not waiting[place]:
            waiting[place] = waiting[-1]
            waiting.pop()

    async def publish() -> None:
        for begin in range(0, len(mixed), 200):
            await here.tell(mixed[begin : begin + 200])
            await asyncio.sleep(0.05)

    publishing = asyncio.create_task(publish())
    kills, before = 0, -1
    while True:
        worker = await here.start(WHISTLE_BATCH_RECORDS="100")

        async def moved(before: int = before) -> bool:
            return await here.folded() > before

        await until(moved, seconds=60, what=f"the fold moves after {kills} kills: {worker.output[-2000:]}")
        if kills == 6:
            break
        before = await here.folded()
        await worker.kill()
        kills += 1
    await publishing
    await here.until_folded(len(mixed))
    assert before < len(mixed), "everything was folded before the last kill; the test shows nothing"
    ends = await here.ends()
    rows = await here.rows("SELECT topic, partition, next_offset FROM ledger")
    ledger = {(row["topic"], row["partition"]): row["next_offset"] for row in rows}
    assert {place: ledger.get(place, 0) for place in ends} == ends
    clocks = await here.rows("SELECT clock_id, outcome FROM clock")
    assert {row["clock_id"]: row["outcome"] for row in clocks} == expected(stories)
    assert await here.one("SELECT count(*) FROM case_facts") == len(stories)


async def test_a_restart_is_quick_for_a_member_that_the_group_knows(here: World) -> None:
    """Without a static membership a new process waits until the session of the killed one has run out."""
    await here.put(clock_county())
    first, second = lives(2)
    await here.tell(first.events)
    worker = await here.start()
    await here.until_folded(len(first.events))
    await worker.kill()
    began = time.monotonic()
    await here.tell(second.events)
    await here.start()
    await here.until_folded(len(first.events) + len(second.events), seconds=20)
    assert time.monotonic() - began < 20, "as long as a session"


async def test_too_much_garbage_is_told_by_the_probe_and_nothing_of_it_is_folded(here: World) -> None:
    await here.put(clock_county())
    await here.send([Message(topic=CASE.name, key=b"spoilt", value=b"no event", headers=())] * 5)
    worker = await here.start(WHISTLE_MAX_REJECTED_IN_A_ROW="4")

    async def told() -> bool:
        return "delivery.too_many_rejected" in worker.output

    await until(told, what="the fold stands still")
    ready = (await worker.ops("/readyz")).json()
    assert "5 records in a row" in ready["checks"]["rejected"]["why"]
    assert "whistle_escalation_too_many_rejected 1.0" in (await worker.ops("/metrics")).text
    assert await here.folded() < 5, "the batch that went beyond the limit is not folded"


async def test_garbage_goes_to_the_dead_letters_with_its_origin_and_the_partition_goes_on(here: World) -> None:
    await here.put(clock_county())
    story = Story("after garbage", area=WEST_VILLAGE, at=utc_now())
    story.opened()
    key = str(story.case_id).encode()
    bad = [
        Message(topic=CASE.name, key=key, value=b"{", headers=()),
        Message(topic=CASE.name, key=key, value=b"{}", headers=encode(story.events[0]).headers),
    ]
    await here.send(bad)
    await here.tell(story.events)
    await here.start()
    await here.until_folded(3)
    assert await here.one("SELECT count(*) FROM case_facts") == 1
    # A broker that is reused still holds the letters of earlier runs.
    ours = ("dead-letter-topic", (here.prefix + CASE.name).encode())
    letters = [letter for letter in await here.raw(DEAD_LETTER.name, key) if ours in letter]
    origins = {header for letter in letters for header in letter if header[0] == "dead-letter-reason"}
    assert len(letters) == 2
    assert any(b"missing header" in reason for _, reason in origins)
    assert any(b"whistle.case.opened.v1: case" in reason for _, reason in origins)


async def test_facts_that_are_gone_from_the_topic_stop_the_worker_with_the_way_out(here: World) -> None:
    await here.put(clock_county())
    await here.tell([event for story in lives(40) for event in story.events])
    name = here.prefix + CASE.name
    ends = await here.ends()
    place = next(key for key, end in ends.items() if key[0] == name and end > 1)
    admin = AIOKafkaAdminClient(bootstrap_servers=here.kafka)
    await admin.start()
    await admin.delete_records({TopicPartition(*place): RecordsToDelete(before_offset=1)})
    await admin.close()
    worker = await here.start()
    assert await worker.ended() != 0
    assert f"{place[0]}/{place[1]} begins at 1 but the ledger waits for 0" in worker.output
    # The way out that the message names.
    await here.pool.execute("INSERT INTO ledger VALUES ($1, $2, 1)", *place)
    await here.start()
    await here.until_folded(sum(ends.values()))


async def test_a_topic_that_is_shorter_than_the_ledger_stops_the_worker(here: World) -> None:
    await here.put(clock_county())
    await here.pool.execute("INSERT INTO ledger VALUES ($1, 0, 5)", here.prefix + CASE.name)
    worker = await here.start()
    assert await worker.ended() != 0
    assert "ends at 0 but the ledger has read up to 5" in worker.output


async def test_two_replicas_share_the_partitions_by_number_and_each_is_ready_to_fire_its_own(here: World) -> None:
    await here.put(clock_county())
    one, two = await here.start("escalation-0"), await here.start("escalation-1")
    stories = lives(300, seed=3)
    await here.tell([event for story in stories for event in story.events])
    await here.until_folded(sum(len(story.events) for story in stories))

    async def shared() -> bool:
        return [await held(one), await held(two)] == [24.0, 24.0]

    async def held(worker: Any) -> float:
        text = (await worker.ops("/metrics")).text
        return float(
            next(line for line in text.splitlines() if line.startswith("whistle_escalation_partitions ")).split()[1]
        )

    await until(shared, what="24 of 48 partitions for each")
    rows = await here.rows("SELECT clock_id, outcome FROM clock")
    assert {row["clock_id"]: row["outcome"] for row in rows} == expected(stories)
    assert [await one.terminate(), await two.terminate()] == [0, 0]


async def test_records_that_wait_and_are_not_folded_end_the_worker(here: World) -> None:
    await here.put(clock_county())
    await here.tell(lives(1)[0].events)

    async def never(_: object) -> Any:
        await asyncio.Event().wait()

    topics = (here.prefix + CASE.name,)
    ends = LogEnds(here.kafka, client_id="test")
    progress = FoldProgress(frozenset(topics), ends, ledger=PostgresStore(here.pool), elsewhere=timedelta(seconds=60))
    settings = FoldSettings(
        bootstrap=here.kafka, topics=topics, group=here.prefix + "stall", instance="stall-0", stall=timedelta(seconds=3)
    )
    worker = FoldWorker(never, ledger=PostgresStore(here.pool), progress=progress, settings=settings)

    async def ask() -> None:
        while True:
            await progress.ask()
            await asyncio.sleep(0.2)

    asking = asyncio.create_task(ask())
    with pytest.raises(Stalled, match="records wait and nothing was folded for"):
        await worker.run()
    asking.cancel()
    await ends.close()


async def test_a_failing_fold_ends_the_worker_and_acks_nothing(here: World) -> None:
    await here.tell(lives(1)[0].events)

    async def broken(_: object) -> Any:
        raise RuntimeError("a fault in the fold")

    topics = (here.prefix + CASE.name,)
    ends = LogEnds(here.kafka, client_id="test")
    progress = FoldProgress(frozenset(topics), ends, ledger=PostgresStore(here.pool), elsewhere=timedelta(seconds=60))
    settings = FoldSettings(bootstrap=here.kafka, topics=topics, group=here.prefix + "fault", instance="fault-0")
    worker = FoldWorker(broken, ledger=PostgresStore(here.pool), progress=progress, settings=settings)
    with pytest.raises(RuntimeError, match="a fault in the fold"):
        await worker.run()
    admin = AIOKafkaAdminClient(bootstrap_servers=here.kafka)
    await admin.start()
    committed = await admin.list_consumer_group_offsets(settings.group)
    await admin.close()
    assert [offset.offset for offset in committed.values() if offset.offset > 0] == []


async def test_a_late_case_climbs_through_the_running_service_soon_after_each_deadline(here: World) -> None:
    """The test plays the router: what the sla topic says becomes orders, and those become clocks."""
    # 30 minutes at this speed are 3 seconds.
    await here.put(clock_county(speed=600))
    worker = await here.start()

    async def joined() -> bool:
        return (await worker.ops("/readyz")).status_code == 200

    async def up() -> bool:
        return "escalation is up" in worker.output

    await until(up, what="the ops port")
    await until(joined, what="readiness")
    story = Story(f"climb {here.prefix}", area=WEST_VILLAGE, at=utc_now() - timedelta(minutes=2))
    story.at = utc_now() - timedelta(minutes=1)
    story.opened()
    story.at = utc_now() - timedelta(minutes=1)
    order = story.issued(WEST_VILLAGE)
    await here.tell(story.events)
    climbed: list[tuple[Level, str]] = []
    while len(climbed) < 2:
        moved = await _escalated(here, story, len(climbed))
        climbed.append((moved.to_level, moved.to.id))
        # Within a second on an idle machine; this one may be shared.
        assert timedelta() <= moved.fired_at - moved.clock.due_at < timedelta(seconds=3)
        told = len(story.events)
        story.at = utc_now() - timedelta(minutes=1)
        taken = story.issued(moved.to.id)
        story.withdrawn(order)
        order = taken
        await here.tell(story.events[told:])
    assert climbed == [(Level.TOWN, WEST), (Level.COUNTY, WEST[:6])]

    async def nobody_above() -> bool:
        return any(getattr(event.data, "nobody_above", False) for event in await here.said([story.case_id]))

    await until(nobody_above, seconds=20, what="the county's own breach")
    ids = [event.id for event in await here.said([story.case_id])]
    assert len(ids) == len(set(ids))


async def _escalated(here: World, story: Story, before: int) -> ClockEscalated:
    found: list[ClockEscalated] = []

    async def one_more() -> bool:
        said = await here.said([story.case_id])
        found[:] = [
            event.data
            for event in said
            if isinstance(event.data, ClockEscalated) and event.data.clock.kind == "sign_in"
        ]
        return len(found) > before

    await until(one_more, seconds=20, what=f"escalation {before + 1}")
    return found[before]


async def test_a_worker_that_is_there_before_a_topic_folds_it_soon_after_it_is_made(
    kafka: str, postgres: str, tmp_path: Path
) -> None:
    early = World(kafka, postgres, tmp_path)
    await migrate(postgres, ["escalation"])
    worker = await early.start()
    try:

        async def says_so() -> bool:
            return "has no topic" in worker.output

        await until(says_so, what="the worker says that a topic is missing")
        await early.open()
        await early.pool.execute("TRUNCATE clock, case_facts, ledger, outbox")
        await early.put(clock_county())
        story = Story("early", area=WEST_VILLAGE, at=utc_now())
        story.opened()
        await early.tell(story.events)
        await early.until_folded(1)
    finally:
        await early.close()
