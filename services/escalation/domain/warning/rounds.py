"""One look at a county: the windows that new reports have changed, then the warnings that stand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from services.escalation.domain.warning.columns import Columns
from services.escalation.domain.warning.episodes import Change, Episode, after, settle, take
from services.escalation.domain.warning.subjects import Subject
from services.escalation.domain.warning.usual import LEAST_DAYS, History, Season, Usual, usual
from services.escalation.domain.warning.windows import Window, window_of


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose history is asked for, up to the day before ``end``."""

    subject: Subject
    end: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What is known of a county's past: its rhythm, and the history of a subject; None where it is not at hand."""

    season: Season
    history: Callable[[Asked], History | None]
    zone: ZoneInfo


def asked(window: Window, zone: ZoneInfo) -> Asked:
    """The history that a window is held against: that of the whole days before it began."""
    begins = window.at - window.subject.rule.window
    return Asked(subject=window.subject, end=begins.astimezone(zone).date())


def look(found: Sequence[Window], episodes: Sequence[Episode], past: Past) -> tuple[list[Change], list[Episode]]:
    """What the windows ``found``, in the order of their ends, change; and the episodes after it."""
    changes: list[Change] = []
    known = list(episodes)
    for window in found:
        change = take(window, known, lambda one: _usual(one, past))
        if change is not None:
            changes.append(change)
            known = after(known, change)
    return changes, known


def end(
    episodes: Iterable[Episode], reports: Columns, past: Past, *, now: datetime
) -> tuple[list[Change], list[Episode]]:
    """Which of the warnings that stand are over by their windows that end ``now``; and the episodes after it."""
    known = list(episodes)
    changes: list[Change] = []
    for episode in known:
        if episode.ended_at is None:
            window = window_of(episode.subject, reports, now)
            expected = _usual(window, past)
            change = None if expected is None else settle(episode, window, expected)
            changes += [] if change is None else [change]
    over = {change.episode.warning_id: change.episode for change in changes}
    return changes, [over.get(one.warning_id, one) for one in known]


def _usual(window: Window, past: Past) -> Usual | None:
    """What is usual for a window; None when too few days are known to say so."""
    history = past.history(asked(window, past.zone))
    if history is None or len(history.days) < LEAST_DAYS:
        return None
    begins = window.at - window.subject.rule.window
    start, stop = (at.astimezone(past.zone).replace(tzinfo=None) for at in (begins, window.at))
    return usual(history, past.season, start, stop)
