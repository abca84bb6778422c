"""PostgreSQL's NOTIFY as calls: a connection of its own, opened again whenever it is lost."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

import asyncpg

log = logging.getLogger(__name__)

CONNECT_SECONDS: Final = 5.0
CHECK_SECONDS: Final = 15.0
AGAIN_SECONDS: Final = 1.0


class Listener:
    """Calls ``calls[channel]`` on each notification; a missed one costs a poll's delay, nothing else."""

    def __init__(self, dsn: str, calls: Mapping[str, Callable[[], None]]) -> None:
        self._dsn = dsn
        self._calls = calls

    async def run(self) -> None:
        """Listen until cancelled."""
        while True:
            try:
                await self._listen()
            except Exception as error:  # noqa: BLE001  polling goes on meanwhile
                log.info("listening is begun anew: %s: %s", type(error).__name__, error)
            await asyncio.sleep(AGAIN_SECONDS)

    async def _listen(self) -> None:
        connection = await asyncpg.connect(
            self._dsn, timeout=CONNECT_SECONDS, server_settings={"application_name": "whistle-notifier-listen"}
        )
        try:
            for channel in self._calls:
                await connection.add_listener(channel, self._heard)
            for call in self._calls.values():
                call()
            while True:
                await asyncio.sleep(CHECK_SECONDS)
                await connection.fetchval("SELECT 1", timeout=CONNECT_SECONDS)
        finally:
            connection.terminate()
            # One turn of the loop, in which the socket is let go.
            await asyncio.sleep(0)

    def _heard(self, _connection: Any, _process: int, channel: str, _payload: object) -> None:  # noqa: ANN401  asyncpg's own signature
        self._calls[channel]()
