"""Reading a compacted topic whole and following it, on a real broker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from shared.runtime.compacted import CompactedReader
from shared.runtime.delivery import Record
from tests.integration.conftest import Broker
from tests.integration.runtime.test_delivery_contract import message, numbered
from tests.integration.runtime.worlds import KafkaWorld, until


@pytest.fixture
async def world(own_broker: Broker) -> AsyncIterator[KafkaWorld]:
    world = KafkaWorld(own_broker.bootstrap)
    await world.open()
    yield world
    await world.close()


class Shelf:
    def __init__(self) -> None:
        self.values: dict[bytes | None, bytes | None] = {}
        self.seen: list[tuple[int, int]] = []
        self.failures = 0

    async def take(self, record: Record) -> None:
        if self.failures:
            self.failures -= 1
            raise ConnectionError("not now")
        self.seen.append((record.partition, record.offset))
        self.values[record.key] = record.value


@asynccontextmanager
async def reading(world: KafkaWorld, shelf: Shelf) -> AsyncIterator[CompactedReader]:
    reader = CompactedReader(world.bootstrap, world.target, shelf.take)
    task = asyncio.create_task(reader.run())
    try:
        yield reader
    finally:
        await reader.stop()
        await task


async def test_everything_there_is_known_once_it_has_caught_up_and_the_latest_wins(world: KafkaWorld) -> None:
    shelf = Shelf()
    await world.put(numbered(world.target, 200, keys=5))
    async with reading(world, shelf) as reader:
        await reader.caught_up(timedelta(seconds=30))
        assert shelf.values == {f"case-{n}".encode(): str(195 + n).encode() for n in range(5)}
        await world.put([message(world.target, "case-0", "new")])
        await until(lambda: shelf.values[b"case-0"] == b"new")


async def test_an_empty_topic_is_caught_up_at_once(world: KafkaWorld) -> None:
    async with reading(world, Shelf()) as reader:
        await reader.caught_up(timedelta(seconds=30))


async def test_a_record_that_could_not_be_applied_is_tried_again_and_none_is_skipped(world: KafkaWorld) -> None:
    shelf = Shelf()
    shelf.failures = 2
    await world.put(numbered(world.target, 20, keys=1))
    async with reading(world, shelf) as reader:
        await reader.caught_up(timedelta(seconds=30))
    assert [offset for _, offset in shelf.seen] == [*range(20)]


async def test_it_rides_over_a_killed_broker_and_repeats_nothing(own_broker: Broker, world: KafkaWorld) -> None:
    shelf = Shelf()
    await world.put(numbered(world.target, 20))
    async with reading(world, shelf) as reader:
        await reader.caught_up(timedelta(seconds=30))
        await asyncio.to_thread(own_broker.keeper.kill)
        await asyncio.to_thread(own_broker.keeper.await_ready)
        await world.put([message(world.target, "after", "back")])
        await until(lambda: shelf.values.get(b"after") == b"back", 60)
    assert len(shelf.seen) == len(set(shelf.seen)) == 21


async def test_a_broker_that_is_away_from_the_start_is_waited_for(own_broker: Broker, world: KafkaWorld) -> None:
    shelf = Shelf()
    await world.put(numbered(world.target, 3, keys=1))
    await asyncio.to_thread(own_broker.keeper.stop)
    async with reading(world, shelf) as reader:
        with pytest.raises(TimeoutError):
            await reader.caught_up(timedelta(milliseconds=300))
        await until(lambda: reader.failing is not None)
        await asyncio.to_thread(own_broker.keeper.start)
        await reader.caught_up(timedelta(seconds=60))
    assert len(shelf.seen) == 3
