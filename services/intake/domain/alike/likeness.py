"""How alike two reports are, and in words why: by what they say, the places they name, and where they lie."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum, auto, unique
from typing import Final

from services.intake.domain.alike.wording import Marks, Wording, is_one_place, marks_of

COPY: Final = 0.7
"""Cosine of the grams from which a text is the other one's copy, perhaps with some words changed."""
LEAST_ISSUE: Final = 0.3
"""Share of the one's first sentence that the other must say as well, when both name one place."""
LEAST_ISSUE_UNNAMED: Final = 0.65
"""The same when only their points are near: in a dense town two matters lie within the metres of one another."""
LEAST_SHARED: Final = 3
"""Grams of the matter itself, not of its place, that must be in both."""
LEAST_CONTENT: Final = 0.06
"""Cosine without the names: below it only the place is common."""
TELLING: Final = 30
"""Grams from which a text says enough for its copy to be no accident (路灯不亮 says it of any lamp)."""
TOLD: Final = 0.6
"""Cosine from which one wording adds nothing to another."""
DOUBTFUL: Final = 0.8
"""The most that a likeness scores when something speaks against it that a person may judge."""
CONTRADICTED: Final = 0.5
"""The most when the two cannot be one: offered to nobody."""
_AT_COPY: Final = 0.82
_BOTTOM: Final = 0.55


@unique
class Apart(Enum):
    """Where two reports lie to each other."""

    HERE = auto()
    """Within the metres of the county's policy, or in one grid cell."""
    UNKNOWN = auto()
    """In one town, more is not known."""
    ELSEWHERE = auto()
    """Points further apart, or other villages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """0 to 1, and what speaks for it and against it, in both languages."""

    score: float
    why: str


def likeness(one: Wording, other: Wording, apart: Apart) -> Likeness:
    """How alike two reports are; the same whichever comes first."""
    a, b = marks_of(one), marks_of(other)
    names, titled = _named(a, b)
    copied = _cosine(a.grams, b.grams)
    cap = _against(a, b, apart, copied=copied, named=bool(names), titled=bool(titled))
    return _weighed(a, b, copied, spot=_Spot(names=names, titled=titled, here=apart is Apart.HERE), cap=cap)


def likeness_from(least: float, one: Wording, other: Wording, apart: Apart) -> Likeness | None:
    """``likeness`` where it is ``least`` or more, else None: what surely is less costs little to find out."""
    return likeness_of(least, marks_of(one), marks_of(other), apart)


def likeness_of(least: float, a: Marks, b: Marks, apart: Apart) -> Likeness | None:
    """``likeness_from`` by what the two wordings tell."""
    names, titled = _named(a, b)
    if least > CONTRADICTED and _contradicted(a, b, apart, named=bool(names), titled=bool(titled)):
        return None
    copied, spot = _cosine(a.grams, b.grams), _Spot(names=names, titled=titled, here=apart is Apart.HERE)
    if spot.knee is None and _by_copy(copied) < least:
        return None
    cap = _against(a, b, apart, copied=copied, named=bool(names), titled=bool(titled))
    if cap[0] < least:
        return None
    found = _weighed(a, b, copied, spot=spot, cap=cap)
    return found if found.score >= least else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spot:
    """What two reports say of one place: the names in both, of these those in a first sentence, and whether near."""

    names: frozenset[str]
    titled: frozenset[str]
    here: bool

    @property
    def knee(self) -> float | None:
        """The share of a first sentence that makes the two one; None where its place is not known to be one."""
        return LEAST_ISSUE if self.titled else LEAST_ISSUE_UNNAMED if self.here else None


def _named(a: Marks, b: Marks) -> tuple[frozenset[str], frozenset[str]]:
    """The places that both name, and those that one's first sentence names."""
    if a.name_runs.isdisjoint(b.name_runs) or not (names := _shared_places(a.places, b.places)):
        return frozenset(), frozenset()
    return names, _shared_places(a.title_places, b.places) | _shared_places(a.places, b.title_places)


def _weighed(a: Marks, b: Marks, copied: float, *, spot: _Spot, cap: tuple[float, list[str]]) -> Likeness:
    score, why = _by_words(a, b, copied, knee=spot.knee)
    if spot.names:
        why.append(f"都提到「{'、'.join(sorted(spot.titled or spot.names)[:3])}」/ both name the place")
    elif spot.here:
        why.append("位置相同或相近 / in one place")
    most, against = cap
    return Likeness(score=min(score, most), why="；".join([*why, *against]))


def is_told(one: Wording, other: Wording) -> bool:
    """Whether the one adds nothing to the other: keeping both would only cost room."""
    a, b = marks_of(one), marks_of(other)
    return _cosine(a.grams, b.grams) >= TOLD and not _alone(a.places, b.places)


def _by_words(a: Marks, b: Marks, copied: float, *, knee: float | None) -> tuple[float, list[str]]:
    """By the whole text, or in one place by its first sentence: ``knee`` is the share of it that makes them one."""
    telling = min(len(a.grams), len(b.grams)) >= TELLING or knee is not None
    best, why = min(_by_copy(copied), 1.0 if telling else DOUBTFUL), f"用词相似度 {copied:.2f} / likeness of words"
    if knee is None:
        return best, [why]
    issue, shared = _issue(a, b)
    by_issue = _scaled(issue, foot=0.1, knee=knee)
    if shared < LEAST_SHARED or _cosine(a.content, b.content) < LEAST_CONTENT:
        by_issue = min(by_issue, DOUBTFUL if shared else 0.0)
    if by_issue <= best:
        return best, [why]
    return by_issue, [f"首句事由 {issue:.0%} 相同 / so much of the first sentence is in both"]


def _by_copy(copied: float) -> float:
    return _scaled(copied, foot=0.4, knee=COPY)


def _scaled(value: float, *, foot: float, knee: float) -> float:
    """0.55 at ``foot``, 0.82 at ``knee`` and on in that slope up to 1."""
    return max(0.0, min(1.0, _BOTTOM + (value - foot) * (_AT_COPY - _BOTTOM) / (knee - foot)))


def _issue(a: Marks, b: Marks) -> tuple[float, int]:
    """The share of a first sentence's grams that the other text has, the larger of both ways; and how many."""
    ways = [(len((x.issue & y.grams) - y.of_names), len(x.issue)) for x, y in ((a, b), (b, a))]
    return max(found / max(4, of) for found, of in ways), max(found for found, _ in ways)


def _against(a: Marks, b: Marks, apart: Apart, *, copied: float, named: bool, titled: bool) -> tuple[float, list[str]]:
    """The most that the two can score, and why not more."""
    if copied >= COPY and (changed := _changed(a, b)):
        return CONTRADICTED, [f"文本雷同但「{changed[0]}」「{changed[1]}」不同 / copied, with another place or number"]
    if apart is Apart.ELSEWHERE and not named:
        return CONTRADICTED, ["位置不同 / elsewhere, and no place in common"]
    if a.title_places and b.title_places and not (titled and _shared_places(a.title_places, b.title_places)):
        return (DOUBTFUL if titled else CONTRADICTED), ["首句地点不同 / the first sentences name other places"]
    if _disjoint(a.title_numbers, b.title_numbers):
        return DOUBTFUL, ["首句编号不同 / the first sentences have other numbers"]
    if copied >= COPY and _swapped(a, b):
        return DOUBTFUL, ["文本雷同但另有地点不同 / copied, but places further down differ"]
    if apart is Apart.ELSEWHERE and not titled:
        return DOUBTFUL, ["位置不同 / elsewhere"]
    return 1.0, []


def _contradicted(a: Marks, b: Marks, apart: Apart, *, named: bool, titled: bool) -> bool:
    """Whether their places alone say, without a look at the words, that the two cannot be one."""
    elsewhere = apart is Apart.ELSEWHERE and not named
    return elsewhere or bool(a.title_places and b.title_places and not titled)


def _changed(a: Marks, b: Marks) -> tuple[str, str] | None:
    """A place or number of the one where its copy has another; None when none is changed."""
    ours, theirs = _alone(a.places, b.places), _alone(b.places, a.places)
    if ours & a.title_places and theirs & b.title_places:
        return min(ours & a.title_places), min(theirs & b.title_places)
    unit = _disjoint(a.numbers, b.numbers)
    if unit is None:
        return None
    return tuple(min(figure for name, figure in one.numbers if name == unit) + unit for one in (a, b))  # type: ignore[return-value]  # two of them


def _swapped(a: Marks, b: Marks) -> bool:
    return bool(_alone(a.places, b.places) and _alone(b.places, a.places))


def _alone(some: frozenset[str], others: frozenset[str]) -> frozenset[str]:
    """Those of ``some`` that can be none of ``others``."""
    return frozenset(one for one in some if not any(is_one_place(one, other) for other in others))


def _disjoint(some: frozenset[tuple[str, str]], others: frozenset[tuple[str, str]]) -> str | None:
    """A unit of which both have figures, but none in common."""
    units = {unit for unit, _ in some} & {unit for unit, _ in others}
    common = {unit for unit, _ in some & others}
    return min(units - common, default=None)


def _shared_places(some: frozenset[str], others: frozenset[str]) -> frozenset[str]:
    return frozenset(min(x, y, key=lambda name: (len(name), name)) for x in some for y in others if is_one_place(x, y))


def _cosine(some: frozenset[int], others: frozenset[int]) -> float:
    if not some or not others:
        return 0.0
    return len(some & others) / math.sqrt(len(some) * len(others))
