"""Early warnings (风险预警) for readers: one sentence, and the facets by which the stream hands it out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, assert_never

from services.notifier.domain.audience import Facets
from shared.events.envelope import Event
from shared.events.warning import EarlyWarning, WarningEnded, WarningEvent, WarningRaised, WarningUpdated
from shared.vocabulary import Level, Severity
from shared.words import Words


@dataclass(frozen=True, slots=True, kw_only=True)
class WarningRead:
    """A warning as one event leaves it; ``raised_at`` and ``ended_at`` as far as that event says."""

    warning: EarlyWarning
    version: int
    raised_at: datetime | None
    ended_at: datetime | None
    opens_case: bool


def read_of(event: Event[WarningEvent]) -> WarningRead:
    """What ``event`` says of its warning."""
    data = event.data
    return WarningRead(
        warning=data.warning,
        version=event.sequence,
        raised_at=data.raised_at if isinstance(data, WarningRaised) else None,
        ended_at=data.ended_at if isinstance(data, WarningEnded) else None,
        opens_case=isinstance(data, WarningRaised) and data.case is not None,
    )


def facets_of(event: Event[WarningEvent]) -> Facets:
    """Who may hear of it: the desks and leaders of its area and above; no department's order is concerned.

    It has the severity of the case that it opens, else the lowest; where a case's id stands it has its own.
    """
    warning = event.data.warning
    asked = event.data.case if isinstance(event.data, WarningRaised) else None
    return Facets(
        case_id=warning.warning_id,
        type=event.type,
        area=warning.area,
        level=_level(warning.area),
        category=warning.category,
        severity=(asked.severity if asked is not None else None) or Severity.IV,
        departments=frozenset(),
    )


def words_of(event: Event[WarningEvent]) -> Words:
    """One sentence in both languages."""
    warning = event.data.warning
    why = Words(zh=f"{warning.title}，{warning.reason}", en=f"{warning.title_en}, {warning.reason_en}")
    match event.data:
        case WarningRaised():
            return Words(zh=f"风险预警：{why.zh}", en=f"Early warning: {why.en}")
        case WarningUpdated():
            return Words(zh=f"风险预警加剧：{why.zh}", en=f"Early warning, growing: {why.en}")
        case WarningEnded():
            return Words(
                zh=f"风险预警解除：{warning.title}，已回到平常水平",
                en=f"Early warning over: {warning.title_en}, as usual again",
            )
        case _:
            assert_never(event.data)


def line_of(event: Event[WarningEvent]) -> dict[str, Any]:
    """The event as the stream gives it: as any other, with no case beside it."""
    facets = facets_of(event)
    return {
        "id": event.id,
        "type": event.type,
        "time": event.time,
        "sequence": event.sequence,
        "level": facets.level,
        "departments": [],
        "purpose": facets.purpose,
        "traceparent": event.traceparent,
        "words": words_of(event),
        "case": None,
        "data": event.data,
    }


def _level(area: str) -> Level:
    for level in (Level.COUNTY, Level.TOWN):
        if len(area) <= level.digits:
            return level
    return Level.VILLAGE
