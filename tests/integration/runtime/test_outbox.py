"""The outbox on a real PostgreSQL and a real Kafka: nothing lost, nothing out of order within a key."""

from __future__ import annotations

import asyncio
import random
import re
import subprocess
import sys
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from shared.events.codec import Message
from shared.events.topics import DEAD_LETTER
from shared.runtime import outbox
from shared.runtime.delivery import Publisher, PublisherSettings, Record, origin
from shared.runtime.outbox import OutboxRelay, RelaySettings, Sender, enqueue, shard_of
from shared.runtime.postgres import Pool, open_pool
from tests.integration.conftest import Broker
from tests.integration.runtime.worlds import KafkaWorld, until

DDL = "".join(
    Path(f"deploy/sql/intake/{name}.sql").read_text(encoding="utf-8") for name in ("0002_pre_outbox", "0018_pre_outbox")
)


@pytest.fixture
async def pool(postgres: str) -> AsyncIterator[Pool]:
    schema = f"s{uuid.uuid4().hex[:8]}"
    connection = await asyncpg.connect(postgres)
    await connection.execute(f"CREATE SCHEMA {schema}; SET search_path = {schema}; {DDL}")
    await connection.close()
    pool = await open_pool(postgres, schema)
    yield pool
    await pool.close()


@pytest.fixture
async def world(kafka: str) -> AsyncIterator[KafkaWorld]:
    world = KafkaWorld(kafka)
    await world.open()
    yield world
    await world.close()


@asynccontextmanager
async def relaying(pool: Pool, sender: Sender, *, rows: int = 50, shards: int = 4) -> AsyncIterator[OutboxRelay]:
    relay = OutboxRelay(pool, sender, settings=RelaySettings(service="tester", shards=shards, rows=rows))
    task = asyncio.create_task(relay.run())
    try:
        yield relay
        await relay.stop()
        await task
    finally:
        task.cancel()
        await asyncio.wait([task])


def numbered(topic: str, key: str, numbers: Sequence[int]) -> list[Message]:
    return [
        Message(
            topic=topic,
            key=key.encode(),
            value=f"{key}/{number}".encode(),
            headers=(
                ("ce_id", str(uuid.uuid5(uuid.NAMESPACE_OID, f"{key}/{number}")).encode()),
                ("zh", "哨令".encode()),
            ),
        )
        for number in numbers
    ]


async def write(pool: Pool, messages: Sequence[Message]) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await enqueue(connection, messages)


async def drained(pool: Pool) -> None:
    async def empty() -> bool:
        return bool(await pool.fetchval("SELECT count(*) = 0 FROM outbox"))

    await until(empty, 60)


def ids(records: Sequence[Record]) -> set[bytes | None]:
    return {record.header("ce_id") for record in records}


def first_seen(records: Sequence[Record]) -> dict[bytes | None, list[int]]:
    """Each key's numbers in the order in which a consumer that drops repeats applies them."""
    orders: dict[bytes | None, dict[int, None]] = defaultdict(dict)
    for record in records:
        orders[record.key][int((record.value or b"").split(b"/")[1])] = None
    return {key: list(numbers) for key, numbers in orders.items()}


async def test_two_relays_side_by_side_send_everything_once_and_in_order(pool: Pool, world: KafkaWorld) -> None:
    async def busy_case(key: str) -> None:
        for start in range(0, 60, 3):
            await write(pool, numbered(world.target, key, range(start, start + 3)))

    other = Publisher(world.bootstrap, client_id="other")
    async with relaying(pool, world.publisher, rows=7) as one, relaying(pool, other, rows=7) as two:
        await asyncio.gather(*(busy_case(f"case-{n}") for n in range(40)))
        await drained(pool)
    await other.stop()
    records = await world.read(world.target)
    assert len(records) == 40 * 60
    assert first_seen(records) == {f"case-{n}".encode(): [*range(60)] for n in range(40)}
    assert one.figures.sent + two.figures.sent == 40 * 60
    assert min(one.figures.sent, two.figures.sent) > 0


async def test_a_relay_killed_again_and_again_loses_nothing_and_keeps_each_key_in_order(
    pool: Pool, world: KafkaWorld, postgres: str
) -> None:
    schema = (await pool.fetchval("SHOW search_path")).strip('"')
    sent = [message for n in range(50) for message in numbered(world.target, f"case-{n}", range(60))]
    await write(pool, sent)

    async def left() -> int:
        return int(await pool.fetchval("SELECT count(*) FROM outbox"))

    kills = 0
    while (before := await left()) > 0:
        command = [sys.executable, "-m", "tests.integration.runtime.relay_process", postgres, schema, world.bootstrap]
        process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert process.stdout is not None
        assert await asyncio.wait_for(process.stdout.readline(), 60) == b"ready\n"

        async def moved(before: int = before) -> bool:
            return await left() < before - 300 or await left() == 0

        await until(moved, 60)
        process.kill()
        await process.wait()
        kills += 1
    records = await world.read(world.target)
    assert kills > 3
    assert ids(records) == {dict(message.headers)["ce_id"] for message in sent}
    assert first_seen(records) == {f"case-{n}".encode(): [*range(60)] for n in range(50)}


async def test_a_late_commit_is_not_skipped(pool: Pool, world: KafkaWorld) -> None:
    async with relaying(pool, world.publisher) as relay:
        async with pool.acquire() as early, early.transaction():
            await enqueue(early, numbered(world.target, "early", [1]))
            await write(pool, numbered(world.target, "late", [2]))
            await until(lambda: relay.figures.sent == 1)
        await until(lambda: relay.figures.sent == 2)
    assert {record.key for record in await world.read(world.target)} == {b"early", b"late"}


async def test_a_rolled_back_transaction_sends_nothing_and_headers_arrive_as_written(
    pool: Pool, world: KafkaWorld
) -> None:
    async with pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await enqueue(connection, numbered(world.target, "never", [1]))
        await transaction.rollback()
    message = numbered(world.target, "case-1", [1])[0]
    async with relaying(pool, world.publisher):
        await write(pool, [message, message])
        await drained(pool)
    records = await world.read(world.target)
    assert [(r.key, r.value, r.headers) for r in records] == [(message.key, message.value, message.headers)]


async def test_a_message_too_large_for_its_topic_is_set_aside_and_its_shard_goes_on(
    pool: Pool, world: KafkaWorld
) -> None:
    narrow = "whistle.case.v1"
    key = uuid.uuid4().hex
    # Nothing that compresses: the broker's limit is on what it is sent.
    large = replace(numbered(narrow, key, [0])[0], value=random.Random(1).randbytes(2_000_000))
    async with relaying(pool, world.publisher) as relay:
        await write(pool, [large, *numbered(world.target, key, [1])])
        await drained(pool)
    assert relay.figures.set_aside == 1
    assert first_seen(await world.read(world.target)) == {key.encode(): [1]}
    letters = [r for r in await world.read(DEAD_LETTER.name) if r.key == large.key]
    assert [(origin(letter).topic, origin(letter).service, letter.value) for letter in letters] == [
        (narrow, "tester", large.value)
    ]


async def test_a_relay_whose_connections_are_cut_goes_on(pool: Pool, world: KafkaWorld) -> None:
    async with relaying(pool, world.publisher) as relay:
        await write(pool, numbered(world.target, "case-1", [1]))
        await until(lambda: relay.figures.sent == 1)
        await pool.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND application_name = current_setting('application_name')"
        )
        await write(pool, numbered(world.target, "case-1", [2]))
        await until(lambda: relay.figures.sent == 2)


async def test_with_kafka_away_the_backlog_grows_and_leaves_in_order_when_it_is_back(
    pool: Pool, own_broker: Broker
) -> None:
    world = KafkaWorld(own_broker.bootstrap)
    await world.open()
    hasty = PublisherSettings(
        deliver=timedelta(seconds=3),
        connect=timedelta(seconds=3),
        request=timedelta(seconds=2),
        let_go=timedelta(seconds=2),
    )
    publisher = Publisher(own_broker.bootstrap, client_id="relay", settings=hasty)
    async with relaying(pool, publisher) as relay:
        await write(pool, [m for n in range(20) for m in numbered(world.target, f"case-{n}", [0])])
        await until(lambda: relay.figures.sent == 20)
        await asyncio.to_thread(own_broker.keeper.stop)
        await write(pool, [m for n in range(20) for m in numbered(world.target, f"case-{n}", range(1, 30))])
        await until(lambda: relay.figures.failures >= 2, 60)
        assert (await relay.backlog()).rows == 20 * 29
        assert (await relay.backlog()).oldest_seconds > 0
        await asyncio.to_thread(own_broker.keeper.start)
        await drained(pool)
        assert relay.figures.failing is None
    await publisher.stop()
    assert publisher.rebuilt >= 1
    assert first_seen(await world.read(world.target)) == {f"case-{n}".encode(): [*range(30)] for n in range(20)}
    await world.close()


def test_a_keys_shard_never_changes() -> None:
    """Rows of an earlier release lie in the table with the shard that it computed."""
    assert [shard_of(key) for key in (b"", b"case-1", b"case-2")] == [0, 6, 12]


async def test_a_message_without_an_id_is_refused_before_it_is_written(pool: Pool) -> None:
    with pytest.raises(ValueError, match="no ce_id"):
        await write(pool, [Message(topic="t", key=b"k", value=b"v", headers=())])


@pytest.mark.parametrize("known", ("nothing", "a backlog"))
async def test_what_waits_is_found_by_the_index_whatever_the_statistics_say(pool: Pool, known: str) -> None:
    """A plan made while nothing waited is used while much does, and over all that was sent since vacuum came by."""
    await write(pool, [one for key in range(40) for one in numbered("t", str(key), range(50))])
    if known == "nothing":
        await pool.execute("DELETE FROM outbox")
        await pool.execute("VACUUM ANALYZE outbox")
    else:
        await pool.execute("ANALYZE outbox")
    asked = {
        "claim": outbox.CLAIM.replace("$1", "8"),
        "oldest": outbox.OLDEST.replace("$1", "'{1,2,3}'").replace("$2", "250"),
        "delete": outbox.DELETE.replace("$1", "'{1,2,3}'").replace("$2", "'{1,2,3}'"),
    }
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(outbox.BY_INDEX)
        for what, statement in asked.items():
            plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {statement}"))
            assert not re.search(r"(Seq|Bitmap Heap) Scan on outbox( o)? ", plan), f"{what}:\n{plan}"
