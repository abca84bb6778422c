"""The way to the router: one question about the rules, inside the cluster, with a limit on time and size."""

from __future__ import annotations

import asyncio
from typing import Final

import httpcore

from services.notifier.ports import RouterAnswer, RouterAway

TIMEOUT_SECONDS: Final = 10.0
ANSWER_BYTES: Final = 8 * 1024 * 1024
"""A page of rules with all their conditions is far smaller."""
CONNECTIONS: Final = 8


class HttpRouter:
    """See ``ports.Router``; ``url`` is where the router's ops port listens."""

    def __init__(self, url: str, *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._url = f"{url.rstrip('/')}/v1/explain"
        self._timeout_seconds = timeout_seconds
        self._pool = httpcore.AsyncConnectionPool(max_connections=CONNECTIONS, keepalive_expiry=30)

    async def ask(self, question: bytes) -> RouterAnswer:
        """See ``ports.Router.ask``."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await self._ask(question)
        except TimeoutError as error:
            raise RouterAway(f"it did not answer within {self._timeout_seconds:g} s") from error
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError) as error:
            raise RouterAway(f"it cannot be reached ({type(error).__name__})") from error

    async def _ask(self, question: bytes) -> RouterAnswer:
        headers = [("content-type", "application/json"), ("accept", "application/json")]
        async with self._pool.stream("POST", self._url, headers=headers, content=question) as response:
            body = bytearray()
            async for part in response.aiter_stream():
                body += part
                if len(body) > ANSWER_BYTES:
                    raise RouterAway(f"its answer is larger than {ANSWER_BYTES} bytes")
            return RouterAnswer(status=response.status, body=bytes(body))

    async def close(self) -> None:
        """Let the connections go."""
        await self._pool.aclose()
