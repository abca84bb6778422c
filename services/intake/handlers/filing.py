"""What is kept of reports: the case that each opens, its paper and its answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import msgspec

from services.intake.domain.commands import OpenCase
from services.intake.domain.decide import decide
from services.intake.domain.reports import Report, placed
from services.intake.handlers.doors import Doors, change_of
from services.intake.handlers.drafting import Draft
from services.intake.ports import Change, FiledReport, Spot, Surroundings, Transaction
from shared.vocabulary import Purpose, Refused

EARLIER: Final = timedelta(days=90)
"""How far back earlier cases of the same category in the same village are told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filing:
    """A report ready to be kept: its case, its paper, and the answer to its sender."""

    changes: tuple[Change, ...]
    report: FiledReport
    answer: str


async def file_all(drafts: Sequence[Draft], transaction: Transaction, *, doors: Doors) -> list[Filing | Refused]:
    """Everything that is kept of each draft, as its place is now; no mode changes until the transaction ends.

    A draft that its place does not allow, such as a drill where none is in force, is refused and stops no other.
    """
    if not drafts:
        return []
    spots = [Spot(area=one.command.area, category=one.command.category, purpose=one.command.purpose) for one in drafts]
    since = min(one.at for one in drafts) - EARLIER
    found = await transaction.around(spots, since=since)
    return [_filing(one, around, doors) for one, around in zip(drafts, found, strict=True)]


def _filing(draft: Draft, around: Surroundings, doors: Doors) -> Filing | Refused:
    earlier = () if draft.command.purpose is Purpose.CANARY else around.earlier
    try:
        command = placed(draft.command, modes=around.modes, earlier=earlier)
    except Refused as refusal:
        return refusal
    change = change_of(
        None, decide(None, command, draft.at), at=draft.at, traceparent=draft.traceparent, origin=draft.origin
    )
    return Filing(
        changes=(change,),
        report=_filed(draft.report, command, doors, now=draft.at),
        answer=_answer(change, command),
    )


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
        photos=report.photos,
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
