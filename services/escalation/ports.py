"""What the handlers need from outside: one transaction to fold in, one to fire in, and playbooks."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol
from uuid import UUID

from services.escalation.domain.chain import CaseShown, RunningClock
from services.escalation.domain.clocks import Stop
from services.escalation.domain.facts import Facts
from services.escalation.domain.warning.reports import Report
from shared.events.codec import Message
from shared.events.sla import Moved
from shared.playbook.model import Playbook
from shared.runtime.delivery import Partition, Rejected

URGENCIES: Final = 4
"""Grades of urgency, as a case's severity: 1 the most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCase:
    """One case as it is stored; ``clocks`` maps each of its clocks to how it stopped, or None.

    ``moves`` says of those that were held, went on or were put off how often.
    """

    facts: Facts
    partition: int
    traceparent: str | None
    clocks: Mapping[UUID, Stop | None]
    moves: Mapping[UUID, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseChange:
    """New facts of one case; ``waiting_for`` says in words why a clock of it cannot start yet."""

    facts: Facts
    partition: int
    traceparent: str | None
    waiting_for: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A new clock; one that has stopped before it was ever seen running is kept all the same."""

    clock: RunningClock
    partition: int
    traceparent: str | None
    stop: Stop | None
    urgency: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Moving:
    """A clock that runs or stood still, ``before`` and after it was held, went on or was put off."""

    before: RunningClock
    clock: RunningClock
    why: Moved


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """All that one batch changes; it is written whole or not at all."""

    cases: Sequence[CaseChange] = ()
    started: Sequence[Started] = ()
    moved: Sequence[Moving] = ()
    stopped: Mapping[UUID, Stop] = field(default_factory=dict)
    ledger: Mapping[Partition, int] = field(default_factory=dict)
    pressed: Mapping[UUID, int] = field(default_factory=dict)
    """How urgent cases are whose severity is another than before."""


class Folding(Protocol):
    """One transaction of the fold."""

    async def claim(self, partitions: Collection[Partition]) -> Mapping[Partition, int]:
        """The next offset of each partition, 0 for one never read; nobody else folds it until the end."""

    async def known(self, case_ids: Collection[UUID]) -> Mapping[UUID, KnownCase]:
        """The cases that are known; while their partitions are claimed nobody else changes them."""

    async def running(self, clock_ids: Collection[UUID]) -> Mapping[UUID, RunningClock]:
        """Clocks as they stand now, with what they have said; the timers leave them alone until the end."""

    async def waiting(self, county: str, *, before: datetime, most: int) -> Sequence[UUID]:
        """Claim cases of ``county`` that wait and were last looked at ``before`` an instant, longest first."""

    async def write(self, changes: Changes) -> Mapping[UUID, RunningClock]:
        """Write everything, committed at the end of the transaction; return the clocks that it stopped."""

    async def breach(self, late: Mapping[UUID, datetime]) -> None:
        """Keep that clocks were late when they stopped, and that it is told."""

    async def tell(self, messages: Sequence[Message]) -> None:
        """Put words into the outbox, in the same transaction."""

    async def count(self, reports: Sequence[Report]) -> None:
        """Count reports for early warning, in the same transaction; one counted before stays as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A clock whose next instant has come, with the case as it is known now.

    The facts of its lane are whole ``until`` an instant: nothing that came later is said yet.
    """

    clock: RunningClock
    case: CaseShown
    county: str
    urgency: int
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Horizon:
    """How long ago the facts were last known to be whole, by partition number.

    ``settled`` holds the partitions that this replica folds; ``others`` those of which the ledger has shown that
    somebody has folded all that the log held, and a clock of theirs is fired here only once it is late by far: nobody
    folds them now. Any other partition waits. A clock may fire when its instant lies further back than the age.
    Ages were measured ``at`` that moment of ``time.monotonic`` and grow from then on: a process that was frozen
    between the measuring and the firing knows nothing of that time. None: they hold whenever they are asked for.
    """

    settled: Mapping[int, timedelta]
    others: Mapping[int, timedelta] = field(default_factory=dict)
    at: float | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing may fire."""
        return not self.settled and not self.others

    def aged(self, monotonic: float) -> Horizon:
        """The horizon as it is at a later moment: what was known is older by then."""
        if self.at is None:
            return self
        more = timedelta(seconds=max(0.0, monotonic - self.at))
        return Horizon(
            settled={number: age + more for number, age in self.settled.items()},
            others={number: age + more for number, age in self.others.items()},
            at=monotonic,
        )


class Firing(Protocol):
    """One transaction of the timers."""

    async def now(self) -> datetime:
        """The database's clock: the one that every replica shares."""

    async def due(self, horizon: Horizon, *, now: datetime, most: int) -> Sequence[Due]:
        """Clocks whose instant lies within the horizon, the most urgent first and then the earliest, at most ``most``.

        Nobody else gets them meanwhile.
        """

    async def beside(self, due: Sequence[Due], *, most: int) -> Sequence[Due]:
        """What else is due of the same cases, at most so many: after an outage a case is told of once."""

    async def write(self, fired: Sequence[RunningClock], messages: Sequence[Message], *, at: datetime) -> None:
        """Write how clocks stand that spoke ``at`` an instant, and what they said; it is committed at the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """The first instant of each urgency at which a clock may fire, by the ``now`` of the database."""

    now: datetime
    first: Mapping[int, datetime] = field(default_factory=dict)

    @property
    def ahead(self) -> timedelta | None:
        """How long until the first of all, nothing or less when it is due; None when no clock runs."""
        return min(self.first.values()) - self.now if self.first else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """How many cases of a county wait for their clocks, since when the first, and one reason; by the database's time.

    ``asked_at`` is later than any look at one of them that has ended.
    """

    cases: int
    since: datetime
    reason: str
    asked_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Overdue:
    """How many clocks wait to fire, and by how many seconds the first of them is late."""

    clocks: int
    seconds: float


class Store(Protocol):
    """Where clocks live."""

    def folding(self) -> AbstractAsyncContextManager[Folding]:
        """A transaction that ends with the block."""

    def firing(self) -> AbstractAsyncContextManager[Firing]:
        """A transaction that ends with the block."""

    async def next_due(self, horizon: Horizon) -> Outlook:
        """When clocks have something to say next, those of lanes that are not ours once they count as left alone."""

    async def overdue(self, *, most: int) -> Mapping[int, Overdue]:
        """The clocks of each urgency that are due and have not fired, counted up to so many a lane."""

    async def next_offsets(self, partitions: Collection[Partition]) -> Mapping[Partition, int]:
        """The ledger's next offset of each partition, 0 for one never read."""

    async def ledger(self, topics: Collection[str]) -> Mapping[Partition, int]:
        """The ledger's next offset of each partition of ``topics`` that was ever folded, by whomever."""

    async def waiting(self) -> Mapping[str, Waiting]:
        """The counties with cases whose clocks cannot start yet."""


class DeadLetters(Protocol):
    """Where records go that nobody can read."""

    async def set_aside(self, rejected: Sequence[Rejected], *, now: datetime) -> None:
        """Return when each of them is safe on the dead-letter topic, with its reason and origin."""


class Playbooks(Protocol):
    """The playbooks in force."""

    def of(self, area: str) -> Playbook:
        """The playbook of the county of ``area``.

        Raises:
            UnknownCounty: when none has been seen yet.
        """
