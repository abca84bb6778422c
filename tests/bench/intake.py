"""Single reports into intake, beside a bare FastAPI app that produces to Kafka, under the same load in the same run.

Every answer comes after the report is durable, placed, named and compared with what is there. ``WHISTLE_BENCH_REPORTS``
says how many are sent.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import cache
from typing import Any, Final

from deploy.local.keys import DEMO_COUNTY
from deploy.local.playbooks import load_playbook
from shared.vocabulary import VILLAGE_DIGITS
from tests.bench.bare_intake import TOPIC
from tests.bench.clients import post_paced, post_rate
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


async def bench() -> Sequence[Row]:
    """The same client, the same machine, one request a report."""
    async with ground("intake") as system:
        key = {"Authorization": f"Bearer {system.keys.token(f'{DEMO_COUNTY}-operator')}"}
        await make_topics(system.bootstrap, TOPIC)
        async with _bare(system.bootstrap) as address:
            await _load(address, {}, WARM_UP)
            bare, _ = await _load(address, {}, REPORTS)
            bare_half = await _half(address, {}, bare)
        url = system.url("intake")
        await _load(url, key, WARM_UP)
        rate, _ = await _load(url, key, REPORTS)
        half = await _half(url, key, rate)
    return [
        Row(what="bare FastAPI + aiokafka send_and_wait: POST", figure=bare, unit="requests/s"),
        Row(what="intake: POST /v1/reports", figure=rate, unit="requests/s", beside=bare),
        *_delays("bare", bare_half, bare_half),
        *_delays("intake", half, bare_half),
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


async def _load(url: str, headers: dict[str, str], count: int) -> tuple[float, list[float]]:
    return await post_rate(url, "/v1/reports", headers=headers, body=report, count=count, connections=CONNECTIONS)


async def _half(url: str, headers: dict[str, str], rate: float) -> list[float]:
    return await post_paced(
        url, "/v1/reports", headers=headers, body=report, rate=rate / 2, count=REPORTS // 2, connections=CONNECTIONS
    )


@asynccontextmanager
async def _bare(bootstrap: str) -> AsyncIterator[str]:
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
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()
