"""Make the catalogue's topics on a broker, and mend what a broker of an earlier start has differently."""

import asyncio
from collections.abc import Sequence

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from deploy.local.loops import in_own_loop
from deploy.local.processes import PartFailed
from shared.events.topics import TOPICS, Topic

REQUEST_MS = 20_000
PATIENCE_SECONDS = 60.0


def make_topics(bootstrap: str, topics: Sequence[Topic] = TOPICS) -> list[str]:
    """Make the topics that are not there, add partitions where there are too few, and return the names touched.

    Returns when every partition has a leader, so that a client that starts now finds them all.

    Raises:
        PartFailed: when the broker refuses one, or has more partitions than the catalogue: keys would move.
    """
    try:
        return in_own_loop(lambda: asyncio.wait_for(_make(bootstrap, topics), PATIENCE_SECONDS))
    except (KafkaError, TimeoutError) as error:
        raise PartFailed("topics", f"could not be made: {type(error).__name__} {error}") from error


async def _make(bootstrap: str, topics: Sequence[Topic]) -> list[str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=REQUEST_MS)
    await admin.start()
    try:
        counts = await _partition_counts(admin)
        missing = [topic for topic in topics if topic.name not in counts]
        grown = [topic for topic in topics if counts.get(topic.name, topic.partitions) < topic.partitions]
        shrunk = [topic for topic in topics if counts.get(topic.name, 0) > topic.partitions]
        if shrunk:
            names = ", ".join(f"{t.name} ({counts[t.name]}, catalogue {t.partitions})" for t in shrunk)
            raise PartFailed("topics", f"more partitions than the catalogue says: {names}; use another data folder")
        await _create(admin, missing)
        await _grow(admin, grown)
        await _until_led(admin, topics)
        return [topic.name for topic in (*missing, *grown)]
    finally:
        await admin.close()


async def _create(admin: AIOKafkaAdminClient, topics: Sequence[Topic]) -> None:
    if not topics:
        return
    wanted = [
        NewTopic(
            name=topic.name,
            num_partitions=topic.partitions,
            replication_factor=1,
            topic_configs=dict(topic.config),
        )
        for topic in topics
    ]
    answer = await admin.create_topics(wanted, timeout_ms=REQUEST_MS)
    for name, code, *message in answer.topic_errors:
        error = for_code(code)
        if code and error is not TopicAlreadyExistsError:
            raise PartFailed("topics", f"{name}: {error.__name__} {' '.join(str(part) for part in message)}")


async def _grow(admin: AIOKafkaAdminClient, topics: Sequence[Topic]) -> None:
    if topics:
        await admin.create_partitions({topic.name: NewPartitions(topic.partitions) for topic in topics})


async def _partition_counts(admin: AIOKafkaAdminClient) -> dict[str, int]:
    return {
        name: len([partition for partition in partitions if partition["leader"] >= 0])
        for name, partitions in (await _described(admin)).items()
    }


async def _described(admin: AIOKafkaAdminClient) -> dict[str, list[dict[str, int]]]:
    described = await admin.describe_topics()
    return {topic["topic"]: topic["partitions"] for topic in described}


async def _until_led(admin: AIOKafkaAdminClient, topics: Sequence[Topic]) -> None:
    while True:
        counts = await _partition_counts(admin)
        if all(counts.get(topic.name, 0) >= topic.partitions for topic in topics):
            return
        await asyncio.sleep(0.1)
