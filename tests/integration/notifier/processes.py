"""The notifier as its own process, as it runs in earnest."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import CommitFailedError
from aiokafka.structs import TopicPartition

from deploy.local.ports import choose_ports
from services.notifier.consumer import GROUP, TOPICS
from shared.events.codec import encode
from shared.events.envelope import Event
from shared.playbook.publish import publish
from shared.runtime.clock import utc_now
from shared.runtime.delivery import Publisher
from shared.runtime.keyfile import write_keys
from tests.integration.notifier.harness import KEYS, SECRET_KEY, bearer, county, migrated, until

ROOT = Path(__file__).resolve().parents[3]
STARTS = 60.0


@dataclass(slots=True, kw_only=True)
class Service:
    """One process and how to reach it."""

    process: asyncio.subprocess.Process
    http: int
    ops: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http}"

    async def get(self, path: str, key: str = "county") -> Any:
        async with httpx.AsyncClient(base_url=self.url, timeout=20) as client:
            answer = await client.get(path, headers=bearer(key))
            assert answer.status_code == 200, answer.text
            return answer.json()

    async def post(self, path: str, body: object, key: str = "county") -> Any:
        async with httpx.AsyncClient(base_url=self.url, timeout=20) as client:
            answer = await client.post(path, json=body, headers=bearer(key))
            assert answer.status_code == 201, answer.text
            return answer.json()

    async def is_ready(self) -> bool:
        assert self.process.returncode is None, self.log.read_text()[-3000:]
        try:
            async with httpx.AsyncClient(timeout=5) as client:
                return (await client.get(f"http://127.0.0.1:{self.ops}/readyz")).status_code == 200
        except httpx.HTTPError:
            return False

    async def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()

    async def stop(self) -> int:
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(40):
            return await self.process.wait()


async def start(kafka: str, dsn: str, folder: Path, *, instance: str = "notifier-0", **extra: str) -> Service:
    """Start the notifier and return when it is ready."""
    await migrated(dsn)
    keys = folder / "keys.yaml"
    write_keys(keys, [key.key for key in KEYS.values()])
    ports = choose_ports({"http": None, "ops": None}, folder / f"{instance}.ports")
    log = folder / f"{instance}.log"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("WHISTLE_")},
        "WHISTLE_KAFKA": kafka,
        "WHISTLE_POSTGRES": dsn,
        "WHISTLE_KEYS_FILE": str(keys),
        "WHISTLE_SECRET_KEY": SECRET_KEY,
        "WHISTLE_INSTANCE": instance,
        "WHISTLE_HTTP_PORT": str(ports["http"]),
        "WHISTLE_OPS_PORT": str(ports["ops"]),
        "WHISTLE_WEBHOOK_PRIVATE": "true",
        **extra,
    }
    with log.open("ab") as out:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services.notifier", cwd=ROOT, env=environment, stdout=out, stderr=out
        )
    service = Service(process=process, http=ports["http"], ops=ports["ops"], log=log)
    await until(service.is_ready, seconds=STARTS)
    return service


@asynccontextmanager
async def running(kafka: str, dsn: str, folder: Path, **extra: str) -> AsyncIterator[Service]:
    """The notifier, stopped at the end."""
    service = await start(kafka, dsn, folder, **extra)
    try:
        yield service
    finally:
        if service.process.returncode is None:
            service.process.kill()
            await service.process.wait()


async def send(kafka: str, events: Sequence[Event[Any]], *, playbook: bool = False) -> None:
    """Put events on their topics, and the county's playbook into force when asked."""
    publisher = Publisher(kafka, client_id="notifier-tests")
    if playbook:
        await publish(county(), publisher, now=utc_now())
    await publisher.publish([encode(event) for event in events])
    await publisher.stop()


async def forget(kafka: str) -> None:
    """Let the notifier begin at the present end of its topics: a broker shared by tests holds others' cases."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, group_id=GROUP, enable_auto_commit=False)
    await consumer.start()
    try:
        places = [TopicPartition(topic.name, number) for topic in TOPICS for number in range(topic.partitions)]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        await until(lambda: _committed(consumer, ends), seconds=STARTS)
    finally:
        await consumer.stop()


async def _committed(consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int]) -> bool:
    """Whether the group let itself be moved: a member that died still holds it until its session has run out."""
    try:
        await consumer.commit(ends)
    except CommitFailedError:
        return False
    return True
