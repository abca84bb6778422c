"""Stock Faust: an agent reads, decodes, looks up and sends; as its manual shows it.

Arguments as those of every peer: bootstrap, group, compression, input topic, output prefix, table file.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import faust

from tests.bench.peers.table_lookup import Table


def app_of(bootstrap: str, group: str, compression: str, topic: str, prefix: str, file: str) -> Any:
    """Return the app with its one agent."""
    table = Table(Path(file), prefix)
    app = faust.App(
        group,
        broker=f"kafka://{bootstrap}",
        consumer_auto_offset_reset="earliest",
        producer_acks=-1,
        producer_compression_type=None if compression == "none" else compression,
        topic_disable_leader=True,
        topic_allow_declare=False,
        web_enabled=False,
        value_serializer="raw",
        key_serializer="raw",
        stream_wait_empty=False,
        broker_max_poll_records=4000,
    )
    outputs = {prefix + level: app.topic(prefix + level) for level in ("county", "town", "village")}

    @app.agent(app.topic(topic))
    async def look_up(stream: faust.StreamT[Any]) -> None:
        async for event in stream.events():
            await outputs[table.topic_of(event.value)].send(key=event.key, value=event.value, headers=event.headers)

    return app


if __name__ == "__main__":
    faust.Worker(app_of(*sys.argv[1:]), loglevel="WARN").execute_from_commandline()
