"""Whether a report tells of a matter that is a case already (并案): surely, perhaps, or not."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, auto, unique
from functools import lru_cache
from typing import Final, TypeAlias
from uuid import UUID

from services.intake.domain.alike.likeness import CONTRADICTED, Apart, Likeness, is_told, likeness_of
from services.intake.domain.alike.wording import Marks, Wording, marks_of
from services.intake.domain.life.states import AT_WORK, HELD
from shared.events.parts import Alike, Place
from shared.playbook.model import Merging
from shared.vocabulary import GRID_DIGITS, VILLAGE_DIGITS, CaseState, Purpose

MOST_ALIKE: Final = 5
ACCOUNTS_KEPT: Final = 8
"""Wordings of one matter that are kept: the first of those that differ."""
TIMES_KEPT: Final = 1000
"""Times of the newest reports; a mass matter of more is one of so many."""
ANCHORS: Final = 24
"""Smallest hashes of a text's grams: two texts that share a tenth of theirs share one of these, nine times in ten."""
NAME_ANCHORS: Final = 8
_EARTH_METRES: Final = 6_371_000
_HALF: Final = 2**31


@dataclass(frozen=True, slots=True, kw_only=True)
class Kin:
    """What two reports must have in common to be one matter: never is one merged across towns by itself.

    ``family`` is the root of the category; ``town`` nine digits, or six where nobody knows the town.
    """

    town: str
    family: str
    purpose: Purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One report's account of a matter, and where it says that is."""

    wording: Wording
    area: str
    place: Place | None = None


@unique
class Standing(Enum):
    """What a case still takes."""

    JOINS = auto()
    """It is at work, waits to be filed or stands still: a report joins it."""
    OFFERED = auto()
    """It was resolved, or closed a short time ago: the report may say that it is not mended, so a person looks."""
    OVER = auto()


_STANDING: Final[Mapping[CaseState, Standing]] = {
    **dict.fromkeys(CaseState, Standing.OVER),
    **dict.fromkeys((CaseState.RESOLVED, CaseState.VERIFIED, CaseState.CLOSED), Standing.OFFERED),
    **dict.fromkeys(AT_WORK | HELD | {CaseState.RECEIVED}, Standing.JOINS),
}


def standing_of(state: CaseState) -> Standing:
    """What a case in ``state`` still takes."""
    return _STANDING[state]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A case as new reports are compared with it; ``times`` are those of its newest reports, oldest first."""

    case_id: UUID
    kin: Kin
    accounts: tuple[Account, ...]
    times: tuple[datetime, ...]
    standing: Standing = Standing.JOINS
    closed_at: datetime | None = None

    @property
    def last_at(self) -> datetime:
        """When its last report came."""
        return self.times[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class New:
    """Nothing like it is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Same:
    """It is surely the matter of that case."""

    case_id: UUID
    score: float
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsure:
    """It may be one of these, the likest first, at most five: a person says."""

    alike: tuple[Alike, ...]


Verdict: TypeAlias = New | Same | Unsure


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A matter that a report may be of, and how alike they are."""

    profile: Profile
    likeness: Likeness


def judge(
    account: Account, profiles: Iterable[Profile], *, rules: Merging, at: datetime, joins: bool = True
) -> Verdict:
    """What a report that came ``at`` that moment is; the same in whatever order ``matters`` come.

    ``rules.hours`` 0 switches merging off.
    """
    return verdict_of(weigh(account, profiles, rules=rules, at=at), rules=rules, joins=joins)


def weigh(account: Account, profiles: Iterable[Profile], *, rules: Merging, at: datetime) -> list[Found]:
    """Those of ``matters`` that the report may be of."""
    newer_than, ours = at - timedelta(hours=rules.hours), marks_of(account.wording)
    # Who names no place has none in common with anybody: whatever lies elsewhere is another matter, unread.
    here_only = not ours.name_runs and rules.unsure > CONTRADICTED
    found: list[Found] = []
    for one in profiles:
        if one.standing is Standing.OVER or one.times[-1] <= newer_than:
            continue
        there = [(other, apart(account, other, metres=rules.metres)) for other in one.accounts]
        if here_only:
            there = [told for told in there if told[1] is not Apart.ELSEWHERE]
        likeness = _likest(ours, there, least=rules.unsure) if there else None
        if likeness is not None:
            found.append(Found(profile=one, likeness=likeness))
    return found


def verdict_of(found: Iterable[Found], *, rules: Merging, joins: bool) -> Verdict:
    """The likest that takes reports when that is sure, else the likest for a person to judge.

    Of two that are likest alike the one with the smaller id counts. Without ``joins`` the report becomes a case
    in any event (life may be at risk).
    """
    ranked = sorted(found, key=lambda one: (-one.likeness.score, one.profile.case_id))
    sure = next((one for one in ranked if is_sure(one, rules=rules)), None)
    if sure is not None and joins:
        return Same(case_id=sure.profile.case_id, score=sure.likeness.score, why=sure.likeness.why)
    if not ranked:
        return New()
    return Unsure(alike=tuple(_alike(one.likeness, one.profile) for one in ranked[:MOST_ALIKE]))


def is_sure(found: Found, *, rules: Merging) -> bool:
    """Whether the report joins that matter by itself."""
    return found.likeness.score >= rules.sure and found.profile.standing is Standing.JOINS


def _likest(ours: Marks, told: Iterable[tuple[Account, Apart]], *, least: float) -> Likeness | None:
    """How alike the report is to the likest of the accounts of a matter; None below ``least``."""
    best: Likeness | None = None
    for one, where in told:
        found = likeness_of(least, ours, marks_of(one.wording), where)
        if found is not None and (best is None or found.score > best.score):
            best, least = found, found.score
    return best


def is_shut(profile: Profile, *, reopen_hours: int, at: datetime) -> bool:
    """Whether its case was closed so long ago that nobody can open it again: the like of it is a new matter."""
    return profile.closed_at is not None and at - profile.closed_at > timedelta(hours=reopen_hours)


def absorbed(profile: Profile, account: Account, *, at: datetime) -> Profile:
    """The matter with one report more; its account is kept when it adds a wording."""
    times = tuple(sorted((*profile.times, at)))[-TIMES_KEPT:]
    if len(profile.accounts) >= ACCOUNTS_KEPT or any(is_told(account.wording, x.wording) for x in profile.accounts):
        return replace(profile, times=times)
    return replace(profile, times=times, accounts=(*profile.accounts, account))


def is_mass(profile: Profile, *, rules: Merging) -> bool:
    """Whether so many reports came within the window that it is a mass matter (群体性诉求)."""
    most = min(rules.mass_reports, TIMES_KEPT)
    newest = profile.times[-most:]
    return len(newest) == most and newest[-1] - newest[0] <= timedelta(hours=rules.mass_hours)


def apart(one: Account, other: Account, *, metres: int) -> Apart:
    """Where two accounts lie to each other: by their points, else by their areas."""
    if one.place is not None and other.place is not None:
        return Apart.HERE if metres_between(one.place, other.place) <= metres else Apart.ELSEWHERE
    if one.area == other.area and len(one.area) == GRID_DIGITS:
        return Apart.HERE
    known = min(len(one.area), len(other.area)) >= VILLAGE_DIGITS
    return Apart.ELSEWHERE if known and one.area[:VILLAGE_DIGITS] != other.area[:VILLAGE_DIGITS] else Apart.UNKNOWN


def metres_between(one: Place, other: Place) -> float:
    """The way along the earth between two points, in metres."""
    lat, other_lat = math.radians(one.lat), math.radians(other.lat)
    lons = math.radians(other.lon - one.lon)
    half = math.sin((other_lat - lat) / 2) ** 2 + math.cos(lat) * math.cos(other_lat) * math.sin(lons / 2) ** 2
    return 2 * _EARTH_METRES * math.asin(math.sqrt(min(1.0, half)))


def anchors_of(account: Account) -> frozenset[int]:
    """At most 24 numbers, of which two accounts in like words share at least one, almost always."""
    return _anchors(account.wording)


def names_of(account: Account) -> frozenset[int]:
    """At most 16 numbers, of which two accounts that name one place share at least one."""
    return _names(account.wording)


@lru_cache(maxsize=4096)
def _anchors(wording: Wording) -> frozenset[int]:
    smallest = sorted(marks_of(wording).grams)[:ANCHORS]
    return frozenset(one - _HALF for one in smallest)


@lru_cache(maxsize=4096)
def _names(wording: Wording) -> frozenset[int]:
    marks = marks_of(wording)
    names = [*sorted(marks.title_places), *sorted(marks.places - marks.title_places)][:NAME_ANCHORS]
    # People leave away a name's beginning or its end: both ends stand for it.
    return frozenset(_hash(end) for name in names for end in (name[:2], name[-3:]))


def _hash(text: str) -> int:
    """A signed 32-bit number, the same in every process."""
    return zlib.crc32(text.encode()) - _HALF


def _alike(likest: Likeness, profile: Profile) -> Alike:
    return Alike(case_id=profile.case_id, score=round(likest.score, 4), why=likest.why)
