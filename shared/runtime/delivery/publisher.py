"""Sends messages and returns when all of them are acknowledged; outlives a broken aiokafka producer.

aiokafka 0.14's idempotent producer never gives a batch up: a send or a stop hangs while the brokers
are away (issue 1101), and it can stay broken after OutOfOrderSequenceNumber (issue 1017). So each
call has a time limit, and after a failure the producer is thrown away and a new one is built.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, ProducerClosed
from aiokafka.partitioner import murmur2

from shared.runtime.delivery.log import PublishFailed, TooLarge
from shared.runtime.delivery.record import Partition
from shared.runtime.kafka_client import client_options

if TYPE_CHECKING:
    from aiokafka.producer.message_accumulator import BatchBuilder

    from shared.events.codec import Message

KEYS_REMEMBERED: Final = 100_000

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublisherSettings:
    """Time limits and sizes of the producer."""

    deliver: timedelta = timedelta(seconds=30)
    """How long one ``publish`` may take; then the producer is rebuilt."""
    connect: timedelta = timedelta(seconds=15)
    let_go: timedelta = timedelta(seconds=5)
    """How long a producer that is thrown away may take to end."""
    request: timedelta = timedelta(seconds=10)
    batch_bytes: int = 256 * 1024
    compression: str | None = "snappy"
    """As aiokafka names it; a quarter of the bytes at no more of our time, and consumers read them faster."""


class Publisher:
    """Messages in, acknowledgement of all in-sync replicas out; safe to share between tasks."""

    def __init__(self, bootstrap: str, *, client_id: str, settings: PublisherSettings | None = None) -> None:
        self._bootstrap = bootstrap
        self._client_id = client_id
        self._settings = settings or PublisherSettings()
        self._producer: AIOKafkaProducer | None = None
        self._building = asyncio.Lock()
        self._numbers: defaultdict[int, dict[bytes, int]] = defaultdict(dict)
        self.rebuilt = 0
        """How many producers have been thrown away."""

    async def start(self) -> None:
        """Connect. Not needed before ``publish``; it makes an unreachable broker known at once.

        Raises: PublishFailed when no broker answers in time.
        """
        await self._ready()

    async def stop(self) -> None:
        """Let go of the connections, within a bounded time; nothing unacknowledged is waited for."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await _let_go(producer, self._settings.let_go)

    async def publish(self, messages: Sequence[Message]) -> None:
        """Return when every message is acknowledged; messages with one key keep their order.

        Raises: PublishFailed when that is not known in time; TooLarge when the broker refuses one.
        """
        if not messages:
            return
        producer = await self._ready()
        try:
            async with asyncio.timeout(self._settings.deliver.total_seconds()):
                await self._send(producer, messages)
        except MessageSizeTooLargeError as error:
            raise TooLarge(str(error)) from error
        except (KafkaError, TimeoutError, AssertionError) as error:
            await self._discard(producer, error)
            raise PublishFailed(f"{len(messages)} messages: {type(error).__name__} {error}") from error

    def remember(self, keys: Collection[bytes | None], *, number: int, count: int) -> None:
        """Take note that these keys lie in partition ``number`` of a topic with ``count`` partitions.

        An answer to a record has its key, and its topic mostly as many partitions: it then needs no hash.
        Keys that were placed by another partitioner than Kafka's own are not taken.
        """
        first = next(iter(keys), None)
        if first is not None and _number(first, count) == number:
            self._remembering(count).update(dict.fromkeys(filter(None, keys), number))

    async def _ready(self) -> AIOKafkaProducer:
        async with self._building:
            if self._producer is None:
                self._producer = await self._build()
            return self._producer

    async def _build(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            **client_options(),
            bootstrap_servers=self._bootstrap,
            client_id=self._client_id,
            acks="all",
            enable_idempotence=True,
            max_batch_size=self._settings.batch_bytes,
            compression_type=self._settings.compression,
            request_timeout_ms=int(self._settings.request.total_seconds() * 1000),
        )
        try:
            async with asyncio.timeout(self._settings.connect.total_seconds()):
                await producer.start()
        except BaseException as error:
            await _let_go(producer, self._settings.let_go)
            if isinstance(error, KafkaError | TimeoutError):
                raise PublishFailed(f"no producer at {self._bootstrap}: {type(error).__name__} {error}") from error
            raise
        return producer

    async def _discard(self, producer: AIOKafkaProducer, error: BaseException) -> None:
        if producer is not self._producer:
            return
        self._producer = None
        self.rebuilt += 1
        log.warning("producer %s is rebuilt after %s: %s", self._client_id, type(error).__name__, error)
        await _let_go(producer, self._settings.let_go)

    async def _send(self, producer: AIOKafkaProducer, messages: Sequence[Message]) -> None:
        partitioned = await self._by_partition(producer, messages)
        acknowledged: list[asyncio.Future[Any]] = []
        # One batch a partition in turn: a partition's second waits until its first is on the
        # wire, and meanwhile the other partitions have theirs.
        for turn in zip_longest(*(_addressed(producer, *item) for item in partitioned.items())):
            for partition, batch in filter(None, turn):
                future = await producer.send_batch(batch, partition.topic, partition=partition.number)
                future.add_done_callback(_heard)
                acknowledged.append(future)
        results = await asyncio.gather(*acknowledged, return_exceptions=True)
        failures = [result for result in results if isinstance(result, BaseException)]
        if failures:
            raise next((f for f in failures if not isinstance(f, MessageSizeTooLargeError)), failures[0])

    async def _by_partition(
        self, producer: AIOKafkaProducer, messages: Sequence[Message]
    ) -> dict[Partition, list[Message]]:
        counts = {topic: len(await producer.partitions_for(topic)) for topic in {m.topic for m in messages}}
        numbers = {topic: self._remembering(count) for topic, count in counts.items()}
        # Plain pairs while it counts: making a named one costs as much as all the rest of the line.
        grouped: dict[tuple[str, int], list[Message]] = defaultdict(list)
        for message in messages:
            topic, key = message.topic, message.key
            number = numbers[topic].get(key)
            if number is None:
                number = numbers[topic][key] = _number(key, counts[topic])
            grouped[topic, number].append(message)
        return {Partition(*place): of_place for place, of_place in grouped.items()}

    def _remembering(self, count: int) -> dict[bytes, int]:
        known = self._numbers[count]
        if len(known) >= KEYS_REMEMBERED:
            known.clear()
        return known


def _number(key: bytes, count: int) -> int:
    # Kafka's own partitioner; in Python it costs 5 to 10 µs a key.
    return int((murmur2(key) & 0x7FFFFFFF) % count)


def _addressed(
    producer: AIOKafkaProducer, partition: Partition, messages: Sequence[Message]
) -> Iterator[tuple[Partition, BatchBuilder]]:
    batch = producer.create_batch()
    for message in messages:
        if not _append(batch, message):
            yield partition, batch
            batch = producer.create_batch()
            _append(batch, message)
    # A batch left open takes messages of other callers, whose fate would then be ours.
    batch.close()
    yield partition, batch


def _append(batch: BatchBuilder, message: Message) -> bool:
    # aiokafka's C builder takes headers as a list only.
    added = batch.append(timestamp=None, key=message.key, value=message.value, headers=list(message.headers))
    return added is not None


async def _let_go(producer: AIOKafkaProducer, limit: timedelta) -> None:
    """End a producer without waiting for what it has not delivered.

    A producer left to itself would go on and deliver its old batches whenever the brokers return,
    behind those that were sent again. aiokafka has no public way to end it without a flush; the
    private names used here are proved by tests/integration/facts on the pinned version.
    """
    sender = producer._sender.sender_task  # noqa: SLF001
    with contextlib.suppress(Exception):
        async with asyncio.timeout(limit.total_seconds()):
            await producer.client.close()
            # It awaits its requests when cancelled, and one of them may wait for metadata that
            # nobody fetches any more: the second cancellation reaches that one.
            while sender is not None and not sender.done():
                sender.cancel()
                await asyncio.wait([sender], timeout=0.5)
    accumulator = producer._message_accumulator  # noqa: SLF001
    left = [batch for batches in accumulator._batches.values() for batch in batches]  # noqa: SLF001
    left += accumulator._pending_batches  # noqa: SLF001
    accumulator.fail_all(ProducerClosed())
    for batch in left:
        _heard(batch.future)
        _heard(batch._drain_waiter)  # noqa: SLF001
    with contextlib.suppress(Exception):
        async with asyncio.timeout(limit.total_seconds()):
            await producer.stop()


def _heard(future: asyncio.Future[Any]) -> None:
    """Take note of a failure that nobody will ask for, so that asyncio does not report it as lost."""
    if future.done() and not future.cancelled():
        future.exception()
