"""The delivery loop beside bare aiokafka doing the same: small events to one of three topics by a field."""

from __future__ import annotations

import asyncio
import uuid
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.partitioner import murmur2
from aiokafka.structs import TopicPartition

from shared.events.codec import Message
from shared.events.topics import CASE_PARTITIONS
from shared.runtime.delivery import (
    DeliveryLoop,
    DeliverySettings,
    Handle,
    KafkaLog,
    KafkaSettings,
    Outcome,
    Publisher,
    Record,
)
from tests.bench.ground import Watch, fill, ground, make_topics, until
from tests.bench.table import Row

EVENTS: Final = 200_000
KEYS: Final = 20_000
BATCH: Final = 4000
ROUNDS: Final = 2
OUT: Final = ("bench.out.county", "bench.out.town", "bench.out.village")


class Narrow(msgspec.Struct):
    """The one field of an event that decides where it goes."""

    level: int


_decoder = msgspec.json.Decoder(Narrow)


async def bench() -> Sequence[Row]:
    """Route small events, bare and by the loop."""
    async with ground() as system:
        bootstrap = system.bootstrap
        await make_topics(bootstrap, "bench.in", *OUT)
        await fill(bootstrap, [_small(n) for n in range(EVENTS)])
        # In turn and twice, the better of each: a neighbour's burst must not count for one side only.
        rounds = [(await _bare(bootstrap), await _loop(bootstrap, "bench.in", _forward, EVENTS)) for _ in range(ROUNDS)]
        bare, loop = (max(rates) for rates in zip(*rounds, strict=True))
    return [
        Row(what="bare aiokafka: consume, decode narrowly, produce, commit", figure=bare, unit="events/s"),
        Row(what="the delivery loop doing the same", figure=loop, unit="events/s", beside=bare),
    ]


def _small(number: int) -> Message:
    case = str(uuid.uuid5(uuid.NAMESPACE_OID, str(number % KEYS)))
    value = msgspec.json.encode({"level": number % 3, "case_id": case, "text": "路灯不亮，晚上看不清路" * 6})
    headers = (("ce_id", str(uuid.uuid4()).encode()), ("ce_type", b"bench.small.v1"), ("ce_subject", case.encode()))
    return Message(topic="bench.in", key=case.encode(), value=value, headers=headers)


async def _forward(records: Sequence[Record]) -> Outcome:
    return Outcome(
        messages=[
            Message(
                topic=OUT[_decoder.decode(r.value or b"").level],
                key=r.key or b"",
                value=r.value or b"",
                headers=r.headers,
            )
            for r in records
        ]
    )


async def _loop(bootstrap: str, topic: str, handle: Handle, count: int) -> float:
    publisher = Publisher(bootstrap, client_id="bench")
    await publisher.start()
    log = KafkaLog(KafkaSettings(bootstrap=bootstrap, group=f"bench-{uuid.uuid4()}", topics=[topic]), publisher)
    loop = DeliveryLoop(log, handle, settings=DeliverySettings(service="bench", batch_records=BATCH))
    running = asyncio.create_task(loop.run())
    await until(lambda: loop.progress.partitions is not None)
    watch = Watch()
    await until(lambda: loop.progress.records >= count)
    rate = watch.rate(count)
    await loop.stop()
    await running
    await publisher.stop()
    return rate


async def _bare(bootstrap: str) -> float:
    consumer = AIOKafkaConsumer(
        "bench.in",
        bootstrap_servers=bootstrap,
        group_id=f"bench-{uuid.uuid4()}",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_bytes=16 * 1024 * 1024,
        max_partition_fetch_bytes=2 * 1024 * 1024,
    )
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, enable_idempotence=True, acks="all", max_batch_size=256 * 1024
    )
    await producer.start()
    await consumer.start()
    partitions: dict[bytes, int] = {}
    done = 0
    watch = Watch()
    while done < EVENTS:
        fetched = await consumer.getmany(timeout_ms=500, max_records=BATCH)
        out: dict[tuple[str, int], list[tuple[bytes, bytes, list[tuple[str, bytes]]]]] = defaultdict(list)
        for records in fetched.values():
            for r in records:
                number = partitions.get(r.key)
                if number is None:
                    number = partitions[r.key] = (murmur2(r.key) & 0x7FFFFFFF) % CASE_PARTITIONS
                out[OUT[_decoder.decode(r.value).level], number].append((r.key, r.value, list(r.headers)))
            done += len(records)
        await asyncio.gather(*await _sent(producer, out))
        if not fetched:
            continue
        await consumer.commit({TopicPartition(*p): records[-1].offset + 1 for p, records in fetched.items()})
    rate = watch.rate(done)
    await consumer.stop()
    async with asyncio.timeout(timedelta(seconds=10).total_seconds()):
        await producer.stop()
    return rate


async def _sent(
    producer: AIOKafkaProducer, out: dict[tuple[str, int], list[tuple[bytes, bytes, list[tuple[str, bytes]]]]]
) -> list[asyncio.Future[object]]:
    futures = []
    for (topic, number), rows in out.items():
        batch = producer.create_batch()
        for key, value, headers in rows:
            if batch.append(timestamp=None, key=key, value=value, headers=headers) is None:
                futures.append(await producer.send_batch(batch, topic, partition=number))
                batch = producer.create_batch()
                batch.append(timestamp=None, key=key, value=value, headers=headers)
        futures.append(await producer.send_batch(batch, topic, partition=number))
    return futures
