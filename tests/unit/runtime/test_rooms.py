"""No room of a service ends alone, and whoever runs them hears which one ended and why."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from shared.runtime.rooms import RoomEnded, end, run_together


class Room:
    """Runs until it is told how to end; knows whether it was ended from outside."""

    def __init__(self) -> None:
        self.told: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.entered = asyncio.Event()
        self.cancelled = False

    async def run(self) -> None:
        self.entered.set()
        try:
            await self.told
        except asyncio.CancelledError:
            # A cancellation from inside leaves no request behind.
            task = asyncio.current_task()
            self.cancelled = task is not None and task.cancelling() > 0
            raise


def together(asked: asyncio.Event, **rooms: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    return asyncio.create_task(run_together(rooms, asked=asked))


@pytest.mark.parametrize(
    ("ending", "why"),
    (
        (lambda told: told.set_exception(OSError("gone")), "room reader failed: OSError: gone"),
        (lambda told: told.cancel(), "room reader was cancelled from inside"),
        (lambda told: told.set_result(None), "room reader returned though nobody asked it to"),
    ),
    ids=("fails", "is cancelled from inside", "returns"),
)
async def test_a_room_that_ends_by_itself_ends_all_and_is_named(ending: Any, why: str) -> None:
    reader, loop = Room(), Room()
    running = together(asyncio.Event(), reader=reader.run(), loop=loop.run())
    await asyncio.gather(reader.entered.wait(), loop.entered.wait())
    ending(reader.told)
    async with asyncio.timeout(5):
        with pytest.raises(RoomEnded, match=why) as ended:
            await running
    assert ended.value.room == "reader"
    assert loop.cancelled
    assert not reader.cancelled


async def test_the_error_of_a_room_is_the_cause() -> None:
    reader, gone = Room(), OSError("gone")
    running = together(asyncio.Event(), reader=reader.run())
    await reader.entered.wait()
    reader.told.set_exception(gone)
    with pytest.raises(RoomEnded) as ended:
        await running
    assert ended.value.__cause__ is gone


async def test_rooms_that_were_asked_end_one_after_another() -> None:
    asked, loop, relay = asyncio.Event(), Room(), Room()
    running = together(asked, loop=loop.run(), relay=relay.run())
    await asyncio.gather(loop.entered.wait(), relay.entered.wait())
    asked.set()
    loop.told.set_result(None)
    done, _ = await asyncio.wait({running}, timeout=0.05)
    assert not done, "the relay still sends what the loop wrote last"
    relay.told.cancel()
    async with asyncio.timeout(5):
        await running
    assert not relay.cancelled


async def test_a_failure_while_going_down_is_still_told() -> None:
    asked, loop = asyncio.Event(), Room()
    running = together(asked, loop=loop.run())
    await loop.entered.wait()
    asked.set()
    loop.told.set_exception(OSError("gone"))
    with pytest.raises(RoomEnded, match="loop failed"):
        await running


async def test_ending_the_rooms_ends_each_of_them() -> None:
    reader, loop = Room(), Room()
    running = together(asyncio.Event(), reader=reader.run(), loop=loop.run())
    await asyncio.gather(reader.entered.wait(), loop.entered.wait())
    async with asyncio.timeout(5):
        await end(running)
    assert running.cancelled()
    assert reader.cancelled
    assert loop.cancelled


async def test_ending_rooms_that_have_ended_says_nothing_again() -> None:
    reader = Room()
    running = together(asyncio.Event(), reader=reader.run())
    await reader.entered.wait()
    reader.told.cancel()
    await asyncio.wait({running})
    await end(running)
    assert isinstance(running.exception(), RoomEnded)
