"""Many reports in one request: lines a second, processor time a line, and what intake holds in memory meanwhile.

``WHISTLE_BENCH_LINES`` says how many (100,000; the aim is told of 1,000,000).
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

import psutil

from deploy.local.keys import DEMO_COUNTY
from tests.bench.ground import Spent, ground
from tests.bench.intake import report
from tests.bench.table import Row

LINES: Final = int(os.environ.get("WHISTLE_BENCH_LINES", "100000"))
WARM_UP: Final = 2000
LINES_A_CHUNK: Final = 200
TENTHS: Final = 10


async def bench() -> Sequence[Row]:
    """One upload over one connection that is read while it is written."""
    async with ground("intake") as system:
        token = system.keys.token(f"{DEMO_COUNTY}-operator")
        process = psutil.Process(system.pids()["intake"])
        await Upload(system.url("intake"), token, process).run(range(WARM_UP))
        upload = Upload(system.url("intake"), token, process)
        spent, before, began = Spent(system), process.cpu_times(), time.perf_counter()
        await upload.run(range(WARM_UP, WARM_UP + LINES))
        seconds, after, beside = time.perf_counter() - began, process.cpu_times(), spent.seconds()
    busy = after.user + after.system - before.user - before.system
    early, late = upload.resident[1], upload.resident[-1]
    return [
        Row(what="NDJSON: lines durable and answered", figure=LINES, unit="lines"),
        Row(what="NDJSON: one upload, one replica", figure=LINES / seconds, unit="lines/s"),
        Row(what="intake's processor time a line", figure=busy / LINES * 1e6, unit="µs"),
        Row(what="PostgreSQL's processor time a line", figure=beside["postgres"] / LINES * 1e6, unit="µs"),
        Row(what="Kafka's processor time a line", figure=beside["kafka"] / LINES * 1e6, unit="µs"),
        Row(what="resident after a tenth of the lines", figure=early / 2**20, unit="MiB"),
        Row(what="resident at the end", figure=late / 2**20, unit="MiB", beside=early / 2**20),
    ]


class Upload:
    """One request by hand: a chunk is sent while answers are read, whose statuses must all be 201."""

    def __init__(self, url: str, token: str, process: psutil.Process) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._token = token
        self._process = process
        self.resident: list[int] = []

    async def run(self, numbers: range) -> None:
        """Send these reports and return when each is answered."""
        reader, writer = await asyncio.open_connection(self._host, self._port)
        head = (
            f"POST /v1/reports/batch HTTP/1.1\r\nHost: {self._host}\r\nTransfer-Encoding: chunked\r\n"
            f"Content-Type: application/x-ndjson\r\nAuthorization: Bearer {self._token}\r\n"
            f"Idempotency-Key: bench-{numbers.start}-{len(numbers)}\r\n\r\n"
        )
        writer.write(head.encode())
        sending = asyncio.create_task(_send(writer, numbers))
        await self._read(reader, len(numbers))
        await sending
        writer.close()

    async def _read(self, reader: asyncio.StreamReader, wanted: int) -> None:
        answered = 0
        while answered < wanted:
            text = await reader.readline()
            if text.startswith(b"{"):
                if b'"status":201' not in text[:40]:
                    raise AssertionError(text.decode())
                answered += 1
                if answered % max(1, wanted // TENTHS) == 0:
                    self.resident.append(self._process.memory_info().rss)
            elif not text:
                raise AssertionError(f"the answer ended after {answered} lines")


async def _send(writer: asyncio.StreamWriter, numbers: range) -> None:
    for start in range(numbers.start, numbers.stop, LINES_A_CHUNK):
        part = range(start, min(start + LINES_A_CHUNK, numbers.stop))
        lines = "".join(json.dumps(report(number), ensure_ascii=False) + "\n" for number in part).encode()
        writer.write(f"{len(lines):x}\r\n".encode() + lines + b"\r\n")
        await writer.drain()
    writer.write(b"0\r\n\r\n")
    await writer.drain()
