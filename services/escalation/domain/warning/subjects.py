"""What is counted together, and which windows must be looked at after reports have come."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.escalation.domain.warning.reports import Report, under
from services.escalation.domain.warning.spots import inside, spot_around
from shared.events.warning import Spot
from shared.playbook.model import WarningRule
from shared.vocabulary import COUNTY_DIGITS, TOWN_DIGITS, VILLAGE_DIGITS


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Reports of ``category`` and below in ``area``, or in ``spot``, counted by ``rule``."""

    rule: WarningRule
    county: str
    area: str
    category: str
    spot: Spot | None = None

    def holds(self, report: Report) -> bool:
        """Whether ``report`` is of this category, and of this area unless a spot is counted, wherever it lies."""
        return under(self.category, report.category) and (self.spot is not None or report.area.startswith(self.area))

    def of(self, reports: Iterable[Report]) -> list[Report]:
        """Those of ``reports`` that it counts."""
        held = [one for one in reports if self.holds(one)]
        return held if self.spot is None else inside(held, self.spot)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A window of a subject that ends at ``at`` and holds ``reports``, oldest first."""

    subject: Subject
    at: datetime
    reports: tuple[Report, ...]


def candidates(rules: Sequence[WarningRule], reports: Sequence[Report], fresh: Collection[UUID]) -> list[Candidate]:
    """The windows that ``fresh`` reports have changed and that hold enough, in the order of their ends.

    ``reports`` are all of one county, fresh and known, oldest first, as far as any window with a fresh one
    reaches. A report that comes late changes the windows that ended after it too: these are looked
    at as if it had come in time.
    """
    found = [
        candidate
        for place, rule in enumerate(rules)
        for candidate in ((place, one) for one in _of_rule(rule, reports, fresh))
    ]
    return [one for _, one in sorted(found, key=lambda pair: (pair[1].at, pair[0], pair[1].subject.category))]


def window_of(subject: Subject, reports: Sequence[Report], at: datetime) -> tuple[Report, ...]:
    """What ``subject`` counts of ``reports`` (oldest first) in its window that ends at ``at``."""
    return tuple(subject.of(_within(reports, at, subject.rule)))


def _of_rule(rule: WarningRule, reports: Sequence[Report], fresh: Collection[UUID]) -> Iterable[Candidate]:
    groups: dict[tuple[str, str], list[Report]] = defaultdict(list)
    for report in reports:
        key = _key(rule, report)
        if key is not None:
            groups[key].append(report)
    for (area, category), group in groups.items():
        for report in _changed(group, fresh, rule):
            within = _within(group, report.at, rule)
            if len(within) < rule.at_least:
                continue
            if rule.within_metres is None:
                subject = Subject(rule=rule, county=report.county, area=area, category=category)
                yield Candidate(subject=subject, at=report.at, reports=tuple(within))
            else:
                yield from _around(rule, category, report, within)


def _around(rule: WarningRule, category: str, report: Report, within: Sequence[Report]) -> Iterable[Candidate]:
    spot = spot_around(report, within, metres=rule.within_metres or 0, at_least=rule.at_least)
    if spot is not None:
        members = inside(within, spot)
        area = smallest_area(one.area for one in members)
        subject = Subject(rule=rule, county=report.county, area=area, category=category, spot=spot)
        yield Candidate(subject=subject, at=report.at, reports=tuple(members))


def _key(rule: WarningRule, report: Report) -> tuple[str, str] | None:
    """The area and the category under which ``rule`` counts ``report``; None when it does not."""
    if rule.areas and not any(report.area.startswith(area) for area in rule.areas):
        return None
    digits = rule.level.digits if rule.within_metres is None else COUNTY_DIGITS
    if len(report.area) < digits:
        return None
    if not rule.categories:
        return report.area[:digits], report.category
    category = next((code for code in rule.categories if under(code, report.category)), None)
    return None if category is None else (report.area[:digits], category)


def _changed(group: Sequence[Report], fresh: Collection[UUID], rule: WarningRule) -> Iterable[Report]:
    """Those whose window holds a fresh report: itself, or one at most a window before it."""
    newest: datetime | None = None
    for report in group:
        if report.report_id in fresh:
            newest = report.at
        if newest is not None and report.at - newest < rule.window:
            yield report


def _within(group: Sequence[Report], at: datetime, rule: WarningRule) -> Sequence[Report]:
    """Those of (``at`` - window, ``at``]."""
    first = bisect_right(group, at - rule.window, key=_at)
    return group[first : bisect_right(group, at, key=_at)]


def _at(report: Report) -> datetime:
    return report.at


def smallest_area(areas: Iterable[str]) -> str:
    """The smallest village, town or county that holds all ``areas``."""
    known = list(areas)
    for digits in (VILLAGE_DIGITS, TOWN_DIGITS, COUNTY_DIGITS):
        first = known[0][:digits]
        if len(first) == digits and all(one.startswith(first) for one in known):
            return first
    return known[0][:COUNTY_DIGITS]
