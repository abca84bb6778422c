"""Is escalation alive, is it ready: the fold moves, the timers tick, PostgreSQL answers."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from shared.runtime.health import Health

if TYPE_CHECKING:
    from services.escalation.progress import FoldProgress
    from services.escalation.timers import Timers
    from shared.runtime.compacted import CompactedReader

TICKS: Final = timedelta(seconds=60)
"""Longer than any limit inside one tick: the pool, a statement, the broker."""


class EscalationHealth:
    """The two probes; an outage of Kafka or PostgreSQL fails readiness only, for a restart would not help."""

    def __init__(self, progress: FoldProgress, timers: Timers, reader: CompactedReader, *, stall: timedelta) -> None:
        self._progress = progress
        self._timers = timers
        self._reader = reader
        self._stall = stall

    def live(self) -> Health:
        """Whether records that wait are folded and the timers tick."""
        silent = time.monotonic() - self._timers.ticked
        return Health.of(
            fold=self._progress.stall(self._stall),
            timers=f"no tick for {silent:.0f} s" if silent > TICKS.total_seconds() else None,
        )

    def ready(self) -> Health:
        """Whether facts come in, clocks can fire and the playbooks have been read."""
        return Health.of(
            fold=None if self._progress.joined else "no partitions assigned yet",
            fold_outage=self._progress.outage,
            rejected=self._progress.over_limit,
            postgres=self._timers.outage,
            playbooks=None if self._reader.is_caught_up else "the playbook topic is not read to its end yet",
        )
