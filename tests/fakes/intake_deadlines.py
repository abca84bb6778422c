"""Intake's book of deadlines in a dict; ends of holds are read from the cases themselves."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.intake.deadline_ports import Deadline
from services.intake.domain.life.case import Case


@dataclass(slots=True)
class FakeDeadlines:
    """See ``ports.DeadlineBook``; ``cases`` are those of its transaction."""

    cases: Mapping[UUID, Case]
    due: dict[tuple[UUID, UUID], datetime] = field(default_factory=dict)

    async def of(self, case_id: UUID, order_id: UUID) -> datetime | None:
        return self.due.get((case_id, order_id))

    async def run(self, deadlines: Sequence[Deadline]) -> None:
        self.due |= {(one.case_id, one.order_id): one.due_at for one in deadlines}

    async def stop(self, orders: Collection[tuple[UUID, UUID]]) -> None:
        self.due = {key: due for key, due in self.due.items() if key not in set(orders)}

    async def take_due(self, *, now: datetime, most: int) -> Sequence[UUID]:
        ends = {case_id: case.view.held.until for case_id, case in self.cases.items() if case.view.held is not None}
        dated = sorted((until, case_id) for case_id, until in ends.items() if until is not None and until <= now)
        return [case_id for _, case_id in dated][:most]

    async def forget_holds(self, case_ids: Collection[UUID]) -> None:
        """The fake keeps no ends of its own."""

    def opened(self, cases: Mapping[UUID, Case]) -> "FakeDeadlines":
        return FakeDeadlines(cases, dict(self.due))
