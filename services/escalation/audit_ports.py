"""What the auditor's handlers need from outside: turns, cases with their clocks as they are stored, and a lane."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol
from uuid import UUID

from services.escalation.domain.audit import Kind, Standing, StoredClock
from services.escalation.domain.facts import Facts

NOBODY: Final = UUID(int=0)
"""Before every case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCase:
    """One case as its rows are; ``facts`` is None where they are gone or cannot be read, and ``why`` says which."""

    case_id: UUID
    partition: int
    facts: Facts | None
    traceparent: str | None
    rows: Mapping[UUID, StoredClock]
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What a pass has counted so far: cases, clocks, findings by kind, open cases by what they have of clocks."""

    cases: int = 0
    clocks: int = 0
    findings: Mapping[Kind, int] = field(default_factory=dict)
    open: Mapping[Standing, int] = field(default_factory=dict)

    def plus(self, other: Counts) -> Counts:
        """Both together."""
        return Counts(
            cases=self.cases + other.cases,
            clocks=self.clocks + other.clocks,
            findings={k: self.findings.get(k, 0) + other.findings.get(k, 0) for k in {*self.findings, *other.findings}},
            open={s: self.open.get(s, 0) + other.open.get(s, 0) for s in {*self.open, *other.open}},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """How far a pass has come: county by county, then through the clocks for those without a case (``strays``)."""

    strays: bool = False
    county: str = ""
    case_id: UUID = NOBODY


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A slice that is this replica's: what comes after ``after``; ``number`` tells it from a later one's."""

    number: int
    after: Place
    counts: Counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """The next cases, county by county; ``last`` is how far they go, None when the pass is whole."""

    cases: Sequence[StoredCase]
    last: Place | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Passes:
    """What every replica may tell of the auditor: of the pass in hand and the last whole one."""

    counts: Counts
    looked_at: datetime | None = None
    whole: Counts | None = None
    whole_at: datetime | None = None
    whole_seconds: float | None = None


class AuditStore(Protocol):
    """The rows, read with no lock but for one case at a time."""

    async def take(self, *, lease: timedelta) -> Turn | None:
        """The next slice's turn, when it is time and nobody else has it; after ``lease`` another may take it."""

    async def slice(self, after: Place, *, most: int) -> Slice:
        """What comes after ``after``: cases, or at the end of a pass those that have clocks and no facts."""

    async def again(self, case_id: UUID, partition: int) -> StoredCase | None:
        """One case read while nobody folds it; None when nothing is left of it."""

    async def done(self, turn: Turn, *, last: Place | None, counts: Counts, pause: timedelta) -> bool:
        """Keep where the pass stands, the next slice being due after ``pause``; False when the turn is another's."""

    async def passes(self) -> Passes:
        """What has been counted."""

    async def cases(self) -> int:
        """About how many cases are stored, as the database's statistics say."""
