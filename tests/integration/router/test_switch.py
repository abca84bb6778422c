"""Another version of a playbook on a real broker: both replicas take it, keep it when a bad one comes, and go back."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from services.router.app import Running
from shared.events.codec import encode
from shared.events.envelope import Event
from shared.playbook.load import load
from shared.playbook.model import Playbook
from shared.playbook.publish import publish
from shared.playbook.record import sealed, to_message
from shared.runtime.clock import utc_now
from shared.runtime.delivery import Publisher
from tests.fakes.counties import moved
from tests.fakes.router import a_case, event, opened
from tests.integration.conftest import Broker
from tests.integration.router.test_router import ORDER_TOPICS, Reading, issued, keys_of, publishing, routing
from tests.integration.runtime.worlds import until

COUNTY = "990155"
CASES = 48


@pytest.fixture(scope="module")
def first() -> Playbook:
    return moved(load(Path("playbooks/yunlu"), today=date(2026, 11, 21)), COUNTY)


def cases() -> list[Event[Any]]:
    return [
        event(opened(a_case(area=f"{COUNTY}101200", category="04.002", case_id=uuid.uuid4()))) for _ in range(CASES)
    ]


async def in_force(replicas: Sequence[Running], version: str) -> None:
    await until(lambda: all(replica.shelf.of(COUNTY).version == version for replica in replicas))


async def versions_of(publisher: Publisher, orders: Reading) -> set[str]:
    """The playbook versions by which a few cases, spread over all partitions, are routed."""
    causes = cases()
    await publisher.publish([encode(cause) for cause in causes])
    found = await orders.until(keys_of(causes), CASES)
    return {issued(record).explanation.playbook.version for record in found}


async def test_both_replicas_switch_keep_the_good_one_and_roll_back(own_broker: Broker, first: Playbook) -> None:
    kafka = own_broker.bootstrap
    second = sealed(replace(first, version="second"))
    bad = sealed(replace(first, version="bad", categories={}))
    async with (
        publishing(kafka) as publisher,
        Reading(kafka, ORDER_TOPICS) as orders,
        routing(kafka, instance="switch-0") as one,
        routing(kafka, instance="switch-1") as two,
    ):
        await publish(first, publisher, now=utc_now())
        await until(lambda: (one.loop.progress.partitions, two.loop.progress.partitions) == (12, 12))
        await until(lambda: COUNTY in one.shelf.counties and COUNTY in two.shelf.counties)
        assert await versions_of(publisher, orders) == {first.version}
        await publish(second, publisher, now=utc_now())
        await in_force([one, two], "second")
        assert await versions_of(publisher, orders) == {"second"}
        await publisher.publish([to_message(bad, published_at=utc_now())])
        await until(lambda: COUNTY in one.shelf.refusals and COUNTY in two.shelf.refusals)
        assert await versions_of(publisher, orders) == {"second"}, "the running version stays"
        await publish(first, publisher, now=utc_now())
        await in_force([one, two], first.version)
        assert await versions_of(publisher, orders) == {first.version}, "rolled back"
        assert min(one.loop.progress.messages, two.loop.progress.messages) > 0, "both had their share"
        assert one.shelf.refusals == two.shelf.refusals == {}


async def test_a_switch_in_mid_stream_leaves_no_batch_between_two_versions(own_broker: Broker, first: Playbook) -> None:
    kafka, fed = own_broker.bootstrap, list[Event[Any]]()
    versions = [sealed(replace(first, version=f"v{number}")) for number in range(6)]
    async with (
        publishing(kafka) as publisher,
        Reading(kafka, ORDER_TOPICS) as orders,
        routing(kafka, instance="stream-0", batch_records=50),
    ):
        await publish(versions[0], publisher, now=utc_now())

        async def feed() -> None:
            for _ in range(40):
                some = cases()
                await publisher.publish([encode(cause) for cause in some])
                fed.extend(some)

        feeding = asyncio.create_task(feed())
        for version in versions:
            await publish(version, publisher, now=utc_now())
            await asyncio.sleep(0.2)
        await feeding
        found = await orders.until(keys_of(fed), len(fed))
        told = {record.key: issued(record).explanation.playbook.version for record in found}
        assert len(told) == len(fed)
        # In each partition the cases were routed in order: a version that has gone never comes back.
        for seen in by_partition(found):
            changes = [now for before, now in zip(["", *seen], seen, strict=False) if now != before]
            assert changes == sorted(set(changes))


def by_partition(found: Sequence[Any]) -> list[list[str]]:
    places = {(record.topic, record.partition) for record in found}
    return [
        [
            issued(record).explanation.playbook.version
            for record in sorted(found, key=lambda one: int(one.offset))
            if (record.topic, record.partition) == place
        ]
        for place in places
    ]
