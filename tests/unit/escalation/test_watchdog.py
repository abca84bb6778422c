"""A loop that stands still is noticed from outside; one that moves, or was frozen with all of the process, is left."""

import asyncio
import time
from datetime import timedelta

from services.escalation.watchdog import LoopWatch

LIMIT = timedelta(seconds=0.2)


async def test_a_call_that_never_returns_is_told_after_the_limit() -> None:
    told: list[str] = []
    async with LoopWatch(limit=LIMIT, end=told.append, look=0.02):
        deadline = time.monotonic() + 10
        while not told and time.monotonic() < deadline:
            time.sleep(0.05)  # noqa: ASYNC251  the loop stands still: that is what is tested
    assert told == ["the event loop has not moved for 0.2 s of this process's own time"]


async def test_a_busy_loop_that_moves_is_left() -> None:
    told: list[str] = []
    async with LoopWatch(limit=LIMIT, end=told.append, look=0.05):
        until = time.monotonic() + 1
        while time.monotonic() < until:  # noqa: ASYNC110  a loop at work
            await asyncio.sleep(0.01)
    assert told == []


async def test_nothing_is_told_of_a_loop_that_has_ended() -> None:
    told: list[str] = []
    async with LoopWatch(limit=LIMIT, end=told.append, look=0.02):
        pass
    time.sleep(0.5)  # noqa: ASYNC251  as a process that is closing down may be
    assert told == []
