"""What a broker holds, read whole: records between two ends, and every commit of a group from the broker's own log."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.runtime.delivery import Partition

READ_SECONDS: Final = 60.0
NO_COMMIT: Final = -1


async def between(
    bootstrap: str, starts: Mapping[TopicPartition, int], upto: Mapping[TopicPartition, int]
) -> AsyncIterator[Any]:
    """Yield the records of these places from their starts up to these ends."""
    waiting = {place for place, start in starts.items() if start < upto[place]}
    if not waiting:
        # A consumer that reads nothing cancels, when it stops, a task of its own that has not begun.
        return
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign(list(waiting))
        for place in waiting:
            consumer.seek(place, starts[place])
        async with asyncio.timeout(READ_SECONDS):
            while waiting:
                for records in (await consumer.getmany(*waiting, timeout_ms=300)).values():
                    for record in records:
                        yield record
                waiting = {place for place in waiting if await consumer.position(place) < upto[place]}
    finally:
        await consumer.stop()


async def commits(bootstrap: str, group: str) -> list[tuple[Partition, int]]:
    """Every commit that the broker took of a group, in order."""
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap) as consumer:
        numbers = await consumer._client._wait_on_metadata("__consumer_offsets")
        places = [TopicPartition("__consumer_offsets", number) for number in numbers]
        upto = await consumer.end_offsets(places)
    found = []
    async for record in between(bootstrap, dict.fromkeys(places, 0), upto):
        whose, place = _committed_by(record.key)
        if whose == group and record.value is not None:
            found.append((place, struct.unpack_from(">q", record.value, 2)[0]))
    return found


def backward(taken: Sequence[tuple[Partition, int]]) -> Iterator[tuple[Partition, int, int]]:
    """Yield each commit that undid one before it: somebody committed what was no longer his."""
    last: dict[Partition, int] = {}
    for place, offset in taken:
        if offset < last.get(place, NO_COMMIT):
            yield place, last[place], offset
        last[place] = offset


def _committed_by(key: bytes | None) -> tuple[str, Partition]:
    """The group and partition of a commit (Kafka's OffsetCommitKey); an empty group for other records of the topic."""
    if key is None or struct.unpack_from(">h", key)[0] not in {0, 1}:
        return "", Partition("", 0)
    group, at = _string(key, 2)
    topic, at = _string(key, at)
    return group, Partition(topic, struct.unpack_from(">i", key, at)[0])


def _string(buffer: bytes, at: int) -> tuple[str, int]:
    (length,) = struct.unpack_from(">h", buffer, at)
    return buffer[at + 2 : at + 2 + length].decode(), at + 2 + length
