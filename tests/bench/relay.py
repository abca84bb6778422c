"""The outbox relay beside a bare produce of the same messages, and what an enqueue costs."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import asyncpg

from shared.events.codec import Message
from shared.runtime.delivery import Publisher
from shared.runtime.outbox import OutboxRelay, RelaySettings, enqueue
from shared.runtime.postgres import open_pool
from tests.bench.ground import AT_ONCE, Watch, fill, ground, make_topics, until
from tests.bench.table import Row

ROWS: Final = 50_000
DDL: Final = "".join(
    Path(f"deploy/sql/intake/{name}.sql").read_text(encoding="utf-8") for name in ("0002_pre_outbox", "0018_pre_outbox")
)


async def bench() -> Sequence[Row]:
    """Send the same messages from memory and from PostgreSQL, by one relay and by two."""
    async with ground() as system:
        await make_topics(system.bootstrap, "bench.out")
        connection = await asyncpg.connect(system.dsn)
        await connection.execute(f"CREATE SCHEMA bench; SET search_path = bench; {DDL}")
        await connection.close()
        pool = await open_pool(system.dsn, "bench")
        await fill(system.bootstrap, _messages(AT_ONCE))
        messages = _messages(ROWS)
        watch = Watch()
        await fill(system.bootstrap, messages)
        bare = watch.rate(ROWS)
        watch = Watch()
        for start in range(0, ROWS, AT_ONCE):
            async with pool.acquire() as one, one.transaction():
                await enqueue(one, messages[start : start + AT_ONCE])
        enqueued = watch.rate(ROWS)
        single = await _relayed(pool, system.bootstrap, relays=1)
        for start in range(0, ROWS, AT_ONCE):
            async with pool.acquire() as one, one.transaction():
                await enqueue(one, messages[start : start + AT_ONCE])
        double = await _relayed(pool, system.bootstrap, relays=2)
        await pool.close()
    return [
        Row(what="bare: the publisher sends from memory", figure=bare, unit="events/s"),
        Row(what=f"enqueue, {AT_ONCE} a transaction", figure=enqueued, unit="events/s", beside=bare),
        Row(what="one relay: select, send, delete, commit", figure=single, unit="events/s", beside=bare),
        Row(what="two relays side by side in one process", figure=double, unit="events/s", beside=bare),
    ]


async def _relayed(pool: asyncpg.Pool[asyncpg.Record], bootstrap: str, *, relays: int) -> float:
    publisher = Publisher(bootstrap, client_id="bench")
    await publisher.start()
    running = [OutboxRelay(pool, publisher, settings=RelaySettings(service="bench")) for _ in range(relays)]
    watch = Watch()
    tasks = [asyncio.create_task(relay.run()) for relay in running]
    await until(lambda: sum(relay.figures.sent for relay in running) >= ROWS)
    rate = watch.rate(ROWS)
    await asyncio.gather(*(relay.stop() for relay in running))
    await asyncio.gather(*tasks)
    await publisher.stop()
    return rate


def _messages(count: int) -> list[Message]:
    return [
        Message(
            topic="bench.out",
            key=f"case-{n % 5000}".encode(),
            value=b"x" * 420,
            headers=(("ce_id", str(uuid.uuid4()).encode()), ("ce_type", b"bench.small.v1")),
        )
        for n in range(count)
    ]
