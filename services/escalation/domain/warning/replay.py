"""A history of reports replayed in memory: what would have been raised. The same rounds as over the stream."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from services.escalation.domain.warning.columns import Columns, ticks
from services.escalation.domain.warning.episodes import Change, Episode
from services.escalation.domain.warning.reports import Report, under
from services.escalation.domain.warning.rounds import Asked, Past, end, look
from services.escalation.domain.warning.subjects import Subject
from services.escalation.domain.warning.usual import HISTORY_DAYS, History, Season
from services.escalation.domain.warning.windows import candidates
from shared.playbook.model import WarningRule
from shared.vocabulary import Level

ROUND: Final = timedelta(minutes=10)
"""Reports of so long are looked at together; standing warnings are looked at so often."""
MOST_IN_ROUND: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a county's past counts for: reports by category and day, the days known, how many areas report."""

    season: Season
    days_known: int
    totals: Mapping[str, int]
    areas: Mapping[Level, int]

    def expected(self, asked: Asked) -> float:
        """Reports a day that the county lets expect of a subject: its category's, spread over areas as small."""
        subject = asked.subject
        level = Level.VILLAGE if subject.spot is not None else subject.rule.level
        seen = sum(count for code, count in self.totals.items() if under(subject.category, code))
        return (seen + 0.5) / max(self.areas.get(level, 1), 1) / max(self.days_known, 1)


def replay(
    reports: Sequence[Report], rules: Sequence[WarningRule], zone: ZoneInfo, *, since: datetime | None = None
) -> Iterator[Change]:
    """What ``rules`` would have raised over ``reports`` of one county, whatever their order here.

    With ``since`` those before it are history alone.
    """
    memory = _Memory(sorted(reports, key=lambda one: (one.at, one.report_id)), zone)
    longest = max((rule.window for rule in rules), default=timedelta())
    episodes: list[Episode] = []
    first = 0 if since is None else bisect_left(memory.reports, since, key=lambda one: one.at)
    while first < len(memory.reports):
        last = _end_of_round(memory.reports, first)
        now = memory.reports[last - 1].at
        # Those that ended meanwhile have done so before these reports came.
        for at in _looks(episodes, memory.reports, first, longest):
            ended, episodes = end(episodes, memory.until(at, longest), memory.past(at), now=at)
            yield from ended
        known = memory.until(now, 2 * longest)
        fresh = {one.report_id for one in memory.reports[first:last]}
        changes, episodes = look(candidates(rules, known, fresh), episodes, memory.past(now))
        yield from changes
        episodes = [one for one in episodes if one.ended_at is None or now - one.ended_at < longest]
        first = last


def _end_of_round(reports: Sequence[Report], first: int) -> int:
    last = bisect_right(reports, reports[first].at + ROUND, key=lambda one: one.at)
    return min(last, first + MOST_IN_ROUND)


def _looks(
    episodes: Sequence[Episode], reports: Sequence[Report], first: int, longest: timedelta
) -> Iterator[datetime]:
    """When standing warnings are looked at before the report ``first`` comes; at most until all windows are empty."""
    if first == 0 or not any(one.ended_at is None for one in episodes):
        return
    # A long window leaves what is unusual slowly.
    step = max(ROUND, longest / 144)
    at = reports[first - 1].at + step
    until = min(reports[first].at, reports[first - 1].at + longest + 2 * step)
    while at < until:
        yield at
        at += step


@dataclass(frozen=True, slots=True)
class _Line:
    """The reports of one category, oldest first, beside their local days."""

    reports: Columns
    days: Sequence[date]

    def counts(self, subject: Subject, start: datetime, stop: datetime) -> Counter[date]:
        """Those of ``subject`` from ``start`` to before ``stop``, by day."""
        first, last = np.searchsorted(self.reports.times, [ticks(start), ticks(stop)]).tolist()
        held = subject.held(self.reports)[first:last]
        return Counter(self.days[first + row] for row in np.flatnonzero(held).tolist())


class _Memory:
    """The reports of one county, oldest first, asked as the database is."""

    def __init__(self, reports: Sequence[Report], zone: ZoneInfo) -> None:
        self.reports = reports
        self._zone = zone
        self._columns = Columns.of(reports)
        days = [one.at.astimezone(zone).date() for one in reports]
        by_category: dict[str, list[int]] = defaultdict(list)
        for row, report in enumerate(reports):
            by_category[report.category].append(row)
        self._lines = {
            code: _Line(self._columns.part(np.array(rows, dtype=np.intp)), [days[row] for row in rows])
            for code, rows in by_category.items()
        }
        self._figures: tuple[date, Figures] | None = None
        self._histories: dict[Asked, History] = {}

    def until(self, at: datetime, reach: timedelta) -> Columns:
        """The reports of (``at`` - ``reach``, ``at``]."""
        return self._columns.part(slice(*self._columns.between(at - reach, at)))

    def past(self, now: datetime) -> Past:
        """What is known when ``now`` it is."""
        today = now.astimezone(self._zone).date()
        if self._figures is None or self._figures[0] != today:
            self._figures = today, self._of(today)
            self._histories.clear()
        figures = self._figures[1]
        return Past(season=figures.season, zone=self._zone, history=lambda asked: self._history(asked, figures))

    def _history(self, asked: Asked, figures: Figures) -> History:
        if asked not in self._histories:
            lines = [line for code, line in self._lines.items() if under(asked.subject.category, code)]
            start, stop = self._midnight(asked.end - timedelta(days=HISTORY_DAYS)), self._midnight(asked.end)
            counts = sum((line.counts(asked.subject, start, stop) for line in lines), Counter[date]())
            self._histories[asked] = history_of(counts, asked, figures, first=self._first_day())
        return self._histories[asked]

    def _of(self, today: date) -> Figures:
        start = self._midnight(today - timedelta(days=HISTORY_DAYS))
        held = _between(self.reports, start, self._midnight(today))
        rhythm = Counter((at.weekday(), at.hour) for at in (one.at.astimezone(self._zone) for one in held))
        known = min((today - self._first_day()).days, HISTORY_DAYS)
        return Figures(
            season=Season.of(rhythm) if known >= 2 * 7 else Season(),
            days_known=known,
            totals=Counter(one.category for one in held),
            areas={level: len({one.area[: level.digits] for one in held}) for level in Level},
        )

    def _first_day(self) -> date:
        return self.reports[0].at.astimezone(self._zone).date()

    def _midnight(self, day: date) -> datetime:
        return datetime(day.year, day.month, day.day, tzinfo=self._zone)


def _between(rows: Sequence[Report], start: datetime, stop: datetime) -> Sequence[Report]:
    return rows[bisect_left(rows, start, key=lambda one: one.at) : bisect_left(rows, stop, key=lambda one: one.at)]


def days_known(end: date, *, first: date) -> int:
    """How many whole days before ``end`` a history has; days before the county's ``first`` whole one are not known."""
    return max(min((end - first).days - 1, HISTORY_DAYS), 0)


def history_of(counts: Mapping[date, int], asked: Asked, figures: Figures, *, first: date) -> History:
    """A subject's history of counts by local day; ``first`` is the day on which the county was first heard of."""
    length = days_known(asked.end, first=first)
    begins = asked.end - timedelta(days=length)
    return History(
        days=tuple(counts.get(begins + timedelta(days=place), 0) for place in range(length)),
        end=asked.end,
        expected=figures.expected(asked),
    )
