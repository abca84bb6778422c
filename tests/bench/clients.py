"""A lean HTTP client that is not the narrow place: one keep-alive connection a worker, requests written beforehand.

Client, server, broker and database share the machine's cores: what the client spends while the clock runs is lacking
elsewhere. So it encodes what it sends before, and reads no more of an answer than its status and its length.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast
from urllib.parse import urlsplit

CREATED = 201


class Connection:
    """One connection that posts JSON and reads the status and body."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())

    async def open(self) -> None:
        _, self._wire = await asyncio.get_running_loop().create_connection(_Wire, self._host, self._port)

    async def post(self, path: str, body: object, *, key: str) -> tuple[int, bytes]:
        """Return status and body."""
        return await self.send(self.written(path, body, key=key))

    def written(self, path: str, body: object, *, key: str) -> bytes:
        """A request as ``send`` takes it."""
        content = json.dumps(body).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {self._host}\r\nContent-Type: application/json\r\n{self._head}"
            f"Idempotency-Key: {key}\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        return head.encode() + content

    async def send(self, request: bytes) -> tuple[int, bytes]:
        """Return status and body of the answer to a written request."""
        return await self._wire.ask(request)

    def close(self) -> None:
        self._wire.transport.close()


class _Wire(asyncio.Protocol):
    """One request at a time; its answer must say how long it is."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._come = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def ask(self, request: bytes) -> asyncio.Future[tuple[int, bytes]]:
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self._answer

    def data_received(self, data: bytes) -> None:
        self._come += data
        head, blank, body = self._come.partition(b"\r\n\r\n")
        if not blank:
            return
        length = int(head.lower().split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0])
        if len(body) < length or self._answer is None:
            return
        self._come, answer, self._answer = body[length:], self._answer, None
        if not answer.done():
            answer.set_result((int(head[9:12]), body[:length]))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError("the server closed before it answered"))


class Load:
    """``count`` requests of their own, ready to be sent over so many connections; every answer must be 201."""

    def __init__(
        self,
        url: str,
        path: str,
        *,
        headers: Mapping[str, str],
        body: Callable[[int], Any],
        count: int,
        connections: int,
        name: str,
    ) -> None:
        self._connections = [Connection(url, headers) for _ in range(connections)]
        first = self._connections[0]
        self._requests: Sequence[bytes] = [
            first.written(path, body(number), key=f"{name}-{number}") for number in range(count)
        ]

    async def rate(self) -> float:
        """Requests a second, each connection sending its next as soon as it has its answer."""
        await self._open()
        requests = iter(self._requests)

        async def work(connection: Connection) -> None:
            for request in requests:
                await _created(connection, request)

        began = time.perf_counter()
        await asyncio.gather(*(work(connection) for connection in self._connections))
        seconds = time.perf_counter() - began
        self._close()
        return len(self._requests) / seconds

    async def paced(self, rate: float) -> list[float]:
        """Each request's seconds from the moment at which it was due, at an even pace of ``rate`` a second.

        Counted from when it was due: a server that stands still for a second delays all that were due in it.
        """
        await self._open()
        requests = iter(enumerate(self._requests))
        seconds: list[float] = []
        began = time.perf_counter()

        async def work(connection: Connection) -> None:
            for number, request in requests:
                due = began + number / rate
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                await _created(connection, request)
                seconds.append(time.perf_counter() - due)

        await asyncio.gather(*(work(connection) for connection in self._connections))
        self._close()
        return seconds

    async def _open(self) -> None:
        for connection in self._connections:
            await connection.open()

    def _close(self) -> None:
        for connection in self._connections:
            connection.close()


async def _created(connection: Connection, request: bytes) -> None:
    status, answer = await connection.send(request)
    if status != CREATED:
        raise AssertionError(answer.decode())
