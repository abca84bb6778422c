"""What every delivery loop promises, over the log in memory and over a real Kafka."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from shared.events.codec import Message
from shared.events.envelope import derive_id
from shared.events.topics import DEAD_LETTER
from shared.runtime.delivery import (
    DeliveryLoop,
    Log,
    Outcome,
    Partition,
    Record,
    Rejected,
    Stalled,
    origin,
    original,
)
from tests.integration.runtime.worlds import QUICK, MemoryWorld, World, running, until


def message(topic: str, key: str, value: str, *, event_id: UUID | None = None) -> Message:
    headers = (("ce_id", str(event_id or uuid.uuid4()).encode()),)
    return Message(topic=topic, key=key.encode(), value=value.encode(), headers=headers)


def numbered(topic: str, count: int, *, keys: int = 10) -> list[Message]:
    return [message(topic, f"case-{n % keys}", str(n)) for n in range(count)]


def parent(record: Record) -> UUID:
    return UUID((record.header("ce_id") or b"").decode())


class Forward:
    """Sends each record on with a derived id; can be held, made to fail, and remembers what it saw."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.seen: list[Record] = []
        self.batches: list[int] = []
        self.failures = 0
        self.bad: set[bytes] = set()
        self.entered = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, records: Sequence[Record]) -> Outcome:
        self.seen += records
        self.batches.append(len(records))
        self.entered.set()
        await self.gate.wait()
        if self.failures:
            self.failures -= 1
            raise ConnectionError("the database is away")
        good = [record for record in records if record.value not in self.bad]
        return Outcome(
            messages=[
                message(
                    self.target, (r.key or b"").decode(), (r.value or b"").decode(), event_id=derive_id(parent(r), "on")
                )
                for r in good
            ],
            rejected=[Rejected(record=r, reason="nobody can read it") for r in records if r.value in self.bad],
        )


class Between:
    """A log whose publish or commit can be held back, to look at what happened before."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.open, self.fetch, self.lag, self.close = log.open, log.fetch, log.lag, log.close
        self.notes = log.notes
        self.publishing, self.may_publish = asyncio.Event(), asyncio.Event()
        self.committing, self.may_commit = asyncio.Event(), asyncio.Event()

    async def publish(self, messages: Sequence[Message]) -> None:
        self.publishing.set()
        await self.may_publish.wait()
        await self.log.publish(messages)

    async def commit(self, offsets: Mapping[Partition, int], notes: Mapping[Partition, str]) -> None:
        self.committing.set()
        await self.may_commit.wait()
        await self.log.commit(offsets, notes)


async def arrived(world: World, count: int) -> None:
    async def enough() -> bool:
        return len(await world.read(world.target)) >= count

    await until(enough)


async def all_committed(world: World, count: int) -> None:
    async def enough() -> bool:
        return sum((await world.committed()).values()) == count

    await until(enough)


def by_key(records: Sequence[Record]) -> dict[bytes | None, list[int]]:
    grouped = defaultdict(list)
    for record in records:
        grouped[record.key].append(int(record.value or b""))
    return grouped


async def test_each_key_leaves_in_the_order_in_which_it_came(world: World) -> None:
    handle = Forward(world.target)
    await world.put(numbered(world.source, 500))
    async with running(world.member(), handle, replace(QUICK, batch_records=37)):
        await arrived(world, 500)
        await all_committed(world, 500)
    orders = by_key(await world.read(world.target))
    assert len(orders) == 10
    assert all(numbers == sorted(numbers) and len(numbers) == 50 for numbers in orders.values())


async def test_nothing_is_committed_before_the_output_is_acknowledged(world: World) -> None:
    log = Between(world.member())
    log.may_commit.set()
    await world.put(numbered(world.source, 20))
    async with running(log, Forward(world.target)):
        await asyncio.wait_for(log.publishing.wait(), 30)
        assert sum((await world.committed()).values()) == 0
        log.may_publish.set()
        await all_committed(world, 20)
        assert len(await world.read(world.target)) == 20


async def test_a_repeat_after_a_crash_makes_the_same_ids(world: World) -> None:
    sent = numbered(world.source, 30)
    await world.put(sent)
    log = Between(world.member())
    log.may_publish.set()
    crashed = asyncio.create_task(DeliveryLoop(log, Forward(world.target), settings=QUICK).run())
    await asyncio.wait_for(log.committing.wait(), 30)
    crashed.cancel()
    await asyncio.wait([crashed], timeout=20)
    first = [parent(record) for record in await world.read(world.target)]
    assert sum((await world.committed()).values()) == 0
    async with running(world.member(), Forward(world.target)):
        await all_committed(world, 30)
    again = [parent(record) for record in await world.read(world.target)]
    assert len(again) == len(first) + 30
    assert set(again) == {derive_id(UUID(dict(m.headers)["ce_id"].decode()), "on") for m in sent}


async def test_a_bad_record_goes_to_the_dead_letters_whole_and_the_partition_goes_on(world: World) -> None:
    handle = Forward(world.target)
    bad = message(world.source, "case-1", "\x00 rubbish")
    handle.bad = {bad.value}
    await world.put(
        [*numbered(world.source, 10, keys=1), replace(bad, key=b"case-0"), *numbered(world.source, 5, keys=1)]
    )
    async with running(world.member(), handle) as loop:
        await all_committed(world, 16)
        assert loop.progress.rejected == 1
    assert len(await world.read(world.target)) == 15
    letters = [r for r in await world.read(DEAD_LETTER.name) if origin(r).topic == world.source]
    assert [(letter.key, letter.value) for letter in letters] == [(b"case-0", bad.value)]
    assert letters[0].headers[: len(bad.headers)] == bad.headers
    where = origin(letters[0])
    assert (where.reason, where.service, where.offset) == ("nobody can read it", "tester", 10)
    assert original(letters[0]) == replace(bad, key=b"case-0")


async def test_an_outage_of_the_handler_is_sat_out_and_the_same_batch_repeated_in_order(world: World) -> None:
    handle = Forward(world.target)
    handle.failures = 4
    await world.put(numbered(world.source, 40, keys=1))
    async with running(world.member(), handle, replace(QUICK, batch_records=10)) as loop:
        await all_committed(world, 40)
        assert loop.progress.failures == 4
        assert loop.progress.failing is None
    assert [int(r.value or b"") for r in handle.seen[:50]] == [*range(10)] * 5
    assert [int(r.value or b"") for r in await world.read(world.target)] == [*range(40)]


async def test_an_outage_commits_nothing_however_long_it_lasts(world: World) -> None:
    handle = Forward(world.target)
    handle.failures = 1_000_000
    await world.put(numbered(world.source, 10))
    async with running(world.member(), handle) as loop:
        await until(lambda: loop.progress.failures > 8)
        assert loop.progress.failing == "ConnectionError: the database is away"
        assert sum((await world.committed()).values()) == 0
    assert await world.read(world.target) == []


async def test_a_rebalance_waits_for_the_batch_in_flight_and_nobody_repeats_it(world: World) -> None:
    handle, other = Forward(world.target), Forward(world.target)
    await world.put(numbered(world.source, 40))
    handle.gate.clear()
    async with running(world.member(), handle) as loop:
        await asyncio.wait_for(handle.entered.wait(), 30)
        async with running(world.member(), other):
            await until(lambda: loop.progress.partitions is None)
            handle.gate.set()
            await all_committed(world, 40)
            await until(lambda: loop.progress.partitions is not None)
    assert len({(r.partition, r.offset) for r in handle.seen + other.seen}) == 40
    assert len(handle.seen + other.seen) == 40


async def test_work_that_ends_after_its_partitions_have_gone_neither_commits_nor_publishes(world: World) -> None:
    handle, other = Forward(world.target), Forward(world.target)
    await world.put(numbered(world.source, 40))
    handle.gate.clear()
    async with running(world.member(), handle, replace(QUICK, drain=timedelta(milliseconds=300))) as loop:
        await asyncio.wait_for(handle.entered.wait(), 30)
        async with running(world.member(), other):
            await until(lambda: loop.progress.partitions is not None and other.entered.is_set())
            theirs = {(r.partition, r.offset) for r in other.seen}
            committed = await world.committed()
            handle.gate.set()
            await until(lambda: loop.progress.fenced == 1)
            after = await world.committed()
            assert all(after.get(place, 0) >= offset for place, offset in committed.items())
            await all_committed(world, 40)
    assert theirs
    assert len(await world.read(world.target)) == 40


async def test_output_that_is_acknowledged_after_the_partitions_have_gone_commits_nothing(world: World) -> None:
    log, other = Between(world.member()), Forward(world.target)
    log.may_commit.set()
    await world.put(numbered(world.source, 40))
    async with running(log, Forward(world.target), replace(QUICK, drain=timedelta(milliseconds=300))) as loop:
        await asyncio.wait_for(log.publishing.wait(), 30)
        async with running(world.member(), other):
            await until(lambda: loop.progress.partitions is not None and other.entered.is_set())
            log.publishing.clear()
            log.may_publish.set()
            log.may_publish.clear()
            # Its next batch, of what it has been given since, is held again before it can commit.
            await asyncio.wait_for(log.publishing.wait(), 30)
            assert loop.progress.fenced == 1
            assert not log.committing.is_set()
            log.may_publish.set()
            await all_committed(world, 40)


async def test_partitions_that_come_back_do_not_revive_the_work_of_their_earlier_assignment(world: World) -> None:
    handle, other = Forward(world.target), Forward(world.target)
    await world.put(numbered(world.source, 40))
    handle.gate.clear()
    other.gate.clear()
    async with running(world.member(), handle, replace(QUICK, drain=timedelta(milliseconds=300))) as loop:
        await asyncio.wait_for(handle.entered.wait(), 30)
        async with running(world.member(), other, replace(QUICK, stop=timedelta(milliseconds=300))):
            await asyncio.wait_for(other.entered.wait(), 30)
        await until(lambda: loop.progress.partitions == 4)
        handle.gate.set()
        await all_committed(world, 40)
        assert loop.progress.fenced == 1
    assert len(await world.read(world.target)) == 40
    assert len({(r.partition, r.offset) for r in handle.seen}) == 40 < len(handle.seen)


async def test_stop_finishes_the_batch_in_flight_and_commits_it(world: World) -> None:
    handle = Forward(world.target)
    await world.put(numbered(world.source, 10, keys=1))
    handle.gate.clear()
    async with running(world.member(), handle) as loop:
        await asyncio.wait_for(handle.entered.wait(), 30)
        stopping = asyncio.create_task(loop.stop())
        await asyncio.sleep(0)
        handle.gate.set()
        await stopping
    assert sum((await world.committed()).values()) == 10
    assert len(await world.read(world.target)) == 10


async def test_a_hanging_handler_ends_the_loop_loudly(world: World) -> None:
    handle = Forward(world.target)
    handle.gate.clear()
    await world.put(numbered(world.source, 10))
    settings = replace(QUICK, stalled_after=timedelta(seconds=1), ask_lag_every=timedelta(milliseconds=100))
    with pytest.raises(Stalled, match="10 records wait"):
        await asyncio.wait_for(DeliveryLoop(world.member(), handle, settings=settings).run(), 60)


async def test_an_open_outage_and_an_empty_topic_are_no_stall(world: World) -> None:
    handle = Forward(world.target)
    settings = replace(QUICK, stalled_after=timedelta(seconds=1), ask_lag_every=timedelta(milliseconds=100))
    async with running(world.member(), handle, settings) as loop:
        await until(lambda: loop.progress.partitions is not None)
        begun = asyncio.get_running_loop().time()
        await until(lambda: asyncio.get_running_loop().time() - begun > 1.5)
        handle.failures = 1_000_000
        await world.put(numbered(world.source, 10))
        await until(lambda: loop.progress.failing_since is not None)
        begun = asyncio.get_running_loop().time()
        await until(lambda: asyncio.get_running_loop().time() - begun > 1.5)
        assert loop.progress.lag == 10
        handle.failures = 0
        await all_committed(world, 10)


async def test_batches_are_bounded_in_count_and_bytes(world: World) -> None:
    handle = Forward(world.target)
    await world.put([message(world.source, f"case-{n}", "x" * 1000) for n in range(100)])
    async with running(world.member(), handle, replace(QUICK, batch_records=30, batch_bytes=10_000)):
        await all_committed(world, 100)
    assert sum(handle.batches) == 100
    assert max(handle.batches) <= 9


async def test_a_record_without_key_or_value_is_handed_over_as_it_is(world: World) -> None:
    handle = Forward(world.target)
    await world.put([Message(topic=world.source, key=b"", value=b"", headers=(("ce_id", str(uuid.uuid4()).encode()),))])
    async with running(world.member(), handle):
        await all_committed(world, 1)
    assert (handle.seen[0].key, handle.seen[0].value) == (b"", b"")


async def test_a_dead_letter_too_large_for_its_topic_keeps_its_origin(world: World) -> None:
    handle = Forward(world.target)
    if isinstance(world, MemoryWorld):
        large = message(world.source, "case-1", "x" * 1000)
        await world.put([large])
        world.broker.largest = 500
    else:
        # Nothing that compresses: the broker's limit is on what it is sent.
        large = message(world.source, "case-1", random.Random(1).randbytes(4_250_000).hex())
        await world.put([large])
    handle.bad = {large.value}
    async with running(world.member(), handle):
        await all_committed(world, 1)
    letters = [r for r in await world.read(DEAD_LETTER.name) if origin(r).topic == world.source]
    assert [(origin(r).truncated, origin(r).offset, r.value) for r in letters] == [(True, 0, b"")]
    with pytest.raises(ValueError, match="too large to keep"):
        original(letters[0])
