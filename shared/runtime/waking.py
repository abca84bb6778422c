"""A pause that a signal ends: how whatever goes round waits for its next round."""

from __future__ import annotations

import asyncio


async def woken(signal: asyncio.Event, *, within: float | None) -> bool:
    """Wait ``within`` seconds for ``signal``, None for as long as it takes; True when it came.

    The signal stays set: whoever waits clears it, or leaves it so that no later pause holds up a stop.
    """
    try:
        async with asyncio.timeout(within):
            await signal.wait()
    except TimeoutError:
        return False
    return True
