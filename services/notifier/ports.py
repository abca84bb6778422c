"""What the notifier's handlers and endpoints need from outside."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Address
from typing import Protocol
from uuid import UUID

from services.notifier.domain.audience import Filter, Scope
from services.notifier.domain.delivery import Answer, Reason, Verdict
from services.notifier.domain.fold import CaseRead
from services.notifier.domain.proposals import Ruling
from services.notifier.domain.subscription import NewSubscription, Secret, Subscription
from services.notifier.domain.telling import Telling
from services.notifier.domain.tracking import Link
from services.notifier.domain.words import Names
from shared.events.envelope import Event
from shared.events.mode import ModeChanged
from shared.events.warning import WarningEvent


class Unstorable(Exception):  # noqa: N818  named for what the values are
    """The database will never take these values; what holds them belongs on the dead-letter topic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """An active subscription as far as telling goes."""

    subscription_id: UUID
    scope: Scope
    asked: Filter


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """One delivery that an event owes a subscription; ``body`` is its JSON.

    A ``held`` one is written down and never sent. ``longest_pause`` is between two attempts.
    """

    delivery_id: UUID
    subscription_id: UUID
    telling: Telling
    body: str
    held: Reason | None = None
    longest_pause: timedelta | None = None


class County(Names, Protocol):
    """What the playbooks in force say; where none is known, codes for names and no overlay."""

    def reopening(self, area: str) -> timedelta | None:
        """How long after its closing a case can be opened again; None where no playbook says so."""

    def longest_pause(self, area: str, mode: str) -> timedelta | None:
        """The longest pause between two attempts at a delivery about a case in ``mode``; None shortens none."""


class Work(Protocol):
    """One transaction over the read side; the calls come in the order in which they stand here."""

    async def open_cases(self, case_ids: Collection[UUID]) -> Mapping[UUID, CaseRead]:
        """Lock these cases until the end and return what is known of them."""

    async def told(self, event_ids: Collection[UUID]) -> frozenset[UUID]:
        """Return which of these events have been told before."""

    async def subscribers(self, areas: Collection[str], *, counties: Collection[str] = ()) -> Sequence[Subscriber]:
        """Return the active subscriptions to these areas or to areas that hold them, kept from vanishing.

        Of ``counties``, which a circular goes to, all there are.
        """

    async def save(self, reads: Sequence[CaseRead], tellings: Sequence[Telling]) -> None:
        """Write the cases as they are now, and the new lines of their timelines."""

    async def remember(self, rulings: Sequence[Ruling]) -> None:
        """Keep rulings as proposals for the duty list; one that is there already stays as it is."""

    async def follow(self, links: Sequence[Link]) -> None:
        """Keep which code follows which case; a link that is there already stays as it is."""

    async def owe(self, owed: Sequence[Owed], *, now: datetime) -> None:
        """Queue deliveries, and write down those that are held; one that is there already stays as it is."""

    async def publish(self, tellings: Sequence[Telling]) -> None:
        """Append to the feed, in commit order; nothing may follow but the commit."""


class ReadSide(Protocol):
    """Where the read side is kept."""

    async def keep_modes(self, changes: Sequence[ModeChanged]) -> None:
        """Keep changes of mode; one that is there already stays as it is."""

    def work(self) -> AbstractAsyncContextManager[Work]:
        """Open a transaction; leaving it commits.

        Raises:
            Unstorable: when the database will never take the values.
        """


class Warnings(Protocol):
    """Where early warnings are kept."""

    async def keep(self, events: Sequence[Event[WarningEvent]]) -> None:
        """Keep what they say and put it into the feed; a repeat changes nothing.

        Raises:
            Unstorable: when the database will never take the values.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One due delivery in this worker's hands until its lease ends; ``secrets`` are the live ones, newest first."""

    delivery_id: UUID
    lease: UUID
    subscription_id: UUID
    url: str
    secrets: tuple[str, ...]
    body: str
    attempt: int
    traceparent: str | None
    longest_pause: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What one attempt came to."""

    at: datetime
    answer: Answer
    milliseconds: int


class Deliveries(Protocol):
    """Where deliveries wait."""

    async def claim(
        self, *, now: datetime, lease: timedelta, most: int, most_each: int, busy: Mapping[UUID, int]
    ) -> Sequence[Claim]:
        """Take at most ``most`` due deliveries, the longest due first, and hold each for ``lease``.

        At most ``most_each`` of one subscription, those that ``busy`` counts included. One that is
        claimed and not recorded in time is due again: at least once, never lost.
        """

    async def record(self, claim: Claim, attempt: Attempt, verdict: Verdict) -> bool:
        """Write the outcome; False when the lease had ended and somebody else has it."""


class Sender(Protocol):
    """Puts one signed request on the wire."""

    async def send(self, claim: Claim, *, now: datetime) -> Answer:
        """Sign and post ``claim``; every failure is an answer, none an exception."""


class Router(Protocol):
    """Puts a case to the rules."""

    async def ask(self, question: bytes) -> RouterAnswer:
        """Return what the router answers to ``question``.

        Raises:
            RouterAway: when it does not answer in time, or cannot be reached.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class RouterAnswer:
    """The router's status and body, as they came."""

    status: int
    body: bytes


class RouterAway(Exception):  # noqa: N818  named for the fact
    """The router cannot be asked at the moment; says why."""


class Resolver(Protocol):
    """Names to addresses."""

    async def addresses(self, host: str, port: int) -> Sequence[IPv4Address | IPv6Address]:
        """Return every address of ``host``.

        Raises:
            OSError: when there is none.
        """


class Subscriptions(Protocol):
    """Where subscriptions are kept; what lies outside ``scope`` is as if it were not there."""

    async def add(self, subscription: NewSubscription, secret: Secret, *, most: int) -> Subscription | None:
        """Keep a new subscription with its first secret; None when its owner has ``most`` already."""

    async def get(self, subscription_id: UUID, scope: Scope) -> Subscription | None:
        """Return one."""

    async def rotate(self, subscription_id: UUID, secret: Secret, *, old_until: datetime) -> None:
        """Add a secret; the older ones end at ``old_until`` at the latest, the oldest beyond the limit now."""

    async def enable(self, subscription_id: UUID) -> None:
        """Make a disabled subscription active again."""

    async def replay(self, subscription_id: UUID, delivery_id: UUID, *, now: datetime) -> bool | None:
        """Make a delivery due now, from the first step of its schedule.

        False when it waits already, None when there is none.

        Raises:
            Refused: when it is held: it must never leave.
        """
