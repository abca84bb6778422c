"""What Faust does to acks and offsets, on the installed version and a real broker.

Escalation is built round these facts (docs/decisions/0002). When one of these tests fails after an
upgrade, a fact has changed: read the decision again before adapting the test.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import faust
import pytest
from aiokafka.errors import KafkaError
from faust import streams
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.tuples import ConsumerMessage

from services.escalation.faust_app import FoldApp, FoldSettings
from shared.runtime.delivery import Partition
from tests.integration.facts.worker import plain_app, working
from tests.integration.runtime.test_delivery_contract import message
from tests.integration.runtime.worlds import KafkaWorld, until


@pytest.fixture
async def world(kafka: str) -> AsyncIterator[KafkaWorld]:
    world = KafkaWorld(kafka, partitions=1)
    await world.open()
    yield world
    await world.close()


@pytest.fixture
def app(world: KafkaWorld, tmp_path: Path) -> faust.App:
    return plain_app(world.bootstrap, group=world.group, folder=tmp_path)


def raw(app: faust.App, world: KafkaWorld) -> Any:
    return app.topic(world.source, key_type=bytes, value_type=bytes)


async def put(world: KafkaWorld, *values: str) -> None:
    await world.put([message(world.source, "case-1", value) for value in values])


async def committed(world: KafkaWorld) -> int:
    return (await world.committed()).get(Partition(world.source, 0), 0)


async def committed_is(world: KafkaWorld, offset: int) -> None:
    async def reached() -> bool:
        return await committed(world) == offset

    await until(reached)


def test_the_facts_are_those_of_the_installed_version() -> None:
    assert (version("faust-streaming"), version("mode-streaming")) == ("0.15.3", "0.7.1")


async def test_acks_out_of_order_commit_past_a_record_that_was_never_processed(
    world: KafkaWorld, app: faust.App
) -> None:
    """Fact 1 (issue 606): only two agents side by side, ``noack_take`` or a manual ack bring acks out of order."""
    hanging, release = asyncio.Event(), asyncio.Event()
    processed = []

    async def work(stream: Any) -> None:
        async for value in stream:
            if value == b"hang":
                hanging.set()
                await release.wait()
            processed.append(value)

    app.agent(raw(app, world), concurrency=2)(work)
    async with working(app):
        await put(world, "a", "b")
        await committed_is(world, 2)
        await put(world, "hang")
        await asyncio.wait_for(hanging.wait(), 30)
        await put(world, "c")
        await until(lambda: processed == [b"a", b"b", b"c"])
        await committed_is(world, 4)
        assert b"hang" not in processed
        release.set()


async def test_a_record_whose_agent_raises_is_acked_all_the_same(world: KafkaWorld, app: faust.App) -> None:
    """Fact 2: so an exception must never leave the agent's loop."""
    seen = []

    async def work(stream: Any) -> None:
        async for value in stream:
            seen.append(value)
            if value == b"bad":
                raise ConnectionError("the database is away")

    app.agent(raw(app, world))(work)
    async with working(app):
        await put(world, "a", "bad")
        await committed_is(world, 2)
    assert seen == [b"a", b"bad"]


async def test_a_batch_that_raises_is_acked_whole(world: KafkaWorld, app: faust.App) -> None:
    """Fact 2: ``take`` acks the batch in a ``finally``."""
    batches = []

    async def work(stream: Any) -> None:
        async for values in stream.take(3, within=5):
            batches.append(list(values))
            raise ConnectionError("the database is away")

    app.agent(raw(app, world))(work)
    async with working(app):
        await put(world, "a", "b", "c")
        await committed_is(world, 3)
    assert batches == [[b"a", b"b", b"c"]]


async def test_an_error_of_the_coordinator_reaches_nobody(world: KafkaWorld, app: faust.App) -> None:
    """Fact 4: Faust reads past ``getmany``, where aiokafka reports what the group's coordinator has met."""
    seen = []

    async def work(stream: Any) -> None:
        async for value in stream:
            seen.append(value)  # noqa: PERF401  the stream never ends

    app.agent(raw(app, world))(work)
    async with working(app):
        thread: Any = getattr(app.consumer, "_thread")  # noqa: B009  not in Faust's types
        consumer = thread._ensure_consumer()
        consumer._coordinator._pending_exception = KafkaError("out of the group")
        await put(world, "a", "b")
        await until(lambda: seen == [b"a", b"b"])
        with pytest.raises(KafkaError, match="out of the group"):
            consumer._coordinator.check_errors()


@pytest.mark.parametrize(("iterator", "expected"), (("python", 8), ("cython", 1)))
async def test_only_the_cython_iterator_leaves_a_stale_record_unacked(
    world: KafkaWorld, app: faust.App, monkeypatch: pytest.MonkeyPatch, iterator: str, expected: int
) -> None:
    """Fact 6: a record left over from before a rebalance; escalation refuses to start without the Cython one.

    The Python iterator acks it, and here even commits behind it, past records that nobody has read.
    """
    assert getattr(streams, "_CStreamIterator", None) is not None
    if iterator == "python":
        monkeypatch.setattr(streams, "_CStreamIterator", None)
    seen = []

    async def work(stream: Any) -> None:
        async for value in stream:
            seen.append(value)  # noqa: PERF401  the stream never ends

    agent: Any = app.agent(raw(app, world))(work)
    async with working(app):
        await put_stale(agent, TP(world.source, 0), offset=7)
        if iterator == "cython":
            await put(world, "fresh")
        await committed_is(world, expected)
        assert all(actor.stream.channel.queue.empty() for actor in agent._actors)
    assert b"stale" not in seen


async def put_stale(agent: Any, place: TP, *, offset: int) -> None:
    stale = ConsumerMessage(place.topic, place.partition, offset, 0.0, 0, None, None, b"stale", None, generation_id=-1)
    stale.tracked = True
    for actor in agent._actors:
        await actor.stream.channel.queue.put(await agent.channel.decode(stale))


async def test_a_value_that_does_not_decode_is_acked_before_the_agent_sees_it(
    world: KafkaWorld, app: faust.App
) -> None:
    """Fact 7: so topics are read as raw bytes, and decoded where a dead letter can be written."""
    seen = []

    async def work(stream: Any) -> None:
        async for value in stream:
            seen.append(value)  # noqa: PERF401  the stream never ends

    typed = app.topic(world.source, key_type=bytes, value_type=cast("Any", int), value_serializer="json")
    app.agent(typed)(work)
    async with working(app):
        await put(world, "1", "no json at all", "3")
        await committed_is(world, 3)
    assert seen == [1, 3]


async def test_reading_begins_where_an_overridden_seek_to_committed_says(world: KafkaWorld, tmp_path: Path) -> None:
    """Fact 10: transports are class attributes, and ``seek_to_committed`` is asked whenever partitions are given."""

    class Third(driver.Consumer):
        async def seek_to_committed(self) -> Mapping[TP, int]:
            offsets = {TP(world.source, 0): 2}
            await self._thread.seek_wait(offsets)
            return offsets

    class Transport(driver.Transport):
        Consumer = Third

    class App(faust.App):
        def _new_transport(self) -> driver.Transport:
            return Transport(self.conf.broker_consumer, self)

    app = plain_app(world.bootstrap, group=world.group, folder=tmp_path, kind=App)
    seen = []

    async def work(stream: Any) -> None:
        async for value in stream:
            seen.append(value)  # noqa: PERF401  the stream never ends

    app.agent(raw(app, world))(work)
    await put(world, "a", "b", "c")
    async with working(app):
        await until(lambda: bool(seen))
        await committed_is(world, 3)
    assert seen == [b"c"]


async def test_a_batch_of_noack_take_is_acked_by_nobody_else(world: KafkaWorld, app: faust.App) -> None:
    """Facts 1 and 2: so the agent acks its batch itself, in order, when its transaction is over."""
    batches, release = [], asyncio.Event()

    async def work(stream: Any) -> None:
        async for events in stream.noack_take(2, within=5):
            batches.append([event.value for event in events])
            if len(batches) == 1:
                for event in events:
                    event.ack()
            else:
                await release.wait()

    app.agent(raw(app, world))(work)
    async with working(app):
        await put(world, "a", "b", "c", "d")
        await until(lambda: len(batches) == 2)
        await committed_is(world, 2)
        release.set()
    assert batches == [[b"a", b"b"], [b"c", b"d"]]
    assert await committed(world) == 2


def test_what_faust_would_own_is_off_and_its_time_limits_fit_together() -> None:
    """Facts 3, 5, 8 and 9: it produces nothing, and keeps no topic, table, folder, web server or leader."""
    settings = FoldSettings(
        bootstrap="127.0.0.1:1", topics=("t",), group="g", instance="g-0", session=timedelta(seconds=60)
    )
    app = FoldApp(settings, ledger=nowhere, begins=print, failed=print, revoked=print, spare=print)
    conf: Any = app.conf
    assert (app.BootStrategy.enable_kafka_producer, app.BootStrategy.enable_web) == (False, False)
    assert (conf.web_enabled, conf.topic_allow_declare, conf.topic_disable_leader) == (False, False, True)
    assert conf.consumer_group_instance_id == "g-0", "without it each restart waits for the dead member's session"
    assert conf.broker_session_timeout <= conf.broker_request_timeout
    assert conf.processing_guarantee.value == "at_least_once"
    assert not app.tables


async def nowhere(*_: object) -> Mapping[Partition, int]:
    return {}
