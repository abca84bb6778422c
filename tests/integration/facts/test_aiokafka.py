"""What our delivery promises lean on in aiokafka, on the installed version and a real broker.

When one of these tests fails after an upgrade, a fact has changed: read docs/decisions/0001 and the
comments in shared/runtime/delivery before adapting the test.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import signal
import textwrap
import uuid
from collections.abc import AsyncIterator
from importlib.metadata import version

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import CommitFailedError
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.structs import TopicPartition

from shared.runtime.delivery import Partition, Publisher
from tests.integration.conftest import Broker
from tests.integration.runtime.test_delivery_contract import message, numbered
from tests.integration.runtime.worlds import KafkaWorld, until


@pytest.fixture
async def world(kafka: str) -> AsyncIterator[KafkaWorld]:
    world = KafkaWorld(kafka)
    await world.open()
    yield world
    await world.close()


@pytest.fixture
async def frail_world(own_broker: Broker) -> AsyncIterator[KafkaWorld]:
    world = KafkaWorld(own_broker.bootstrap)
    await world.open()
    yield world
    await world.close()


class Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is untyped
    def __init__(self) -> None:
        self.revoked: list[set[TopicPartition]] = []
        self.assigned: list[set[TopicPartition]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        self.revoked.append(set(revoked))
        await self.gate.wait()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        self.assigned.append(set(assigned))


async def member(world: KafkaWorld, listener: Listener, *, instance: str | None = None) -> AIOKafkaConsumer:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=world.bootstrap,
        group_id=world.group,
        group_instance_id=instance,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        heartbeat_interval_ms=200,
        session_timeout_ms=6000,
        rebalance_timeout_ms=20000,
        partition_assignment_strategy=(RangePartitionAssignor,),
    )
    await consumer.start()
    consumer.subscribe([world.source], listener=listener)
    return consumer


def test_the_facts_are_those_of_the_installed_version() -> None:
    assert version("aiokafka") == "0.14.0"


async def test_a_producer_waits_for_one_replica_unless_told_otherwise(world: KafkaWorld) -> None:
    plain = AIOKafkaProducer(bootstrap_servers=world.bootstrap)
    idempotent = AIOKafkaProducer(bootstrap_servers=world.bootstrap, enable_idempotence=True)
    assert (plain._sender._acks, idempotent._sender._acks) == (1, -1)
    await plain.stop()
    await idempotent.stop()


async def test_a_bare_commit_commits_what_was_fetched_and_not_what_was_done(world: KafkaWorld) -> None:
    await world.put(numbered(world.source, 12))
    consumer = await member(world, Listener())
    fetched = 0
    async with asyncio.timeout(30):
        while fetched < 12:
            fetched += sum(len(records) for records in (await consumer.getmany(timeout_ms=200)).values())
    await consumer.commit()
    await consumer.stop()
    assert sum((await world.committed()).values()) == 12


async def test_an_idempotent_producer_hangs_in_send_and_in_stop_while_the_broker_is_away(
    own_broker: Broker, frail_world: KafkaWorld
) -> None:
    """Issue 1101: it never expires a batch, whatever its request time-out."""
    await frail_world.put(numbered(frail_world.target, 1))
    producer = AIOKafkaProducer(
        bootstrap_servers=frail_world.bootstrap, enable_idempotence=True, request_timeout_ms=500
    )
    await producer.start()
    await producer.send_and_wait(frail_world.target, b"1")
    own_broker.keeper.kill(signal.SIGSTOP)
    try:
        sending = asyncio.create_task(producer.send_and_wait(frail_world.target, b"2"))
        _, pending = await asyncio.wait([sending], timeout=3)
        assert pending
        stopping = asyncio.create_task(producer.stop())
        _, pending = await asyncio.wait([stopping], timeout=3)
        assert pending
    finally:
        own_broker.keeper.kill(signal.SIGCONT)
    # When the broker is back it delivers after all: what was given up must be ended, not forgotten.
    await asyncio.wait_for(sending, 60)
    await asyncio.wait_for(stopping, 60)


async def test_a_rebalance_takes_everything_away_and_heartbeats_go_on_meanwhile(world: KafkaWorld) -> None:
    """No cooperative rebalance: all partitions are revoked, and the drain may outlast the session."""
    listener, other = Listener(), Listener()
    first = await member(world, listener)
    await until(lambda: len(listener.assigned) == 1)
    whole = listener.assigned[0]
    listener.gate.clear()
    joining = asyncio.create_task(member(world, other))
    await until(lambda: len(listener.revoked) == 2)
    assert listener.revoked[1] == whole
    begun = asyncio.get_running_loop().time()
    # Longer than the session of 6 s: without heartbeats the member would have been thrown out.
    await until(lambda: asyncio.get_running_loop().time() - begun > 7)
    assert other.assigned == []
    listener.gate.set()
    second = await joining
    await until(lambda: len(listener.assigned) == 2 and len(other.assigned) == 1)
    assert listener.assigned[1] | other.assigned[0] == whole
    assert not listener.assigned[1] & other.assigned[0]
    await first.stop()
    await second.stop()


async def test_a_commit_after_the_group_has_moved_on_fails_by_name(world: KafkaWorld) -> None:
    listener = Listener()
    consumer = await member(world, listener)
    await until(lambda: len(listener.assigned) == 1)
    place = min(listener.assigned[0])
    consumer._coordinator.generation -= 1
    with pytest.raises(CommitFailedError):
        await consumer.commit({place: 0})
    await consumer.stop()


async def test_a_static_member_takes_its_partitions_back_and_disturbs_nobody(world: KafkaWorld) -> None:
    first, second, again = Listener(), Listener(), Listener()
    one = await member(world, first, instance="one")
    await until(lambda: len(first.assigned) == 1)
    two = await member(world, second, instance="two")
    await until(lambda: len(first.assigned) == 2 and len(second.assigned) == 1)
    revocations = len(first.revoked)
    await two.stop()
    back = await member(world, again, instance="two")
    await until(lambda: len(again.assigned) == 1)
    assert again.assigned[0] == second.assigned[0]
    assert len(first.revoked) == revocations
    await back.stop()
    await one.stop()


async def test_by_range_a_case_lies_with_one_member_on_every_topic(world: KafkaWorld) -> None:
    members = {"a": ["case", "order"], "b": ["case", "order"], "c": ["case", "order"]}
    cluster = _Cluster({"case": range(12), "order": range(12)})
    metadata = {name: RangePartitionAssignor.metadata(topics) for name, topics in members.items()}
    dealt = RangePartitionAssignor.assign(cluster, metadata)
    for assignment in dealt.values():
        numbers = {topic: set(partitions) for topic, partitions in assignment.assignment}
        assert numbers["case"] == numbers["order"]


class _Cluster:
    def __init__(self, partitions: dict[str, range]) -> None:
        self._partitions = partitions

    def partitions_for_topic(self, topic: str) -> set[int]:
        return set(self._partitions[topic])


def test_nothing_runs_between_handing_out_records_and_the_callers_next_statement() -> None:
    """Read in the source, since a missing switch of tasks cannot be provoked.

    A loop notes the epoch of a batch right after ``getmany``. An await between the records' leaving
    the fetcher and the return would let a rebalance slip in between.
    """
    source = ast.parse(textwrap.dedent(inspect.getsource(Fetcher.fetched_records)))
    awaited = {ast.unparse(node.value) for node in ast.walk(source) if isinstance(node, ast.Await)}
    assert awaited == {"self._subscriptions.wait_for_assignment()", "asyncio.wait([waiter], timeout=timeout)"}


async def test_the_batch_builder_takes_headers_as_a_list_only(world: KafkaWorld) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=world.bootstrap)
    batch = producer.create_batch()
    with pytest.raises(TypeError, match="headers"):
        batch.append(timestamp=None, key=b"k", value=b"v", headers=(("a", b"b"),))
    assert batch.append(timestamp=None, key=b"k", value=b"v", headers=[("a", b"b")]) is not None
    await producer.stop()


async def test_our_partitioner_puts_every_key_where_kafkas_own_does(world: KafkaWorld) -> None:
    keys = [uuid.uuid4().hex.encode() for _ in range(200)]
    await world.publisher.publish([message(world.target, key.decode(), "1") for key in keys])
    partitions = {record.key: Partition(record.topic, record.partition) for record in await world.read(world.target)}
    everywhere = [*range(world.partitions)]
    assert partitions == {
        key: Partition(world.target, DefaultPartitioner()(key, everywhere, everywhere)) for key in keys
    }


async def test_the_private_names_by_which_a_producer_is_ended_exist(world: KafkaWorld) -> None:
    """``Publisher`` has no public way to end a producer without a flush; see ``_let_go`` there."""
    publisher = Publisher(world.bootstrap, client_id="names")
    await publisher.start()
    producer = publisher._producer
    assert producer is not None
    assert isinstance(producer._sender.sender_task, asyncio.Task)
    accumulator = producer._message_accumulator
    assert all(hasattr(accumulator, name) for name in ("_batches", "_pending_batches", "fail_all"))
    await publisher.stop()
