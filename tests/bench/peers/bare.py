"""Bare aiokafka: fetch, decode narrowly, look up, send in hand-built batches, commit; the least that Python must do.

Arguments as those of every peer: bootstrap, group, compression, input topic, output prefix, table file.
"""

from __future__ import annotations

import asyncio
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.structs import TopicPartition

from tests.bench.peers.table_lookup import Table

BATCH: Final = 4000

Row = tuple[bytes, bytes, list[tuple[str, bytes]]]


async def main(bootstrap: str, group: str, compression: str, topic: str, prefix: str, file: str) -> None:
    """Pass records on until the process is ended."""
    table = Table(Path(file), prefix)
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_bytes=16 * 1024 * 1024,
        max_partition_fetch_bytes=2 * 1024 * 1024,
    )
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        enable_idempotence=True,
        acks="all",
        max_batch_size=256 * 1024,
        compression_type=None if compression == "none" else compression,
    )
    await producer.start()
    await consumer.start()
    while True:
        fetched = await consumer.getmany(timeout_ms=500, max_records=BATCH)
        out: dict[tuple[str, int], list[Row]] = defaultdict(list)
        for place, records in fetched.items():
            for record in records:
                # The topics have one number of partitions, so a key's partition is the same in each.
                address = (table.topic_of(record.value), place.partition)
                out[address].append((record.key, record.value, list(record.headers)))
        if fetched:
            await asyncio.gather(*await _sent(producer, out.items()))
            await consumer.commit({TopicPartition(*p): records[-1].offset + 1 for p, records in fetched.items()})


async def _sent(
    producer: AIOKafkaProducer, out: Iterable[tuple[tuple[str, int], list[Row]]]
) -> list[asyncio.Future[Any]]:
    futures = []
    for (topic, number), rows in out:
        batch = producer.create_batch()
        for key, value, headers in rows:
            if batch.append(timestamp=None, key=key, value=value, headers=headers) is None:
                futures.append(await producer.send_batch(batch, topic, partition=number))
                batch = producer.create_batch()
                batch.append(timestamp=None, key=key, value=value, headers=headers)
        futures.append(await producer.send_batch(batch, topic, partition=number))
    return futures


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
