"""Which profiles a report is compared with: the columns of a batch say what is said when each is asked by itself."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from services.intake.domain.alike.shortlist import SHORT, Marks, Newest, Sought, shortlist


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A profile, newest first in its kin."""

    last_at: int
    names: frozenset[int]
    anchors: frozenset[int]
    lon: float = math.nan
    lat: float = math.nan


def columns(kept: Sequence[Kept]) -> Newest:
    return Newest(
        last_at=np.array([one.last_at for one in kept], np.int64),
        lon=np.array([one.lon for one in kept], np.float64),
        lat=np.array([one.lat for one in kept], np.float64),
        names=marks([one.names for one in kept]),
        anchors=marks([one.anchors for one in kept]),
    )


def marks(sets: Sequence[frozenset[int]]) -> Marks:
    values = [mark for one in sets for mark in one]
    owners = np.repeat(np.arange(len(sets)), [len(one) for one in sets])
    return Marks(values=np.array(values, np.int32), owners=owners)


def plainly(kept: Sequence[Kept], one: Sought) -> list[int]:
    """One profile after the other."""

    def near(profile: Kept) -> bool:
        east = abs(profile.lon - one.lon) * math.cos(math.radians(one.lat))
        return abs(profile.lat - one.lat) < one.degrees and east < one.degrees

    def worth(place: int) -> tuple[bool, int, int]:
        profile = kept[place]
        return bool(profile.names & set(one.names)), len(profile.anchors & set(one.anchors)), -place

    may_be = [
        place
        for place, profile in enumerate(kept)
        if profile.last_at > one.since and (worth(place)[:2] > (False, 0) or near(profile))
    ]
    return sorted(may_be, key=worth, reverse=True)[:SHORT]


def drawn(draw: random.Random, most: int) -> frozenset[int]:
    """Few small numbers, so that many are shared, at both ends of what 32 bits hold."""
    numbers = [*range(-6, 6), 2**31 - 1, -(2**31), 1 << 18, -(1 << 18) + 1]
    return frozenset(draw.sample(numbers, draw.randint(0, most)))


def somewhere(draw: random.Random) -> dict[str, float]:
    return {"lon": draw.uniform(102, 102.01), "lat": draw.uniform(25, 25.01)} if draw.random() < 0.5 else {}


@pytest.mark.parametrize("seed", range(30))
def test_all_reports_of_a_batch_find_what_each_finds_by_itself(seed: int) -> None:
    draw = random.Random(seed)
    kins = [
        [
            Kept(last_at=1000 - place, names=drawn(draw, 3), anchors=drawn(draw, 6), **somewhere(draw))
            for place in range(draw.choice((0, 1, 5, 40)))
        ]
        for _ in range(draw.randint(1, 6))
    ]
    sought = [
        Sought(
            kin=draw.randrange(len(kins)),
            names=drawn(draw, 3),
            anchors=drawn(draw, 6),
            since=draw.choice((0, 980)),
            degrees=0.002,
            **somewhere(draw),
        )
        for _ in range(draw.randint(0, 12))
    ]
    expected = [plainly(kins[one.kin], one) for one in sought]
    assert shortlist([columns(kin) for kin in kins], sought) == expected


def test_what_lies_in_another_kin_is_never_found() -> None:
    there = Kept(last_at=5, names=frozenset({1}), anchors=frozenset({2}))
    asked = Sought(kin=1, names={1}, anchors={2}, since=0)
    assert shortlist([columns([there]), columns([])], [asked]) == [[]]
    assert shortlist([columns([there]), columns([there])], [asked]) == [[0]]


def test_a_name_is_no_anchor() -> None:
    there = Kept(last_at=5, names=frozenset({1}), anchors=frozenset({2}))
    assert shortlist([columns([there])], [Sought(kin=0, names={2}, anchors={1}, since=0)]) == [[]]
