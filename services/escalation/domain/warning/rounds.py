"""One look at a county: the windows that new reports have changed, then the warnings that stand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from services.escalation.domain.warning.episodes import Change, Episode, Seen, after, settle, take
from services.escalation.domain.warning.reports import Report
from services.escalation.domain.warning.subjects import Candidate, Subject, window_of
from services.escalation.domain.warning.usual import LEAST_DAYS, History, Season, usual


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose history is asked for, up to the day before ``end``."""

    subject: Subject
    end: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What is known of a county's past: its rhythm, and the history of a subject."""

    season: Season
    history: Callable[[Asked], History]
    zone: ZoneInfo


def asked(candidate: Candidate, zone: ZoneInfo) -> Asked:
    """The history that a window is held against: that of the whole days before it began."""
    begins = candidate.at - candidate.subject.rule.window
    return Asked(subject=candidate.subject, end=begins.astimezone(zone).date())


def standing(episodes: Iterable[Episode], reports: Sequence[Report], now: datetime) -> list[Candidate]:
    """The windows of the warnings that stand, ending now; ``reports`` oldest first."""
    return [
        Candidate(subject=one.subject, at=now, reports=window_of(one.subject, reports, now))
        for one in episodes
        if one.ended_at is None
    ]


def look(found: Sequence[Candidate], episodes: Sequence[Episode], past: Past) -> tuple[list[Change], list[Episode]]:
    """What the windows ``found``, in the order of their ends, change; and the episodes after it."""
    changes: list[Change] = []
    known = list(episodes)
    for candidate in found:
        seen = _seen(candidate, past)
        change = None if seen is None else take(seen, known)
        if change is not None:
            changes.append(change)
            known = after(known, change)
    return changes, known


def end(found: Sequence[Candidate], episodes: Sequence[Episode], past: Past) -> tuple[list[Change], list[Episode]]:
    """Which of the warnings that stand are over by their windows ``found``; and the episodes after it."""
    changes: list[Change] = []
    known = list(episodes)
    for candidate in found:
        episode = next((one for one in known if one.ended_at is None and one.subject == candidate.subject), None)
        seen = _seen(candidate, past)
        change = None if episode is None or seen is None else settle(episode, seen)
        if change is not None:
            changes.append(change)
            known = after(known, change)
    return changes, known


def _seen(candidate: Candidate, past: Past) -> Seen | None:
    """The window with its figures; None when too few days are known to say what is usual."""
    history = past.history(asked(candidate, past.zone))
    if len(history.days) < LEAST_DAYS:
        return None
    begins = candidate.at - candidate.subject.rule.window
    local = [at.astimezone(past.zone).replace(tzinfo=None) for at in (begins, candidate.at)]
    return Seen.of(candidate, usual(history, past.season, local[0], local[1]))
