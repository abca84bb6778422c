"""Escalation as a real process on real Kafka and PostgreSQL, with topics of its own on a shared broker."""

import asyncio
import os
import signal
import sys
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from deploy.local.topics import make_topics
from shared.events.codec import Message, decode, encode
from shared.events.envelope import Event
from shared.events.topics import CASE, ORDER, PLAYBOOK, SLA
from shared.playbook.model import Playbook
from shared.playbook.record import sealed, to_message
from shared.runtime.clock import utc_now
from shared.runtime.delivery import Publisher
from shared.runtime.migrate import migrate

ROOT = Path(__file__).parents[3]


async def until(condition: Callable[[], Awaitable[bool]], *, seconds: float = 60.0, what: str) -> None:
    """Return as soon as the condition holds; fail with ``what`` when it does not in time."""
    deadline = time.monotonic() + seconds
    while not await condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        await asyncio.sleep(0.05)


class Worker:
    """One escalation process; its output lies in a file."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path, ops_port_file: Path) -> None:
        self.process = process
        self.log = log

    @property
    def output(self) -> str:
        return self.log.read_text(encoding="utf-8")

    async def ended(self, seconds: float = 60.0) -> int:
        async with asyncio.timeout(seconds):
            return await self.process.wait()

    async def terminate(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return await self.ended()

    async def kill(self) -> None:
        self.process.kill()
        await self.ended()

    async def ops(self, path: str) -> httpx.Response:
        port = next(
            line.split('"ops": ')[1].split("}")[0].split(",")[0]
            for line in self.output.splitlines()
            if '"ops": ' in line
        )
        async with httpx.AsyncClient() as client:
            return await client.get(f"http://127.0.0.1:{port}{path}", timeout=5)


class World:
    """Topics, a database and the processes of one test."""

    def __init__(self, kafka: str, dsn: str, folder: Path) -> None:
        self.kafka, self.dsn, self._folder = kafka, dsn, folder
        self.prefix = f"t{uuid.uuid4().hex[:8]}."
        self._workers: list[Worker] = []
        self.publisher = Publisher(kafka, client_id=f"{self.prefix}test")
        self.pool: asyncpg.Pool[asyncpg.Record]

    async def open(self) -> None:
        topics = [replace(topic, name=self.prefix + topic.name) for topic in (CASE, *ORDER.values(), PLAYBOOK)]
        await asyncio.to_thread(make_topics, self.kafka, topics)
        await migrate(self.dsn, ["escalation"])
        self.pool = await asyncpg.create_pool(
            self.dsn, min_size=1, max_size=3, server_settings={"search_path": "escalation"}
        )

    async def close(self) -> None:
        for worker in self._workers:
            if worker.process.returncode is None:
                await worker.kill()
        await self.publisher.stop()
        await self.pool.close()

    async def tell(self, events: Iterable[Event[Any]]) -> None:
        await self.send([encode(event) for event in events])

    async def send(self, messages: Sequence[Message]) -> None:
        await self.publisher.publish([replace(message, topic=self.prefix + message.topic) for message in messages])

    async def put(self, playbook: Playbook) -> Playbook:
        book = sealed(playbook)
        await self.send([to_message(book, published_at=utc_now())])
        return book

    async def start(self, instance: str = "escalation-0", **environment: str) -> Worker:
        log = self._folder / f"{self.prefix}{len(self._workers)}.log"
        with log.open("wb") as out:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.integration.escalation.process",
                cwd=ROOT,
                env={**os.environ, **self._environment(instance), **environment},
                stdout=out,
                stderr=out,
            )  # fmt: skip
        worker = Worker(process, log, log)
        self._workers.append(worker)
        return worker

    def _environment(self, instance: str) -> Mapping[str, str]:
        return {
            "WHISTLE_KAFKA": self.kafka,
            "WHISTLE_POSTGRES": self.dsn,
            "WHISTLE_INSTANCE": instance,
            "WHISTLE_OPS_PORT": "0",
            "ESCALATION_TEST_PREFIX": self.prefix,
        }

    async def rows(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        found: list[asyncpg.Record] = await self.pool.fetch(query, *arguments)
        return found

    async def one(self, query: str, *arguments: object) -> Any:
        return await self.pool.fetchval(query, *arguments)

    async def folded(self) -> int:
        return int(await self.one("SELECT coalesce(sum(next_offset), 0) FROM ledger"))

    async def until_folded(self, records: int, *, seconds: float = 90.0) -> None:
        async def done() -> bool:
            return await self.folded() == records

        await until(done, seconds=seconds, what=f"{records} records folded")

    async def ends(self) -> dict[tuple[str, int], int]:
        """The ends of the folded topics."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.kafka)
        await consumer.start()
        try:
            names = [self.prefix + topic.name for topic in (CASE, *ORDER.values())]
            places = [TopicPartition(name, number) for name in names for number in range(CASE.partitions)]
            return {(tp.topic, tp.partition): end for tp, end in (await consumer.end_offsets(places)).items()}
        finally:
            await consumer.stop()

    async def raw(self, topic: str, key: bytes) -> list[tuple[tuple[str, bytes], ...]]:
        """The headers of every record of a topic with this key."""
        return [tuple(record.headers) async for record in _records(self.kafka, topic) if record.key == key]

    async def said(self, cases: Iterable[uuid.UUID], topic: str = SLA.name) -> list[Event[Any]]:
        """Every event about these cases on the real sla topic."""
        wanted = {str(case_id) for case_id in cases}
        return [event for event in [e async for e in _events(self.kafka, topic)] if event.subject in wanted]


async def _events(kafka: str, topic: str) -> AsyncIterator[Event[Any]]:
    async for record in _records(kafka, topic):
        yield decode(record.value, record.headers)


async def _records(kafka: str, topic: str) -> AsyncIterator[Any]:
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, auto_offset_reset="earliest")
    await consumer.start()
    try:
        places = [TopicPartition(topic, number) for number in await consumer._client._wait_on_metadata(topic)]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        while any([await consumer.position(place) < ends[place] for place in places]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                for record in records:
                    yield record
    finally:
        await consumer.stop()


@asynccontextmanager
async def world(kafka: str, dsn: str, folder: Path) -> AsyncIterator[World]:
    made = World(kafka, dsn, folder)
    await made.open()
    try:
        yield made
    finally:
        await made.close()
