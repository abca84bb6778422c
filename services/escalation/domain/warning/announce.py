"""What a warning says: the fact with its figures and its reason in both languages."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from services.escalation.domain.warning.episodes import Change, End, Episode, Raise, Update
from services.escalation.domain.warning.reports import SOURCE
from shared.events.envelope import Event, derive_id
from shared.events.parts import PlaybookRef
from shared.events.warning import (
    EarlyWarning,
    WarningCaseAsked,
    WarningEnded,
    WarningEvent,
    WarningRaised,
    WarningUpdated,
)
from shared.playbook.model import Playbook, Text


def announce(change: Change, playbook: Playbook, *, now: datetime) -> Event[WarningEvent]:
    """The event of ``change``; its id follows from the warning and its version alone."""
    episode = change.episode
    warning = told(episode, playbook)
    data: WarningEvent
    match change:
        case Raise():
            data = WarningRaised(warning=warning, raised_at=episode.raised_at, case=_case(episode, warning))
        case Update():
            data = WarningUpdated(warning=warning, updated_at=episode.seen.candidate.at)
        case End():
            data = WarningEnded(warning=warning, ended_at=episode.ended_at or now, peak=episode.peak)
        case _:
            assert_never(change)
    return Event(
        id=derive_id(episode.warning_id, "version", str(episode.version)),
        source=SOURCE,
        subject=warning.county,
        time=now,
        sequence=episode.version,
        data=data,
    )


def told(episode: Episode, playbook: Playbook) -> EarlyWarning:
    """The warning as it stands."""
    seen, subject = episode.seen, episode.subject
    reason = _reason(episode, playbook)
    return EarlyWarning(
        warning_id=episode.warning_id,
        county=subject.county,
        area=subject.area,
        category=subject.category,
        rule=subject.rule.id,
        title=subject.rule.name.zh,
        title_en=subject.rule.name.en,
        since=seen.candidate.since or seen.candidate.at,
        until=seen.candidate.at,
        window_minutes=subject.rule.window_minutes,
        observed=seen.observed,
        usual=round(seen.usual, 3),
        odds=round(1 / seen.chance, 1),
        reason=reason.zh,
        reason_en=reason.en,
        cases=tuple(one.case_id for one in reversed(seen.candidate.reports)),
        case_count=seen.candidate.case_count,
        playbook=PlaybookRef(version=playbook.version, digest=playbook.digest),
        spot=subject.spot,
    )


def _case(episode: Episode, warning: EarlyWarning) -> WarningCaseAsked | None:
    asked = episode.subject.rule.open_case
    if asked is None:
        return None
    return WarningCaseAsked(text=f"{warning.title}：{warning.reason}", severity=asked.severity)


def _reason(episode: Episode, playbook: Playbook) -> Text:
    seen, subject = episode.seen, episode.subject
    area = playbook.areas.get(subject.area)
    category = playbook.categories.get(subject.category)
    place = Text(zh=subject.area, en=subject.area) if area is None else area.name
    kind = Text(zh=subject.category, en=subject.category) if category is None else category.name
    within = "" if subject.spot is None else f"{subject.spot.metres}"
    length = _length(subject.rule.window_minutes)
    odds = f"{1 / seen.chance:,.0f}"
    return Text(
        zh=f"{length.zh}内{place.zh}{f'一处 {within} 米范围内' if within else ''}“{kind.zh}”上报 {seen.observed} 件，"
        f"同样时段平常约 {seen.usual:.2g} 件；这么多或更多，约 {odds} 个同样时段才遇一次",
        en=f"{seen.observed} reports of {kind.en} in {place.en}{f', within {within} m of one spot,' if within else ''} "
        f"in {length.en}; usual for such hours are about {seen.usual:.2g}; "
        f"so many or more come about once in {odds} such windows",
    )


def _length(minutes: int) -> Text:
    if minutes % 1440 == 0:
        days = minutes // 1440
        return Text(zh=f"{days} 天", en="a day" if days == 1 else f"{days} days")
    if minutes % 60 == 0:
        hours = minutes // 60
        return Text(zh=f"{hours} 小时", en="an hour" if hours == 1 else f"{hours} hours")
    return Text(zh=f"{minutes} 分钟", en=f"{minutes} minutes")
