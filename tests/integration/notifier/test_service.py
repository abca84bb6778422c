"""The whole service on real Kafka and PostgreSQL: told, set aside, stopped, killed, started again."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import replace
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from services.notifier.domain.telling import delivery_id
from shared.events.codec import encode
from shared.events.topics import CASE_PARTITIONS, DEAD_LETTER
from shared.runtime.delivery import Publisher
from tests.fakes.notifier import Life, whole_life
from tests.integration.notifier.harness import VILLAGE, Heard, listen, until
from tests.integration.notifier.processes import Service, running, send, start
from tests.integration.notifier.sink import sink

pytestmark = pytest.mark.slow


async def dead_letters(kafka: str, marks: set[bytes]) -> dict[bytes, str]:
    """The reasons of the dead letters with these keys."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, auto_offset_reset="earliest", enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign([TopicPartition(DEAD_LETTER.name, number) for number in range(CASE_PARTITIONS)])
        found: dict[bytes, str] = {}
        async with asyncio.timeout(30):
            while set(found) != marks:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found |= {
                        record.key: b" ".join(value for _, value in record.headers).decode(errors="replace")
                        for record in records
                        if record.key in marks
                    }
        return found
    finally:
        await consumer.stop()


async def test_from_kafka_to_the_stream_and_what_cannot_be_read_is_set_aside(
    kafka: str, dsn: str, tmp_path: Path
) -> None:
    run = uuid4().hex[:8]
    lives = [whole_life(f"{run}-{number}", area=VILLAGE) for number in range(20)]
    async with running(kafka, dsn, tmp_path) as service:
        heard = Heard()
        listener = asyncio.create_task(listen(service.url, "county", heard))
        await until(heard.words)
        await send(kafka, [event for life in lives[:10] for event in life.events], playbook=True)
        good = encode(Life(name=f"{run}-poison").events[0])
        broken = replace(good, key=f"{run}-broken".encode(), value=b"\xff\xfe")
        nul = replace(good, key=f"{run}-nul".encode(), value=good.value.replace(b'"title":"', b'"title":"\\u0000'))
        publisher = Publisher(kafka, client_id="poison")
        await publisher.publish([broken, nul])
        await publisher.stop()
        await send(kafka, [event for life in lives[10:] for event in life.events])
        wanted = {str(event.id) for life in lives for event in life.events}
        await until(lambda: wanted <= set(heard.ids), seconds=60)
        assert len(heard.ids) == len(set(heard.ids))
        reasons = await dead_letters(kafka, {broken.key, nul.key})
        assert "cannot be stored" in reasons[nul.key]
        story = await service.get(f"/v1/cases/{lives[0].case_id}")
        assert story["case"]["state"] == "closed"
        assert (await service.get("/v1/me"))["area_name"]["zh"] == "云麓县"
        listener.cancel()
        await asyncio.gather(listener, return_exceptions=True)


async def test_sigterm_says_goodbye_to_streams_and_ends_with_0(kafka: str, dsn: str, tmp_path: Path) -> None:
    async with running(kafka, dsn, tmp_path) as service:
        heard = [Heard() for _ in range(5)]
        listeners = [asyncio.create_task(listen(service.url, "county", one)) for one in heard]
        await until(lambda: all(one.words() for one in heard))
        assert await service.stop() == 0
        await asyncio.wait(listeners, timeout=5)
        assert [one.said[-1][1].get("reason") for one in heard] == ["stopping"] * 5
        assert "Traceback" not in service.log.read_text()


async def test_killed_in_mid_stream_it_goes_on_and_nothing_is_missed_or_doubled(
    kafka: str, dsn: str, tmp_path: Path
) -> None:
    run = uuid4().hex[:8]
    lives = [whole_life(f"{run}-{number}", area=VILLAGE) for number in range(300)]
    events = [event for life in lives for event in life.events]
    sending = asyncio.create_task(send(kafka, events))
    service = await start(kafka, dsn, tmp_path)
    for _ in range(2):
        await until(partial(told, service), seconds=60)
        await service.kill()
        service = await start(kafka, dsn, tmp_path)
    await sending
    heard = Heard()
    listener = asyncio.create_task(listen(service.url, "county", heard, after=0))
    wanted = {str(event.id) for event in events}
    await until(lambda: wanted <= set(heard.ids), seconds=90)
    assert len(heard.ids) == len(set(heard.ids))
    assert (await service.get("/v1/summary"))["cases"]["closed"] >= len(lives)
    listener.cancel()
    await asyncio.gather(listener, return_exceptions=True)
    assert await service.stop() == 0


async def told(service: Service) -> bool:
    return bool((await service.get("/v1/summary"))["position"])


async def test_killed_in_mid_delivery_each_webhook_arrives_at_least_once_under_one_id(
    kafka: str, dsn: str, tmp_path: Path
) -> None:
    run = uuid4().hex[:8]
    lives = [whole_life(f"{run}-{number}", area=VILLAGE) for number in range(25)]
    async with sink() as receiver:
        receiver.answer = lambda _got: (200, {}, 0.05)
        service = await start(kafka, dsn, tmp_path, WHISTLE_LEASE_SECONDS="3")
        made = await service.post("/v1/subscriptions", {"url": receiver.url})
        subscription = UUID(made["subscription"]["subscription_id"])
        await send(kafka, [event for life in lives for event in life.events])
        wanted = {str(delivery_id(event.id, subscription)) for life in lives for event in life.events}
        for share in (0.15, 0.4):
            await until(lambda share=share: len(set(receiver.ids)) > share * len(wanted), seconds=60)  # type: ignore[misc]
            service.process.send_signal(signal.SIGKILL)
            await service.process.wait()
            service = await start(kafka, dsn, tmp_path, WHISTLE_LEASE_SECONDS="3")
        await until(lambda: set(receiver.ids) == wanted, seconds=90)
        bodies: dict[str, set[bytes]] = {}
        for got in receiver.got:
            bodies.setdefault(got.id, set()).add(got.body)
        assert all(len(texts) == 1 for texts in bodies.values())
        path = f"/v1/subscriptions/{subscription}/deliveries?state=delivered&limit=200"
        await until(partial(_delivered, service, path, 200), seconds=30)
        assert await service.stop() == 0


async def _delivered(service: Service, path: str, wanted: int) -> bool:
    return len((await service.get(path))["deliveries"]) == wanted
