"""What can happen to escalation: a batch of facts arrives, time passes, a playbook arrives."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, get_args
from uuid import UUID

from services.escalation.domain.chain import (
    RunningClock,
    Verdict,
    Wait,
    Warn,
    announce,
    announce_move,
    announce_start,
    announce_stop,
    judge,
)
from services.escalation.domain.clocks import Demand, Stop, demanded
from services.escalation.domain.deadline import Terms
from services.escalation.domain.fold import Facts, Folded, fold
from services.escalation.domain.limits import start
from services.escalation.domain.moves import Move, MoveKind
from services.escalation.domain.running import moved
from services.escalation.ports import (
    CaseChange,
    Changes,
    DeadLetters,
    Due,
    Fired,
    Folding,
    Horizon,
    KnownCase,
    Moving,
    Playbooks,
    Started,
    Store,
)
from shared.events.case import CaseEvent
from shared.events.codec import decode, encode
from shared.events.envelope import Event, Payload
from shared.events.order import OrderEvent
from shared.events.sla import Moved
from shared.playbook.model import UnknownYear
from shared.playbook.shelf import UnknownCounty
from shared.runtime.delivery import Partition, Record, Rejected, Rejections
from shared.vocabulary import Malformed

SERVICE: Final = "escalation"
FOLDED: Final = (*get_args(CaseEvent), *get_args(OrderEvent))

log = logging.getLogger(__name__)


class Hole(Exception):  # noqa: N818  named for what was found
    """Offsets are missing between the ledger and the log: facts are lost and clocks would be wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldReport:
    """What a batch came to; ``earliest`` is the next instant of the clocks that it started."""

    applied: int = 0
    repeated: int = 0
    rejected: Sequence[Rejected] = ()
    started: int = 0
    moved: int = 0
    stopped: int = 0
    waiting: int = 0
    earliest: datetime | None = None
    ledger: Mapping[Partition, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FireReport:
    """What one firing said, and how late each clock was, in seconds."""

    taken: int
    verdicts: Sequence[tuple[RunningClock, Verdict]]
    late_seconds: Sequence[float]


async def fold_batch(
    records: Sequence[Record],
    *,
    store: Store,
    playbooks: Playbooks,
    letters: DeadLetters,
    rejections: Rejections,
    now: datetime,
) -> FoldReport:
    """Fold records into facts and clocks, and move the ledger, in one transaction.

    A record below the ledger is a repeat and is skipped; one that nobody can read is safe on the
    dead-letter topic before the ledger passes it. Each partition's records are given in order.

    Raises:
        Hole: when a record lies above the ledger; nothing is written then.
        TooManyRejected: when a partition's garbage goes beyond the limits; nothing is written or set aside then.
    """
    async with store.folding() as folding:
        ledger = dict(await folding.claim({Partition(record.topic, record.partition) for record in records}))
        fresh = _unseen(records, ledger)
        events, rejected = _read(fresh)
        judged = rejections.judge(fresh, rejected)
        known = await folding.known(list(events))
        changes = replace(await _changes(known, events, playbooks, folding), ledger=ledger)
        await _keep(changes, folding, now=now)
        if rejected:
            await letters.set_aside(rejected, now=now)
    rejections.keep(judged)
    return FoldReport(
        applied=len(fresh) - len(rejected),
        repeated=len(records) - len(fresh),
        rejected=rejected,
        started=len(changes.started),
        moved=len(changes.moved),
        stopped=len(changes.stopped),
        waiting=sum(1 for case in changes.cases if case.waiting_for is not None),
        earliest=_earliest(changes),
        ledger=ledger,
    )


async def revisit(county: str, *, store: Store, playbooks: Playbooks, before: datetime, most: int) -> int:
    """Start the clocks of cases that waited for their playbook; return how many cases were looked at.

    A case that must go on waiting says so again, later than ``before``.
    """
    async with store.folding() as folding:
        case_ids = await folding.waiting(county, before=before, most=most)
        known = await folding.known(case_ids)
        await _keep(await _changes(known, dict.fromkeys(known, ()), playbooks, folding), folding, now=before)
    return len(case_ids)


async def fire_due(*, store: Store, horizon: Horizon, most: int) -> FireReport:
    """Say what the due clocks have to say, at most ``most`` of them, in one transaction with the outbox.

    Time is the database's. A clock that a fold is stopping at this moment is left alone.
    """
    async with store.firing() as firing:
        now = await firing.now()
        due = await firing.due(horizon, now=now, most=most)
        if not due:
            return FireReport(taken=0, verdicts=(), late_seconds=())
        judged = [(one, judge(one.clock, now=now)) for one in due]
        await firing.write(
            [Fired(clock=_after(one.clock, verdict), at=now) for one, verdict in judged],
            [encode(event) for one, verdict in judged for event in _said(one, verdict, now)],
        )
    return FireReport(
        taken=len(due),
        verdicts=[(one.clock, verdict) for one, verdict in judged],
        late_seconds=[(now - one.clock.next_at).total_seconds() for one in due if one.clock.next_at is not None],
    )


async def _keep(changes: Changes, folding: Folding, *, now: datetime) -> None:
    """Write the changes, and say in the same transaction which clocks run from now on and which no longer do."""
    known = await folding.write(changes)
    cases = {case.facts.view.case_id: case for case in changes.cases}
    views = {case_id: case.facts.view for case_id, case in cases.items()}
    over = [(known[clock_id], stop) for clock_id, stop in changes.stopped.items()]
    born_over = [(one.clock, one.stop) for one in changes.started if one.stop is not None]
    # Where one clock takes the place of another of the same order, the last word is that it runs.
    said = [announce_stop(clock, stop, view=views[clock.case_id], now=now) for clock, stop in over]
    said += [announce_start(one.clock, view=views[one.clock.case_id], now=now) for one in changes.started]
    said += [
        announce_move(one.before, one.clock, one.why, view=views[one.clock.case_id], now=now)
        for one in changes.moved
        if one.clock.shown.due_at != one.before.shown.due_at and one.clock.shown.clock_id not in changes.stopped
    ]
    said += [announce_stop(clock, stop, view=views[clock.case_id], now=now) for clock, stop in born_over]
    await folding.tell(
        [encode(replace(event, traceparent=cases[event.data.case.case_id].traceparent)) for event in said]
    )


def _unseen(records: Iterable[Record], ledger: dict[Partition, int]) -> list[Record]:
    """The records that the ledger has not seen; moves ``ledger`` past them."""
    fresh = []
    for record in records:
        partition = Partition(record.topic, record.partition)
        expected = ledger[partition]
        if record.offset > expected:
            raise Hole(
                f"{record.topic}/{record.partition}: offset {record.offset} arrived, the ledger waits for {expected}; "
                f"the records between are gone from the topic or were never delivered"
            )
        if record.offset == expected:
            ledger[partition] = expected + 1
            fresh.append(record)
    return fresh


_Events = dict[UUID, list[tuple[Record, Event[Folded]]]]


def _read(records: Iterable[Record]) -> tuple[_Events, list[Rejected]]:
    events: _Events = defaultdict(list)
    rejected = []
    for record in records:
        try:
            event = _event(record)
        except Malformed as error:
            rejected.append(Rejected(record=record, reason=error.reason))
        else:
            events[event.data.case.case_id].append((record, event))
    return events, rejected


def _event(record: Record) -> Event[Folded]:
    event = decode(record.value, record.headers)
    if not isinstance(event.data, FOLDED):
        raise Malformed(f"{event.type} is no fact of a case and does not belong on {record.topic}")
    if event.subject != str(event.data.case.case_id):
        raise Malformed(f"ce_subject {event.subject!r} is not the case {event.data.case.case_id}")
    return event  # type: ignore[return-value]  # narrowed by FOLDED


async def _changes(
    known: Mapping[UUID, KnownCase],
    events: Mapping[UUID, Sequence[tuple[Record, Event[Folded]]]],
    playbooks: Playbooks,
    folding: Folding,
) -> Changes:
    """What the events change; the clocks that they move are locked and read, all others are not."""
    told = [_Told.of(known.get(case_id), _fold_case(known.get(case_id), events[case_id])) for case_id in events]
    running = await folding.running([one.clock_id for case in told for one in case.to_move()])
    for case in told:
        case.settle(running, playbooks)
    return Changes(
        cases=[replace(one.case, waiting_for=one.waiting_for) for one in told],
        started=[started for one in told for started in one.started],
        moved=[one_moved for one in told for one_moved in one.moved],
        stopped={clock_id: stop for one in told for clock_id, stop in one.stopped.items()},
    )


@dataclass(slots=True, kw_only=True)
class _Told:
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
    def of(cls, before: KnownCase | None, case: CaseChange) -> _Told:
        """The case as ``case``, whose clocks were ``before``."""
        clocks, moves = (before.clocks, before.moves) if before else ({}, {})
        return cls(case=case, demands=demanded(case.facts), clocks=clocks, moves=moves)

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
            begun = start(demand, playbooks.of(demand.matter.area))
            if begun is not None:
                self.started.append(_started(begun, demand, self.case))
            return
        # A stop is written though the moves before it cannot be reckoned: whoever stopped it is not late for that.
        if demand.stop is not None and demand.stop != self.clocks[demand.clock_id]:
            self.stopped[demand.clock_id] = demand.stop
        if clock is not None and len(demand.moves) > clock.moves:
            terms = Terms.of(playbooks.of(demand.matter.area), clock.shown.target, clock.shown.level)
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
    return Started(clock=clock, partition=case.partition, traceparent=case.traceparent, stop=demand.stop)


def _earliest(changes: Changes) -> datetime | None:
    begun = [one.clock.next_at for one in changes.started if one.stop is None]
    on_again = [one.clock.next_at for one in changes.moved if one.clock.shown.clock_id not in changes.stopped]
    return min((at for at in (*begun, *on_again) if at is not None), default=None)


def _after(clock: RunningClock, verdict: Verdict) -> RunningClock:
    match verdict:
        case Wait():
            return clock
        case Warn(passed=passed):
            return replace(clock, warnings_passed=passed)
        case _:
            return replace(clock, breached=True)


def _said(due: Due, verdict: Verdict, now: datetime) -> Iterable[Event[Payload]]:
    for event in announce(due.clock, verdict, view=due.view, now=now):
        yield replace(event, traceparent=due.traceparent)
