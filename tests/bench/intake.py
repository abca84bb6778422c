"""Single reports into intake, beside a bare FastAPI app with asyncpg under the same load."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Sequence
from typing import Any, Final

from deploy.local.keys import DEMO_COUNTY
from tests.bench.clients import post_rate
from tests.bench.ground import ground, quantile, until
from tests.bench.table import Row

REPORTS: Final = 4000
WARM_UP: Final = 300
CONNECTIONS: Final = 32


async def bench() -> Sequence[Row]:
    """The same client, the same PostgreSQL, one request a report, every answer durable before it is given."""
    async with ground("intake") as system:
        key = {"Authorization": f"Bearer {system.keys.token(f'{DEMO_COUNTY}-operator')}"}
        bare, bare_seconds = await _bare(system.dsn)
        await _load(system.url("intake"), key, WARM_UP)
        rate, seconds = await _load(system.url("intake"), key, REPORTS)
    return [
        Row(what="bare FastAPI + asyncpg: POST", figure=bare, unit="requests/s"),
        Row(what="intake: POST /v1/reports", figure=rate, unit="requests/s", beside=bare),
        Row(what="bare: slowest of the fastest 99 %", figure=quantile(bare_seconds, 0.99) * 1000, unit="ms"),
        Row(
            what="intake: slowest of the fastest 99 %",
            figure=quantile(seconds, 0.99) * 1000,
            unit="ms",
            beside=quantile(bare_seconds, 0.99) * 1000,
        ),
    ]


def _report(number: int) -> dict[str, Any]:
    village = f"{DEMO_COUNTY}001{200 + number % 4}"
    return {"source": "resident", "text": f"路灯不亮，第{number}盏", "category": "02.003", "area": village}


async def _load(url: str, headers: dict[str, str], count: int) -> tuple[float, list[float]]:
    return await post_rate(url, "/v1/reports", headers=headers, body=_report, count=count, connections=CONNECTIONS)


async def _bare(dsn: str) -> tuple[float, list[float]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "BARE_POSTGRES": dsn, "BARE_PORT": str(port)}
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
        await _load(f"http://127.0.0.1:{port}", {}, WARM_UP)
        return await _load(f"http://127.0.0.1:{port}", {}, REPORTS)
    finally:
        process.terminate()
        await process.wait()
