"""Reports of one matter become one case, and are told apart again: join, merge (并案), split."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from services.intake.domain.alike.sameness import Standing, standing_of
from services.intake.domain.life.case import Case
from services.intake.domain.life.states import Action, WrongState
from services.intake.domain.life.system import SYSTEM
from services.intake.domain.moves.case_moves import end, opened_by
from services.intake.domain.reports.texts import must_say
from shared.events.case import CaseEvent, CaseMassed, CaseMerged, CaseReportJoined, CaseReportSplit
from shared.events.parts import Actor, Photo
from shared.playbook.model import Merging
from shared.vocabulary import Refused, Severity, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinReport:
    """A report is one more of the case's matter; ``why`` says what makes them one."""

    report_id: UUID
    by: Actor
    source: Source
    text: str
    why: str
    severity: Severity | None = None
    """How grave the reporter's own words make it; None when nobody said."""
    tracking: str | None = None
    from_case: UUID | None = None
    photos: tuple[Photo, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeCase:
    """An officer says that the case is the matter of another one (并案)."""

    by: Actor
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitReport:
    """An officer says that a report is of another matter: it goes on as ``to_case``."""

    by: Actor
    report_id: UUID
    to_case: UUID
    reason: str
    tracking: str | None = None


def join(case: Case, command: JoinReport, *, rules: Merging, mass: bool) -> tuple[CaseEvent, ...]:
    """The report counts; each further ``raise_every`` raise the severity by a grade up to II; ``mass`` is told once.

    Raises:
        WrongState: the case takes no reports any more.
    """
    must_take(case)
    reports = case.view.reports + 1
    view = replace(
        case.view,
        version=case.view.version + 1,
        reports=reports,
        severity=_raised(case.view.severity, command.severity, reports, rules),
    )
    one_more = CaseReportJoined(
        case=view,
        by=command.by,
        report_id=command.report_id,
        source=command.source,
        text=command.text,
        why=command.why,
        tracking=command.tracking,
        from_case=command.from_case,
        photos=command.photos,
    )
    if view.mass or not mass:
        return (one_more,)
    massed = CaseMassed(
        case=replace(view, version=view.version + 1, mass=True),
        by=SYSTEM,
        reports=reports,
        window_hours=rules.mass_hours,
        reason=f"{rules.mass_hours} 小时内不少于 {rules.mass_reports} 件反映同一事项 / so many reports of one matter",
    )
    return (one_more, massed)


def must_take(case: Case) -> None:
    """Pass when the case takes reports.

    Raises:
        WrongState: otherwise.
    """
    if standing_of(case.view.state) is not Standing.JOINS:
        raise WrongState(f"the case takes no reports: it is {case.view.state}", state=case.view.state)


def merge(case: Case, master: Case, command: MergeCase, now: datetime) -> tuple[CaseEvent, ...]:
    """The case ends as a part of ``master``, whoever was asked is released first.

    ``master`` takes its reports by `join`, one event each.

    Raises:
        WrongState: one of the two is not in a state for it.
        Refused: without a reason, the two are one, or of two counties or purposes.
    """
    must_say(command.reason, "why the two are one matter, in words")
    _must_be_apart(case, master)
    must_take(master)
    released, view = end(
        case, Action.MERGE, now, why="并入另一案件,派单随之解除 / released: it goes on in another case"
    )
    master_id = master.view.case_id
    merged = CaseMerged(case=replace(view, master=master_id), by=command.by, into=master_id, reason=command.reason)
    return (*released, merged)


def split(case: Case, command: SplitReport) -> CaseReportSplit:
    """The report counts no more; the case's severity stays, for nobody has said that it is less grave.

    Raises:
        WrongState: the case is not in a state for it.
        Refused: without a reason, or it stands for this one report alone.
    """
    must_say(command.reason, "why the report is of another matter, in words")
    if case.view.reports < 2:  # noqa: PLR2004  one must stay
        raise Refused("the case stands for one report alone", field="report_id", allowed=["a case of more reports"])
    view = replace(opened_by(case, Action.SPLIT), reports=case.view.reports - 1)
    return CaseReportSplit(
        case=view,
        by=command.by,
        report_id=command.report_id,
        to_case=command.to_case,
        reason=command.reason,
        tracking=command.tracking,
    )


def _must_be_apart(case: Case, master: Case) -> None:
    one, other = case.view, master.view
    if one.case_id == other.case_id:
        raise Refused("a case cannot be merged into itself", field="into", allowed=["another case of the same matter"])
    if one.county != other.county:
        raise Refused(
            f"the two lie in {one.county} and {other.county}", field="into", allowed=[f"a case of {one.county}"]
        )
    if one.purpose is not other.purpose:
        raise Refused(
            f"the one is {one.purpose}, the other {other.purpose}",
            field="into",
            allowed=[f"a case that is {one.purpose}"],
        )


def _raised(before: Severity, said: Severity | None, reports: int, rules: Merging) -> Severity:
    """By the count up to II and no further; by what the reporter says as far as that goes."""
    counted = before
    if (reports - 1) % rules.raise_every == 0 and before > Severity.II:
        counted = Severity(before - 1)
    return min(counted, said or counted)
