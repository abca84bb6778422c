"""A batch of facts arrives, or a playbook for cases that waited: clocks start, move and stop."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, get_args
from uuid import UUID

from services.escalation.domain.chain import (
    CaseShown,
    announce_move,
    announce_start,
    announce_stop,
)
from services.escalation.domain.fold import Folded
from services.escalation.domain.lateness import announce_late, stopped_late
from services.escalation.domain.warning.reports import Report, report_of
from services.escalation.handlers.settling import changes_of
from services.escalation.ports import (
    Changes,
    DeadLetters,
    Folding,
    Playbooks,
    Store,
)
from shared.events.case import CaseEvent
from shared.events.codec import decode, encode
from shared.events.envelope import Event
from shared.events.order import OrderEvent
from shared.runtime.delivery import Partition, Record, Rejected, Rejections
from shared.vocabulary import Malformed

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
        changes = replace(await changes_of(known, events, playbooks, folding), ledger=ledger)
        await _keep(changes, folding, now=now)
        await folding.count(_reports(events))
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
        await _keep(await changes_of(known, dict.fromkeys(known, ()), playbooks, folding), folding, now=before)
    return len(case_ids)


async def _keep(changes: Changes, folding: Folding, *, now: datetime) -> None:
    """Write the changes, and say in the same transaction which clocks run from now on and which no longer do."""
    known = await folding.write(changes)
    shown = {
        (view := one.facts.view).case_id: CaseShown(view=view, version=view.version, traceparent=one.traceparent)
        for one in changes.cases
    }
    over = [(known[clock_id], stop) for clock_id, stop in changes.stopped.items()]
    born_over = [(one.clock, one.stop) for one in changes.started if one.stop is not None]
    late = [(clock, stop) for clock, stop in (*over, *born_over) if stopped_late(clock, stop)]
    await folding.breach({clock.shown.clock_id: stop.at for clock, stop in late})
    said = [announce_late(clock, stop, case=shown[clock.case_id], now=now) for clock, stop in late]
    # Where one clock takes the place of another of the same order, the last word is that it runs.
    said += [announce_stop(clock, stop, case=shown[clock.case_id], now=now) for clock, stop in over]
    said += [announce_start(one.clock, case=shown[one.clock.case_id], now=now) for one in changes.started]
    said += [
        announce_move(one.before, one.clock, one.why, case=shown[one.clock.case_id], now=now)
        for one in changes.moved
        if one.clock.shown.due_at != one.before.shown.due_at and one.clock.shown.clock_id not in changes.stopped
    ]
    said += [announce_stop(clock, stop, case=shown[clock.case_id], now=now) for clock, stop in born_over]
    await folding.tell([encode(event) for event in said])


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


def _reports(events: _Events) -> list[Report]:
    """What counts for warnings, in one order for all: two transactions that count the same reports never deadlock."""
    told = (report_of(event) for facts in events.values() for _, event in facts)
    return sorted((report for report in told if report is not None), key=lambda report: report.report_id)


def _earliest(changes: Changes) -> datetime | None:
    begun = [one.clock.next_at for one in changes.started if one.stop is None]
    on_again = [one.clock.next_at for one in changes.moved if one.clock.shown.clock_id not in changes.stopped]
    return min((at for at in (*begun, *on_again) if at is not None), default=None)
