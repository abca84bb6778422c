"""Single reports into intake, beside a bare FastAPI app that produces to Kafka, under the same load in the same run.

Both are one process of uvicorn with its C parser and uvloop, asked by the same client over as many connections, and
answer when what they were given is durable. The bare one writes one record; intake authenticates, reads and checks
each field, places and names the report, compares it with what is there, keeps case, log, audit, answer and outbox in
PostgreSQL, and puts the record on Kafka by itself. The client's share of the cores is said too: it takes from both.

``WHISTLE_BENCH_REPORTS`` says how many are sent.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import psutil

from deploy.local.keys import DEMO_COUNTY
from deploy.local.playbooks import load_playbook
from shared.vocabulary import VILLAGE_DIGITS
from tests.bench.bare_intake import TOPIC
from tests.bench.clients import Load
from tests.bench.ground import ground, make_topics, quantile, until
from tests.bench.table import Row

REPORTS: Final = int(os.environ.get("WHISTLE_BENCH_REPORTS", "10000"))
WARM_UP: Final = 500
CONNECTIONS: Final = 128
MATTERS: Final = (
    "路灯不亮",
    "井盖破损",
    "下水道堵塞",
    "垃圾没人清运",
    "占道经营",
    "道路坑洼",
    "噪音扰民",
    "树枝压电线",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Whom the load goes to, and the process that answers."""

    name: str
    url: str
    headers: dict[str, str]
    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Requests a second, processor time a request of server and client in µs, and seconds of each at half the rate."""

    rate: float
    server: float
    client: float
    half: Sequence[float]


async def bench() -> Sequence[Row]:
    """The same client, the same machine, one request a report."""
    async with ground("intake") as system:
        await make_topics(system.bootstrap, TOPIC)
        async with _bare(system.bootstrap) as server:
            bare = await _measured(server)
        key = {"Authorization": f"Bearer {system.keys.token(f'{DEMO_COUNTY}-operator')}"}
        pid = system.pids()["intake"]
        ours = await _measured(Server(name="intake", url=system.url("intake"), headers=key, pid=pid))
    return [
        Row(what="bare FastAPI + aiokafka send_and_wait: POST", figure=bare.rate, unit="requests/s"),
        Row(what="intake: POST /v1/reports", figure=ours.rate, unit="requests/s", beside=bare.rate),
        *_costs("bare", bare, bare),
        *_costs("intake", ours, bare),
        *_delays("bare", bare.half, bare.half),
        *_delays("intake", ours.half, bare.half),
    ]


def _costs(who: str, one: Measured, beside: Measured) -> list[Row]:
    return [
        Row(what=f"{who}: its processor time a request", figure=one.server, unit="µs", beside=beside.server),
        Row(what=f"{who}: the client's processor time a request", figure=one.client, unit="µs"),
    ]


def _delays(who: str, seconds: Sequence[float], beside: Sequence[float]) -> list[Row]:
    return [
        Row(
            what=f"{who} at half of its rate: {name}",
            figure=quantile(seconds, part) * 1000,
            unit="ms",
            beside=quantile(beside, part) * 1000,
        )
        for name, part in (("half are faster than", 0.5), ("99 % are faster than", 0.99))
    ]


@cache
def villages() -> tuple[str, ...]:
    """The villages of the demo county."""
    return tuple(sorted(area for area in load_playbook().areas if len(area) == VILLAGE_DIGITS))


def report(number: int) -> dict[str, Any]:
    """A report of its own: what happened, which one, and in which village."""
    village = villages()[number % len(villages())]
    where = f"第{number}号门前{MATTERS[number % len(MATTERS)]}，{number * 7919 % 100_000}"
    return {"source": "resident", "text": where, "area": village}


async def _measured(server: Server) -> Measured:
    await _load(server, WARM_UP, "warm").rate()
    load = _load(server, REPORTS, "full")
    serving, asking = psutil.Process(server.pid), psutil.Process()
    before = _busy(serving), _busy(asking)
    rate = await load.rate()
    spent = _busy(serving) - before[0], _busy(asking) - before[1]
    half = await _load(server, REPORTS // 2, "half").paced(rate / 2)
    server_us, client_us = (seconds / REPORTS * 1e6 for seconds in spent)
    return Measured(rate=rate, server=server_us, client=client_us, half=half)


def _load(server: Server, count: int, name: str) -> Load:
    return Load(
        server.url,
        "/v1/reports",
        headers=server.headers,
        body=report,
        count=count,
        connections=CONNECTIONS,
        name=name,
    )


def _busy(process: psutil.Process) -> float:
    """Seconds of processor time that the process has had."""
    times = process.cpu_times()
    return times.user + times.system


@asynccontextmanager
async def _bare(bootstrap: str) -> AsyncIterator[Server]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "BARE_KAFKA": bootstrap, "BARE_PORT": str(port)}
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.bench.bare_intake", env=environment)
    try:

        async def up() -> bool:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                return False
            writer.close()
            return True

        await until(up)
        yield Server(name="bare", url=f"http://127.0.0.1:{port}", headers={}, pid=process.pid)
    finally:
        process.terminate()
        await process.wait()
