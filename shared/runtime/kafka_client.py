"""What every Kafka client of a service has in common: options, what it must know first, how it is let go."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from datetime import timedelta
from typing import Any, Final

from aiokafka import AIOKafkaConsumer

from shared.runtime.kafka_tls import client_security

RETRY_BACKOFF_MS: Final = 500
"""While a broker is away each part of a client asks anew this often; at aiokafka's own 100 ms they do little else."""
ASK_AGAIN_SECONDS: Final = 0.1
CANCEL_AGAIN: Final = timedelta(milliseconds=500)

log = logging.getLogger(__name__)


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


async def let_go(consumer: AIOKafkaConsumer, limit: timedelta) -> None:
    """Stop a consumer, or what is left of it, within three times ``limit``.

    Its own stop waits for a coordinator that may never answer, and hands a cancellation on to a task of its
    own that may take it for something else and go on: so it has a task to itself, which nobody waits for.
    """
    seconds = limit.total_seconds()
    stopping = asyncio.create_task(consumer.stop())
    try:
        await asyncio.wait({stopping}, timeout=seconds)
    except asyncio.CancelledError:
        stopping.cancel()
        raise
    if stopping.done() and not stopping.cancelled() and stopping.exception() is None:
        return
    # No public way leads to these without the broker.
    coordinator = consumer._coordinator  # noqa: SLF001
    names = ("_coordination_task", "_heartbeat_task", "_commit_refresh_task")
    left = [task for name in names if (task := getattr(coordinator, name, None)) is not None]
    await _insist({stopping, *left}, within=seconds)
    closings = [consumer._client.close()]  # noqa: SLF001
    if consumer._fetcher is not None:  # noqa: SLF001
        closings.append(consumer._fetcher.close())  # noqa: SLF001
    tasks = {asyncio.ensure_future(closing) for closing in closings}
    await asyncio.wait(tasks, timeout=seconds)
    await _insist(tasks, within=0)


async def _insist(tasks: Collection[asyncio.Task[None]], *, within: float) -> None:
    """Cancel until all have ended or the time is over: one cancellation may be swallowed."""
    deadline = asyncio.get_running_loop().time() + within
    while True:
        going = {task for task in tasks if not task.done()}
        for task in going:
            task.cancel()
        if going:
            await asyncio.wait(going, timeout=CANCEL_AGAIN.total_seconds())
        if not going or asyncio.get_running_loop().time() > deadline:
            break
    for task in tasks:
        if task.done() and not task.cancelled() and (error := task.exception()) is not None:
            log.debug("a connection did not close: %s", error)
