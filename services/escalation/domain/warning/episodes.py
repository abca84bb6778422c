"""One episode, one warning: raised when it is unlikely enough, told again when it has grown, ended when it is over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, TypeAlias
from uuid import UUID

from services.escalation.domain.warning.reports import under
from services.escalation.domain.warning.spots import metres_between
from services.escalation.domain.warning.subjects import Candidate, Subject
from services.escalation.domain.warning.usual import Usual, chance
from shared.events.envelope import WHISTLE, derive_id

GROWN: Final = 1.5
"""Told again when the count has grown by half since it was last told."""
OVER: Final = 0.01
"""Ended when so many are to be expected once in a hundred windows: far from where it is raised, so that a
count that wavers about the threshold does not raise it again and again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A window with its figures."""

    candidate: Candidate
    usual: float
    chance: float

    @classmethod
    def of(cls, candidate: Candidate, usual: Usual) -> Seen:
        """The window held against what is usual."""
        return cls(candidate=candidate, usual=usual.mean, chance=chance(len(candidate.reports), usual))

    @property
    def observed(self) -> int:
        """How many reports it holds."""
        return len(self.candidate.reports)


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """A warning that has been raised; ``told`` is the count last told, ``peak`` the most that was.

    ``subject`` names the rule by id: its figures may change while the warning stands.
    """

    warning_id: UUID
    rule: str
    area: str
    category: str
    raised_at: datetime
    seen: Seen
    told: int
    peak: int
    version: int
    ended_at: datetime | None = None

    @property
    def subject(self) -> Subject:
        """What it is about, as it was last seen."""
        return self.seen.candidate.subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Raise:
    """A new warning."""

    episode: Episode


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """It has grown."""

    episode: Episode


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """It is over."""

    episode: Episode


Change: TypeAlias = Raise | Update | End


def take(seen: Seen, episodes: Sequence[Episode]) -> Change | None:
    """What a window changes: raise, tell again, or nothing.

    ``episodes`` are those of the county that stand or have ended lately. What another warning of the
    same matter counts or has counted, more than half of it, raises no second one.
    """
    candidate = seen.candidate
    mine = next((one for one in episodes if one.ended_at is None and same(one.subject, candidate.subject)), None)
    if mine is not None:
        return _grown(mine, seen)
    if seen.chance > 1 / candidate.subject.rule.odds or seen.observed < candidate.subject.rule.at_least:
        return None
    if any(_counted_by(one, candidate) for one in episodes):
        return None
    return Raise(
        episode=Episode(
            warning_id=warning_id(candidate),
            rule=candidate.subject.rule.id,
            area=candidate.subject.area,
            category=candidate.subject.category,
            raised_at=candidate.at,
            seen=seen,
            told=seen.observed,
            peak=seen.observed,
            version=1,
        )
    )


def settle(episode: Episode, seen: Seen) -> End | None:
    """Whether a warning ends: its window, which ends now, holds no more than is usual, or less than half of enough."""
    rule = episode.subject.rule
    if seen.chance <= OVER and 2 * seen.observed >= rule.at_least:
        return None
    return End(episode=replace(episode, seen=seen, version=episode.version + 1, ended_at=seen.candidate.at))


def warning_id(candidate: Candidate) -> UUID:
    """The id of the warning that a window raises: of its subject and the first report that it counts."""
    subject = candidate.subject
    return derive_id(
        WHISTLE, "warning", f"{subject.rule.id}|{subject.area}|{subject.category}|{candidate.reports[0].report_id}"
    )


def same(one: Subject, other: Subject) -> bool:
    """Whether two are counted as one: the same rule, category and area, or circles that meet."""
    if one.rule.id != other.rule.id or one.category != other.category:
        return False
    if one.spot is None or other.spot is None:
        return one.spot is other.spot and one.area == other.area
    apart = float(metres_between([one.spot.centre], [other.spot.centre])[0, 0])
    return apart <= one.spot.metres + other.spot.metres


def _grown(episode: Episode, seen: Seen) -> Update | None:
    if seen.observed < GROWN * episode.told or seen.chance > 1 / seen.candidate.subject.rule.odds:
        return None
    return Update(
        episode=replace(
            episode,
            seen=seen,
            told=seen.observed,
            peak=max(episode.peak, seen.observed),
            version=episode.version + 1,
        )
    )


def _counted_by(episode: Episode, candidate: Candidate) -> bool:
    """Whether another warning, standing or lately ended, of this category or one above or below counts most of them."""
    mine, other = episode.category, candidate.subject.category
    if not (under(mine, other) or under(other, mine)):
        return False
    since = episode.raised_at - episode.subject.rule.window
    held = episode.subject.of(candidate.reports)
    until = episode.ended_at or candidate.at
    shared = sum(1 for report in held if since < report.at <= until)
    return 2 * shared > len(candidate.reports)


def after(episodes: Iterable[Episode], change: Change) -> list[Episode]:
    """The episodes as they are after ``change``."""
    changed = change.episode
    return [*(one for one in episodes if one.warning_id != changed.warning_id), changed]
