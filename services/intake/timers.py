"""Edges in from time: changes of mode are settled, and a canary is sent once a slot."""

from __future__ import annotations

import asyncio
import logging
import time
from abc import ABC, abstractmethod
from datetime import timedelta
from typing import Final

from aiokafka.partitioner import murmur2

from services.intake.handlers import (
    CanaryPlan,
    Doors,
    carry_out_asked,
    remove_old_canaries,
    resume_due,
    send_canary,
    settle_batch,
)
from services.intake.ports import NoPlaybook, PlaybookAway
from shared.events.topics import CASE_PARTITIONS
from shared.runtime.blobs import BlobsAway
from shared.runtime.postgres import OUTAGES
from shared.runtime.waking import woken

OFF: Final = "off"
CASES_A_BATCH: Final = 200
"""Cases between two notes of how far a walk has come: what a replica that takes over looks at twice."""
CANARIES_A_ROUND: Final = 500
OUTAGE_PAUSE_SECONDS: Final = 1.0

log = logging.getLogger(__name__)


class Timer(ABC):
    """A round again and again until ``stop``; an outage of PostgreSQL, the photos or the playbooks is sat out."""

    def __init__(self, doors: Doors, *, every: timedelta) -> None:
        self._doors = doors
        self._every = every.total_seconds()
        self._woken = asyncio.Event()
        self._stopping = False
        self.ticked = time.monotonic()
        self.outage: str | None = None

    def wake(self) -> None:
        """Look now and not at the next round."""
        self._woken.set()

    def stop(self) -> None:
        """End after the round in hand."""
        self._stopping = True
        self._woken.set()

    async def run(self) -> None:
        """Go round until ``stop``."""
        while not self._stopping:
            pause = self._every
            try:
                if await self._round():
                    pause = 0
                self.outage = None
            except (*OUTAGES, PlaybookAway, BlobsAway) as error:
                self.outage = f"{type(error).__name__}: {error}"
                log.warning("%s waits: %s", type(self).__name__, self.outage)
                pause = max(pause, OUTAGE_PAUSE_SECONDS)
            self.ticked = time.monotonic()
            await self._sleep(pause)

    @abstractmethod
    async def _round(self) -> bool:
        """One round; True when there is more to do at once."""

    async def _sleep(self, seconds: float) -> None:
        if await woken(self._woken, within=seconds) and not self._stopping:
            self._woken.clear()


class Settling(Timer):
    """Enters the modes that rules asked for and walks over the open cases of every change."""

    def __init__(self, doors: Doors, *, every: timedelta = timedelta(seconds=1), batch: int = CASES_A_BATCH) -> None:
        super().__init__(doors, every=every)
        self._batch = batch

    async def _round(self) -> bool:
        asked = await carry_out_asked(doors=self._doors)
        settled = await settle_batch(doors=self._doors, most=self._batch)
        return bool(asked) or settled is not None


class Resuming(Timer):
    """Lets cases that stood still to a date go on."""

    def __init__(self, doors: Doors, *, every: timedelta = timedelta(seconds=1), batch: int = CASES_A_BATCH) -> None:
        super().__init__(doors, every=every)
        self._batch = batch

    async def _round(self) -> bool:
        return await resume_due(doors=self._doors, most=self._batch) == self._batch


class Canaries(Timer):
    """Sends the canary of each slot, if no replica has yet, and removes old ones."""

    def __init__(self, doors: Doors, *, county: str, seconds: int) -> None:
        super().__init__(doors, every=timedelta(seconds=min(1.0, seconds / 4)))
        self._county = county
        self._seconds = seconds
        self._sent: int | None = None

    async def _round(self) -> bool:
        """At most one try a slot and replica: whether this one or another had it, the slot is done."""
        slot = int(self._doors.clock().timestamp()) // self._seconds
        if slot == self._sent:
            return False
        counties = self._doors.playbooks.counties()
        county = self._county or min(counties, default="")
        if not county:
            return False
        try:
            await send_canary(
                CanaryPlan(county=county, seconds=self._seconds, partition_of=partition_of), doors=self._doors
            )
        except NoPlaybook as missing:
            log.warning("no canary: %s", missing.reason)
        self._sent = slot
        await remove_old_canaries(doors=self._doors, most=CANARIES_A_ROUND)
        return False


def partition_of(case_id: str) -> int:
    """The partition of the case topic that a case's events lie in, by Kafka's own partitioner."""
    return int(murmur2(case_id.encode()) & 0x7FFFFFFF) % CASE_PARTITIONS
