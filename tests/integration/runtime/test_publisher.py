"""Where a publisher puts a message: by Kafka's own hash of its key, remembered or reckoned."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiokafka.partitioner import murmur2

from shared.runtime.delivery import Record
from tests.integration.runtime.test_delivery_contract import Forward, message
from tests.integration.runtime.worlds import KafkaWorld, running, until

PARTITIONS = 5


@pytest.fixture
async def world(kafka: str) -> AsyncIterator[KafkaWorld]:
    world = KafkaWorld(kafka, partitions=PARTITIONS)
    await world.open()
    yield world
    await world.close()


async def test_an_answer_lies_in_the_partition_of_its_key(world: KafkaWorld) -> None:
    await world.put([message(world.source, f"case-{n}", str(n)) for n in range(200)])
    async with running(world.member(), Forward(world.target)) as loop:
        await until(lambda: loop.progress.records >= 200)
    found = await world.read(world.target)
    assert len(found) == 200
    assert misplaced(found) == []


async def test_a_partition_of_a_topic_with_another_count_is_not_taken_over(world: KafkaWorld) -> None:
    keys = [f"case-{n}".encode() for n in range(50)]
    for key in keys:
        world.publisher.remember([key], number=murmur2(key) % 2, count=2)
    await world.put([message(world.target, key.decode(), "1") for key in keys])
    assert misplaced(await world.read(world.target)) == []


async def test_a_key_that_another_partitioner_placed_is_hashed(world: KafkaWorld) -> None:
    key = b"case-1"
    world.publisher.remember([key], number=(number_of(key) + 1) % PARTITIONS, count=PARTITIONS)
    await world.put([message(world.target, key.decode(), "1")])
    assert misplaced(await world.read(world.target)) == []


def misplaced(records: list[Record]) -> list[Record]:
    return [record for record in records if record.partition != number_of(record.key or b"")]


def number_of(key: bytes) -> int:
    return int((murmur2(key) & 0x7FFFFFFF) % PARTITIONS)
