"""Intake as its own process against a real Kafka and PostgreSQL, and a reader of what it sends."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition
from cryptography.fernet import Fernet

from deploy.local.ports import free_port
from shared.events.codec import decode
from shared.events.envelope import Event, Payload
from shared.playbook.load import load
from shared.playbook.model import Playbook
from shared.playbook.publish import publish
from shared.runtime.clock import utc_now
from shared.runtime.delivery import Publisher, Record, origin
from shared.runtime.keyfile import write_keys
from shared.runtime.migrate import migrate
from tests.integration.intake.harness import KEYS, bearer
from tests.integration.intake.waiting import until

ROOT = Path(__file__).parents[3]
SECRET = Fernet.generate_key().decode()


@dataclass(slots=True, kw_only=True)
class Service:
    """One process of intake, and its two ports."""

    environment: dict[str, str]
    log: Path
    http: httpx.AsyncClient
    ops: httpx.AsyncClient
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "services.intake", cwd=ROOT, env=self.environment, stdout=log, stderr=log
            )
        await until(self.is_ready, seconds=90)

    async def is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.returncode is None, self.log.read_text()[-3000:]
        try:
            return (await self.ops.get("/readyz")).status_code == 200
        except httpx.TransportError:
            return False

    async def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(number)
        async with asyncio.timeout(90):
            return await self.process.wait()

    async def report(self, key: str | None = None, **changes: Any) -> httpx.Response:
        headers = bearer("hotline") | ({} if key is None else {"Idempotency-Key": key})
        body = {"source": "hotline", "text": "门口燃气味很重", "area": "990101", **changes}
        return await self.http.post("/v1/reports", json=body, headers=headers)


@asynccontextmanager
async def running_intake(kafka: str, postgres: str, folder: Path, **settings: str) -> AsyncIterator[Service]:
    """Intake, ready, with the demo county's playbook in force; killed at the end if it still runs."""
    await migrate(postgres, ["intake"])
    await put_into_force(playbook(), kafka)
    write_keys(folder / "keys.yaml", [made.key for made in KEYS.values()])
    http, ops = free_port(), free_port()
    environment = os.environ | {
        "WHISTLE_KAFKA": kafka,
        "WHISTLE_POSTGRES": postgres,
        "WHISTLE_KEYS_FILE": str(folder / "keys.yaml"),
        "WHISTLE_SECRET_KEY": SECRET,
        "WHISTLE_HTTP_PORT": str(http),
        "WHISTLE_OPS_PORT": str(ops),
        "WHISTLE_INSTANCE": "intake-test",
        # Topics are compared record by record: a canary of every test's own minute would stand between.
        "WHISTLE_CANARY_COUNTY": "off",
        **settings,
    }
    async with (
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{http}", timeout=30) as http_client,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{ops}", timeout=5) as ops_client,
    ):
        service = Service(environment=environment, log=folder / "intake.log", http=http_client, ops=ops_client)
        try:
            await service.start()
            yield service
        finally:
            await service.end(signal.SIGKILL)


def playbook() -> Playbook:
    return load(ROOT / "playbooks" / "yunlu", today=utc_now().date())


async def put_into_force(one: Playbook, kafka: str) -> None:
    publisher = Publisher(kafka, client_id="test-publisher")
    await publish(one, publisher, now=utc_now())
    await publisher.stop()


async def everything(kafka: str, topic: str) -> list[Record]:
    """All records that lie on ``topic`` now, in order within each partition."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    try:
        # Asked through the client: a consumer without a subscription keeps no topic's metadata.
        numbers = await consumer._client._wait_on_metadata(topic)
        places = [TopicPartition(topic, number) for number in sorted(numbers)]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        for place, begin in (await consumer.beginning_offsets(places)).items():
            consumer.seek(place, begin)
        records: list[Record] = []
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            for got in (await consumer.getmany(timeout_ms=500)).values():
                records += [Record(r.topic, r.partition, r.offset, r.key, r.value, r.headers, r.timestamp) for r in got]
        return records
    finally:
        await consumer.stop()


async def events_of(kafka: str, topic: str, subject: str) -> list[Event[Payload]]:
    """The events about ``subject`` on ``topic``, in order."""
    records = [record for record in await everything(kafka, topic) if record.key == subject.encode()]
    return [decode(record.value, record.headers) for record in records]


async def dead_letters(kafka: str, key: bytes) -> list[str]:
    """The reasons of the dead letters of records with ``key``."""
    letters = await everything(kafka, "whistle.dead-letter.v1")
    return [origin(letter).reason for letter in letters if letter.key == key]
