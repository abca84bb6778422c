"""Many reports in one request: lines a second, processor time a line, and what intake holds in memory meanwhile.

``WHISTLE_BENCH_LINES`` says how many (100,000; the aim is told of 1,000,000). They are near copies of eight patterns,
as on the day of a flood; then come texts that differ.
"""

from __future__ import annotations

import asyncio
import csv
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from zlib import crc32

import psutil

from deploy.local.demo.messages import read_messages
from deploy.local.keys import DEMO_COUNTY
from deploy.local.platform import Platform
from tests.bench.ground import Spent, ground
from tests.bench.intake import report, villages
from tests.bench.table import Row

LINES: Final = int(os.environ.get("WHISTLE_BENCH_LINES", "100000"))
WARM_UP: Final = 2000
LINES_A_CHUNK: Final = 200
TENTHS: Final = 10
MOST_OF_OTHERS: Final = 8000
LONGEST: Final = 8000
LETTERS: Final = Path(__file__).parents[3] / "shared" / "data" / "tipdm_hotspot" / "messages.csv"
"""Nobody's to copy: nothing of them is printed."""


async def bench() -> Sequence[Row]:
    """One upload over one connection that is read while it is written; then others of other texts."""
    async with ground("intake") as system:
        upload = Upload(system)
        await upload.run(report, range(WARM_UP))
        spent = await upload.run(report, range(WARM_UP, WARM_UP + LINES))
        early, late = upload.resident[1], upload.resident[-1]
        others = [row for name, lines in _others() for row in await _other(upload, name, lines)]
    return [
        Row(what="NDJSON: lines durable and answered", figure=LINES, unit="lines"),
        Row(what="NDJSON: one upload, one replica", figure=LINES / spent.seconds, unit="lines/s"),
        Row(what="intake's processor time a line", figure=spent.intake / LINES * 1e6, unit="µs"),
        Row(what="PostgreSQL's processor time a line", figure=spent.postgres / LINES * 1e6, unit="µs"),
        Row(what="Kafka's processor time a line", figure=spent.kafka / LINES * 1e6, unit="µs"),
        Row(what="resident after a tenth of the lines", figure=early / 2**20, unit="MiB"),
        Row(what="resident at the end", figure=late / 2**20, unit="MiB", beside=early / 2**20),
        *others,
    ]


def _others() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Texts that are no copies of one pattern: the demo's messages, and a city's letters where they are."""
    texts = [message.text for message in read_messages()]
    yield "the demo's messages", [_said(texts[n % len(texts)], n * 7) for n in range(min(LINES, MOST_OF_OTHERS))]
    letters = []
    if LETTERS.exists():
        with LETTERS.open(encoding="utf-8", newline="") as file:
            # What is of one event is told in one village, as it would be.
            letters = [
                _said(
                    f"{row['subject']}。{row['detail'].strip()}", crc32((row["event_id"] or row["message_id"]).encode())
                )
                for row in csv.DictReader(file)
            ]
    yield "a city's letters", letters[:LINES]


def _said(text: str, where: int) -> dict[str, Any]:
    return {"source": "hotline", "text": text[:LONGEST], "area": villages()[where % len(villages())]}


async def _other(upload: Upload, name: str, lines: list[dict[str, Any]]) -> list[Row]:
    if not lines:
        return [Row(what=f"{name}: skipped", figure=0, unit="lines", more=f"{LETTERS} is not here")]
    spent, signs = (
        await upload.run(lines.__getitem__, range(len(lines))),
        sum(len(line["text"]) for line in lines) / len(lines),
    )
    more = f"{len(lines):,} lines of {signs:.0f} characters"
    return [
        Row(what=f"{name}: one upload", figure=len(lines) / spent.seconds, unit="lines/s", more=more),
        Row(what=f"{name}: intake's processor time a line", figure=spent.intake / len(lines) * 1e6, unit="µs"),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What an upload took: seconds by the clock, and of processors by process."""

    seconds: float
    intake: float
    postgres: float
    kafka: float


class Upload:
    """One request by hand: a chunk is sent while answers are read, whose statuses must all be 201."""

    def __init__(self, system: Platform) -> None:
        parts = urlsplit(system.url("intake"))
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._token = system.keys.token(f"{DEMO_COUNTY}-operator")
        self._system = system
        self._process = psutil.Process(system.pids()["intake"])
        self._sent = 0
        self.resident: list[int] = []

    async def run(self, made: Callable[[int], dict[str, Any]], numbers: range) -> Cost:
        """Send a report for each number and return when each is answered; none is made before its turn."""
        self._sent += 1
        self.resident.clear()
        spent, began = Spent(self._system), time.perf_counter()
        await self._upload(made, numbers)
        seconds, busy = time.perf_counter() - began, spent.seconds()
        return Cost(seconds=seconds, intake=busy["intake"], postgres=busy["postgres"], kafka=busy["kafka"])

    async def _upload(self, made: Callable[[int], dict[str, Any]], numbers: range) -> None:
        reader, writer = await asyncio.open_connection(self._host, self._port)
        head = (
            f"POST /v1/reports/batch HTTP/1.1\r\nHost: {self._host}\r\nTransfer-Encoding: chunked\r\n"
            f"Content-Type: application/x-ndjson\r\nAuthorization: Bearer {self._token}\r\n"
            f"Idempotency-Key: bench-{self._sent}-{len(numbers)}\r\n\r\n"
        )
        writer.write(head.encode())
        sending = asyncio.create_task(_send(writer, made, numbers))
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


async def _send(writer: asyncio.StreamWriter, made: Callable[[int], dict[str, Any]], numbers: range) -> None:
    for start in range(0, len(numbers), LINES_A_CHUNK):
        part = numbers[start : start + LINES_A_CHUNK]
        lines = "".join(json.dumps(made(number), ensure_ascii=False) + "\n" for number in part).encode()
        writer.write(f"{len(lines):x}\r\n".encode() + lines + b"\r\n")
        await writer.drain()
    writer.write(b"0\r\n\r\n")
    await writer.drain()
