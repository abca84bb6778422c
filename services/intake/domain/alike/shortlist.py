"""Which of the newest profiles of a kin a report is compared with: those that share most with it.

All reports of a batch are held against all profiles of all their kins by whole columns of numbers: one by one would
cost a report more than everything else that is done to it, and kin by kin a tenth more.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

SHORT: Final = 16
"""Profiles that a report is compared with, at most."""
_GLANCE: Final = (1 << 18) - 1
_MARK: Final = 0xFFFFFFFF
_NAMED: Final = 1 << 32
_KIN: Final = 1 << 33

Numbers: TypeAlias = NDArray[np.int64]
Truths: TypeAlias = NDArray[np.bool_]
Number = TypeVar("Number", np.int64, np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """Numbers that stand for words, those of all profiles in one row, and whose each is."""

    values: NDArray[np.int32]
    owners: Numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Newest:
    """The newest profiles of one kin, newest first: when they were last told of and where they lie.

    Times are microseconds of any beginning; a place that nobody knows is NaN.
    """

    last_at: Numbers
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    names: Marks
    anchors: Marks


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """What a report is found by among the profiles of its kin; ``since`` counts as the times of the profiles do."""

    kin: int
    names: Collection[int]
    anchors: Collection[int]
    since: int
    lon: float = math.nan
    lat: float = math.nan
    degrees: float = 0.0


def shortlist(kins: Sequence[Newest], sought: Sequence[Sought]) -> list[list[int]]:
    """For each report the places of at most 16 profiles of its kin that share a name or an anchor with it, or lie near.

    A shared name of a place counts before all: where many use one pattern, the words are everybody's. Then counts
    how many anchors are shared, then which is newer.
    """
    width = max((len(one.last_at) for one in kins), default=0)
    if not width or not sought:
        return [[] for _ in sought]
    shared = _shared(kins, sought, width)
    anchors, named = shared[:, :, 0], shared[:, :, 1] > 0
    asked = np.array([one.kin for one in sought])
    last_at = _rows([one.last_at for one in kins], width, fill=np.iinfo(np.int64).min)[asked]
    may_be = (last_at > _column([one.since for one in sought])) & (named | (anchors > 0) | _near(kins, sought, width))
    age = np.arange(width - 1, -1, -1)
    rank = np.where(may_be, (named * (int(anchors.max()) + 1) + anchors) * width + age, -1)
    order = np.argsort(-rank, axis=1)[:, :SHORT]
    counts = np.minimum(may_be.sum(axis=1), SHORT).tolist()
    return [places[:count] for places, count in zip(order.tolist(), counts, strict=True)]


def _shared(kins: Sequence[Newest], sought: Sequence[Sought], width: int) -> Numbers:
    """How many anchors and how many names each report shares with each profile of its kin: report, profile, which."""
    values, askers = _asked(sought)
    stored, owners = _stored(kins)
    # Most numbers are nobody's: a glance at a part of each sets those aside before it is looked for among the sorted.
    known = np.zeros(_GLANCE + 1, np.bool_)
    known[values & _GLANCE] = True
    perhaps = np.flatnonzero(known[stored & _GLANCE])
    looked_for, owners = stored[perhaps], owners[perhaps]
    first = np.searchsorted(values, looked_for, "left")
    hits = np.searchsorted(values, looked_for, "right") - first
    # Who asks for a number stands in one run from ``first`` on: the runs one after the other.
    ends = np.cumsum(hits)
    runs = np.arange(int(hits.sum())) + np.repeat(first - (ends - hits), hits)
    pairs = (askers[runs] * width + np.repeat(owners, hits)) * 2 + (values[runs] & _NAMED != 0)
    return np.bincount(pairs, minlength=len(sought) * width * 2).reshape(len(sought), width, 2)


def _asked(sought: Sequence[Sought]) -> tuple[Numbers, Numbers]:
    """The numbers that the reports ask for, in order, and who asks for each; numbers of two kins are two."""
    sets = [marks for one in sought for marks in (one.anchors, one.names)]
    sizes = [len(marks) for marks in sets]
    values = np.fromiter(chain.from_iterable(sets), np.int64, sum(sizes)) & _MARK
    heads = np.array([head for one in sought for head in (one.kin * _KIN, one.kin * _KIN + _NAMED)])
    values |= np.repeat(heads, sizes)
    askers = np.repeat(np.arange(len(sets)) // 2, sizes)
    order = np.argsort(values)
    return values[order], askers[order]


def _stored(kins: Sequence[Newest]) -> tuple[Numbers, Numbers]:
    """The numbers of all profiles as `_asked` writes them, and the place of each one's profile in its kin."""
    rows = [marks for one in kins for marks in (one.anchors, one.names)]
    sizes = [len(row.values) for row in rows]
    heads = np.array([head for kin in range(len(kins)) for head in (kin * _KIN, kin * _KIN + _NAMED)])
    values = np.concatenate([row.values for row in rows]) & np.int64(_MARK)
    return values | np.repeat(heads, sizes), np.concatenate([row.owners for row in rows])


def _near(kins: Sequence[Newest], sought: Sequence[Sought], width: int) -> Truths:
    """Whether each profile lies within the degrees of each report; nothing is near to what lies nowhere."""
    near = np.zeros((len(sought), width), np.bool_)
    placed = [place for place, one in enumerate(sought) if not math.isnan(one.lat)]
    if placed:
        asks = [sought[place] for place in placed]
        kin = np.array([one.kin for one in asks])
        lat, degrees = _column([one.lat for one in asks]), _column([one.degrees for one in asks])
        south = np.abs(_rows([one.lat for one in kins], width, fill=np.nan)[kin] - lat)
        lons = _rows([one.lon for one in kins], width, fill=np.nan)[kin]
        east = np.abs(lons - _column([one.lon for one in asks])) * np.cos(np.radians(lat))
        near[placed] = (south < degrees) & (east < degrees)
    return near


def _rows(columns: Sequence[NDArray[Number]], width: int, *, fill: float) -> NDArray[Number]:
    """Columns of different lengths as rows of one, what is missing filled up."""
    rows = np.full((len(columns), width), fill, columns[0].dtype)
    for row, column in zip(rows, columns, strict=True):
        row[: len(column)] = column
    return rows


def _column(values: Sequence[float]) -> NDArray[np.float64]:
    return np.array(values, np.float64)[:, None]
