"""Ends the process when its event loop stands still: nothing inside the loop could say so any more.

Probes answer from the loop, and so do the fold's own watch and the timers: a call that never returns takes all of them
with it, and clocks would run out unseen until somebody looks. This thread looks.
"""

from __future__ import annotations

import asyncio
import faulthandler
import logging
import os
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Final, Self

EXIT_STATUS: Final = 70
"""``EX_SOFTWARE`` of sysexits.h."""
LOOK_SECONDS: Final = 1.0

log = logging.getLogger(__name__)


def end_process(why: str) -> None:
    """Say why and where every thread stands, and end without a goodbye: who would say it hangs."""
    log.critical("%s: the process ends with status %d", why, EXIT_STATUS, extra={"event.name": "loop.stands_still"})
    faulthandler.dump_traceback(file=sys.stderr, all_threads=True)
    os._exit(EXIT_STATUS)


class LoopWatch:
    """A thread that counts its own looks since the loop last moved.

    Looks and not seconds: a process that was frozen (SIGSTOP, a machine that slept) makes one look when it wakes,
    and its loop one move; neither is to blame for the time between.
    """

    def __init__(
        self, *, limit: timedelta, end: Callable[[str], None] = end_process, look: float = LOOK_SECONDS
    ) -> None:
        self._most = max(1, round(limit.total_seconds() / look))
        self._look = look
        self._end = end
        self._moves = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="loop-watch", daemon=True)
        self._moving: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._moving = asyncio.create_task(self._move())
        self._thread.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._over.set()
        if self._moving is not None:
            self._moving.cancel()
            await asyncio.wait({self._moving})

    async def _move(self) -> None:
        while True:
            self._moves += 1
            await asyncio.sleep(self._look / 2)

    def _watch(self) -> None:
        seen, looks = self._moves, 0
        while not self._over.wait(self._look):
            seen, looks = (seen, looks + 1) if seen == self._moves else (self._moves, 0)
            if looks >= self._most:
                self._end(f"the event loop has not moved for {looks * self._look:g} s of this process's own time")
                return
