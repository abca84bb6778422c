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
    announce_start,
    announce_stop,
    judge,
)
from services.escalation.domain.clocks import Demand, Stop, demanded
from services.escalation.domain.fold import Facts, Folded, fold
from services.escalation.domain.limits import start
from services.escalation.ports import (
    CaseChange,
    Changes,
    DeadLetters,
    Due,
    Fired,
    Folding,
    Horizon,
    KnownCase,
    Playbooks,
    Started,
    Store,
)
from shared.events.case import CaseEvent
from shared.events.codec import decode, encode
from shared.events.envelope import Event, Payload
from shared.events.order import OrderEvent
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
        changes = replace(_changes(known, events, playbooks), ledger=ledger)
        await _keep(changes, folding, now=now)
        if rejected:
            await letters.set_aside(rejected, now=now)
    rejections.keep(judged)
    return FoldReport(
        applied=len(fresh) - len(rejected),
        repeated=len(records) - len(fresh),
        rejected=rejected,
        started=len(changes.started),
        stopped=len(changes.stopped),
        waiting=sum(1 for case in changes.cases if case.waiting_for is not None),
        earliest=_earliest(changes.started),
        ledger=ledger,
    )


async def revisit(county: str, *, store: Store, playbooks: Playbooks, before: datetime, most: int) -> int:
    """Start the clocks of cases that waited for their playbook; return how many cases were looked at.

    A case that must go on waiting says so again, later than ``before``.
    """
    async with store.folding() as folding:
        case_ids = await folding.waiting(county, before=before, most=most)
        known = await folding.known(case_ids)
        await _keep(_changes(known, dict.fromkeys(known, ()), playbooks), folding, now=before)
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
    stops = [(known[clock_id], stop) for clock_id, stop in changes.stopped.items()]
    stops += [(one.clock, one.stop) for one in changes.started if one.stop is not None]
    said = [announce_start(one.clock, view=cases[one.clock.case_id].facts.view, now=now) for one in changes.started]
    said += [announce_stop(clock, stop, view=cases[clock.case_id].facts.view, now=now) for clock, stop in stops]
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


def _changes(
    known: Mapping[UUID, KnownCase],
    events: Mapping[UUID, Sequence[tuple[Record, Event[Folded]]]],
    playbooks: Playbooks,
) -> Changes:
    cases, started, stopped = list[CaseChange](), list[Started](), dict[UUID, Stop]()
    for case_id, told in events.items():
        before = known.get(case_id)
        case = _fold_case(before, told)
        clocks = before.clocks if before else {}
        waiting_for = None
        for demand in demanded(case.facts):
            if demand.clock_id in clocks:
                if demand.stop is not None and demand.stop != clocks[demand.clock_id]:
                    stopped[demand.clock_id] = demand.stop
                continue
            try:
                clock = start(demand, playbooks.of(demand.matter.area))
            except (UnknownCounty, UnknownYear) as error:
                waiting_for = f"{demand.kind}: {error}"
                continue
            if clock is not None:
                started.append(_started(clock, demand, case))
        cases.append(replace(case, waiting_for=waiting_for))
    return Changes(cases=cases, started=started, stopped=stopped)


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


def _earliest(started: Iterable[Started]) -> datetime | None:
    return min((one.clock.next_at for one in started if one.stop is None and one.clock.next_at), default=None)


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
