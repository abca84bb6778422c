"""A broker that goes away: the loop and the publisher live through it, and nothing arrives twice from the grave."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.events.codec import Message
from shared.runtime.delivery import Publisher, PublisherSettings, PublishFailed, TooLarge
from tests.integration.conftest import Broker
from tests.integration.runtime.test_delivery_contract import Forward, arrived, by_key, message, numbered
from tests.integration.runtime.worlds import QUICK, KafkaWorld, running, until

HASTY = PublisherSettings(
    deliver=timedelta(seconds=2),
    connect=timedelta(seconds=3),
    request=timedelta(seconds=2),
    let_go=timedelta(seconds=2),
)


@pytest.fixture
async def world(own_broker: Broker) -> AsyncIterator[KafkaWorld]:
    world = KafkaWorld(own_broker.bootstrap)
    world.publisher = Publisher(own_broker.bootstrap, client_id="hasty", settings=HASTY)
    await world.open()
    yield world
    await world.close()


async def test_a_broker_killed_in_mid_stream_costs_nothing(own_broker: Broker, world: KafkaWorld) -> None:
    handle = Forward(world.target)
    writer = Publisher(own_broker.bootstrap, client_id="writer", settings=HASTY)

    async def write() -> None:
        for start in range(0, 3000, 100):
            batch = [message(world.source, f"case-{n % 7}", str(n)) for n in range(start, start + 100)]
            await until(lambda batch=batch: published(writer, batch), 120)

    async with running(world.member(), handle, replace(QUICK, batch_records=50)) as loop:
        writing = asyncio.create_task(write())
        await until(lambda: loop.progress.records > 300)
        await asyncio.to_thread(own_broker.keeper.kill)
        await asyncio.to_thread(own_broker.keeper.await_ready)
        await writing
        await until(lambda: {int(r.value or b"") for r in handle.seen} == {*range(3000)}, 90)
        await arrived(world, 3000)
    await writer.stop()
    for numbers in by_key(await world.read(world.target)).values():
        firsts = list(dict.fromkeys(numbers))
        assert firsts == sorted(firsts)
    sent = {int(r.value or b"") for r in await world.read(world.target)}
    assert sent == {*range(3000)}


async def published(publisher: Publisher, batch: Sequence[Message]) -> bool:
    try:
        await publisher.publish(batch)
    except PublishFailed:
        return False
    return True


async def test_what_a_broken_publisher_gave_up_never_arrives_later(own_broker: Broker, world: KafkaWorld) -> None:
    """The producer of aiokafka by itself would go on and deliver it behind what was sent again (issue 1101)."""
    await world.publisher.publish(numbered(world.target, 4))
    own_broker.keeper.kill(signal.SIGSTOP)
    try:
        began = time.monotonic()
        with pytest.raises(PublishFailed):
            await world.publisher.publish([message(world.target, f"given-up-{n}", "1") for n in range(20)])
        assert time.monotonic() - began < 10
    finally:
        own_broker.keeper.kill(signal.SIGCONT)
    assert world.publisher.rebuilt == 1
    await until(lambda: published(world.publisher, [message(world.target, "after", "2")]), 60)
    keys = [record.key for record in await world.read(world.target)]
    # What had left the socket before the broker froze may arrive once; nothing is sent again behind our back.
    assert keys.count(b"after") == 1
    assert max(keys.count(f"given-up-{n}".encode()) for n in range(20)) <= 1


async def test_a_publisher_without_a_broker_says_so_in_time_and_can_be_stopped(world: KafkaWorld) -> None:
    alone = Publisher("127.0.0.1:1", client_id="alone", settings=HASTY)
    began = time.monotonic()
    with pytest.raises(PublishFailed, match=r"127\.0\.0\.1:1"):
        await alone.publish([message(world.target, "a", "1")])
    await alone.stop()
    assert time.monotonic() - began < 10


async def test_a_message_that_is_too_large_leaves_the_publisher_in_use(world: KafkaWorld) -> None:
    # Nothing that compresses: the broker's limit is on what it is sent.
    large = random.Random(1).randbytes(4_750_000).hex()
    with pytest.raises(TooLarge):
        await world.publisher.publish([message(world.target, "a", large)])
    await world.publisher.publish([message(world.target, "a", "1")])
    assert world.publisher.rebuilt == 0


async def test_a_batch_wider_than_one_request_keeps_the_order_of_its_keys(world: KafkaWorld) -> None:
    big = [message(world.target, f"case-{n % 3}", str(n) + " " * 5000) for n in range(600)]
    await world.publisher.publish(big)
    orders = by_key(await world.read(world.target))
    assert [numbers == sorted(numbers) and len(numbers) for numbers in orders.values()] == [200, 200, 200]
