"""The clocks of one case as escalation's domain has them, without its database."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from services.escalation.domain.backlog import Saying, announced, due_of
from services.escalation.domain.chain import CaseShown, RunningClock, announce_start, announce_stop
from services.escalation.domain.clocks import demanded
from services.escalation.domain.facts import Facts
from services.escalation.domain.fold import fold
from services.escalation.domain.limits import start
from services.escalation.domain.on_watch import Watch
from shared.events.envelope import Event
from shared.events.sla import ClockStepped, SlaEvent
from shared.playbook.model import Playbook


@dataclass(slots=True)
class Clocks:
    """Starts and stops clocks as facts come in, and says what the next one to speak has to say."""

    playbook: Playbook
    facts: Facts | None = None
    running: dict[UUID, RunningClock] = field(default_factory=dict)
    known: set[UUID] = field(default_factory=set)
    natural: set[tuple[UUID, str, int]] = field(default_factory=set)
    """Clock, step and repetition of what was planned in natural time: its year has no calendar."""

    def hear(self, event: Event[Any], *, now: datetime) -> tuple[Event[SlaEvent], ...]:
        """Fold a fact and return which clocks it starts and stops.

        Raises:
            UnknownYear: a limit runs into a year without a calendar.
        """
        self.facts = fold(self.facts, event)
        case, said = CaseShown.of(self.facts.view), list[Event[SlaEvent]]()
        for demand in demanded(self.facts):
            if demand.clock_id not in self.known:
                self.known.add(demand.clock_id)
                clock = start(demand, self.playbook)
                if clock is not None:
                    said.append(announce_start(clock, case=case, now=now))
                    self.running[demand.clock_id] = clock
                    self.natural |= {(demand.clock_id, one.step, one.nth) for one in clock.steps if one.natural}
            if demand.stop is not None and (stopped := self.running.pop(demand.clock_id, None)) is not None:
                said.append(announce_stop(stopped, demand.stop, case=case, now=now))
        return tuple(said)

    def in_natural_time(self, event: Event[Any]) -> bool:
        """Whether `event` is a step whose instant was counted without a calendar."""
        data = event.data
        return isinstance(data, ClockStepped) and (data.clock.clock_id, data.step, data.nth) in self.natural

    @property
    def next_at(self) -> datetime | None:
        """When the next clock has something to say; None when none ever will."""
        return min((clock.next_at for clock in self.running.values() if clock.next_at is not None), default=None)

    def fire(self, *, now: datetime) -> tuple[Event[SlaEvent], ...]:
        """What the clocks that are due at ``now`` say, each thing once."""
        if self.facts is None:
            return ()
        said = list[Saying]()
        for clock_id, clock in self.running.items():
            due = due_of(clock, now=now)
            if due:
                said += due
                self.running[clock_id] = due[-1].after
        return tuple(announced(said, case=CaseShown.of(self.facts.view), watch=Watch(playbook=self.playbook, at=now)))
