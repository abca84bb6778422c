"""The notifier's read side in memory; tests/integration/notifier/test_read_side.py holds it to the real one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.notifier.domain.fold import CaseRead
from services.notifier.domain.proposals import Ruling
from services.notifier.domain.telling import Telling
from services.notifier.domain.tracking import Link
from services.notifier.ports import Owed, Subscriber, Unstorable
from shared.events.mode import ModeChanged


@dataclass(slots=True, kw_only=True)
class FakeReadSide:
    """Commits at the end of ``work``; an event whose case has the title ``poison`` can never be stored."""

    cases: dict[UUID, CaseRead] = field(default_factory=dict)
    told_ids: set[UUID] = field(default_factory=set)
    owed: dict[UUID, Owed] = field(default_factory=dict)
    feed: list[Telling] = field(default_factory=list)
    modes: dict[UUID, ModeChanged] = field(default_factory=dict)
    rulings: dict[UUID, Ruling] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)
    hearing: list[Subscriber] = field(default_factory=list)
    transactions: int = 0

    @asynccontextmanager
    async def work(self) -> AsyncIterator[FakeReadSide]:
        before = (dict(self.cases), set(self.told_ids), dict(self.owed), list(self.feed))
        try:
            yield self
        except BaseException:
            self.cases, self.told_ids, self.owed, self.feed = before
            raise
        self.transactions += 1

    async def open_cases(self, case_ids: Collection[UUID]) -> Mapping[UUID, CaseRead]:
        return {case_id: self.cases[case_id] for case_id in case_ids if case_id in self.cases}

    async def told(self, event_ids: Collection[UUID]) -> frozenset[UUID]:
        return frozenset(event_ids) & self.told_ids

    async def subscribers(self, areas: Collection[str], *, counties: Collection[str] = ()) -> Sequence[Subscriber]:
        hearing = (one for one in self.hearing if any(area.startswith(one.scope.area) for area in areas))
        return [*hearing, *(one for one in self.hearing if one.scope.area.startswith(tuple(counties)))]

    async def save(self, reads: Sequence[CaseRead], tellings: Sequence[Telling]) -> None:
        if any(read.view.title == "poison" for read in reads):
            raise Unstorable("poison")
        self.cases.update({read.view.case_id: read for read in reads})
        self.told_ids.update(telling.event_id for telling in tellings)

    async def remember(self, rulings: Sequence[Ruling]) -> None:
        for one in rulings:
            self.rulings.setdefault(one.event_id, one)

    async def follow(self, links: Sequence[Link]) -> None:
        self.links.extend(link for link in links if link not in self.links)

    async def keep_modes(self, changes: Sequence[ModeChanged]) -> None:
        for change in changes:
            if change.reason == "poison":
                raise Unstorable("poison")
            self.modes.setdefault(change.change_id, change)

    async def owe(self, owed: Sequence[Owed], *, now: datetime) -> None:
        for one in owed:
            self.owed.setdefault(one.delivery_id, one)

    async def publish(self, tellings: Sequence[Telling]) -> None:
        self.feed.extend(tellings)
