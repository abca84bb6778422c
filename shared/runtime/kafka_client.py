"""What every Kafka client of a service is given: how it proves itself, how long it pauses, what it must know first."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import timedelta
from typing import Any, Final

from aiokafka import AIOKafkaConsumer

from shared.runtime.kafka_tls import client_security

RETRY_BACKOFF_MS: Final = 500
"""While a broker is away each part of a client asks anew this often; at aiokafka's own 100 ms they do little else."""
ASK_AGAIN_SECONDS: Final = 0.1


class TopicMissing(ConnectionError):  # noqa: N818  named for what was found
    """The broker answers and does not have a topic; it may be made any moment."""


def client_options() -> dict[str, Any]:
    """Return the options common to consumers, producers and administrators; each adds its own."""
    return {"retry_backoff_ms": RETRY_BACKOFF_MS, **client_security()}


async def topics_known(consumer: AIOKafkaConsumer, topics: Collection[str], *, within: timedelta) -> None:
    """Return when a started consumer knows the partitions of ``topics``; before that it must not join a group.

    A member that joins without knowing a topic is given nothing of it, and so is the whole group when
    that member leads; aiokafka looks again only after ``metadata_max_age_ms``, five minutes.

    Raises:
        TopicMissing: one is not there after ``within``; says which.
    """
    client = consumer._client  # noqa: SLF001  a consumer without a subscription has no public way to ask
    for topic in topics:
        client.add_topic(topic)
    missing = list(topics)
    try:
        async with asyncio.timeout(within.total_seconds()):
            while missing := [topic for topic in topics if not client.cluster.partitions_for_topic(topic)]:
                await client.force_metadata_update()
                await asyncio.sleep(ASK_AGAIN_SECONDS)
    except TimeoutError:
        raise TopicMissing(f"Kafka has no topic {', '.join(missing)} yet, or gives no right to read it") from None
