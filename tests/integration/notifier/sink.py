"""A real HTTP receiver of webhooks that answers as it is told and remembers what it got."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from starlette.types import Receive, Scope, Send

from shared.runtime.serving import HttpServer


@dataclass(frozen=True, slots=True)
class Got:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


@dataclass(slots=True)
class Sink:
    """``answer`` is asked for status, headers and pause of each request."""

    answer: Callable[[Got], tuple[int, dict[str, str], float]] = lambda _got: (204, {}, 0.0)
    got: list[Got] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def ids(self) -> list[str]:
        return [one.id for one in self.got]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        got = Got(scope["path"], headers, body)
        self.got.append(got)
        status, extra, pause = self.answer(got)
        await asyncio.sleep(pause)
        raw = [(name.encode(), value.encode()) for name, value in extra.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": b""})


@asynccontextmanager
async def sink() -> AsyncIterator[Sink]:
    """A receiver on a free port."""
    opened = Sink()
    server = HttpServer(opened, "127.0.0.1", 0, grace_seconds=1)
    await server.start()
    opened.port = server.port
    try:
        yield opened
    finally:
        await server.stop()
