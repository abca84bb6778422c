"""FastStream: a subscriber reads, decodes, looks up and publishes, offsets committed by itself as is its default.

Arguments as those of every peer: bootstrap, group, compression, input topic, output prefix, table file.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

import uvloop
from faststream import FastStream
from faststream.kafka import KafkaBroker, KafkaMessage

from tests.bench.peers.table_lookup import Table

Compression = Literal["gzip", "snappy", "lz4", "zstd"]

COMPRESSIONS: Final[Mapping[str, Compression | None]] = {"none": None, "snappy": "snappy", "zstd": "zstd"}


async def main(bootstrap: str, group: str, compression: str, topic: str, prefix: str, file: str) -> None:
    """Pass records on until the process is ended."""
    table = Table(Path(file), prefix)
    broker = KafkaBroker(
        bootstrap,
        acks="all",
        enable_idempotence=True,
        max_batch_size=256 * 1024,
        compression_type=COMPRESSIONS[compression],
        logger=None,
    )

    @broker.subscriber(topic, group_id=group, auto_offset_reset="earliest", max_poll_records=4000)
    async def look_up(message: KafkaMessage) -> None:
        record: Any = message.raw_message
        await broker.publish(
            record.value,
            topic=table.topic_of(record.value),
            key=record.key,
            headers={name: content.decode() for name, content in record.headers},
            no_confirm=True,
        )

    await FastStream(broker, logger=None).run()


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
