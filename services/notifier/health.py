"""Is the notifier alive, is it ready: PostgreSQL answers, the feed is followed, the loop and the timer move."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from shared.runtime.health import Health

if TYPE_CHECKING:
    from services.notifier.channels.stream import Hub
    from services.notifier.timers import DeliveryTimer
    from shared.runtime.delivery import DeliveryLoop
    from shared.runtime.postgres_watch import PostgresWatch

STILL: Final = timedelta(minutes=5)
"""A loop without a sign of progress for so long is stuck; an outage it sits out counts as a sign."""


class NotifierHealth:
    """The two probes; Kafka being away fails neither, for reading and streaming go on."""

    def __init__(self, watch: PostgresWatch, hub: Hub, loop: DeliveryLoop, timer: DeliveryTimer) -> None:
        self._watch = watch
        self._hub = hub
        self._loop = loop
        self._timer = timer
        self._joined = False

    def ready(self) -> Health:
        """Whether a reader would be served now, and the loop has had its partitions once."""
        self._joined = self._joined or self._loop.progress.partitions is not None
        return Health.of(
            postgres=self._watch.complaint,
            feed=None if self._hub.ready.is_set() else "the feed has not been read yet",
            consumer=None if self._joined else "no partitions yet",
            stopping="the service is going down" if self._hub.closing.is_set() else None,
        )

    def live(self) -> Health:
        """Whether the loop and the timer still move."""
        return Health.of(
            consumer=_still(self._loop.progress.idle_seconds), deliveries=_still(time.monotonic() - self._timer.ticked)
        )


def _still(seconds: float) -> str | None:
    return f"no progress for {seconds:.0f} s" if seconds > STILL.total_seconds() else None
