"""A service runs until somebody asks it to stop, or until one of its rooms ends by itself."""

from __future__ import annotations

import asyncio
import logging
import signal
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Protocol

log = logging.getLogger(__name__)


class Running(Protocol):
    """A service with every room open; ``rooms`` ends only when one of them fails."""

    @property
    def rooms(self) -> asyncio.Task[None]:
        """All rooms as one task."""


async def until_signalled(opening: AbstractAsyncContextManager[Running], *, name: str) -> None:
    """Open the service ``name``, wait for SIGTERM or SIGINT, and return after everything is closed.

    Opening may wait for PostgreSQL or Kafka as long as that takes; a signal ends that wait too.

    Raises:
        Exception: what a room ended with, when one ended by itself, or what opening failed with.
    """
    asked = asyncio.create_task(_signalled())
    async with AsyncExitStack() as stack:
        opened = asyncio.create_task(stack.enter_async_context(opening))
        await asyncio.wait({asked, opened}, return_when=asyncio.FIRST_COMPLETED)
        if not opened.done():
            opened.cancel()
            await asyncio.wait({opened})
            return
        rooms = opened.result().rooms
        await asyncio.wait({asked, rooms}, return_when=asyncio.FIRST_COMPLETED)
        log.info("%s is going down", name, extra={"event.name": f"{name}.down"})
        if rooms.done():
            rooms.result()


async def _signalled() -> None:
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.set)
    await asked.wait()
