"""Matters in a dict, and the reports of each case: see ``ports.MatterBook``."""

from collections.abc import Collection, Mapping, Sequence
from copy import copy
from dataclasses import replace
from uuid import UUID

from services.intake.domain.alike.sameness import Profile, Standing, anchors_of, names_of, standing_of
from services.intake.domain.life.case import Case
from services.intake.ports import FiledReport, KeptReport, ProfileAsk, ShownProfile


class FakeProfiles:
    """Finds by town, family, purpose and anchors; nothing else is bounded."""

    def __init__(self, cases: dict[UUID, Case], reports: dict[UUID, FiledReport]) -> None:
        self.cases, self.reports = cases, reports
        self.kept: dict[UUID, Profile] = {}

    async def alike(self, asks: Sequence[ProfileAsk], *, hold: bool) -> Sequence[Sequence[Profile]]:
        del hold
        return [[self._now(one) for one in self.kept.values() if _is_near(one, ask)] for ask in asks]

    async def find(self, case_ids: Collection[UUID]) -> Mapping[UUID, Profile]:
        return {case_id: self._now(self.kept[case_id]) for case_id in case_ids if case_id in self.kept}

    async def keep(self, profiles: Sequence[Profile]) -> None:
        self.kept |= {one.case_id: one for one in profiles}

    async def forget(self, case_ids: Collection[UUID]) -> None:
        self.kept = {case_id: one for case_id, one in self.kept.items() if case_id not in case_ids}

    async def case_of_code(self, digest: str) -> UUID | None:
        return next((one.case_id for one in self.reports.values() if one.tracking == digest), None)

    async def shown(self, case_ids: Collection[UUID]) -> Mapping[UUID, ShownProfile]:
        views = [self.cases[case_id].view for case_id in case_ids if case_id in self.cases]
        return {
            view.case_id: ShownProfile(
                case_id=view.case_id,
                title=view.title,
                state=view.state,
                opened_at=view.opened_at,
                reports=view.reports,
                place=view.place,
                takes_reports=standing_of(view.state) is Standing.JOINS,
            )
            for view in views
            if not view.secret
        }

    async def report(self, report_id: UUID) -> KeptReport | None:
        found = self.reports.get(report_id)
        return None if found is None else _kept(found)

    async def reports_of(self, case_id: UUID, most: int) -> Sequence[KeptReport]:
        mine = sorted(
            (one for one in self.reports.values() if one.case_id == case_id),
            key=lambda one: (one.received_at, one.report_id),
        )
        return [_kept(one) for one in mine[:most]]

    async def move(self, report_ids: Collection[UUID], *, to: UUID) -> None:
        self.reports |= {report_id: replace(self.reports[report_id], case_id=to) for report_id in report_ids}

    def _now(self, profile: Profile) -> Profile:
        case = self.cases[profile.case_id]
        return replace(profile, standing=standing_of(case.view.state), closed_at=case.closed_at)

    def opened(self, cases: dict[UUID, Case], reports: dict[UUID, FiledReport]) -> "FakeProfiles":
        other = copy(self)
        other.cases, other.reports, other.kept = cases, reports, dict(self.kept)
        return other


def _is_near(profile: Profile, ask: ProfileAsk) -> bool:
    asked = names_of(ask.account) | anchors_of(ask.account)
    shared = any((names_of(one) | anchors_of(one)) & asked for one in profile.accounts)
    return shared and profile.kin == ask.kin and profile.last_at > ask.since


def _kept(report: FiledReport) -> KeptReport:
    return KeptReport(
        report_id=report.report_id,
        case_id=report.case_id,
        source=report.source,
        text=report.text,
        received_at=report.received_at,
        tracking=report.tracking,
        area=report.area,
        place=report.place,
        category=report.category,
        photos=report.photos,
    )
