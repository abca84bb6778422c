"""Early warning's windows in their plain form: lists all the way, each window made whole, every distance reckoned."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import asin, cos, radians, sin, sqrt
from uuid import UUID

from services.escalation.domain.warning.reports import Report
from shared.events.parts import Place
from shared.playbook.model import WarningRule

EARTH_METRES = 6_371_008.8
MOST_AROUND = 500


@dataclass(frozen=True, slots=True)
class Plain:
    """A window: the rule's place among its fellows, where it watches, its end, and the reports that it holds."""

    rule: int
    area: str
    category: str
    at: datetime
    centre: Place | None
    reports: tuple[Report, ...]


def plain_windows(
    rules: Sequence[WarningRule], reports: Sequence[Report], fresh: Collection[UUID], waiting: Collection[UUID] = ()
) -> list[Plain]:
    """What the domain's ``candidates`` must find, without its bound for late reports."""
    found = [window for place, rule in enumerate(rules) for window in _of_rule(place, rule, reports, fresh, waiting)]
    return sorted(found, key=lambda one: (one.at, one.rule, one.category, one.area))


def plain_metres(one: Place, other: Place) -> float:
    """The great circle by the haversine."""
    lat, lon, to_lat, to_lon = map(radians, (one.lat, one.lon, other.lat, other.lon))
    half = sin((to_lat - lat) / 2) ** 2 + cos(lat) * cos(to_lat) * sin((to_lon - lon) / 2) ** 2
    return 2 * EARTH_METRES * asin(sqrt(min(half, 1.0)))


def _of_rule(
    place: int,
    rule: WarningRule,
    reports: Sequence[Report],
    fresh: Collection[UUID],
    waiting: Collection[UUID],
) -> Iterator[Plain]:
    groups: dict[tuple[str, str], list[Report]] = defaultdict(list)
    for report in reports:
        key = _key(rule, report)
        if key is not None:
            groups[key].append(report)
    for (area, category), group in groups.items():
        for report in _changed(group, fresh, waiting, rule.window):
            within = _within(group, report.at, rule.window)
            if len(within) < rule.at_least:
                continue
            if rule.within_metres is None:
                yield Plain(place, area, category, report.at, None, tuple(within))
            else:
                yield from _around(place, rule, category, report, within)


def _around(place: int, rule: WarningRule, category: str, report: Report, within: Sequence[Report]) -> Iterator[Plain]:
    metres = rule.within_metres or 0
    if report.place is None:
        return
    near = _inside(within, report.place, 2 * metres)[-MOST_AROUND:]
    circles = [
        (-len(_inside(near, one.place, metres)), one.report_id, one.place)
        for one in near
        if one.place is not None and plain_metres(one.place, report.place) <= metres
    ]
    if circles and -min(circles)[0] >= rule.at_least:
        members = _inside(within, min(circles)[2], metres)
        yield Plain(place, _smallest(members), category, report.at, min(circles)[2], tuple(members))


def _inside(reports: Sequence[Report], centre: Place, metres: float) -> list[Report]:
    return [one for one in reports if one.place is not None and plain_metres(one.place, centre) <= metres]


def _key(rule: WarningRule, report: Report) -> tuple[str, str] | None:
    if rule.areas and not any(report.area.startswith(area) for area in rule.areas):
        return None
    digits = 6 if rule.within_metres is not None else rule.level.digits
    if len(report.area) < digits:
        return None
    counted = [code for code in rule.categories if report.category == code or report.category.startswith(f"{code}.")]
    if rule.categories and not counted:
        return None
    return report.area[:digits], counted[0] if counted else report.category


def _changed(
    group: Sequence[Report], fresh: Collection[UUID], waiting: Collection[UUID], window: timedelta
) -> Iterator[Report]:
    newest: datetime | None = None
    for report in group:
        if report.report_id in fresh:
            newest = report.at
        late = report.report_id in waiting and report.report_id not in fresh
        if newest is not None and report.at - newest < window and not late:
            yield report


def _within(group: Sequence[Report], at: datetime, window: timedelta) -> Sequence[Report]:
    first = bisect_right(group, at - window, key=lambda one: one.at)
    return group[first : bisect_right(group, at, key=lambda one: one.at)]


def _smallest(reports: Sequence[Report]) -> str:
    known = [one.area for one in reports]
    for digits in (12, 9, 6):
        first = known[0][:digits]
        if len(first) == digits and all(one.startswith(first) for one in known):
            return first
    return known[0][:6]
