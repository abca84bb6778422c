"""The rooms of one service side by side: none ends without the others and without being named."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from datetime import timedelta
from typing import Any, Final

CLOSE: Final = timedelta(seconds=10)
"""How long cancelled rooms may take; one that holds on to life must not keep a broken service alive."""

log = logging.getLogger(__name__)


class RoomEnded(Exception):  # noqa: N818  named for what is the matter
    """A room ended by itself and the service with it; ``__cause__`` is its error, if it had one."""

    def __init__(self, room: str, why: str) -> None:
        super().__init__(f"room {room} {why}")
        self.room = room


async def run_together(rooms: Mapping[str, Coroutine[Any, Any, None]], *, asked: asyncio.Event) -> None:
    """Run the rooms until each has ended, as they may once ``asked`` is set; before, one that ends ends all.

    An ``asyncio.TaskGroup`` would not do: it takes a child that was cancelled from inside, as aiokafka
    can do to it, for one that is done, and the service would go on without that room.

    Raises:
        RoomEnded: a room failed, or was cancelled or returned though nobody asked; says which one and why.
    """
    running = {asyncio.create_task(room, name=name) for name, room in rooms.items()}
    try:
        while running:
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for room in done:
                _judge(room, asked=asked.is_set())
    finally:
        await _end(running)


async def end(rooms: asyncio.Task[None], *, grace: timedelta = timedelta()) -> None:
    """Let the task of ``run_together`` end by itself for ``grace``, then cancel it; returns when it has ended.

    What it ended with is the affair of whoever ran it: it was told when it happened.
    """
    if not rooms.done():
        await asyncio.wait({rooms}, timeout=grace.total_seconds())
        rooms.cancel()
        await asyncio.wait({rooms})
    if not rooms.cancelled():
        rooms.exception()


def _judge(room: asyncio.Task[None], *, asked: bool) -> None:
    """Pass a room that was asked to end and did.

    Raises:
        RoomEnded: otherwise.
    """
    name = room.get_name()
    error = None if room.cancelled() else room.exception()
    if error is not None:
        why = f"failed: {type(error).__name__}: {error}"
    elif asked:
        return
    else:
        why = "was cancelled from inside" if room.cancelled() else "returned though nobody asked it to"
    log.error("room %s %s: the service ends", name, why, extra={"event.name": "room.ended", "room": name})
    raise RoomEnded(name, why) from error


async def _end(rooms: set[asyncio.Task[None]]) -> None:
    for room in rooms:
        room.cancel()
    if not rooms:
        return
    done, holding_on = await asyncio.wait(rooms, timeout=CLOSE.total_seconds())
    for room in done:
        if not room.cancelled() and (error := room.exception()) is not None:
            log.warning("room %s failed while it was ended: %s: %s", room.get_name(), type(error).__name__, error)
    for room in holding_on:
        log.warning("room %s does not end: it is left behind", room.get_name())
