"""The fixtures every other integration test stands on."""

import uuid

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.local.topics import make_topics
from shared.events.topics import TOPICS


async def test_the_broker_has_the_topics_of_the_catalogue(kafka: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        described = await admin.describe_topics([topic.name for topic in TOPICS])
    finally:
        await admin.close()
    counts = {topic["topic"]: len(topic["partitions"]) for topic in described}
    assert counts == {topic.name: topic.partitions for topic in TOPICS}


def test_making_the_topics_again_changes_nothing(kafka: str) -> None:
    assert make_topics(kafka) == []


async def test_the_broker_keeps_what_it_is_given(kafka: str) -> None:
    # A topic of its own: what lies on the catalogue's topics is read by the tests of whoever owns them.
    topic = f"fixture-{uuid.uuid4().hex}"
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
    finally:
        await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=kafka, acks="all", enable_idempotence=True) as producer:
        sent = await producer.send_and_wait(topic, b"kept", partition=0)
    async with AIOKafkaConsumer(topic, bootstrap_servers=kafka, auto_offset_reset="earliest") as consumer:
        record = await consumer.getone()
    assert (record.value, record.offset) == (b"kept", sent.offset)


async def test_the_database_is_fresh_and_speaks_utf8(postgres: str) -> None:
    connection = await asyncpg.connect(postgres)
    try:
        assert await connection.fetchval("SHOW server_version_num") >= "180000"
        assert await connection.fetchval("SHOW server_encoding") == "UTF8"
        assert await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
    finally:
        await connection.close()
