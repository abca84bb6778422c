"""What a delivery loop counts, free of any metrics library; a service exposes it as its own metrics."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Protocol


class Meter(Protocol):
    """Is told of each batch as it happens; a service puts its histograms behind it."""

    def delivered(self, *, records: int, messages: int, rejected: int, seconds: float) -> None:
        """A batch was committed ``seconds`` after it had been fetched, outages included."""

    def failed(self, error: Exception) -> None:
        """One attempt at a batch ended in ``error``; it will be repeated."""


class NoMeter:
    """Counts nothing."""

    def delivered(self, *, records: int, messages: int, rejected: int, seconds: float) -> None:
        pass

    def failed(self, error: Exception) -> None:
        pass


@dataclass(slots=True, kw_only=True)
class Progress:
    """The loop's figures since it started; moments are seconds of ``time.monotonic()``."""

    records: int = 0
    messages: int = 0
    rejected: int = 0
    batches: int = 0
    failures: int = 0
    fenced: int = 0
    """Batches whose commit was withheld or refused because their partitions had gone."""
    commit_timeouts: int = 0
    batch_seconds: float = 0.0
    lag: int = 0
    """Records between commit and end over all partitions of ours, as last asked."""
    partitions: int | None = None
    """How many partitions are ours; None while the group rebalances."""
    failing: str | None = None
    """The outage that is being sat out right now, in words."""
    failing_since: float | None = None
    over_limit: str | None = None
    """Why the loop is about to end: it would have to set too many records aside."""
    rejected_in_a_row: int = 0
    """The longest run of rejected records that is still going on in a partition of ours."""
    last_progress: float = field(default_factory=time.monotonic)
    """The last moment at which the loop committed, had nothing to do, or met an outage openly."""

    @property
    def idle_seconds(self) -> float:
        """How long ago the last sign of progress was."""
        return time.monotonic() - self.last_progress

    def tick(self) -> None:
        """Note a sign of progress."""
        self.last_progress = time.monotonic()

    def fail(self, error: Exception) -> None:
        """Note an outage; it counts as progress, for a repeat that is counted and logged is no stall."""
        self.failures += 1
        self.failing = f"{type(error).__name__}: {error}"
        self.failing_since = self.failing_since or time.monotonic()
        self.tick()

    def recover(self) -> None:
        """Note that the outage is over."""
        self.failing = self.failing_since = None
        self.tick()
