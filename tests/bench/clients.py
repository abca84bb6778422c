"""A lean HTTP client that is not the narrow place: one keep-alive connection a worker, raw asyncio streams."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit


class Connection:
    """One connection that posts JSON and reads the status and body."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())

    async def open(self) -> None:
        self._reader, self._writer = await asyncio.open_connection(self._host, self._port)

    async def post(self, path: str, body: object, *, key: str) -> tuple[int, bytes]:
        """Return status and body."""
        content = json.dumps(body).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {self._host}\r\nContent-Type: application/json\r\n{self._head}"
            f"Idempotency-Key: {key}\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        self._writer.write(head.encode() + content)
        answer = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        length = int(answer.split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0])
        return int(answer.split(b" ", 2)[1]), await self._reader.readexactly(length)

    def close(self) -> None:
        self._writer.close()


async def post_rate(
    url: str, path: str, *, headers: Mapping[str, str], body: Callable[[int], Any], count: int, connections: int
) -> tuple[float, list[float]]:
    """Return requests a second and each request's seconds; every answer must be 201."""
    numbers = iter(range(count))
    seconds: list[float] = []

    async def work() -> None:
        connection = Connection(url, headers)
        await connection.open()
        for number in numbers:
            began = time.perf_counter()
            status, answer = await connection.post(path, body(number), key=f"{path}-{id(numbers)}-{number}")
            seconds.append(time.perf_counter() - began)
            if status != 201:
                raise AssertionError(answer.decode())
        connection.close()

    began = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(connections)))
    return count / (time.perf_counter() - began), seconds


async def post_paced(
    url: str,
    path: str,
    *,
    headers: Mapping[str, str],
    body: Callable[[int], Any],
    rate: float,
    count: int,
    connections: int,
) -> list[float]:
    """Each request's seconds from the moment at which it was due, at an even pace; every answer must be 201.

    Counted from when it was due: a server that stands still for a second delays all that were due in it.
    """
    numbers = iter(range(count))
    seconds: list[float] = []
    began = time.perf_counter()

    async def work() -> None:
        connection = Connection(url, headers)
        await connection.open()
        for number in numbers:
            due = began + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            status, answer = await connection.post(path, body(number), key=f"paced-{id(numbers)}-{number}")
            seconds.append(time.perf_counter() - due)
            if status != 201:
                raise AssertionError(answer.decode())
        connection.close()

    await asyncio.gather(*(work() for _ in range(connections)))
    return seconds
