"""Escalation folding cases and orders into clocks, beside a bare Faust agent that only reads and decodes."""

from __future__ import annotations

import asyncio
import tempfile
import uuid
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, Final

import asyncpg
import faust
import msgspec

from shared.events.topics import CASE
from tests.bench.ground import Watch, cases, fill, ground, until
from tests.bench.table import Row

CASES: Final = 20_000


async def bench() -> Sequence[Row]:
    """Let both read the same opened cases from Kafka; the service writes each case and its clock durably."""
    async with ground("escalation") as system:
        await asyncio.to_thread(system.stop_part, "escalation")
        await fill(system.bootstrap, list(cases(CASES)))
        bare = await _faust(system.bootstrap)
        starting = asyncio.create_task(asyncio.to_thread(system.start_part, "escalation"))
        connection = await asyncpg.connect(system.dsn)

        async def folded() -> int:
            return int(await connection.fetchval("SELECT coalesce(sum(next_offset), 0) FROM escalation.ledger"))

        async def begun() -> bool:
            return await folded() > 0

        async def all_folded() -> bool:
            return await folded() >= CASES

        await until(begun)
        before, watch = await folded(), Watch()
        await until(all_folded)
        rate = watch.rate(CASES - before)
        clocks = int(await connection.fetchval("SELECT count(*) FROM escalation.clock"))
        await connection.close()
        await starting
    return [
        Row(what="bare Faust: an agent reads and decodes", figure=bare, unit="events/s"),
        Row(what=f"escalation: folded, {clocks} clocks in PostgreSQL", figure=rate, unit="events/s", beside=bare),
    ]


async def _faust(bootstrap: str) -> float:
    app = faust.App(
        f"bench-{uuid.uuid4()}",
        broker=f"kafka://{bootstrap}",
        datadir=str(Path(tempfile.gettempdir()) / "bench-faust"),
        key_serializer="raw",
        value_serializer="raw",
        consumer_auto_offset_reset="earliest",
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        stream_wait_empty=False,
    )
    read, first = 0, Watch()

    async def count(stream: Any) -> None:
        nonlocal read, first
        values: AsyncIterator[bytes] = stream
        async for value in values:
            if read == 0:
                first = Watch()
            msgspec.json.decode(value)
            read += 1

    app.agent(app.topic(CASE.name, key_type=bytes, value_type=bytes))(count)
    starting = asyncio.create_task(app.start())
    await until(lambda: read >= CASES)
    rate = first.rate(CASES)
    await app.stop()
    starting.cancel()
    await asyncio.gather(starting, return_exceptions=True)
    return rate
