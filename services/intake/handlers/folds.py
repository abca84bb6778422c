"""What the router and escalation have decided is folded into the cases, one transaction a batch."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias
from uuid import UUID

from services.intake.deadline_ports import Deadline
from services.intake.domain.life.case import Case
from services.intake.domain.life.commands import Fold, FoldOrderIssued, FoldSupervised
from services.intake.domain.life.system import ROUTER
from services.intake.domain.modes import ModeChange, by_rule
from services.intake.domain.moves.decide import decide
from services.intake.domain.moves.heard import fold_of
from services.intake.domain.moves.instructing import Left, why_left
from services.intake.handlers.doors import Doors, change_of
from services.intake.ports import Change, NoPlaybook, Transaction
from shared.events.case import CaseEvent, CaseRouted, CaseSupervised
from shared.events.codec import decode
from shared.events.envelope import Event, Payload
from shared.events.sla import ClockMoved, ClockStarted, ClockStopped
from shared.playbook.model import Playbook
from shared.runtime.delivery import Outcome, Record, Rejected
from shared.runtime.telemetry import process_span
from shared.vocabulary import ClockKind, Malformed, Purpose, Refused

log = logging.getLogger(__name__)

GROUP: Final = "whistle-intake-fold"

_Running: TypeAlias = dict[tuple[UUID, UUID], datetime | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    record: Record
    fold: Fold
    traceparent: str | None


async def fold_batch(records: Sequence[Record], *, doors: Doors) -> Outcome:
    """Fold the batch's orders and escalations into their cases; a record that cannot be is rejected with why.

    A repeat changes nothing: the case itself knows which orders and clocks it has seen.
    """
    wanted, running, rejected = _read(records)
    left: list[tuple[UUID, Left]] = []
    if wanted or running:
        async with doors.store.transaction() as transaction:
            cases = await transaction.load(wanted.keys())
            changes = _fold_all(wanted, cases, rejected, left, now=doors.clock())
            if changes:
                await transaction.save(changes)
                await transaction.modes.ask(_modes_asked(wanted, changes, doors))
            # Behind the cases' own locks, as in an action that ends a case: neither can wait for the other.
            await _keep_deadlines(running, transaction)
        for change in changes:
            if change.case.view.purpose is Purpose.CANARY and change.case.closed_at is not None:
                doors.tell.canary_closed()
        _tell_instructions(changes, left, doors)
    return Outcome(rejected=rejected)


def _tell_instructions(changes: Sequence[Change], left: Sequence[tuple[UUID, Left]], doors: Doors) -> None:
    """Count what chains have ordered; a case that was left without is named in the log, with why."""
    for event in (event for change in changes for event in change.events):
        if isinstance(event.data, CaseSupervised):
            doors.tell.instructed(None)
    for case_id, why in left:
        doors.tell.instructed(why)
        log.info(
            "a case is left without an instruction",
            extra={"event.name": "intake.instruction_left", "case": str(case_id), "why": why.value},
        )


def _modes_asked(wanted: Mapping[UUID, list[_Wanted]], changes: Sequence[Change], doors: Doors) -> list[ModeChange]:
    """The modes that rules ask for with lead orders that came to stand; a room of its own carries them out."""
    stood = {
        event.data.order_id: event
        for change in changes
        for event in change.events
        if isinstance(event.data, CaseRouted)
    }
    asked: dict[UUID, ModeChange] = {}
    for fold in (one.fold for folds in wanted.values() for one in folds):
        event = stood.get(fold.order.order_id) if isinstance(fold, FoldOrderIssued) else None
        if event is None or not isinstance(fold, FoldOrderIssued) or fold.sets is None or fold.sets.mode is None:
            continue
        playbook = _playbook(event.data.case.county, doors)
        if playbook is not None:
            change = by_rule(event.data.case, fold.sets.mode, by=ROUTER, playbook=playbook, now=event.time)
            asked |= {} if change is None else {change.change_id: change}
    return list(asked.values())


def _playbook(county: str, doors: Doors) -> Playbook | None:
    """The county's playbook; a rule of one that was withdrawn asks for nothing any more."""
    try:
        return doors.playbooks.of(county)
    except NoPlaybook:
        return None


async def _keep_deadlines(running: _Running, transaction: Transaction) -> None:
    """Who asks for more time must ask before the deadline: intake knows it as escalation last said."""
    started = [
        Deadline(case_id=case_id, order_id=order_id, due_at=due_at)
        for (case_id, order_id), due_at in running.items()
        if due_at is not None
    ]
    await transaction.deadlines.run(started)
    await transaction.deadlines.stop([order for order, due_at in running.items() if due_at is None])


def _read(records: Sequence[Record]) -> tuple[Mapping[UUID, list[_Wanted]], _Running, list[Rejected]]:
    """What each record asks of its case; for clocks, the last deadline of each order, None when it stopped."""
    wanted: defaultdict[UUID, list[_Wanted]] = defaultdict(list)
    running: _Running = {}
    rejected: list[Rejected] = []
    for record in records:
        try:
            event = decode(record.value, record.headers)
            fold = fold_of(event)
            case_id = UUID(event.subject)
            running |= _deadline_of(event, case_id)
        except Malformed as error:
            rejected.append(Rejected(record=record, reason=error.reason))
        except ValueError:
            rejected.append(Rejected(record=record, reason="ce_subject is no case id"))
        else:
            if fold is not None:
                wanted[case_id].append(_Wanted(record=record, fold=fold, traceparent=event.traceparent))
    return wanted, running, rejected


def _deadline_of(event: Event[Payload], case_id: UUID) -> _Running:
    match event.data:
        case ClockStarted(clock=clock) | ClockMoved(clock=clock) if (
            clock.kind is ClockKind.HANDLE and clock.order_id is not None
        ):
            return {(case_id, clock.order_id): clock.due_at}
        case ClockStopped(clock=clock) if clock.kind is ClockKind.HANDLE and clock.order_id is not None:
            return {(case_id, clock.order_id): None}
        case _:
            return {}


def _fold_all(
    wanted: Mapping[UUID, list[_Wanted]],
    cases: Mapping[UUID, Case],
    rejected: list[Rejected],
    left: list[tuple[UUID, Left]],
    *,
    now: datetime,
) -> list[Change]:
    changes: list[Change] = []
    for case_id, folds in wanted.items():
        case = cases.get(case_id)
        if case is None:
            reason = f"case {case_id} is not in intake"
            rejected.extend(Rejected(record=one.record, reason=reason) for one in folds)
            continue
        for one in folds:
            why = why_left(case, one.fold) if isinstance(one.fold, FoldSupervised) else None
            if why is not None:
                left.append((case_id, why))
                continue
            try:
                payloads = decide(case, one.fold, now)
            except Refused as refusal:
                rejected.append(Rejected(record=one.record, reason=refusal.reason))
                continue
            if payloads:
                change = _change(case, payloads, one, now=now)
                changes.append(change)
                case = change.case
    return changes


def _change(case: Case, payloads: Sequence[CaseEvent], one: _Wanted, *, now: datetime) -> Change:
    """The case's events continue the trace of the event that caused them."""
    record = one.record
    with process_span(
        record.topic,
        group=GROUP,
        traceparent=one.traceparent,
        partition=record.partition,
        offset=record.offset,
    ):
        return change_of(case, payloads, at=now)
