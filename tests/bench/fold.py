"""Escalation folding cases and orders into clocks, beside a bare Faust agent that only reads and decodes."""

from __future__ import annotations

import asyncio
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import asyncpg
import faust
import msgspec

from shared.events.topics import CASE
from tests.bench.ground import Spent, Watch, cases, fill, ground, until
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
        before, watch, spent = await folded(), Watch(), Spent(system)
        await until(all_folded)
        rate = watch.rate(CASES - before)
        each = spent.rows(CASES - before, "an event")
        clocks = int(await connection.fetchval("SELECT count(*) FROM escalation.clock"))
        await connection.close()
        await starting
    return [
        Row(what="bare Faust: an agent reads and decodes", figure=bare.rate, unit="events/s"),
        Row(what="  processor time an event", figure=bare.micros, unit="µs"),
        Row(what=f"escalation: folded, {clocks} clocks in PostgreSQL", figure=rate, unit="events/s", beside=bare.rate),
        *each,
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bare:
    """What bare Faust did: events a second, and microseconds of this process's time for each."""

    rate: float
    micros: float


async def _faust(bootstrap: str) -> Bare:
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
    read, first, began = 0, Watch(), 0.0

    async def count(stream: Any) -> None:
        nonlocal read, first, began
        values: AsyncIterator[bytes] = stream
        async for value in values:
            if read == 0:
                first, began = Watch(), time.process_time()
            msgspec.json.decode(value)
            read += 1

    app.agent(app.topic(CASE.name, key_type=bytes, value_type=bytes))(count)
    starting = asyncio.create_task(app.start())
    await until(lambda: read >= CASES)
    found = Bare(rate=first.rate(CASES), micros=(time.process_time() - began) / CASES * 1e6)
    await app.stop()
    starting.cancel()
    await asyncio.gather(starting, return_exceptions=True)
    return found
