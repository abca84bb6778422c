"""What raising warnings needs from outside: one transaction a county, and the reports that wait to be looked at."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from services.escalation.domain.warning.episodes import Episode
from services.escalation.domain.warning.replay import Figures
from services.escalation.domain.warning.reports import Report
from services.escalation.domain.warning.rounds import Asked
from shared.events.codec import Message
from shared.playbook.model import Playbook


@dataclass(frozen=True, slots=True, kw_only=True)
class CountyPast:
    """A county's figures, and the first local day on which anything is known of it."""

    figures: Figures
    first: date


class Watching(Protocol):
    """One transaction over one county; nobody else looks at the county until its end."""

    async def now(self) -> datetime:
        """The database's clock."""

    async def fresh(self, *, most: int) -> Sequence[Report]:
        """Reports that no round has looked at, oldest first."""

    async def reports(self, after: datetime, until: datetime, *, most: int) -> Sequence[Report]:
        """All reports of (``after``, ``until``], oldest first; of more than ``most`` the newest."""

    async def waiting(self, *, most: int) -> frozenset[UUID]:
        """The reports that no round has looked at, at most so many of the oldest."""

    async def episodes(self, ended_after: datetime, *, most: int) -> Sequence[Episode]:
        """The warnings that stand and those that ended after an instant; at most so many, the standing and newest."""

    async def past(self, today: date, zone: ZoneInfo) -> CountyPast:
        """What the whole days before ``today`` tell of the county."""

    async def counts(self, asked: Asked, zone: ZoneInfo) -> Mapping[date, int]:
        """Reports of a subject by local day, for the eight weeks before the day that is asked for."""

    async def write(self, episodes: Sequence[Episode], messages: Sequence[Message]) -> None:
        """Write warnings and what is said of them, committed at the end of the transaction."""

    async def looked(self, fresh: Collection[UUID]) -> None:
        """These reports, and the warnings of the county that stand, have been looked at."""


class WarningStore(Protocol):
    """Where reports are counted and warnings are kept."""

    def watching(self, county: str) -> AbstractAsyncContextManager[Watching | None]:
        """A transaction that ends with the block; None when another replica looks at the county."""

    async def counties(self, *, again_after: timedelta, most: int) -> Sequence[str]:
        """Counties with fresh reports, or with a warning that stands and was not looked at for so long."""

    async def forget(self, *, older_than: timedelta, most: int) -> int:
        """Delete reports and ended warnings that are older, at most ``most`` of each; return how many went."""


class Playbooks(Protocol):
    """The playbooks in force."""

    def of(self, area: str) -> Playbook:
        """The playbook of the county of ``area``.

        Raises:
            UnknownCounty: when none has been seen yet.
        """
