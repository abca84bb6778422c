"""Every process dies once in mid-stream, and engines go away: nothing is lost, nothing is doubled.

Ids are compared as sets, from the topics and the tables themselves. A system of its own, for this one is broken.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

import pytest

from deploy.local.keys import DEMO_COUNTY, county_bearers
from deploy.local.platform import Options, Platform
from deploy.local.playbooks import load_playbook
from deploy.local.progress import Quiet
from tests.e2e.account import Topics, column, count, read_topics
from tests.e2e.crowd import Crowd, at_work
from tests.e2e.sink import Sink, sink
from tests.e2e.walk import Door, door, until
from tests.platform import data_folder

OPERATOR = f"{DEMO_COUNTY}-operator"
VICTIMS = ("intake", "router", "escalation", "notifier", "kafka")
ISSUED = "whistle.order.issued.v1"
LEAST_A_DEATH, MOST_A_DEATH = 20, 60
"""Reports accepted before each death, and those that may be on their way over it."""
SPEED = 60
"""Ten minutes to sign for a gas leak are ten seconds: clocks warn, breach and escalate while processes die."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def frail() -> Iterator[Platform]:
    with data_folder("frail") as data:
        options = Options(
            data=data,
            bearers=county_bearers(DEMO_COUNTY),
            playbooks=(load_playbook(speed=SPEED),),
            # Every event must be told to somebody here, and a canary is told to nobody.
            environment={"WHISTLE_CANARY_COUNTY": "off"},
            known_ports=False,
        )
        with Platform(options, Quiet()) as platform:
            yield platform


async def settled(platform: Platform, kept: Sink) -> Topics:
    """Everything that is on its way has arrived; escalation is stopped meanwhile, or its clocks would never rest."""
    looks: list[dict[str, int]] = []
    topics = Topics()

    async def look() -> dict[str, int]:
        await read_topics(platform.bootstrap, topics)
        return {
            "events": len(topics.events),
            "told": await count(platform.dsn, "SELECT count(*) FROM notifier.feed"),
            "delivered": len(kept.bodies),
            "waiting deliveries": await count(
                platform.dsn, "SELECT count(*) FROM notifier.delivery WHERE state = 'waiting'"
            ),
            "intake's outbox": await count(platform.dsn, "SELECT count(*) FROM intake.outbox"),
            "unanswered": len(topics.unanswered()),
        }

    async def at_rest() -> bool:
        looks.append(await look())
        await asyncio.sleep(1)
        now = looks[-1]
        return (
            looks[-4:-1] == [now] * 3
            and now["told"] == now["events"]
            and now["waiting deliveries"] == now["intake's outbox"] == now["unanswered"] == 0
        )

    try:
        await until(at_rest, what="everything has arrived", seconds=400)
    except AssertionError as error:
        raise AssertionError(f"{error}; last seen {looks[-1]}") from error
    return topics


def alone(effects: Mapping[Any, set[UUID]]) -> bool:
    return all(len(ids) == 1 for ids in effects.values())


async def test_every_process_dies_once_under_load_and_the_books_balance(frail: Platform) -> None:
    with sink() as kept:
        async with door(frail, OPERATOR) as edge:
            await edge.subscribe(kept, "/orders", type=[ISSUED])
            crowd = Crowd(edge)
            async with at_work(crowd, kept, senders=4, pause=0.1) as allowed:
                for victim in VICTIMS:
                    for _ in range(MOST_A_DEATH):
                        allowed.release()
                    await more_accepted(crowd, LEAST_A_DEATH)
                    await asyncio.to_thread(frail.kill, victim)
                    await asyncio.to_thread(frail.await_ready, victim)

            async def escalated() -> bool:
                return (
                    await count(frail.dsn, "SELECT count(*) FROM escalation.clock WHERE breached_at IS NOT NULL") > 20
                )

            await until(escalated, what="clocks that have escalated", seconds=90)
            await asyncio.to_thread(frail.stop_part, "escalation")
            try:
                await the_books_balance(frail, crowd, kept)
            finally:
                await asyncio.to_thread(frail.start_part, "escalation")
    await every_order_has_a_clock(frail)


async def the_books_balance(platform: Platform, crowd: Crowd, kept: Sink) -> None:
    topics = await settled(platform, kept)
    nothing_lost(crowd, topics)
    nothing_doubled(topics)
    await tables_agree(platform, topics)
    delivered = [UUID(body["data"]["event_id"]) for body in kept.bodies.values()]
    assert set(delivered) == topics.order_events()
    assert len(delivered) == len(set(delivered))
    assert kept.unsigned == []
    for victim in VICTIMS:
        assert platform.starts(victim) == 2, f"{victim} died more than once:\n" + "\n".join(platform.tail(victim))


async def more_accepted(crowd: Crowd, reports: int) -> None:
    goal = len(crowd.promised) + reports

    async def reached() -> bool:
        return len(crowd.promised) >= goal

    await until(reached, what=f"{goal} reports accepted", seconds=120)


def nothing_lost(crowd: Crowd, topics: Topics) -> None:
    promised = set(crowd.promised.values())
    assert len(promised) == len(crowd.promised)
    assert topics.opened().keys() == promised
    assert promised - topics.led() == set()
    assert topics.unanswered() == set()
    assert topics.dead_letters == []
    assert any(step == "whistle.sla.escalated.v1" for _, step, _ in topics.said_by_clocks())
    gaps = {case: told for case, told in topics.versions().items() if told != [*range(1, len(told) + 1)]}
    assert gaps == {}


def nothing_doubled(topics: Topics) -> None:
    """One effect for each (event, step, recipient), however often a record was written."""
    assert alone(topics.opened())
    assert alone(topics.issued())
    assert alone(topics.said_by_clocks())


async def tables_agree(platform: Platform, topics: Topics) -> None:
    assert await column(platform.dsn, "SELECT event_id FROM notifier.feed") == topics.events.keys()
    case_events = {event.id for event in topics.events.values() if event.type.startswith("whistle.case.")}
    assert await column(platform.dsn, "SELECT event_id FROM intake.case_event") == case_events
    deliveries = "SELECT count(*) - count(DISTINCT (event_id, subscription_id)) FROM notifier.delivery"
    assert await count(platform.dsn, deliveries) == 0
    doubled = (
        "SELECT count(*) FROM (SELECT FROM escalation.clock WHERE order_id IS NOT NULL "
        "GROUP BY order_id, kind, started_at HAVING count(*) > 1) AS d"
    )
    assert await count(platform.dsn, doubled) == 0


async def every_order_has_a_clock(platform: Platform) -> None:
    # Those of now: clocks that are late go on asking for others.
    orders = (await read_topics(platform.bootstrap)).orders()

    async def all_clocked() -> bool:
        query = "SELECT DISTINCT order_id FROM escalation.clock WHERE order_id IS NOT NULL"
        return orders <= await column(platform.dsn, query)

    await until(all_clocked, what="a clock for each order", seconds=90)


async def routed(platform: Platform, cases: set[UUID]) -> None:
    topics = Topics()

    async def all_led() -> bool:
        return cases <= (await read_topics(platform.bootstrap, topics)).led()

    await until(all_led, what="an order for each case", seconds=90)


async def test_with_kafka_away_intake_accepts_and_the_relay_catches_up(frail: Platform) -> None:
    async with door(frail, OPERATOR) as edge:
        crowd = Crowd(edge)
        await asyncio.to_thread(frail.stop_kafka)
        try:
            cases = {await crowd.report(number) for number in range(30)}
            assert crowd.tries == 30
            assert await count(frail.dsn, "SELECT count(DISTINCT key) FROM intake.outbox") >= 30
        finally:
            await asyncio.to_thread(frail.start_kafka)
    await routed(frail, cases)
    topics = await read_topics(frail.bootstrap)
    assert all(topics.versions()[str(case)][:1] == [1] for case in cases)
    assert alone(topics.opened())


async def test_with_postgresql_away_intake_says_when_to_come_back_and_writes_no_half(frail: Platform) -> None:
    report = {"source": "resident", "text": "井盖不见了", "category": "01.006", "area": f"{DEMO_COUNTY}001200"}
    keys = [f"half-{number}" for number in range(5)]
    async with door(frail, OPERATOR) as edge:
        await asyncio.to_thread(frail.stop_postgres)
        try:
            answers = [await edge.send(report, key) for key in keys]
        finally:
            await asyncio.to_thread(frail.start_postgres)
        assert {answer.status_code for answer in answers} == {503}
        assert all(int(answer.headers["retry-after"]) > 0 for answer in answers)
        assert {answer.headers["content-type"] for answer in answers} == {"application/problem+json"}
        written = await count(frail.dsn, "SELECT count(*) FROM intake.client_key WHERE key LIKE 'half-%'")
        assert written == 0
        cases = {await accepted(edge, report, key) for key in keys}
        assert len(cases) == len(keys)
    await routed(frail, cases)


async def accepted(edge: Door, report: dict[str, Any], key: str) -> UUID:
    async def now() -> UUID | None:
        answer = await edge.send(report, key)
        return UUID(answer.json()["case_id"]) if answer.status_code == 201 else None

    return await until(now, what=f"{key} is accepted")
