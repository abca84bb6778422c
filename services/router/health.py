"""Is the router alive, is it ready: it has partitions, it has read the playbooks, it moves."""

from datetime import timedelta
from typing import Final

from shared.runtime.compacted import CompactedReader
from shared.runtime.delivery import DeliveryLoop
from shared.runtime.health import Health

STILL: Final = timedelta(minutes=5)
"""A loop without a sign of progress for so long is stuck; an outage it sits out counts as a sign."""


class RouterHealth:
    """The two probes."""

    def __init__(self, loop: DeliveryLoop, reader: CompactedReader) -> None:
        """Look at the loop and at the reader of playbooks."""
        self._loop = loop
        self._reader = reader

    def ready(self) -> Health:
        """Whether cases are routed now.

        A county without a playbook does not count: its cases wait and are set aside, others go on.
        """
        progress = self._loop.progress
        return Health.of(
            playbooks=None if self._reader.is_caught_up else self._why_not_caught_up(),
            kafka=progress.failing,
            rejected=progress.over_limit,
            partitions=None if progress.partitions is not None else "the consumer group has given none yet",
        )

    def live(self) -> Health:
        """Whether the loop moves; waiting for the playbooks at the start is no stall."""
        if not self._reader.is_caught_up:
            return Health.of()
        seconds = self._loop.progress.idle_seconds
        still = seconds > STILL.total_seconds()
        return Health.of(loop=f"no progress for {seconds:.0f} s" if still else None)

    def _why_not_caught_up(self) -> str:
        return self._reader.failing or "the playbook topic has not been read to its end"
