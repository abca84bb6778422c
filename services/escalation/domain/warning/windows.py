"""Which windows must be looked at after reports have come: each costs little, however many reports it holds."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import numpy as np

from services.escalation.domain.warning.columns import Columns, Flags, Places
from services.escalation.domain.warning.reports import Report, under
from services.escalation.domain.warning.spots import spot_around
from services.escalation.domain.warning.subjects import Subject, smallest_area
from shared.events.warning import MOST_CASES
from shared.playbook.model import WarningRule
from shared.vocabulary import COUNTY_DIGITS

MOST_LATE: Final = 1000
"""Windows of known reports that those which came late may have changed, of a rule and what it counts together; of
more the newest are looked at. The windows of the fresh ones themselves are looked at all."""
_TICK: Final = timedelta(microseconds=1)
_NEVER: Final = np.iinfo(np.int64).min // 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A window as it is kept: of each of its newest 50 cases the newest report, oldest first.

    ``observed``, ``case_count`` and ``since``, its first report's instant, are of all that it held. A row
    written before there was a bound holds all its reports and has no ``observed``.
    """

    subject: Subject
    at: datetime
    reports: tuple[Report, ...]
    observed: int | None = None
    case_count: int = 0
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A window of a subject that ends at ``at``: ``observed`` of the rows from ``first`` to before ``last``."""

    subject: Subject
    at: datetime
    observed: int
    among: Columns = field(repr=False, compare=False)
    first: int
    last: int

    def reports(self) -> list[Report]:
        """What it holds, oldest first."""
        held = self.first + np.flatnonzero(self.subject.held(self.among)[self.first : self.last])
        return [self.among.reports[row] for row in held.tolist()]

    def shared_with(self, other: Subject, *, after: datetime, until: datetime) -> int:
        """How many of its reports of (``after``, ``until``] another subject counts too."""
        first, last = self.among.between(after, until)
        rows = slice(max(first, self.first), min(last, self.last))
        theirs = other.held(self.among)[rows]
        if (rows.start, rows.stop) == (self.first, self.last) and theirs.all():
            return self.observed
        return int(np.count_nonzero(self.subject.held(self.among)[rows] & theirs))

    def kept(self) -> Candidate:
        """It as it is written down."""
        reports = self.reports()
        newest = {one.case_id: one for one in reports}
        cases = dict.fromkeys(one.case_id for one in reversed(reports))
        few = [newest[case] for case, _ in zip(cases, range(MOST_CASES), strict=False)]
        return Candidate(
            subject=self.subject,
            at=self.at,
            reports=tuple(reversed(few)),
            observed=len(reports),
            case_count=len(cases),
            since=reports[0].at if reports else None,
        )


def window_of(subject: Subject, reports: Columns, at: datetime) -> Window:
    """What ``subject`` counts of its county's ``reports`` in its window that ends at ``at``."""
    first, last = reports.between(at - subject.rule.window, at)
    observed = int(np.count_nonzero(subject.held(reports)[first:last]))
    return Window(subject=subject, at=at, observed=observed, among=reports, first=first, last=last)


def candidates(
    rules: Sequence[WarningRule], reports: Columns, fresh: Collection[UUID], waiting: Collection[UUID] = ()
) -> list[Window]:
    """The windows that ``fresh`` reports have changed and that hold enough, in the order of their ends.

    ``reports`` are all of one county, fresh and known, oldest first, as far as any window with a fresh one
    reaches. A report that comes late changes the windows that ended after it too: these are looked
    at as if it had come in time. Those that end with one of ``waiting``, which will be fresh in a
    later round, are left to that round.
    """
    if not len(reports):
        return []
    are_fresh = _among(reports, fresh)
    take = ~_among(reports, waiting) | are_fresh
    found = [
        (place, window)
        for place, rule in enumerate(rules)
        for rows, area, category in _groups(rule, reports, are_fresh)
        for window in _of_group(rule, reports.part(rows), are_fresh[rows], take[rows], area=area, category=category)
    ]
    return [one for _, one in sorted(found, key=lambda pair: (pair[1].at, pair[0], pair[1].subject.category))]


def _among(reports: Columns, some: Collection[UUID]) -> Flags:
    if not some:
        return np.zeros(len(reports), dtype=np.bool_)
    return np.fromiter((one.report_id in some for one in reports.reports), dtype=np.bool_, count=len(reports))


def _groups(rule: WarningRule, reports: Columns, fresh: Flags) -> Iterable[tuple[Places, str, str]]:
    """What ``rule`` counts together and holds a fresh report: its rows, its area and its category."""
    areas, categories = reports.areas, reports.categories
    pairs, of_pair = np.unique(areas.numbers * len(categories.known) + categories.numbers, return_inverse=True)
    keys: dict[tuple[str, str], int] = {}
    group_of = np.full(len(pairs), -1, dtype=np.intp)
    for number, pair in enumerate(pairs.tolist()):
        area, category = divmod(pair, len(categories.known))
        key = _key(rule, areas.known[area], categories.known[category])
        if key is not None:
            group_of[number] = keys.setdefault(key, len(keys))
    group = group_of[of_pair]
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], np.arange(len(keys) + 1))
    with_fresh = set(group[fresh].tolist())
    for (area_code, category_code), number in keys.items():
        if number in with_fresh:
            yield order[starts[number] : starts[number + 1]], area_code, category_code


def _key(rule: WarningRule, area: str, category: str) -> tuple[str, str] | None:
    """The area and the category under which ``rule`` counts reports; None when it does not."""
    if rule.areas and not any(area.startswith(watched) for watched in rule.areas):
        return None
    digits = rule.level.digits if rule.within_metres is None else COUNTY_DIGITS
    if len(area) < digits:
        return None
    if not rule.categories:
        return area[:digits], category
    counted = next((code for code in rule.categories if under(code, category)), None)
    return None if counted is None else (area[:digits], counted)


def _of_group(
    rule: WarningRule, reports: Columns, fresh: Flags, take: Flags, *, area: str, category: str
) -> Iterable[Window]:
    ends = _changed(rule, reports, fresh, take)
    begins = np.searchsorted(reports.times, reports.times[ends] - rule.window // _TICK, side="right")
    stops = np.searchsorted(reports.times, reports.times[ends], side="right")
    enough = stops - begins >= rule.at_least
    found = zip(*(column[enough].tolist() for column in (ends, begins, stops)), strict=True)
    county = reports.reports[0].county
    if rule.within_metres is not None:
        return _around(rule, reports, found, county=county, category=category)
    subject = Subject(rule=rule, county=county, area=area, category=category)
    return (
        Window(
            subject=subject,
            at=reports.reports[end].at,
            observed=last - first,
            among=reports,
            first=first,
            last=last,
        )
        for end, first, last in found
    )


def _changed(rule: WarningRule, reports: Columns, fresh: Flags, take: Flags) -> Places:
    """Those of ``take`` whose window holds a fresh report: itself, or one less than a window before it."""
    newest = np.maximum.accumulate(np.where(fresh, reports.times, _NEVER))
    changed = (reports.times - newest < rule.window // _TICK) & take
    late = np.flatnonzero(changed & ~fresh)
    changed[late[: max(len(late) - MOST_LATE, 0)]] = False
    return np.flatnonzero(changed)


def _around(
    rule: WarningRule, reports: Columns, found: Iterable[tuple[int, int, int]], *, county: str, category: str
) -> Iterable[Window]:
    for end, first, last in found:
        rows = slice(first, last)
        spot = spot_around(reports, end, rows, metres=rule.within_metres or 0, at_least=rule.at_least)
        if spot is None:
            continue
        members = first + np.flatnonzero(reports.inside(spot)[rows])
        area = smallest_area(reports.areas.distinct(members))
        yield Window(
            subject=Subject(rule=rule, county=county, area=area, category=category, spot=spot),
            at=reports.reports[end].at,
            observed=len(members),
            among=reports,
            first=first,
            last=last,
        )
