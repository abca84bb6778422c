"""Edge in from the playbook shelf: cases that came before their playbook get their clocks when it comes.

Such a case is in the database and its partition goes on; it waits as long as it must, but not silently.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from services.escalation.handlers import revisit
from services.escalation.ports import Playbooks, Store, Waiting
from shared.playbook.shelf import UnknownCounty
from shared.runtime.postgres import OUTAGES
from shared.runtime.waking import woken

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisitSettings:
    """How often cases without clocks are looked at, and after how long the log says so each minute."""

    every: timedelta = timedelta(seconds=1)
    again_after: timedelta = timedelta(seconds=30)
    loud_after: timedelta = timedelta(minutes=5)
    shout_every: timedelta = timedelta(minutes=1)
    most: int = 200


class Revisits:
    """Looks at a county's waiting cases when its playbook changes, and now and then in any case."""

    def __init__(self, store: Store, *, playbooks: Playbooks, settings: RevisitSettings | None = None) -> None:
        self._store = store
        self._playbooks = playbooks
        self._settings = settings or RevisitSettings()
        self._tried: dict[str, tuple[str, float]] = {}
        self._shouted = float("-inf")
        self._stopping = asyncio.Event()
        self.waiting: Mapping[str, Waiting] = {}

    async def run(self) -> None:
        """Look until ``stop``."""
        while not self._stopping.is_set():
            try:
                await self._look()
            except OUTAGES as error:
                log.warning("waiting cases are not looked at: %s: %s", type(error).__name__, error)
            await woken(self._stopping, within=self._settings.every.total_seconds())

    def stop(self) -> None:
        """End after the batch in hand."""
        self._stopping.set()

    async def _look(self) -> None:
        self.waiting = await self._store.waiting()
        for county in self.waiting:
            await self._try(county)
        self._shout()

    async def _try(self, county: str) -> None:
        try:
            digest = self._playbooks.of(county).digest
        except UnknownCounty:
            return
        tried, at = self._tried.get(county, ("", float("-inf")))
        if tried == digest and time.monotonic() - at < self._settings.again_after.total_seconds():
            return
        self._tried[county] = (digest, time.monotonic())
        # The database's time, as that of its rows: a host whose clock is wrong would look again and again, or never.
        before = self.waiting[county].asked_at
        while not self._stopping.is_set():
            looked_at = await revisit(
                county, store=self._store, playbooks=self._playbooks, before=before, most=self._settings.most
            )
            if looked_at < self._settings.most:
                return

    def _shout(self) -> None:
        now = time.monotonic()
        old = {c: w for c, w in self.waiting.items() if w.asked_at - w.since > self._settings.loud_after}
        if old and now - self._shouted > self._settings.shout_every.total_seconds():
            self._shouted = now
            for county, waiting in old.items():
                log.error(
                    "%d cases of %s have no clock since %s: %s", waiting.cases, county, waiting.since, waiting.reason
                )
