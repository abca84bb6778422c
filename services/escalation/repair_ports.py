"""What a repair needs from outside: the log of one case, and its rows with their lane held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum, unique
from typing import Protocol
from uuid import UUID

from services.escalation.audit_ports import StoredCase
from services.escalation.domain.mending import Mended, Told
from services.escalation.ports import CaseChange
from shared.runtime.delivery import Partition, Record


@unique
class Basis(StrEnum):
    """By what a case is put right."""

    LOG = "log"
    """Every event of the case, read again."""
    STORED = "stored"
    """The facts that are stored, for the log no longer holds the case's beginning; with what it still has added."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who wants which case put right, and why; a ``dry_run`` writes nothing."""

    case_id: UUID
    by: str
    reason: str
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Where a case is stored, and since when; None where nothing of it is."""

    partition: int | None
    since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What is kept of a repair for ever."""

    repair_id: UUID
    asked: Asked
    basis: Basis
    difference: Mapping[str, object]


class CaseLog(Protocol):
    """The records of one case, of the topics that are folded and of what clocks have said."""

    def partition_of(self, case_id: UUID) -> int:
        """The partition number that a case's key leads to."""

    async def begin(self, number: int, *, since: datetime | None) -> None:
        """Go to where the log was at ``since``, or to its beginning."""

    async def catch_up(self, ledger: Mapping[Partition, int]) -> None:
        """Read what is folded up to ``ledger``, and all that clocks have said."""

    def behind(self, ledger: Mapping[Partition, int]) -> int:
        """Records between what is read and ``ledger``."""

    def folded(self, ledger: Mapping[Partition, int]) -> Sequence[Record]:
        """What the fold has read of this case."""

    def said(self) -> Sequence[Record]:
        """What its clocks have said."""

    @property
    def is_whole(self) -> bool:
        """Whether the log holds everything from where reading began."""


class Work(Protocol):
    """One transaction that holds the lane: nobody folds the case, and its clocks do not fire."""

    async def now(self) -> datetime:
        """The database's clock."""

    async def ledger(self) -> Mapping[Partition, int]:
        """Up to where the topics of this partition number are folded."""

    async def case(self, case_id: UUID) -> StoredCase | None:
        """The case and its clocks, locked; None when nothing is stored of it."""

    async def unsent(self, case_id: UUID) -> Sequence[Record]:
        """What its clocks have said that has not left the outbox."""

    async def write(self, case: CaseChange, mended: Sequence[Mended], told: Sequence[Told], entry: Entry) -> None:
        """Write the case, its clocks, what is said of them, and who did it."""


class RepairStore(Protocol):
    """The rows."""

    async def find(self, case_id: UUID) -> Found:
        """Where the case is stored."""

    async def ledger(self, number: int) -> Mapping[Partition, int]:
        """Up to where the topics of a partition number are folded; without a lock."""

    def work(self, number: int) -> AbstractAsyncContextManager[Work]:
        """A transaction that holds the lane of ``number`` and ends with the block."""
