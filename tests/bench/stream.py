"""From a report's request to its order on somebody's live stream, beside a bare Kafka produce and consume."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from deploy.local.demo.stream import follow
from deploy.local.keys import DEMO_COUNTY
from deploy.local.platform import Platform
from tests.bench.clients import Connection
from tests.bench.ground import ground, make_topics, quantile, until
from tests.bench.table import Row

REPORTS: Final = 200
PAUSE: Final = 0.05


async def bench() -> Sequence[Row]:
    """Twenty reports a second through all four services; one record at a time through the bare broker."""
    async with ground("intake", "router", "escalation", "notifier") as system:
        await make_topics(system.bootstrap, "bench.echo")
        bare = await _bare(system.bootstrap)
        opened, ordered = await _whole(system)
    halves = [
        ("bare Kafka: produce → consume", bare, None),
        ("report → case on the stream", opened, bare),
        ("report → order on the stream", ordered, bare),
    ]
    return [
        Row(
            what=f"{what}, {label}",
            figure=quantile(values, part) * 1000,
            unit="ms",
            beside=None if beside is None else quantile(beside, part) * 1000,
        )
        for what, values, beside in halves
        for label, part in (("median", 0.5), ("99 %", 0.99))
    ]


async def _whole(system: Platform) -> tuple[list[float], list[float]]:
    token = system.keys.token(f"{DEMO_COUNTY}-operator")
    heard: dict[str, dict[str, float]] = {"whistle.case.opened.v1": {}, "whistle.order.issued.v1": {}}

    async def listen() -> None:
        async for one in follow(system.url("notifier"), token):
            heard.get(one.type, {}).setdefault(one.case_id, time.perf_counter())

    listening = asyncio.create_task(listen())
    connection = Connection(system.url("intake"), {"Authorization": f"Bearer {token}"})
    await connection.open()
    # The first ones open connections and caches; they also show that the stream is live.
    number = 0
    while not heard["whistle.order.issued.v1"]:
        await _send(connection, number)
        number += 1
        await asyncio.sleep(0.5)
    sent: dict[str, float] = {}
    for more in range(REPORTS):
        began = time.perf_counter()
        sent[await _send(connection, number + more)] = began
        await asyncio.sleep(PAUSE)
    await until(lambda: sent.keys() <= heard["whistle.order.issued.v1"].keys())
    listening.cancel()
    connection.close()
    opened, ordered = heard.values()
    return [opened[case] - at for case, at in sent.items()], [ordered[case] - at for case, at in sent.items()]


async def _send(connection: Connection, number: int) -> str:
    report = {"source": "resident", "text": "路灯不亮", "category": "02.003", "area": f"{DEMO_COUNTY}001200"}
    status, answer = await connection.post("/v1/reports", report, key=f"bench-stream-{number}")
    if status != 201:
        raise AssertionError(answer.decode())
    return answer.split(b'"case_id":', 1)[1].split(b'"', 2)[1].decode()


async def _bare(bootstrap: str) -> list[float]:
    consumer = AIOKafkaConsumer("bench.echo", bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True)
    await consumer.start()
    await producer.start()
    delays = []
    for _ in range(REPORTS + 10):
        began = time.perf_counter()
        await producer.send("bench.echo", b"x" * 420)
        await consumer.getone()
        delays.append(time.perf_counter() - began)
        await asyncio.sleep(PAUSE / 5)
    await consumer.stop()
    await producer.stop()
    return delays[10:]
