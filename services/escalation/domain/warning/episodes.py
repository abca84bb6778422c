"""One episode, one warning: raised when it is unlikely enough, told again when it has grown, ended when it is over."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, TypeAlias
from uuid import UUID

from services.escalation.domain.warning.distances import metres_between
from services.escalation.domain.warning.reports import under
from services.escalation.domain.warning.subjects import Subject
from services.escalation.domain.warning.usual import Usual, chance
from services.escalation.domain.warning.windows import Candidate, Window
from shared.events.envelope import WHISTLE, derive_id

GROWN: Final = 1.5
"""Told again when the count has grown by half since it was last told."""
OVER: Final = 0.01
"""Ended when so many are to be expected once in a hundred windows: far from where it is raised, so that a
count that wavers about the threshold does not raise it again and again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A window with its figures, as it is kept."""

    candidate: Candidate
    usual: float
    chance: float

    @classmethod
    def of(cls, window: Window, usual: Usual) -> Seen:
        """The window held against what is usual."""
        return cls(candidate=window.kept(), usual=usual.mean, chance=chance(window.observed, usual))

    @property
    def observed(self) -> int:
        """How many reports it held."""
        kept = self.candidate
        return len(kept.reports) if kept.observed is None else kept.observed


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


def take(window: Window, episodes: Sequence[Episode], usual_of: Callable[[Window], Usual | None]) -> Change | None:
    """What a window changes: raise, tell again, or nothing.

    ``episodes`` are those of the county that stand or have ended lately. What another warning of the
    same matter counts or has counted, more than half of it, raises no second one. ``usual_of`` is asked
    only where the count alone does not say that nothing changes; None is when nobody can say.
    """
    rule = window.subject.rule
    mine = next((one for one in episodes if one.ended_at is None and same(one.subject, window.subject)), None)
    if window.observed < (rule.at_least if mine is None else GROWN * mine.told):
        return None
    usual = usual_of(window)
    if usual is None or chance(window.observed, usual) > 1 / rule.odds:
        return None
    if mine is not None:
        return _grown(mine, Seen.of(window, usual))
    if any(_counted_by(one, window) for one in episodes):
        return None
    return _raised(window, Seen.of(window, usual))


def settle(episode: Episode, window: Window, usual: Usual) -> End | None:
    """Whether a warning ends: its window, which ends now, holds no more than is usual, or less than half of enough."""
    if chance(window.observed, usual) <= OVER and 2 * window.observed >= episode.subject.rule.at_least:
        return None
    seen = Seen.of(window, usual)
    return End(episode=replace(episode, seen=seen, version=episode.version + 1, ended_at=window.at))


def warning_id(subject: Subject, first: UUID) -> UUID:
    """The id of a warning: of its subject and the first report that it counts."""
    return derive_id(WHISTLE, "warning", f"{subject.rule.id}|{subject.area}|{subject.category}|{first}")


def same(one: Subject, other: Subject) -> bool:
    """Whether two are counted as one: the same rule, category and area, or circles that meet."""
    if one.rule.id != other.rule.id or one.category != other.category:
        return False
    if one.spot is None or other.spot is None:
        return one.spot is other.spot and one.area == other.area
    apart = float(metres_between([one.spot.centre], [other.spot.centre])[0, 0])
    return apart <= one.spot.metres + other.spot.metres


def _raised(window: Window, seen: Seen) -> Raise:
    subject = window.subject
    return Raise(
        episode=Episode(
            warning_id=warning_id(subject, window.reports()[0].report_id),
            rule=subject.rule.id,
            area=subject.area,
            category=subject.category,
            raised_at=window.at,
            seen=seen,
            told=seen.observed,
            peak=seen.observed,
            version=1,
        )
    )


def _grown(episode: Episode, seen: Seen) -> Update:
    return Update(
        episode=replace(
            episode,
            seen=seen,
            told=seen.observed,
            peak=max(episode.peak, seen.observed),
            version=episode.version + 1,
        )
    )


def _counted_by(episode: Episode, window: Window) -> bool:
    """Whether another warning, standing or lately ended, of this category or one above or below counts most of them."""
    mine, other = episode.category, window.subject.category
    if not (under(mine, other) or under(other, mine)):
        return False
    since = episode.raised_at - episode.subject.rule.window
    shared = window.shared_with(episode.subject, after=since, until=episode.ended_at or window.at)
    return 2 * shared > window.observed


def after(episodes: Iterable[Episode], change: Change) -> list[Episode]:
    """The episodes as they are after ``change``."""
    changed = change.episode
    return [*(one for one in episodes if one.warning_id != changed.warning_id), changed]
