"""What intake's handlers need from outside."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from services.intake.deadline_ports import DeadlineBook
from services.intake.domain.alike.sameness import Account, Kin, Profile
from services.intake.domain.life.case import Case
from services.intake.domain.modes import InForce, ModeChange
from services.intake.domain.moves.instructing import Left
from services.intake.domain.reading.guessing import Opinion
from services.intake.domain.sources.chains import Chain
from shared.events.case import CaseEvent
from shared.events.envelope import Event
from shared.events.mode import ModeChanged
from shared.events.parts import Actor, Photo, Place
from shared.playbook.model import Playbook
from shared.vocabulary import CaseState, ModeKind, Purpose, Refused, Source


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
    person: bytes | None = None
    """The keyed digest of the reporter's phone, if there is one."""
    secret: bool = False
    """Nobody below the county's leader is told who it was."""
    photos: tuple[Photo, ...] = ()
    tracking: str | None = None
    """The digest of the code by which its reporter follows it."""
    area: str | None = None
    place: Place | None = None
    category: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The case after ``events``; they go to the log and to the outbox, in order."""

    case: Case
    events: tuple[Event[CaseEvent], ...]
    origin: str = "inside"
    """The door and the address that they came from, for the audit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """Where a case opens, and what it is about."""

    area: str
    category: str
    purpose: Purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a case must know of its place when it opens.

    ``modes`` are those entered for the areas over it; ``earlier`` when cases of the same category and
    purpose in the same village were opened, newest first, at most 16.
    """

    modes: tuple[InForce, ...] = ()
    earlier: tuple[datetime, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settling:
    """The walk over the open cases of ``area`` after a change of mode; it goes on behind ``after``."""

    change_id: UUID
    area: str
    by: Actor
    reason: str
    after: tuple[str, UUID]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileAsk:
    """A report that may be of a matter known already: one whose newest report came after ``since``."""

    kin: Kin
    account: Account
    since: datetime
    metres: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptReport:
    """A report as it was kept, masked; ``area`` and ``category`` are None for those of before they were kept."""

    report_id: UUID
    case_id: UUID
    source: Source
    text: str
    received_at: datetime
    tracking: str | None
    area: str | None = None
    place: Place | None = None
    category: str | None = None
    photos: tuple[Photo, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownProfile:
    """What anybody may know of a case that their report may be about."""

    case_id: UUID
    title: str
    state: CaseState
    opened_at: datetime
    reports: int
    place: Place | None
    takes_reports: bool


class ProfileBook(Protocol):
    """The matters that reports tell of, and which case each report belongs to, inside a transaction."""

    async def alike(self, asks: Sequence[ProfileAsk], *, hold: bool) -> Sequence[Sequence[Profile]]:
        """The matters that each report may be of, at most 16, of the newest 256 of its town and family.

        With ``hold`` no other transaction that holds sees these towns and families before this one has ended, so
        that one matter told twice at one instant becomes one case.
        """

    async def find(self, case_ids: Collection[UUID]) -> Mapping[UUID, Profile]:
        """The matters of these cases; one that has none is left out."""

    async def keep(self, profiles: Sequence[Profile]) -> None:
        """Keep these, new or changed; of one case the last."""

    async def forget(self, case_ids: Collection[UUID]) -> None:
        """No report shall be compared with these cases any more."""

    async def case_of_code(self, digest: str) -> UUID | None:
        """The case of the report with this digest of its tracking code, as it was merged and split since."""

    async def shown(self, case_ids: Collection[UUID]) -> Mapping[UUID, ShownProfile]:
        """What is public of these cases; one that was reported in secret is left out. Nothing is locked."""

    async def report(self, report_id: UUID) -> KeptReport | None:
        """The report of that id."""

    async def reports_of(self, case_id: UUID, most: int) -> Sequence[KeptReport]:
        """The case's reports, oldest first, at most so many."""

    async def move(self, report_ids: Collection[UUID], *, to: UUID) -> None:
        """Let these reports belong to another case."""


class ModeBook(Protocol):
    """The modes in force and their changes, inside a transaction."""

    async def hold(self, county: str) -> None:
        """Wait until no case of the county is being opened, and let none be until the transaction ends."""

    async def over(self, area: str) -> Sequence[InForce]:
        """The modes entered for ``area`` and the areas that hold it."""

    async def propose(self, change: ModeChange) -> None:
        """Keep a proposal; an older one for the same area is superseded."""

    async def ask(self, changes: Sequence[ModeChange]) -> None:
        """Keep what rules ask for, each change once."""

    async def asked(self, most: int) -> Sequence[ModeChange]:
        """The oldest that rules asked for and nobody has in hand, locked."""

    async def change(self, change_id: UUID) -> ModeChange | None:
        """The change of that id, locked."""

    async def decide(self, change: ModeChange) -> None:
        """Keep what has become of a change."""

    async def enter(self, event: Event[ModeChanged]) -> None:
        """Put a mode into force and its event into the outbox, and have the area's cases settled."""

    async def take_settling(self) -> Settling | None:
        """The oldest unfinished walk that nobody has in hand, for half a minute; None when there is none."""

    async def next_cases(self, settling: Settling, most: int) -> Sequence[tuple[str, UUID]]:
        """The next open cases of a walk: area and id, in the order of the walk."""

    async def walked(self, settling: Settling, *, to: tuple[str, UUID], seen: int, changed: int) -> None:
        """Keep how far a walk has come; ``to`` behind its last case. Nothing when another has gone on with it."""

    async def finish(self, settling: Settling, *, at: datetime) -> None:
        """End a walk."""


class ChainBook(Protocol):
    """Which case stands for which warning, inside a transaction."""

    async def find(self, county: str, front: str, references: Sequence[str]) -> Chain | None:
        """The chain that has one of these names, the one heard of last; None when none has."""

    async def keep(self, chain: Chain, *, at: datetime) -> None:
        """Keep the chain under its name, and what is known of its case under its other names too.

        A later round stands; a few chains that nobody has heard of for long go.
        """


class Transaction(Protocol):
    """One transaction: everything in it is kept, or nothing."""

    @property
    def chains(self) -> ChainBook:
        """The chains of warnings, as this transaction sees them."""

    @property
    def modes(self) -> ModeBook:
        """The modes, as this transaction sees them."""

    @property
    def deadlines(self) -> DeadlineBook:
        """Deadlines and ends of holds; `save` follows a case's own holds and end."""

    @property
    def profiles(self) -> ProfileBook:
        """The matters, as this transaction sees them."""

    async def around(self, spots: Sequence[Spot], *, since: datetime) -> Sequence[Surroundings]:
        """What each spot's case must know, earlier cases back to ``since``.

        No mode of these counties changes until the transaction ends: a case is either opened before
        the change and settled, or after it and knows.
        """

    async def remove_canaries(self, *, before: datetime, most: int) -> int:
        """Remove at most so many closed canaries that were opened before then, with everything of theirs; how many.

        One that is still open waits for its order: without its case that would be a dead letter.
        """

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

    def seal(self, plain: bytes, *, county: str, about: UUID) -> bytes:
        """Encrypt by the county's key, bound to the report that it is about; two seals of one text differ."""

    def person(self, phone: str) -> bytes | None:
        """A keyed digest by which one phone's reports are found; None when that is no phone."""

    def fingerprint(self, plain: bytes) -> bytes:
        """A keyed digest, so that a short text cannot be guessed from it."""

    def matches(self, fingerprint: bytes, plain: bytes) -> bool:
        """Whether any key in force makes this fingerprint of ``plain``."""

    def hide(self, text: str, *, about: bytes) -> str:
        """Encrypt a short text by a key that stays, bound to ``about``; as text without quotes or backslashes."""

    def uncover(self, hidden: str, *, about: bytes) -> str:
        """The text that `hide` was given.

        Raises:
            Refused: no key in force opens it, or it is about something else.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Developed:
    """A photo as it is kept: what is said of it, the picture and its small one, both JPEG."""

    photo: Photo
    picture: bytes
    small: bytes


class Darkroom(Protocol):
    """Makes photos ready and keeps them."""

    async def develop(self, upload: bytes, *, field: str) -> Developed:
        """The photo without what the camera wrote; ``field`` names it in a refusal.

        Raises:
            Refused: it is no picture that is taken here.
        """

    async def keep(self, photos: Sequence[Developed]) -> None:
        """Keep them for good; the same one again changes nothing."""


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


class Guesser(Protocol):
    """The model that each county's own history has taught."""

    def opinion(self, county: str, text: str) -> Opinion:
        """What the county's model thinks of a text; no opinion without a model."""


class Tell(Protocol):
    """Counts what intake does by itself."""

    def canary_sent(self) -> None:
        """A canary was sent."""

    def canary_closed(self) -> None:
        """A canary came back as an order and closed itself."""

    def mode_entered(self, kind: ModeKind) -> None:
        """A mode of that kind came into force; normal: one was left."""

    def settled(self, cases: int) -> None:
        """So many cases were told of a change of mode."""

    def instructed(self, left: Left | None) -> None:
        """A chain's instruction was given, or a case was ``left`` without it."""
