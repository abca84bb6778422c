"""How far the fold has come, and therefore until when the facts are whole.

A clock may fire only when everything that lay in the log at its instant has been folded: after an
outage the signature that met a deadline may still wait in Kafka, and a breach is never undone. So
the ends of the log are asked for at each tick of the timers, and a partition number is *settled* up
to the last asking whose ends have been folded on every topic. Of partitions that others fold the ledger
is proof: nobody may be left to fire their clocks, and what the ledger has not passed may have met them.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from typing import Final, Protocol

from services.escalation.ports import Horizon
from shared.runtime.delivery import Partition

REMEMBERED: Final = 256
LOOKS: Final = 4
"""How often others' partitions are looked at in the time by which their clocks are late enough to be fired here."""
SILENT_SECONDS: Final = 10.0
"""A log that has not answered for so long is away, and the watchdog does not judge."""

log = logging.getLogger(__name__)


class Ends(Protocol):
    """Who knows where the log ends."""

    async def of(self, partitions: Collection[Partition]) -> Mapping[Partition, int]:
        """The next offset that each partition will give; raises when the log does not answer."""


class Ledger(Protocol):
    """Who knows how far any replica has folded."""

    async def ledger(self, topics: Collection[str]) -> Mapping[Partition, int]:
        """The next offset of each partition that was ever folded; raises when the database does not answer."""


class FoldProgress:
    """Offsets folded, ends seen, and what follows from both; moments are seconds of a monotonic clock."""

    def __init__(
        self,
        topics: frozenset[str],
        ends: Ends,
        *,
        ledger: Ledger,
        elsewhere: timedelta,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._topics = topics
        self._log = ends
        self._ledger = ledger
        self._elsewhere = elsewhere
        self._monotonic = monotonic
        self._next: dict[Partition, int] = {}
        self._asked: dict[Partition, deque[tuple[float, int]]] = {}
        self._settled: dict[Partition, float] = {}
        self._ends: dict[Partition, int] = {}
        self._others: dict[int, float] = {}
        self._looked = float("-inf")
        self._moved = self._answered = monotonic()
        self._taken: frozenset[Partition] = frozenset()
        """What was ours until it was taken away and nothing was given in its place."""
        self.joined = False
        self.outage: str | None = None
        self.over_limit: str | None = None
        """Why the fold is about to end: it would have to set too many records aside."""

    @property
    def partitions(self) -> frozenset[Partition]:
        """The partitions that this replica folds."""
        return frozenset(self._next)

    @property
    def lag(self) -> int:
        """Records between the fold and the ends last seen."""
        return sum(max(end - self._next.get(partition, end), 0) for partition, end in self._ends.items())

    def assigned(self, offsets: Mapping[Partition, int]) -> None:
        """These partitions and no others are ours, each to be read from its offset."""
        self._next = dict(offsets)
        self._asked = {partition: deque(maxlen=REMEMBERED) for partition in offsets}
        self._settled, self._ends = {}, {}
        self._taken = frozenset()
        self.joined, self.outage = True, None
        self._moved = self._monotonic()

    def revoked(self) -> None:
        """Nothing is ours any more, until the group has been divided anew."""
        taken, joined, outage = self.partitions | self._taken, self.joined, self.outage
        self.assigned({})
        # Faust says so too before the group has given anything for the first time.
        self._taken, self.joined, self.outage = taken, joined, outage

    def folded(self, ledger: Mapping[Partition, int]) -> None:
        """The ledger moved to these next offsets."""
        self._moved, self.outage = self._monotonic(), None
        for partition, offset in ledger.items():
            if partition in self._next:
                self._next[partition] = max(offset, self._next[partition])
                self._settle(partition)

    def asked(self, ends: Mapping[Partition, int], *, at: float) -> None:
        """The log's ends were these, some time after ``at``."""
        now = self._monotonic()
        if now - self._answered > SILENT_SECONDS:
            # The log was away: the fold gets its whole time anew.
            self._moved = now
        self._answered = now
        for partition, end in ends.items():
            if partition in self._next:
                self._ends[partition] = end
                self._asked[partition].append((at, end))
                self._settle(partition)
        if not self.lag and not self._taken:
            self._moved = now

    async def ask(self) -> Horizon:
        """Ask the log for its ends and return until when the facts are whole; an outage only leaves them older."""
        if asked := self.partitions or self._taken:
            at = self._monotonic()
            try:
                ends = await self._log.of(asked)
            except Exception as error:  # noqa: BLE001  whatever it is, the ends are not known now
                log.warning("the ends of the log are unknown: %s: %s", type(error).__name__, error)
            else:
                self.asked(ends, at=at)
        await self._look_elsewhere()
        return self.horizon()

    async def _look_elsewhere(self) -> None:
        """Now and then, of which partitions that others fold everything is folded that the log holds."""
        at = self._monotonic()
        if not self.joined or at - self._looked < self._elsewhere.total_seconds() / LOOKS:
            return
        self._looked = at
        try:
            known = await self._ledger.ledger(self._topics)
            numbers = {partition.number for partition in known} - self._whole()
            theirs = [Partition(topic, number) for topic in self._topics for number in numbers]
            ends = await self._log.of(theirs) if theirs else {}
            # The ledger is read after the ends: what it has passed by then lay before them.
            folded = await self._ledger.ledger(self._topics) if theirs else {}
        except Exception as error:  # noqa: BLE001  whatever it is, it is not known now
            log.warning("it is not known how far others have folded: %s: %s", type(error).__name__, error)
            return
        behind = {partition.number for partition in theirs if folded.get(partition, 0) < ends[partition]}
        self._others |= dict.fromkeys(numbers - behind, at)

    def sit_out(self, outage: str) -> None:
        """The fold waits for PostgreSQL or Kafka and says so; that is no stall."""
        self.outage = outage
        self._moved = self._monotonic()

    def horizon(self) -> Horizon:
        """Until when each of our partition numbers is whole, and others' by the ledger, long after they were due."""
        now = self._monotonic()
        numbers = {partition.number for partition in self._next}
        moments = {number: self._moment(number) for number in numbers}
        settled = {number: timedelta(seconds=now - at) for number, at in moments.items() if at is not None}
        theirs = self._others.keys() - self._whole()
        others = {number: max(timedelta(seconds=now - self._others[number]), self._elsewhere) for number in theirs}
        return Horizon(settled=settled, others=others, at=now)

    def stall(self, limit: timedelta) -> str | None:
        """Why the process should end: the log answers, and for ``limit`` nothing that waits has been folded.

        Or what was folded here was taken away, and the group has given nothing since: Faust reads past what the
        group's coordinator reports, and a member can be out of its group without a word.
        """
        now = self._monotonic()
        if now - self._answered > SILENT_SECONDS or not (self.lag or self._taken):
            return None
        # A group that is divided anew may wait for its slowest member; its records are folded elsewhere or come late.
        silent, allowed = now - self._moved, limit.total_seconds() * (2 if self._taken else 1)
        if silent <= allowed:
            return None
        if self._taken:
            return (
                f"{len(self._taken)} partitions were taken away {silent:.0f} s ago and the group has given none since "
                f"(allowed {allowed:g} s)"
            )
        return f"{self.lag} records wait and nothing was folded for {silent:.0f} s (allowed {allowed:g} s)"

    def _whole(self) -> set[int]:
        """The partition numbers of which every topic is ours."""
        numbers = {partition.number for partition in self._next}
        return {number for number in numbers if all(Partition(topic, number) in self._next for topic in self._topics)}

    def _moment(self, number: int) -> float | None:
        moments = [self._settled.get(Partition(topic, number)) for topic in self._topics]
        known = [moment for moment in moments if moment is not None]
        return min(known) if len(known) == len(moments) else None

    def _settle(self, partition: Partition) -> None:
        asked = self._asked[partition]
        while asked and asked[0][1] <= self._next[partition]:
            self._settled[partition] = asked.popleft()[0]
