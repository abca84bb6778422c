"""The router on a real broker: cases in, orders out, through restarts, late playbooks and bad records."""

import asyncio
import os
import signal
import sys
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, Self
from uuid import UUID

import httpx
import pytest
from aiokafka import AIOKafkaConsumer

from deploy.local.ports import free_port
from services.router.app import Running, router
from services.router.settings import Settings
from shared.events.codec import decode, encode
from shared.events.envelope import Event
from shared.events.order import OrderIssued
from shared.events.topics import CASE, DEAD_LETTER, ORDER
from shared.playbook.load import load
from shared.playbook.model import Playbook
from shared.playbook.publish import publish
from shared.playbook.record import sealed, to_message
from shared.runtime.clock import utc_now
from shared.runtime.delivery import Publisher
from shared.vocabulary import Level, OrderReason, OrderRole, Source
from tests.fakes.router import a_case, department, desk, escalated, event, opened, returned
from tests.fakes.tiny_playbook import write_tiny

ORDER_TOPICS = tuple(topic.name for topic in ORDER.values())
DEADLINE_SECONDS = 60


@pytest.fixture(scope="module")
def yunlu() -> Playbook:
    return load(Path("playbooks/yunlu"), today=date(2026, 11, 21))


@asynccontextmanager
async def publishing(kafka: str) -> AsyncIterator[Publisher]:
    publisher = Publisher(kafka, client_id="test")
    try:
        yield publisher
    finally:
        await publisher.stop()


@asynccontextmanager
async def routing(kafka: str, **settings: Any) -> AsyncIterator[Running]:
    asked: dict[str, Any] = {"kafka": kafka, "ops_port": 0, "playbook_wait_seconds": 2.0} | settings
    async with router(Settings(**asked)) as running:
        yield running


class Reading:
    """Everything on some topics about some cases, read from the beginning, until enough is there."""

    def __init__(self, kafka: str, topics: Sequence[str]) -> None:
        self._consumer = AIOKafkaConsumer(*topics, bootstrap_servers=kafka, auto_offset_reset="earliest")
        self.records: list[Any] = []

    async def __aenter__(self) -> Self:
        await self._consumer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()

    async def until(self, keys: set[str], count: int) -> list[Any]:
        """Return the records with these keys once there are `count`."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while len(found := self._of(keys)) < count:
                fetched = await self._consumer.getmany(timeout_ms=300)
                self.records += [record for records in fetched.values() for record in records]
        return found

    async def rest(self, keys: set[str]) -> list[Any]:
        """Return the records with these keys up to the present end of the topics."""
        ends = await self._consumer.end_offsets(self._consumer.assignment())
        async with asyncio.timeout(DEADLINE_SECONDS):
            while any([await self._consumer.position(place) < end for place, end in ends.items()]):
                fetched = await self._consumer.getmany(timeout_ms=300)
                self.records += [record for records in fetched.values() for record in records]
        return self._of(keys)

    def _of(self, keys: set[str]) -> list[Any]:
        return [record for record in self.records if (record.key or b"").decode() in keys]


def keys_of(events: Sequence[Event[Any]]) -> set[str]:
    return {one.subject for one in events}


def ids_of(records: Sequence[Any]) -> list[UUID]:
    return [decode(record.value, record.headers).id for record in records]


def a_hundred_cases(**changes: Any) -> list[Event[Any]]:
    categories = ("03.001", "04.002", "05.001", "06.001", "12.003")
    return [event(opened(a_case(category=categories[n % 5], case_id=uuid.uuid4(), **changes))) for n in range(100)]


async def test_cases_become_orders_on_the_topic_of_their_level(kafka: str, yunlu: Playbook) -> None:
    causes = a_hundred_cases(source=Source.GRID)
    # A gas leak of grade IV asks for four, an unlicensed building for three, the rest for one each.
    expected = 20 * (4 + 1 + 1 + 3 + 1)
    async with publishing(kafka) as publisher, Reading(kafka, ORDER_TOPICS) as orders:
        await publish(yunlu, publisher, now=utc_now())
        async with routing(kafka):
            await publisher.publish([encode(cause) for cause in causes])
            await orders.until(keys_of(causes), expected)
            found = await orders.rest(keys_of(causes))
            assert len(found) == expected
            assert all(record.topic == ORDER[issued(record).order.level].name for record in found)
            leads = leads_of(found)
            assert {lead.case.case_id for lead in leads} == {cause.data.case.case_id for cause in causes}
            assert {lead.order.level for lead in leads} == {Level.VILLAGE, Level.TOWN, Level.COUNTY}
            assert len(leads) == 100


async def test_a_case_nobody_signs_reaches_the_topics_of_all_three_levels(kafka: str, yunlu: Playbook) -> None:
    case = a_case(category="05.001", source=Source.GRID, case_id=uuid.uuid4())
    causes = [
        event(opened(case)),
        event(escalated(case, "990101101")),
        event(escalated(case, "990101", target=desk("990101101"), level=Level.TOWN)),
    ]
    async with publishing(kafka) as publisher, Reading(kafka, ORDER_TOPICS) as orders, routing(kafka):
        await publish(yunlu, publisher, now=utc_now())
        await publisher.publish([encode(cause) for cause in causes])
        found = await orders.until(keys_of(causes), 5)
        steps = {
            (data.order.level, data.order.reason)
            for record in found
            if isinstance(data := decode(record.value, record.headers).data, OrderIssued)
        }
        assert steps == {
            (Level.VILLAGE, OrderReason.RULE),
            (Level.TOWN, OrderReason.ESCALATED),
            (Level.COUNTY, OrderReason.ESCALATED),
        }


def issued(record: Any) -> OrderIssued:
    data = decode(record.value, record.headers).data
    assert isinstance(data, OrderIssued)
    return data


def leads_of(records: Sequence[Any]) -> list[OrderIssued]:
    return [order for record in records if (order := issued(record)).order.role is OrderRole.LEAD]


async def test_a_restart_repeats_nothing_and_loses_nothing(kafka: str, yunlu: Playbook) -> None:
    causes = a_hundred_cases()
    async with publishing(kafka) as publisher, Reading(kafka, ORDER_TOPICS) as orders:
        await publish(yunlu, publisher, now=utc_now())
        async with routing(kafka):
            await publisher.publish([encode(cause) for cause in causes[:50]])
            await orders.until(keys_of(causes[:50]), 100)
        await publisher.publish([encode(cause) for cause in causes[50:]])
        async with routing(kafka):
            await orders.until(keys_of(causes[50:]), 100)
        found = await orders.rest(keys_of(causes))
        assert {lead.case.case_id for lead in leads_of(found)} == {cause.data.case.case_id for cause in causes}
        assert len(set(ids_of(found))) == len(found)


async def test_a_case_waits_for_the_playbook_of_its_county(kafka: str, tmp_path: Path) -> None:
    tiny = load(write_tiny(tmp_path), today=date(2026, 6, 1))
    cause = event(opened(a_case(area="990199001001", category="03.001", case_id=uuid.uuid4())))
    async with (
        publishing(kafka) as publisher,
        Reading(kafka, ORDER_TOPICS) as orders,
        routing(kafka, playbook_wait_seconds=30.0) as running,
    ):
        await publisher.publish([encode(cause)])
        async with asyncio.timeout(DEADLINE_SECONDS):
            while running.loop.progress.partitions is None:  # noqa: ASYNC110  the loop has no event to wait for
                await asyncio.sleep(0.05)
        await publisher.publish([to_message(tiny, published_at=utc_now())])
        (lead, assist) = await orders.until(keys_of([cause]), 2)
        assert {lead.topic, assist.topic} == {ORDER[Level.COUNTY].name, ORDER[Level.TOWN].name}


async def test_bad_records_and_unknown_counties_are_set_aside_and_the_partition_goes_on(
    kafka: str, yunlu: Playbook
) -> None:
    unknown = event(opened(a_case(area="990777001001", category="03.001", case_id=uuid.uuid4())))
    good = event(opened(a_case(case_id=uuid.uuid4())))
    spoiled = replace(encode(good), value=b"\xff\xfe not an event")
    async with (
        publishing(kafka) as publisher,
        Reading(kafka, ORDER_TOPICS) as orders,
        Reading(kafka, [DEAD_LETTER.name]) as dead,
    ):
        await publish(yunlu, publisher, now=utc_now())
        async with routing(kafka):
            await publisher.publish([spoiled, encode(unknown), encode(good)])
            await orders.until(keys_of([good]), 1)
            letters = await dead.until(keys_of([good, unknown]), 2)
        reasons = {dict(letter.headers)["dead-letter-reason"].decode() for letter in letters}
        assert any("no playbook is in force for county 990777" in reason for reason in reasons)
        by_key = {letter.key: letter for letter in letters}
        assert by_key[spoiled.key].value == spoiled.value, "the original bytes are kept"
        assert dict(by_key[spoiled.key].headers)["dead-letter-topic"] == CASE.name.encode()


async def test_a_bad_playbook_is_refused_and_the_old_one_routes_on(kafka: str, yunlu: Playbook) -> None:
    bad = sealed(replace(yunlu, version="bad", categories={}))
    cause = event(opened(a_case(category="04.002", case_id=uuid.uuid4())))
    async with publishing(kafka) as publisher, Reading(kafka, ORDER_TOPICS) as orders:
        await publish(yunlu, publisher, now=utc_now())
        await publisher.publish([to_message(bad, published_at=utc_now())])
        async with routing(kafka) as running:
            await publisher.publish([encode(cause)])
            (order,) = await orders.until(keys_of([cause]), 1)
            assert issued(order).explanation.playbook.version == yunlu.version
            async with asyncio.timeout(DEADLINE_SECONDS):
                # Read and checked in the background.
                while not running.shelf.refused:  # noqa: ASYNC110  the shelf has no event for it
                    await asyncio.sleep(0.05)
        await publish(yunlu, publisher, now=utc_now())


async def test_a_returned_order_goes_on_to_somebody_else(kafka: str, yunlu: Playbook) -> None:
    case = a_case(category="04.002", case_id=uuid.uuid4())
    cause = event(returned(case, department("yunxi-construction")))
    async with publishing(kafka) as publisher, Reading(kafka, ORDER_TOPICS) as orders, routing(kafka):
        await publish(yunlu, publisher, now=utc_now())
        await publisher.publish([encode(cause)])
        (order,) = await orders.until(keys_of([cause]), 1)
        assert issued(order).order.target.id == "transport"


async def test_the_process_answers_its_probes_and_ends_with_0_when_asked(kafka: str) -> None:
    ops = free_port()
    environment = os.environ | {"WHISTLE_KAFKA": kafka, "WHISTLE_OPS_PORT": str(ops)}
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "services.router", env=environment)
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{ops}") as client, asyncio.timeout(DEADLINE_SECONDS):
            while not await _is_ready(client):  # noqa: ASYNC110  another process has no event to wait for
                await asyncio.sleep(0.2)
            assert (await client.get("/livez")).status_code == httpx.codes.OK
            metrics = (await client.get("/metrics")).text
        assert "whistle_router_lag_records" in metrics
        assert "whistle_router_playbooks " in metrics
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _is_ready(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/readyz")).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False
