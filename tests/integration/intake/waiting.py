"""Wait for something to become true, never for a fixed time."""

import asyncio
from collections.abc import Awaitable, Callable


async def until(holds: Callable[[], Awaitable[object]], *, seconds: float = 60) -> None:
    """Return when ``holds`` says so.

    Raises: TimeoutError when it has not after ``seconds``.
    """
    async with asyncio.timeout(seconds):
        while True:
            if await holds():
                return
            await asyncio.sleep(0.2)
