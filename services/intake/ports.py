"""What intake's handlers need from outside."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from services.intake.domain.case import Case
from shared.events.case import CaseEvent
from shared.events.envelope import Event
from shared.events.parts import Place
from shared.playbook.model import Playbook
from shared.vocabulary import Refused, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientKey:
    """A key that a client gave to its request; ``owner`` keeps those of two clients apart."""

    owner: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was answered under a client key, and the fingerprint of what was asked."""

    fingerprint: bytes
    body: str
    """JSON, given back byte for byte."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FiledReport:
    """A report as it is kept: its text masked, and what is personal as ``sealed`` bytes."""

    report_id: UUID
    case_id: UUID
    source: Source
    sender: str
    text: str
    received_at: datetime
    occurred_at: datetime | None
    sealed: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The case after ``events``; they go to the log and to the outbox, in order."""

    case: Case
    events: tuple[Event[CaseEvent], ...]


class Transaction(Protocol):
    """One transaction: everything in it is kept, or nothing."""

    async def claim(self, answers: Mapping[ClientKey, Answer]) -> frozenset[ClientKey]:
        """Keep each answer unless its key has one already; the keys that were free.

        Waits for another transaction that is claiming one of them.
        """

    async def answers(self, keys: Collection[ClientKey]) -> Mapping[ClientKey, Answer]:
        """The answers kept under these keys."""

    async def load(self, case_ids: Collection[UUID]) -> Mapping[UUID, Case]:
        """These cases, locked until the transaction ends; one that is not there is left out."""

    async def save(self, changes: Sequence[Change]) -> None:
        """Keep each case, append its events to the log and put them into the outbox."""

    async def file(self, reports: Sequence[FiledReport]) -> None:
        """Keep new reports."""


class CaseStore(Protocol):
    """Where cases, reports and answers are kept."""

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """A transaction, committed at the end of the block and undone by an exception."""


class Vault(Protocol):
    """Keeps personal data unreadable to whoever has the database alone."""

    def seal(self, plain: bytes) -> bytes:
        """Encrypt; two seals of one text differ."""

    def open(self, sealed: bytes) -> bytes:
        """Decrypt what any key in force has sealed."""

    def fingerprint(self, plain: bytes) -> bytes:
        """A keyed digest, so that a short text cannot be guessed from it."""

    def matches(self, fingerprint: bytes, plain: bytes) -> bool:
        """Whether any key in force makes this fingerprint of ``plain``."""


class NoPlaybook(Refused):
    """No playbook in force covers the area; ``allowed`` lists the counties that have one."""


class PlaybookAway(Exception):  # noqa: N818  named for what is the matter
    """No playbook has come yet, so nobody can say what is right: an outage, not a refusal."""


class Playbooks(Protocol):
    """The playbook in force of each county."""

    def of(self, area: str) -> Playbook:
        """The playbook of the county that holds ``area``.

        Raises:
            NoPlaybook: when there is none.
            PlaybookAway: when there is none of any county.
        """

    def counties(self) -> Sequence[str]:
        """The counties that have one."""

    def around(self, place: Place) -> Sequence[str]:
        """The counties whose cells may hold ``place``: every one that does, and few that do not."""
