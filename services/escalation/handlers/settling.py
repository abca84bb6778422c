"""What new facts change in the clocks of their cases."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from services.escalation.domain.chain import (
    RunningClock,
)
from services.escalation.domain.clocks import Demand, Stop, demanded
from services.escalation.domain.deadline import Terms
from services.escalation.domain.facts import Facts
from services.escalation.domain.fold import Folded, fold
from services.escalation.domain.limits import start
from services.escalation.domain.moves import Move, MoveKind
from services.escalation.domain.running import moved
from services.escalation.ports import (
    CaseChange,
    Changes,
    Folding,
    KnownCase,
    Moving,
    Playbooks,
    Started,
)
from shared.events.envelope import Event
from shared.events.sla import Moved
from shared.playbook.model import UnknownYear
from shared.playbook.shelf import UnknownCounty
from shared.runtime.delivery import Record


async def changes_of(
    known: Mapping[UUID, KnownCase],
    events: Mapping[UUID, Sequence[tuple[Record, Event[Folded]]]],
    playbooks: Playbooks,
    folding: Folding,
) -> Changes:
    """What the events change; the clocks that they move are locked and read, all others are not."""
    told = [Told.of(known.get(case_id), _fold_case(known.get(case_id), events[case_id])) for case_id in events]
    running = await folding.running([one.clock_id for case in told for one in case.to_move()])
    for case in told:
        case.settle(running, playbooks)
    return Changes(
        cases=[one.settled for one in told],
        started=[started for one in told for started in one.started],
        moved=[one_moved for one in told for one_moved in one.moved],
        stopped={clock_id: stop for one in told for clock_id, stop in one.stopped.items()},
        pressed=dict(_pressed(known, told)),
    )


def _pressed(known: Mapping[UUID, KnownCase], told: Iterable[Told]) -> Iterator[tuple[UUID, int]]:
    for one in told:
        view = one.case.facts.view
        before = known.get(view.case_id)
        if before is not None and before.facts.view.severity != view.severity:
            yield view.case_id, int(view.severity)


@dataclass(slots=True, kw_only=True)
class Told:
    """One case as its facts stand now, beside its clocks as they are stored."""

    case: CaseChange
    demands: tuple[Demand, ...]
    clocks: Mapping[UUID, Stop | None]
    moves: Mapping[UUID, int]
    started: list[Started] = field(default_factory=list)
    moved: list[Moving] = field(default_factory=list)
    stopped: dict[UUID, Stop] = field(default_factory=dict)
    waiting_for: str | None = None

    @classmethod
    def of(cls, before: KnownCase | None, case: CaseChange) -> Told:
        """The case as ``case``, whose clocks were ``before``."""
        clocks, moves = (before.clocks, before.moves) if before else ({}, {})
        return cls(case=case, demands=demanded(case.facts), clocks=clocks, moves=moves)

    @property
    def settled(self) -> CaseChange:
        """The case with what it waits for."""
        return self.case if self.waiting_for is None else replace(self.case, waiting_for=self.waiting_for)

    def to_move(self) -> list[Demand]:
        """The clocks that run and to which something happened that is not written yet."""
        running = [one for one in self.demands if one.clock_id in self.clocks and self.clocks[one.clock_id] is None]
        return [one for one in running if len(one.moves) > self.moves.get(one.clock_id, 0)]

    def settle(self, running: Mapping[UUID, RunningClock], playbooks: Playbooks) -> None:
        """Start, move and stop what the demands say; what cannot be reckoned yet waits for its playbook."""
        for demand in self.demands:
            try:
                self._settle(demand, running.get(demand.clock_id), playbooks)
            except (UnknownCounty, UnknownYear) as error:
                self.waiting_for = f"{demand.kind}: {error}"

    def _settle(self, demand: Demand, clock: RunningClock | None, playbooks: Playbooks) -> None:
        if demand.clock_id not in self.clocks:
            begun = start(demand, playbooks.of(demand.traits.area))
            if begun is not None:
                self.started.append(_started(begun, demand, self.case))
            return
        # A stop is written though the moves before it cannot be reckoned: whoever stopped it is not late for that.
        if demand.stop is not None and demand.stop != self.clocks[demand.clock_id]:
            self.stopped[demand.clock_id] = demand.stop
        if clock is not None and len(demand.moves) > clock.moves:
            terms = Terms.of(playbooks.of(demand.traits.area), clock.shown.target, clock.shown.level)
            self.moved.append(_moving(clock, demand.moves[clock.moves :], terms))


def _moving(before: RunningClock, moves: Sequence[Move], terms: Terms) -> Moving:
    clock = before
    for move in moves:
        clock = moved(clock, move, terms=terms)
    extended = any(move.kind is MoveKind.EXTEND for move in moves)
    return Moving(before=before, clock=clock, why=Moved.EXTENDED if extended else Moved.RESUMED)


def _fold_case(before: KnownCase | None, told: Sequence[tuple[Record, Event[Folded]]]) -> CaseChange:
    facts: Facts | None = before.facts if before else None
    partition, traceparent = (before.partition, before.traceparent) if before else (0, None)
    for record, event in told:
        facts = fold(facts, event)
        partition, traceparent = record.partition, event.traceparent or traceparent
    if facts is None:
        raise AssertionError("a case without facts and without events")
    return CaseChange(facts=facts, partition=partition, traceparent=traceparent, waiting_for=None)


def _started(clock: RunningClock, demand: Demand, case: CaseChange) -> Started:
    return Started(
        clock=clock,
        partition=case.partition,
        traceparent=case.traceparent,
        stop=demand.stop,
        urgency=int(case.facts.view.severity),
    )
