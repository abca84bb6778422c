"""What the handlers of personal data and of the audit need from outside; ``ports`` has everything else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from services.intake.domain.auditing import Block, Entry, Flaw
from services.intake.ports import Playbooks
from shared.vocabulary import CaseState


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """Somebody saw personal data, or did something to it: a line of the audit.

    ``kind`` is read, export, erase, retain, rewrap or drop; ``subject`` the report that it is about, or nil;
    ``digest`` the SHA-256 of what was shown or done.
    """

    at: datetime
    kind: str
    subject: UUID
    who: str
    key_id: str
    why: str
    origin: str
    digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """How far the audit is sealed; ``waiting_seconds`` is the age of the oldest entry that is not."""

    head: Block | None
    waiting: int
    waiting_seconds: float


class CountedAnew(Exception):  # noqa: N818  named for what is the matter
    """The server counts its transactions from anew: it was filled from a logical dump, and the chain cannot go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was looked at, and the first thing that does not hold; ``more`` when there is more behind ``last``."""

    last: int
    entries: int
    head: bytes
    flaw: Flaw | None
    more: bool


class AuditBook(Protocol):
    """The audit: facts come into it by themselves, looks at personal data by ``note``."""

    async def note(self, looks: Sequence[Looked]) -> None:
        """Write looks, all or none."""

    async def seal(self, *, at: datetime) -> Block | None:
        """Seal the next entries into a block; None when there are none, or another replica is at it.

        Raises:
            CountedAnew: what is written now would come before what is sealed.
        """

    async def state(self) -> Sealed:
        """How far it is sealed."""

    async def of_subject(self, subject: UUID, *, after: tuple[int, int], most: int) -> Sequence[Entry]:
        """The entries about a case or a report behind ``after`` (turn, entry), oldest first."""

    async def of_modes(self, area: str, *, after: tuple[int, int], most: int) -> Sequence[Entry]:
        """The entries about changes of mode in ``area`` and below it behind ``after``, oldest first."""

    async def check(self, *, after: int, most: int) -> Checked:
        """Recompute at most so many blocks behind block ``after``; stops at the first flaw."""

    async def check_facts(self, *, after: UUID, most: int) -> tuple[UUID | None, Flaw | None]:
        """Whether so many cases behind ``after`` have all their facts, and each fact its entry; the last one seen.

        The first step looks at all changes of mode too, and at the modes in force.

        None instead of the last when there are no more.
        """

    async def drop(self, *, before: datetime, most: int, look: Looked) -> int:
        """Remove the entries of at most so many blocks sealed before then, oldest first; their marks stay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptReport:
    """A report as it lies in the books, with where its case stands; ``sealed`` is None when it was erased."""

    report_id: UUID
    case_id: UUID
    source: str
    text: str
    received_at: datetime
    county: str
    area: str
    category: str
    state: CaseState
    leads: str | None
    secret: bool
    sealed: bytes | None
    photos: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsealed:
    """A row sealed by a wrapping key itself, from before there were data keys."""

    report_id: UUID
    county: str
    sealed: bytes


class PersonBook(Protocol):
    """Reports by whom they are of, and their removal."""

    async def area_of(self, case_id: UUID) -> str | None:
        """Where a case lies; None when there is none."""

    async def report(self, report_id: UUID) -> KeptReport | None:
        """One report."""

    async def of_person(self, person: bytes, *, area: str, most: int) -> Sequence[KeptReport]:
        """Reports of one person about places in ``area``, oldest first."""

    async def outlived(
        self, *, county: str, before: datetime, after: tuple[datetime, UUID], most: int
    ) -> Sequence[tuple[datetime, UUID, bool]]:
        """The next reports with something personal, received before then and behind ``after``, oldest first.

        Each with whether it has outlived its time: the county's, and its case ended before then.
        """

    async def erase(self, report_ids: Sequence[UUID], *, text: str, looks: Sequence[Looked]) -> Sequence[str]:
        """Remove what is personal of these reports, put ``text`` in the place of theirs, write ``looks``.

        Returns the ids of photos that no report shows any more. What happened to their cases stays.
        """

    async def remove_photos(
        self, *, county: str, before: datetime, most: int, looks: Callable[[int], Sequence[Looked]]
    ) -> tuple[int, Sequence[str]]:
        """Remove at most so many photos of the county's reports whose cases ended before then.

        How many rows went, and the photos that no report shows any more; ``looks`` are written for as many.
        """

    async def forget_client_keys(self, *, before: datetime, most: int) -> int:
        """Remove at most so many answers kept under client keys before then; how many."""

    async def unsealed(self, *, after: UUID, most: int) -> Sequence[Unsealed]:
        """At most so many rows that no data key seals, behind ``after``, in the order of their ids."""

    async def reseal(self, rows: Sequence[tuple[Unsealed, bytes, bytes | None]]) -> int:
        """Put what is sealed now, and whose it is, in the place of what still is as it was; how many were."""


class PersonVault(Protocol):
    """The part of the vault that opens; see ``ports.Vault`` for the part that seals."""

    async def read(self, sealed: bytes, *, about: UUID) -> bytes:
        """Decrypt what was sealed about a report.

        Raises:
            Unreadable: no key in force opens it.
        """

    def seal(self, plain: bytes, *, county: str, about: UUID) -> bytes:
        """See ``ports.Vault.seal``."""

    def person(self, phone: str) -> bytes | None:
        """See ``ports.Vault.person``."""

    async def rewrap(self) -> Mapping[str, int]:
        """Wrap every data key that an older key wraps by the newest: ``rewrapped`` and how many are ``left``."""


class PhotoBook(Protocol):
    """Which photos are on their way, and which no report shows."""

    async def note(self, photo_ids: Sequence[str]) -> None:
        """Say that these are about to be kept; waits while one of them is being removed."""

    def unshown(self, photo_ids: Sequence[str]) -> AbstractAsyncContextManager[Sequence[str]]:
        """Those that no report shows and that are not on their way; nobody keeps one until this is left."""

    async def forget(self, *, most: int) -> int:
        """Forget at most so many notes of photos that have arrived long ago; how many."""


class PhotoStore(Protocol):
    """Where photos lie."""

    async def burn(self, photo_ids: Sequence[str]) -> int:
        """Remove those that no report shows; how many. One that is just being sent again stays."""

    def listed(self) -> AsyncIterator[Sequence[tuple[str, datetime]]]:
        """What lies here, some photos at a time, each with when it was last written; one may come twice."""

    async def forget(self, *, most: int) -> int:
        """See ``PhotoBook.forget``."""


class Watch(Protocol):
    """Counts what is seen and removed."""

    def seen(self, kind: str, sight: str) -> None:
        """Somebody saw personal data of a report, by ``read`` or ``export``."""

    def removed(self, what: str, count: int) -> None:
        """So many reports, client keys or audit blocks outlived their time or were erased."""

    def sealed(self, block: int, waiting_seconds: float) -> None:
        """The audit is sealed up to ``block``; the oldest entry that waits is so old."""


class Unwatched:
    """See ``Watch``; nobody counts."""

    def seen(self, kind: str, sight: str) -> None:
        """See ``Watch.seen``."""

    def removed(self, what: str, count: int) -> None:
        """See ``Watch.removed``."""

    def sealed(self, block: int, waiting_seconds: float) -> None:
        """See ``Watch.sealed``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Custody:
    """Everything outside of the handlers of personal data and of the audit."""

    audit: AuditBook
    persons: PersonBook
    vault: PersonVault
    playbooks: Playbooks
    clock: Callable[[], datetime]
    photos: PhotoStore | None = None
    watch: Watch = field(default_factory=Unwatched)
