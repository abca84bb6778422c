"""A person has a case put right: its facts are read again from the log, compared with what is stored, and written.

What is read before the lane is taken only shortens the time for which it is held: what counts is read, compared and
written while nobody folds the case and its clocks do not fire.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, cast, get_args
from uuid import UUID, uuid4

from services.escalation.audit_ports import StoredCase
from services.escalation.domain.audit import Books, Finding
from services.escalation.domain.chain import CaseShown, announce_start, announce_stop
from services.escalation.domain.clocks import Stop
from services.escalation.domain.facts import Facts
from services.escalation.domain.fold import Folded, fold
from services.escalation.domain.lateness import announce_late
from services.escalation.domain.mending import Mended, Mending, Told, announce_repair, mend, spoken_of
from services.escalation.handlers.auditing import books_of, looked_at
from services.escalation.handlers.folding import FOLDED
from services.escalation.ports import CaseChange, Playbooks
from services.escalation.repair_ports import Asked, Basis, CaseLog, Entry, RepairStore, Work
from shared.events.case import CaseOpened
from shared.events.codec import decode
from shared.events.envelope import Event
from shared.events.sla import SlaEvent
from shared.runtime.delivery import Partition, Record
from shared.vocabulary import CASE_ENDED, Malformed, Refused

ROUNDS: Final = 5
NEAR: Final = 2000
"""Records that may be read while the lane is held; with more, reading goes on without it first."""
_SAID: Final = get_args(SlaEvent)


class NothingKnown(Refused):
    """Neither the log nor the database has anything of the case."""


class NoBeginning(Refused):
    """The log no longer holds the case's beginning, and its facts are not stored either."""


class LongOver(Refused):
    """The case has ended and nothing is stored of it any more: its rows have left, as they do."""


class TooBusy(Refused):
    """The fold ran ahead each time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repaired:
    """What a repair found and changed, or would change; ``repair_id`` is None where nothing was written."""

    asked: Asked
    basis: Basis
    at: datetime
    findings: Sequence[Finding]
    facts_differ: bool
    mending: Mending
    repair_id: UUID | None
    records: int = 0

    @property
    def differs(self) -> bool:
        """Whether anything is not as it must be."""
        return self.facts_differ or bool(self.mending.clocks)


async def repair_case(asked: Asked, *, store: RepairStore, log: CaseLog, playbooks: Playbooks) -> Repaired:
    """Put one case right, in one transaction, or say what that would change.

    Raises:
        NothingKnown, NoBeginning: there is nothing to put it right by.
        LongOver: it has ended, and its rows have left.
        TooBusy: the fold of its partition ran ahead of the reading ``ROUNDS`` times; it may be tried again.
    """
    found = await store.find(asked.case_id)
    number = log.partition_of(asked.case_id) if found.partition is None else found.partition
    ledger = await store.ledger(number)
    await log.begin(number, since=found.since)
    await log.catch_up(ledger)
    if found.since is not None and not _replayed(log, ledger).opened:
        # What is stored names a wrong beginning.
        await log.begin(number, since=None)
        await log.catch_up(ledger)
    for _ in range(ROUNDS):
        async with store.work(number) as work:
            ledger = await work.ledger()
            if log.behind(ledger) <= NEAR:
                await log.catch_up(ledger)
                return await _repair(asked, work, log, ledger, books_of(playbooks), number)
        await log.catch_up(ledger)
    raise TooBusy(f"the partition {number} was folded on while the log was read; try again")


@dataclass(slots=True, kw_only=True)
class _Replay:
    """What the log tells of a case."""

    events: list[Event[Folded]] = field(default_factory=list)
    traceparent: str | None = None

    @property
    def opened(self) -> bool:
        return any(isinstance(event.data, CaseOpened) for event in self.events)

    def onto(self, facts: Facts | None) -> Facts | None:
        for event in self.events:
            facts = fold(facts, event)
        return facts


async def _repair(
    asked: Asked, work: Work, log: CaseLog, ledger: Mapping[Partition, int], books: Books, number: int
) -> Repaired:
    stored = await work.case(asked.case_id)
    unsent = await work.unsent(asked.case_id)
    # Read once more, now that its clocks are held: what they said last may have left in between.
    await log.catch_up(ledger)
    replay = _replayed(log, ledger)
    basis = Basis.LOG if replay.opened and log.is_whole else Basis.STORED
    facts = _facts(asked, stored, replay, basis)
    if stored is None and facts.view.state in CASE_ENDED:
        raise LongOver(f"case {asked.case_id} has ended ({facts.view.state}) and its rows have left: nothing to repair")
    rows = {} if stored is None else stored.rows
    now = await work.now()
    mending = mend(facts, rows, spoken_of(_told((*log.said(), *unsent))), books, now=now)
    differ = stored is None or stored.facts != facts
    repair_id = None
    if not asked.dry_run and (differ or mending.clocks):
        repair_id = uuid4()
        traceparent = stored.traceparent if stored is not None and stored.traceparent else replay.traceparent
        case = CaseChange(
            facts=facts, partition=number, traceparent=traceparent, waiting_for=next(iter(mending.waiting), None)
        )
        entry = Entry(repair_id=repair_id, asked=asked, basis=basis, difference=_difference(mending, differ))
        await work.write(case, mending.clocks, _words(mending, facts, repair_id, now), entry)
    return Repaired(
        asked=asked,
        basis=basis,
        at=now,
        findings=[] if stored is None else looked_at(stored, books).findings,
        facts_differ=differ,
        mending=mending,
        repair_id=repair_id,
    )


def _facts(asked: Asked, stored: StoredCase | None, replay: _Replay, basis: Basis) -> Facts:
    if basis is Basis.LOG:
        facts = replay.onto(None)
    elif stored is not None and stored.facts is not None:
        facts = replay.onto(stored.facts)
    elif stored is None and not replay.events:
        raise NothingKnown(f"nobody has ever told of case {asked.case_id}: neither the log nor the database has it")
    else:
        raise NoBeginning(
            f"the log no longer holds the beginning of case {asked.case_id}, and its facts are not stored; "
            f"put back the rows of case_facts from a backup and repair again"
        )
    if facts is None:
        raise AssertionError("a case that was opened has facts")
    return facts


def _words(mending: Mending, facts: Facts, repair_id: UUID, now: datetime) -> list[Told]:
    said, case = list[Told](), CaseShown.of(facts.view)
    for one in mending.clocks:
        if one.before is None or one.before.clock is None:
            said.append(announce_start(one.clock, case=case, now=now))
        if one.is_told:
            said.append(announce_repair(one, repair_id, view=facts.view, now=now))
        if one.stop is not None and one.is_late_untold:
            said.append(announce_late(one.clock, one.stop, case=case, now=now))
        if one.stop is not None and (one.before is None or one.before.stop != one.stop):
            said.append(announce_stop(one.clock, one.stop, case=case, now=now))
    return said


def _difference(mending: Mending, facts_differ: bool) -> dict[str, object]:  # noqa: FBT001  a fact of the entry
    return {"facts": facts_differ, "clocks": [changed(one) for one in mending.clocks]}


def changed(one: Mended) -> dict[str, object]:
    """One clock before and after, as plain values."""
    return {
        "clock_id": str(one.clock.shown.clock_id),
        "kind": str(one.clock.shown.kind),
        "before": None if one.before is None else _row(one.before.stop, one.before.due_at, one.before.next_at),
        "after": _row(one.stop, one.clock.shown.due_at, one.clock.next_at if one.stop is None else None),
        "breached_at": None if one.breached_at is None else one.breached_at.isoformat(),
    }


def _row(stop: object, due_at: datetime, next_at: datetime | None) -> dict[str, object]:
    stopped = {"stopped_at": stop.at.isoformat(), "outcome": str(stop.outcome)} if isinstance(stop, Stop) else {}
    return {"due_at": due_at.isoformat(), "next_at": None if next_at is None else next_at.isoformat(), **stopped}


def _replayed(log: CaseLog, ledger: Mapping[Partition, int]) -> _Replay:
    replay = _Replay()
    for record in log.folded(ledger):
        try:
            event = decode(record.value, record.headers)
        except Malformed:
            # The fold set it aside as well.
            continue
        if isinstance(event.data, FOLDED) and event.subject == str(event.data.case.case_id):
            replay.events.append(cast("Event[Folded]", event))
            replay.traceparent = event.traceparent or replay.traceparent
    return replay


def _told(records: Iterable[Record]) -> list[Told]:
    events = (decode(record.value, record.headers) for record in records)
    return [cast("Told", event) for event in events if isinstance(event.data, _SAID)]
