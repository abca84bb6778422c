"""Is intake alive, is it ready: PostgreSQL answers, a playbook is in force, the loops move."""

from __future__ import annotations

import time
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from shared.runtime.health import Health

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.intake.ports import Playbooks
    from services.intake.timers import Timer
    from shared.runtime.delivery import DeliveryLoop
    from shared.runtime.postgres_watch import PostgresWatch

STILL: Final = timedelta(minutes=5)
"""A loop without a sign of progress for so long is stuck; an outage it sits out counts as a sign."""


class IntakeHealth:
    """The two probes; Kafka being away fails neither, for intake goes on accepting."""

    def __init__(
        self,
        watch: PostgresWatch,
        playbooks: Playbooks,
        loops: Mapping[str, DeliveryLoop],
        timers: Mapping[str, Timer] = MappingProxyType({}),
    ) -> None:
        self._watch = watch
        self._playbooks = playbooks
        self._loops = loops
        self._timers = timers
        self._joined: set[str] = set()

    def ready(self) -> Health:
        """Whether a report would be accepted now, and the loops have had their partitions once."""
        self._joined |= {name for name, loop in self._loops.items() if loop.progress.partitions is not None}
        missing = sorted(set(self._loops) - self._joined)
        return Health.of(
            postgres=self._watch.complaint,
            playbook=None if self._playbooks.counties() else "no playbook is in force",
            consumers=f"no partitions yet: {', '.join(missing)}" if missing else None,
        )

    def live(self) -> Health:
        """Whether each loop and each timer still moves."""
        still = {name: loop.progress.idle_seconds for name, loop in self._loops.items()}
        still |= {name: time.monotonic() - timer.ticked for name, timer in self._timers.items()}
        return Health.of(
            **{
                name: f"no progress for {seconds:.0f} s" if seconds > STILL.total_seconds() else None
                for name, seconds in still.items()
            }
        )
