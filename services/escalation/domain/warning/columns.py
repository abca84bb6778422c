"""A county's reports as columns: what is asked of tens of thousands at once is asked of arrays."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.escalation.domain.warning.distances import (
    Metres,
    metres_apart,
    nearer,
    radians_of,
    squared_chords,
    vectors_of,
)
from services.escalation.domain.warning.reports import Report
from shared.events.parts import Place
from shared.events.warning import Spot

NOWHERE: Final = Place(lon=float("nan"), lat=float("nan"))
"""Stands where a report has no place: it is near nothing."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TICK: Final = timedelta(microseconds=1)
_BLOCK: Final = 4096
"""Rows that are held against a circle at once: what is made on the way stays small."""
_MOST_FLAGS: Final = 32
"""Subjects and spots whose rows are kept at hand; windows that follow each other ask for the same."""

Flags = NDArray[np.bool_]
Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """A column of words that come again and again: each word once, and a number a row."""

    known: tuple[str, ...]
    numbers: NDArray[np.intp]

    @classmethod
    def of(cls, words: Iterable[str]) -> Words:
        """The column of ``words``."""
        known: dict[str, int] = {}
        numbers = [known.setdefault(word, len(known)) for word in words]
        return cls(tuple(known), np.array(numbers, dtype=np.intp))

    def part(self, rows: slice | Places) -> Words:
        """Some of its rows."""
        return Words(self.known, self.numbers[rows])

    def which(self, chosen: Callable[[str], bool]) -> Flags:
        """The rows whose word is ``chosen``; each word is asked once."""
        table: Flags = np.array([chosen(word) for word in self.known], dtype=np.bool_)
        return table[self.numbers]

    def distinct(self, rows: Places) -> list[str]:
        """The words of ``rows``, each once."""
        there = np.zeros(len(self.known), dtype=np.bool_)
        there[self.numbers[rows]] = True
        return [self.known[number] for number in np.flatnonzero(there)]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Columns:
    """Reports of one county, oldest first; ``times`` in microseconds (UTC), ``points`` in radians, a row each.

    ``vectors`` are the same points in space, on a ball of radius 1: a row for each axis.
    """

    reports: Sequence[Report]
    times: NDArray[np.int64]
    points: Metres
    vectors: Metres
    areas: Words
    categories: Words
    _flags: dict[Hashable, Flags] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, reports: Sequence[Report]) -> Columns:
        """The columns of ``reports``, which are oldest first."""
        points = radians_of([one.place or NOWHERE for one in reports])
        return cls(
            reports=reports,
            times=np.array([ticks(one.at) for one in reports], dtype=np.int64),
            points=points,
            vectors=vectors_of(points),
            areas=Words.of(one.area for one in reports),
            categories=Words.of(one.category for one in reports),
        )

    def __len__(self) -> int:
        return len(self.reports)

    def part(self, rows: slice | Places) -> Columns:
        """Some of the rows, in their order; the reports themselves are not copied."""
        some = self.reports[rows] if isinstance(rows, slice) else [self.reports[row] for row in rows.tolist()]
        return Columns(
            reports=some,
            times=self.times[rows],
            points=self.points[rows],
            vectors=self.vectors[:, rows],
            areas=self.areas.part(rows),
            categories=self.categories.part(rows),
        )

    def between(self, after: datetime, until: datetime) -> tuple[int, int]:
        """The first row of (``after``, ``until``], and the row after the last."""
        first, last = np.searchsorted(self.times, [ticks(after), ticks(until)], side="right")
        return int(first), int(last)

    def flags(self, key: Hashable, reckon: Callable[[], Flags]) -> Flags:
        """What ``reckon`` says of all rows; reckoned once for the keys that were lately asked for."""
        found = self._flags.get(key)
        if found is None:
            found = reckon()
            while len(self._flags) >= _MOST_FLAGS:
                del self._flags[next(iter(self._flags))]
            self._flags[key] = found
        return found

    def inside(self, spot: Spot) -> Flags:
        """Which rows lie in ``spot``; one without a place lies nowhere."""
        return self.flags(spot, lambda: self._all_within(spot.centre, spot.metres))

    def newest_within(self, centre: Place, metres: float, rows: slice, *, most: int) -> Places:
        """The rows of ``rows`` that lie in a circle, oldest first; of more than ``most`` the newest."""
        found, count, last = list[Places](), 0, rows.stop
        while last > rows.start and count < most:
            begin = max(rows.start, last - _BLOCK)
            found.append(begin + np.flatnonzero(self._within(radians_of([centre]), metres, slice(begin, last))))
            count, last = count + len(found[-1]), begin
        return np.concatenate([np.empty(0, dtype=np.intp), *reversed(found)])[-most:]

    def _all_within(self, centre: Place, metres: float) -> Flags:
        point = radians_of([centre])
        near = np.empty(len(self), dtype=np.bool_)
        for begin in range(0, len(self), _BLOCK):
            rows = slice(begin, begin + _BLOCK)
            near[rows] = self._within(point, metres, rows)
        return near

    def _within(self, point: Metres, metres: float, rows: slice) -> Flags:
        squares = squared_chords(vectors_of(point), self.vectors[:, rows])[0]
        return nearer(squares, metres, lambda at: metres_apart(self.points[rows][at[0]], point)[:, 0])


def ticks(at: datetime) -> int:
    """Microseconds since 1970 in UTC."""
    return (at - _EPOCH) // _TICK
