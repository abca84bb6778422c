"""Time in: webhooks that are due, and what has grown too old."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

from services.notifier.handlers import Delivery, deliver_due
from shared.runtime.waking import woken

log = logging.getLogger(__name__)

POLL_SECONDS: Final = 0.5
AGAIN_SECONDS: Final = 1.0
PRUNE_EVERY_SECONDS: Final = 60.0
PRUNED_AT_ONCE: Final = 5000
STOP_SECONDS: Final = 20.0


class DeliveryTimer:
    """Sends what is due, all the time: woken by new deliveries, by freed places, and every half second."""

    def __init__(self, work: Delivery) -> None:
        self._work = work
        self._stopping = False
        self.failing: str | None = None
        self.ticked = time.monotonic()

    def notice(self) -> None:
        """Look now: something is due."""
        self._work.freed.set()

    async def run(self) -> None:
        """Deliver until ``stop``; an outage of the database is sat out."""
        while not self._stopping:
            self._work.freed.clear()
            self.ticked = time.monotonic()
            try:
                started = await deliver_due(self._work)
                self.failing = None
            except Exception as error:  # noqa: BLE001  whatever it is, what is due stays due
                self.failing = f"{type(error).__name__}: {error}"
                log.warning("deliveries cannot be claimed: %s", self.failing)
                await asyncio.sleep(AGAIN_SECONDS)
                continue
            if not started or self._work.room <= 0:
                await self._pause()

    async def stop(self) -> None:
        """Claim no more and let what is on its way arrive."""
        self._stopping = True
        self._work.freed.set()
        if self._work.tasks:
            await asyncio.wait(set(self._work.tasks), timeout=STOP_SECONDS)

    async def _pause(self) -> None:
        await woken(self._work.freed, within=POLL_SECONDS)


class Prunable(Protocol):
    """What grows and is cut."""

    async def prune(self, before: datetime, *, most: int) -> int:
        """Remove at most ``most`` of what is older than ``before`` and return how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PruneTimer:
    """Cuts what is older than its age, in small steps, once a minute."""

    ages: tuple[tuple[Prunable, timedelta], ...]
    clock: Callable[[], datetime]
    every_seconds: float = field(default=PRUNE_EVERY_SECONDS)

    async def run(self) -> None:
        """Prune until cancelled."""
        while True:
            for grown, age in self.ages:
                try:
                    await self._prune(grown, self.clock() - age)
                except Exception as error:  # noqa: BLE001  it is tried again in a minute
                    log.warning("pruning failed: %s: %s", type(error).__name__, error)
            await asyncio.sleep(self.every_seconds)

    @staticmethod
    async def _prune(grown: Prunable, before: datetime) -> None:
        gone = PRUNED_AT_ONCE
        while gone >= PRUNED_AT_ONCE:
            gone = await grown.prune(before, most=PRUNED_AT_ONCE)
