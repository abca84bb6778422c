"""The rights in the manifests are enough for each service's own clients, and no service may write as another."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import GroupAuthorizationFailedError, KafkaError, TopicAuthorizationFailedError

from cli.dead_letters import Wanted, find, one, send_again
from cli.lessons import of_topic
from shared.events.codec import Message, encode
from shared.events.topics import CASE, PLAYBOOK, TOPICS, Topic
from shared.runtime.clock import utc_now
from shared.runtime.compacted import CompactedReader
from shared.runtime.delivery import (
    DeliveryLoop,
    DeliverySettings,
    KafkaLog,
    KafkaSettings,
    Outcome,
    Publisher,
    Record,
    Rejected,
    dead_letter,
)
from shared.runtime.kafka_tls import client_security
from tests.fakes.router import a_case, event, opened
from tests.integration.kubernetes.guarded_kafka import GuardedKafka, running_guarded_kafka
from tests.platform import data_folder

SERVICES = ("intake", "router", "escalation", "notifier")
PATIENCE = timedelta(seconds=120)


@pytest.fixture(scope="module")
def guarded() -> Iterator[GuardedKafka]:
    """A broker that grants what the manifests grant."""
    with data_folder("guarded") as data, running_guarded_kafka(data) as running:
        yield running


def become(user: str, guarded: GuardedKafka, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give this process the settings of the pod of ``user``."""
    for name, value in guarded.environment(user).items():
        monkeypatch.setenv(name, value)


def message(topic: Topic) -> Message:
    return Message(topic=topic.name, key=b"key", value=b"value", headers=())


@dataclass
class Gathering:
    """A handler that only remembers."""

    wanted: int
    seen: list[Record] = field(default_factory=list)
    enough: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, records: Sequence[Record]) -> Outcome:
        self.seen.extend(records)
        if len({record.topic for record in self.seen}) >= self.wanted:
            self.enough.set()
        return Outcome()


async def publish(guarded: GuardedKafka, messages: Sequence[Message]) -> None:
    publisher = Publisher(guarded.bootstrap, client_id="test")
    try:
        await publisher.publish(messages)
    finally:
        await publisher.stop()


@pytest.mark.parametrize("producer", (*SERVICES, "publisher"))
async def test_a_producer_may_write_what_is_its_own(
    guarded: GuardedKafka, monkeypatch: pytest.MonkeyPatch, producer: str
) -> None:
    become(f"kafka-{producer}", guarded, monkeypatch)
    own = [topic for topic in TOPICS if producer in topic.producers]
    async with asyncio.timeout(PATIENCE.total_seconds()):
        await publish(guarded, [message(topic) for topic in own])


@pytest.mark.parametrize("writer", (*SERVICES, "publisher", "learner"))
async def test_nobody_may_write_what_another_produces(
    guarded: GuardedKafka, monkeypatch: pytest.MonkeyPatch, writer: str
) -> None:
    become(f"kafka-{writer}", guarded, monkeypatch)
    producer = AIOKafkaProducer(bootstrap_servers=guarded.bootstrap, **client_security())
    await producer.start()
    try:
        for topic in (topic for topic in TOPICS if writer not in topic.producers):
            with pytest.raises(TopicAuthorizationFailedError):
                await asyncio.wait_for(producer.send_and_wait(topic.name, b"forged"), PATIENCE.total_seconds())
    finally:
        await producer.stop()


@pytest.mark.parametrize("consumer", SERVICES)
async def test_a_service_may_fold_what_it_consumes_and_commit_in_its_group(
    guarded: GuardedKafka, monkeypatch: pytest.MonkeyPatch, consumer: str
) -> None:
    topics = [topic for topic in TOPICS if consumer in topic.consumers and topic is not PLAYBOOK]
    for topic in topics:
        writer = next(iter(topic.producers))
        if writer in SERVICES:
            become(f"kafka-{writer}", guarded, monkeypatch)
            await publish(guarded, [message(topic)])
    become(f"kafka-{consumer}", guarded, monkeypatch)
    names = [topic.name for topic in topics]
    publisher = Publisher(guarded.bootstrap, client_id=consumer)
    log = KafkaLog(
        KafkaSettings(
            bootstrap=guarded.bootstrap, group=f"whistle-{consumer}-test", topics=names, instance=f"{consumer}-0"
        ),
        publisher,
    )
    gathering = Gathering(wanted=sum(not topic.producers.isdisjoint(SERVICES) for topic in topics))
    loop = DeliveryLoop(log, gathering, settings=DeliverySettings(service=consumer))
    running = asyncio.create_task(loop.run())
    try:
        await asyncio.wait_for(gathering.enough.wait(), PATIENCE.total_seconds())
    finally:
        await loop.stop()
        await running
        await publisher.stop()
    assert loop.progress.lag == 0


@pytest.mark.parametrize("reader", SERVICES)
async def test_every_service_may_read_the_playbooks(
    guarded: GuardedKafka, monkeypatch: pytest.MonkeyPatch, reader: str
) -> None:
    become("kafka-publisher", guarded, monkeypatch)
    await publish(guarded, [message(PLAYBOOK)])
    become(f"kafka-{reader}", guarded, monkeypatch)
    seen: list[Record] = []

    async def keep(record: Record) -> None:
        seen.append(record)

    compacted = CompactedReader(guarded.bootstrap, PLAYBOOK.name, keep)
    running = asyncio.create_task(compacted.run())
    try:
        await compacted.caught_up(PATIENCE)
    finally:
        await compacted.stop()
        await running
    assert seen


async def test_a_learner_may_read_what_people_named_in_past_cases(
    guarded: GuardedKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    become("kafka-intake", guarded, monkeypatch)
    told = opened(a_case(), text="路灯不亮")
    await publish(guarded, [encode(event(told))])
    become("kafka-learner", guarded, monkeypatch)
    async with asyncio.timeout(PATIENCE.total_seconds()):
        lessons = await of_topic(guarded.bootstrap, county=told.case.county, since=utc_now() - timedelta(hours=1))
    assert [(one.text, one.category) for one in lessons.examples] == [("路灯不亮", told.case.category)]


async def test_a_service_may_not_join_the_group_of_another(
    guarded: GuardedKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    become("kafka-notifier", guarded, monkeypatch)
    consumer = AIOKafkaConsumer(
        "whistle.case.v1", bootstrap_servers=guarded.bootstrap, group_id="whistle-router", **client_security()
    )
    with pytest.raises(GroupAuthorizationFailedError):
        await first_record(consumer)


async def first_record(consumer: AIOKafkaConsumer) -> None:
    """Join and wait for a record; a refusal may come at either step."""
    try:
        await asyncio.wait_for(consumer.start(), PATIENCE.total_seconds())
        await asyncio.wait_for(consumer.getone(), PATIENCE.total_seconds())
    finally:
        await consumer.stop()


async def test_a_client_without_a_certificate_gets_no_answer(guarded: GuardedKafka) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=guarded.bootstrap, request_timeout_ms=3000)
    try:
        with pytest.raises(KafkaError):
            await asyncio.wait_for(producer.start(), PATIENCE.total_seconds())
    finally:
        await producer.stop()


async def test_an_operator_may_read_letters_and_send_them_again_and_publishes_no_playbook(
    guarded: GuardedKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    become("kafka-router", guarded, monkeypatch)
    record = Record(CASE.name, 0, 7, b"case", b"no event", (), 0)
    letter = dead_letter(Rejected(record=record, reason="rights"), service="router", now=utc_now())
    await publish(guarded, [letter])
    become("kafka-operator", guarded, monkeypatch)
    async with asyncio.timeout(PATIENCE.total_seconds() * 2):
        found = await find(guarded.bootstrap, Wanted(reason="rights"), most=1)
        assert await send_again(guarded.bootstrap, found.letters) == 1
        assert (await one(guarded.bootstrap, found.letters[0].place)).replayed
    producer = AIOKafkaProducer(bootstrap_servers=guarded.bootstrap, **client_security())
    await producer.start()
    try:
        with pytest.raises(TopicAuthorizationFailedError):
            await asyncio.wait_for(producer.send_and_wait(PLAYBOOK.name, b"forged"), PATIENCE.total_seconds())
    finally:
        await producer.stop()
