"""What is kept of reports: the case that each opens, its paper and its answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from services.intake.domain.alike.sameness import Same, Standing, Unsure, is_mass, standing_of
from services.intake.domain.life.case import Case
from services.intake.domain.life.commands import OpenCase
from services.intake.domain.moves.decide import decide
from services.intake.domain.moves.merging import JoinReport, join
from services.intake.domain.reports.report import Report, placed
from services.intake.handlers.doors import Doors, change_of
from services.intake.handlers.drafting import Draft
from services.intake.handlers.sorting import Asking, Sorting, asking_of, must_be_plausible, sorted_out
from services.intake.ports import Change, FiledReport, Spot, Surroundings, Transaction
from shared.events.parts import Alike
from shared.tracking import digest_of_code
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

    A draft of a matter that is a case already joins it, be it of the same batch or of another replica's in the same
    instant; each reporter has a tracking code of their own. The drafts are new: none was kept before. One that its
    place does not allow, such as a drill where none is in force, is refused and stops no other.
    """
    if not drafts:
        return []
    spots = [Spot(area=one.command.area, category=one.command.category, purpose=one.command.purpose) for one in drafts]
    since = min(one.at for one in drafts) - EARLIER
    found = await transaction.around(spots, since=since)
    askings = [asking_of(one, doors=doors) for one in drafts]
    compared = [one for one in askings if one is not None]
    sorting = await sorted_out(compared, transaction, hold=True)
    masters = {case_id for one in compared for case_id in sorting.sure_of_store(one)}
    masters |= {one.same_as for one in compared if one.same_as is not None}
    desk = _Desk(doors=doors, sorting=sorting, cases=dict(await transaction.load(masters)) if masters else {})
    filings = [
        await _filing(draft, asking, around, desk, transaction)
        for draft, asking, around in zip(drafts, askings, found, strict=True)
    ]
    await transaction.profiles.keep(sorting.changed)
    return filings


@dataclass(frozen=True, slots=True, kw_only=True)
class _Desk:
    """What the filing of one batch has before it; ``cases`` are masters as they are after what was filed so far."""

    doors: Doors
    sorting: Sorting
    cases: dict[UUID, Case]


async def _filing(
    draft: Draft, asking: Asking | None, around: Surroundings, desk: _Desk, transaction: Transaction
) -> Filing | Refused:
    earlier = () if draft.command.purpose is Purpose.CANARY else around.earlier
    code = desk.doors.codes()
    try:
        command = placed(draft.command, modes=around.modes, earlier=earlier, tracking=digest_of_code(code))
        if asking is None:
            return _opened(draft, command, code, desk)
        verdict = _said_by_reporter(asking, desk) if asking.same_as else desk.sorting.verdict(asking)
    except Refused as refusal:
        return refusal
    if isinstance(verdict, Same):
        master = await _master(verdict.case_id, desk, transaction)
        if master is not None and standing_of(master.view.state) is Standing.JOINS:
            return _joined(draft, replace(command, case_id=verdict.case_id), asking, (verdict, master, code), desk)
        # Its case ended while this one waited for it: a person may still see what it was like.
        verdict = Unsure(alike=(Alike(case_id=verdict.case_id, score=verdict.score, why=verdict.why),))
    if isinstance(verdict, Unsure):
        command = replace(command, alike=verdict.alike)
    if not draft.report.secret:
        desk.sorting.open(command.case_id, asking)
    return _opened(draft, command, code, desk)


def _said_by_reporter(asking: Asking, desk: _Desk) -> Same:
    """The reporter's own word joins the report, where that is plausible.

    Raises:
        Refused: it is not; names what is like the report.
    """
    verdict = desk.sorting.verdict(asking, joins=False)
    near = [one.case_id for one in verdict.alike] if isinstance(verdict, Unsure) else []
    profile = must_be_plausible(asking, desk.sorting, near)
    master = desk.cases.get(profile.case_id)
    if master is None or standing_of(master.view.state) is not Standing.JOINS or not asking.joins:
        raise Refused(
            f"case {profile.case_id} takes no reports, or not this one",
            field="same_as",
            allowed=["a case that is at work", "leave it out"],
        )
    return Same(case_id=profile.case_id, score=1.0, why="报告人确认为同一事项 / the reporter says that it is the same")


async def _master(case_id: UUID, desk: _Desk, transaction: Transaction) -> Case | None:
    if case_id not in desk.cases:
        desk.cases.update(await transaction.load([case_id]))
    return desk.cases.get(case_id)


def _opened(draft: Draft, command: OpenCase, code: str, desk: _Desk) -> Filing:
    change = change_of(
        None, decide(None, command, draft.at), at=draft.at, traceparent=draft.traceparent, origin=draft.origin
    )
    desk.cases[command.case_id] = change.case
    return Filing(
        changes=(change,),
        report=_filed(draft.report, command, desk.doors, now=draft.at),
        answer=_answer(change, command, code),
    )


def _joined(draft: Draft, command: OpenCase, asking: Asking, found: tuple[Same, Case, str], desk: _Desk) -> Filing:
    """The report as one more of its master's matter; ``command`` has the master's id."""
    verdict, master, code = found
    rules, profile = asking.policy.merging, desk.sorting.profile(verdict.case_id, asking)
    if profile is None:
        raise ValueError(f"case {verdict.case_id} is no matter that report {command.report_id} was compared with")
    after = desk.sorting.join(profile, asking)
    one_more = JoinReport(
        report_id=command.report_id,
        by=command.by,
        source=command.source,
        text=command.text,
        why=verdict.why,
        severity=draft.report.severity,
        tracking=command.tracking,
        photos=command.photos,
    )
    events = join(master, one_more, rules=rules, mass=is_mass(after, rules=rules))
    change = change_of(master, events, at=draft.at, traceparent=draft.traceparent, origin=draft.origin)
    desk.cases[verdict.case_id] = change.case
    return Filing(
        changes=(change,),
        report=_filed(draft.report, command, desk.doors, now=draft.at),
        answer=_answer(change, command, code, merged=verdict.why),
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
        sealed=_sealed(report, command, doors),
        person=None if report.reporter is None else doors.vault.person(report.reporter.phone),
        secret=report.secret,
        photos=report.photos,
        tracking=command.tracking,
        area=command.area,
        place=command.place,
        category=command.category,
    )


def _sealed(report: Report, command: OpenCase, doors: Doors) -> bytes | None:
    """Who reported, and the text as it was when masking took something from it."""
    personal: dict[str, object] = {}
    if report.reporter is not None:
        personal["reporter"] = report.reporter
    if command.text != report.text:
        personal["text"] = report.text
    if not personal:
        return None
    return doors.vault.seal(msgspec.json.encode(personal), county=command.county, about=command.report_id)


def _answer(change: Change, command: OpenCase, code: str, *, merged: str | None = None) -> str:
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
        "why": {"area": command.area_why, "category": command.category_why, "merged": merged},
        "merged": merged is not None,
        "tracking_code": code,
        "alike": [one.case_id for one in command.alike],
    }
    return msgspec.json.encode(body).decode()
