"""A report comes in: it becomes a case, or is refused with what is allowed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

import msgspec

from services.intake.domain.commands import OpenCase
from services.intake.domain.decide import decide
from services.intake.domain.permissions import Bearer, must_report
from services.intake.domain.reports import Report, opening, placed, report_id_of, tidy
from services.intake.handlers.doors import Doors, KeyReused, Reply, canonical, change_of, replay
from services.intake.ports import (
    Answer,
    Change,
    ClientKey,
    FiledReport,
    NoPlaybook,
    PlaybookAway,
    Spot,
    Surroundings,
    Transaction,
)
from shared.events.parts import Actor
from shared.playbook.model import Playbook
from shared.runtime.telemetry import current_traceparent
from shared.vocabulary import Purpose, Refused

EARLIER: Final = timedelta(days=90)
"""How far back earlier cases of the same category in the same village are told."""

_FIRST: Final = frozenset(
    {"source", "text", "area", "place", "category", "severity", "tags", "reporter", "occurred_at"}
)


async def accept_report(report: Report, *, bearer: Bearer, client_key: str | None, doors: Doors) -> Reply:
    """Open the case of ``report`` and answer once it is durable; the same key and report: the same answer.

    Raises:
        NotYours: the bearer's key does not cover the report's area, or sends no reports.
        KeyReused: the client key belongs to another report.
        Refused: the report is wrong; names the field and what is allowed.
    """
    asked = asked_by(report)
    key = None if client_key is None else ClientKey(owner=bearer.key_id, key=client_key)
    report_id = uuid4() if key is None else report_id_of(key.owner, key.key)
    try:
        draft = prepare(report, report_id=report_id, by=bearer.actor, at=bearer.area, doors=doors)
        must_report(bearer, draft.command.area)
        return await _keep(draft, key, asked, doors=doors)
    except Refused as refusal:
        # What was accepted once stays accepted, though the playbook or the key's scope has changed since.
        known = None if key is None or isinstance(refusal, KeyReused) else await _known(key, doors)
        if known is None:
            raise
        return replay(known, asked, doors.vault)


async def _keep(draft: Draft, key: ClientKey | None, asked: bytes, *, doors: Doors) -> Reply:
    async with doors.store.transaction() as transaction:
        (filing,) = await file_all([draft], transaction, doors=doors)
        if key is not None:
            answer = Answer(fingerprint=doors.vault.fingerprint(asked), body=filing.answer)
            if not await transaction.claim({key: answer}):
                return replay((await transaction.answers([key]))[key], asked, doors.vault)
        await transaction.save([filing.change])
        await transaction.file([filing.report])
    return Reply(body=filing.answer)


async def _known(key: ClientKey, doors: Doors) -> Answer | None:
    async with doors.store.transaction() as transaction:
        return (await transaction.answers([key])).get(key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A report that is right as far as it can be told without its place's present state."""

    report: Report
    command: OpenCase
    at: datetime
    traceparent: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Filing:
    """A report ready to be kept: its case, its paper, and the answer to its sender."""

    change: Change
    report: FiledReport
    answer: str


def prepare(report: Report, *, report_id: UUID, by: Actor, at: str | None, doors: Doors) -> Draft:
    """The command that a report becomes; ``at`` is an area of the sender's county, if it has one.

    Raises:
        Refused: see `opening` and `tidy`.
    """
    now = doors.clock()
    report = tidy(report, now=now)
    playbook = _playbook(report, at, doors)
    command = opening(report, report_id=report_id, by=by, playbook=playbook, cells=doors.maps.of(playbook))
    return Draft(report=report, command=command, at=now, traceparent=current_traceparent())


async def file_all(drafts: Sequence[Draft], transaction: Transaction, *, doors: Doors) -> list[Filing]:
    """Everything that is kept of each draft, as its place is now; no mode changes until the transaction ends.

    Raises:
        Refused: a drill where none is in force.
    """
    if not drafts:
        return []
    spots = [Spot(area=one.command.area, category=one.command.category, purpose=one.command.purpose) for one in drafts]
    since = min(one.at for one in drafts) - EARLIER
    found = await transaction.around(spots, since=since)
    return [_filing(one, around, doors) for one, around in zip(drafts, found, strict=True)]


def _filing(draft: Draft, around: Surroundings, doors: Doors) -> Filing:
    earlier = () if draft.command.purpose is Purpose.CANARY else around.earlier
    command = placed(draft.command, modes=around.modes, earlier=earlier)
    change = change_of(None, decide(None, command, draft.at), at=draft.at, traceparent=draft.traceparent)
    return Filing(
        change=change,
        report=_filed(draft.report, command, doors, now=draft.at),
        answer=_answer(change, command),
    )


def asked_by(report: Report) -> bytes:
    """What was asked, in bytes that do not depend on how its JSON was written."""
    return canonical(report, first=_FIRST)


def _playbook(report: Report, at: str | None, doors: Doors) -> Playbook:
    """The county that the report names, else its sender's, else the one that holds its point."""
    if report.area is not None or at is not None:
        return doors.playbooks.of(report.area or at or "")
    place = report.place
    for county in () if place is None else doors.playbooks.around(place):
        playbook = _in_force(county, doors)
        if playbook is not None and place is not None and doors.maps.of(playbook).cell_at(place) is not None:
            return playbook
    return doors.playbooks.of("")


def _in_force(county: str, doors: Doors) -> Playbook | None:
    """The county's playbook; None when its only record proves unreadable in this moment."""
    try:
        return doors.playbooks.of(county)
    except (NoPlaybook, PlaybookAway):
        return None


def _filed(report: Report, command: OpenCase, doors: Doors, *, now: datetime) -> FiledReport:
    return FiledReport(
        report_id=command.report_id,
        case_id=command.case_id,
        source=report.source,
        sender=command.by.key_id or command.by.id,
        text=command.text,
        received_at=now,
        occurred_at=report.occurred_at,
        sealed=_sealed(report, command.text, doors),
    )


def _sealed(report: Report, masked: str, doors: Doors) -> bytes | None:
    """Who reported, and the text as it was when masking took something from it."""
    personal: dict[str, object] = {}
    if report.reporter is not None:
        personal["reporter"] = report.reporter
    if masked != report.text:
        personal["text"] = report.text
    return doors.vault.seal(msgspec.json.encode(personal)) if personal else None


def _answer(change: Change, command: OpenCase) -> str:
    view = change.case.view
    body = {
        "report_id": command.report_id,
        "case_id": view.case_id,
        "state": view.state,
        "version": view.version,
        "area": view.area,
        "category": view.category,
        "severity": view.severity,
        "purpose": view.purpose,
        "mode": view.mode,
        "why": {"area": command.area_why, "category": command.category_why},
    }
    return msgspec.json.encode(body).decode()
