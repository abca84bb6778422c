"""Which of the newest profiles of a kin a report is compared with: those that share most with it.

All reports of a batch are held against all profiles by whole columns of numbers: one by one would cost a report more
than everything else that is done to it.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

SHORT: Final = 16
"""Profiles that a report is compared with, at most."""
_LOW: Final = 0xFFFF

Numbers: TypeAlias = NDArray[np.int64]
Truths: TypeAlias = NDArray[np.bool_]


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
    """What a report is found by; ``since`` counts as the times of the profiles do."""

    names: Collection[int]
    anchors: Collection[int]
    since: int
    lon: float = math.nan
    lat: float = math.nan
    degrees: float = 0.0


def shortlist(newest: Newest, sought: Sequence[Sought]) -> list[list[int]]:
    """For each report the places of at most 16 profiles that share a name or an anchor with it, or lie near.

    A shared name of a place counts before all: where many use one pattern, the words are everybody's. Then counts
    how many anchors are shared, then which is newer.
    """
    there = len(newest.last_at)
    if not there:
        return [[] for _ in sought]
    named = _shared(newest.names, [one.names for one in sought], there) > 0
    anchors = _shared(newest.anchors, [one.anchors for one in sought], there)
    recent = newest.last_at[None, :] > _column([one.since for one in sought])
    may_be = recent & (named | (anchors > 0) | _near(newest, sought))
    age = np.arange(there - 1, -1, -1)
    rank = np.where(may_be, (named * (int(anchors.max()) + 1) + anchors) * there + age, -1)
    order = np.argsort(-rank, axis=1)[:, :SHORT]
    return [
        [place for place in places if ranks[place] >= 0] for places, ranks in zip(order.tolist(), rank, strict=True)
    ]


def _shared(stored: Marks, asked: Sequence[Collection[int]], there: int) -> Numbers:
    """How many numbers each report shares with each profile: a row a report, a column a profile."""
    total = sum(map(len, asked))
    values = np.fromiter(chain.from_iterable(asked), np.int32, total)
    askers = np.repeat(np.arange(len(asked)), [len(one) for one in asked])
    order = np.argsort(values)
    values, askers = values[order], askers[order]
    # Most numbers are nobody's: a glance at half of each sets those aside before it is looked for among the sorted.
    known = np.zeros(_LOW + 1, np.bool_)
    known[values & _LOW] = True
    perhaps = np.flatnonzero(known[stored.values & _LOW])
    looked_for = stored.values[perhaps]
    first = np.searchsorted(values, looked_for, "left")
    hits = np.searchsorted(values, looked_for, "right") - first
    # Who asks for a number stands in one run from ``first`` on: the runs one after the other.
    ends = np.cumsum(hits)
    runs = np.arange(int(hits.sum())) - np.repeat(ends - hits, hits) + np.repeat(first, hits)
    pairs = askers[runs] * there + np.repeat(stored.owners[perhaps], hits)
    return np.bincount(pairs, minlength=len(asked) * there).reshape(len(asked), there)


def _near(newest: Newest, sought: Sequence[Sought]) -> Truths:
    """Whether each profile lies within the degrees of each report; nothing is near to what lies nowhere."""
    lat, degrees = _column([one.lat for one in sought]), _column([one.degrees for one in sought])
    south = np.abs(newest.lat[None, :] - lat)
    east = np.abs(newest.lon[None, :] - _column([one.lon for one in sought])) * np.cos(np.radians(lat))
    near: Truths = (south < degrees) & (east < degrees)
    return near


def _column(values: Sequence[float]) -> NDArray[np.float64]:
    return np.array(values, np.float64)[:, None]
