"""Intake's book of modes in a few dicts; a copy of it belongs to a transaction still open."""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from services.intake.domain.life.case import Case
from services.intake.domain.modes import ChangeState, InForce, ModeChange
from services.intake.ports import Settling
from shared.events.envelope import Event
from shared.events.mode import ModeChanged
from shared.vocabulary import CaseState, covers


@dataclass(slots=True)
class FakeModes:
    """See ``ports.ModeBook``; ``cases`` are those of its transaction."""

    cases: Mapping[UUID, Case]
    in_force: dict[str, InForce] = field(default_factory=dict)
    changes: dict[UUID, ModeChange] = field(default_factory=dict)
    walks: dict[UUID, Settling] = field(default_factory=dict)
    events: list[Event[ModeChanged]] = field(default_factory=list)

    async def hold(self, county: str) -> None:
        """One transaction at a time in a test without PostgreSQL."""

    async def over(self, area: str) -> Sequence[InForce]:
        return [one for one in self.in_force.values() if covers(one.area, area)]

    async def propose(self, change: ModeChange) -> None:
        for one in list(self.changes.values()):
            if one.area == change.area and one.state is ChangeState.PROPOSED:
                self.changes[one.change_id] = replace(one, state=ChangeState.SUPERSEDED)
        self.changes[change.change_id] = change

    async def ask(self, changes: Sequence[ModeChange]) -> None:
        self.changes = {change.change_id: change for change in changes} | self.changes

    async def asked(self, most: int) -> Sequence[ModeChange]:
        return [one for one in self.changes.values() if one.state is ChangeState.RULED][:most]

    async def change(self, change_id: UUID) -> ModeChange | None:
        return self.changes.get(change_id)

    async def decide(self, change: ModeChange) -> None:
        self.changes[change.change_id] = change

    async def enter(self, event: Event[ModeChanged]) -> None:
        new = event.data
        after = ("", UUID(int=0))
        self.in_force[new.area] = InForce(
            area=new.area, mode=new.mode, kind=new.kind, grade=new.grade, version=event.sequence
        )
        self.walks[new.change_id] = Settling(
            change_id=new.change_id, area=new.area, by=new.by, reason=new.reason, after=after
        )
        self.events.append(event)

    async def take_settling(self) -> Settling | None:
        return next(iter(self.walks.values()), None)

    async def next_cases(self, settling: Settling, most: int) -> Sequence[tuple[str, UUID]]:
        views = (case.view for case in self.cases.values() if case.view.state is not CaseState.CLOSED)
        places = sorted((view.area, view.case_id) for view in views if covers(settling.area, view.area))
        return [place for place in places if place > settling.after][:most]

    async def walked(self, settling: Settling, *, to: tuple[str, UUID], seen: int, changed: int) -> None:
        self.walks[settling.change_id] = replace(settling, after=to)

    async def finish(self, settling: Settling, *, at: datetime) -> None:
        self.walks.pop(settling.change_id, None)

    def opened(self, cases: Mapping[UUID, Case]) -> "FakeModes":
        other = copy(self)
        other.cases, other.in_force, other.changes = cases, dict(self.in_force), dict(self.changes)
        other.walks, other.events = dict(self.walks), list(self.events)
        return other
