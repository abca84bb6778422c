"""A circular (通报): what every desk and department of a county hears of a late case that it may not see."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from services.notifier.domain.step_words import circular_words
from services.notifier.domain.words import Names
from shared.events.parts import Target
from shared.events.sla import ClockStepped
from shared.vocabulary import VILLAGE_DIGITS, ChainAction, ClockKind, Severity
from shared.words import Words

if TYPE_CHECKING:
    from services.notifier.domain.fold import Told


@dataclass(frozen=True, slots=True, kw_only=True)
class Circular:
    """Who is late and by how much, in codes: no words of a person, no officer, nothing of whoever reported.

    ``area`` is the village or coarser. ``late_seconds`` counts from ``due_at``.
    """

    case_id: UUID
    area: str
    category: str
    severity: Severity
    clock: ClockKind
    target: Target | None
    due_at: datetime
    late_seconds: float
    words: Words


def circular_of(data: Told, names: Names) -> Circular | None:
    """The circular that ``data`` is; None for everything else, and for a secret report: its case is not made known."""
    if not isinstance(data, ClockStepped) or data.action is not ChainAction.CIRCULATE or data.case.secret:
        return None
    clock, case = data.clock, data.case
    return Circular(
        case_id=case.case_id,
        area=case.area[:VILLAGE_DIGITS],
        category=case.category,
        severity=case.severity,
        clock=clock.kind,
        target=clock.target,
        due_at=clock.due_at,
        late_seconds=max(0.0, (data.fired_at - clock.due_at).total_seconds()),
        words=circular_words(data, names),
    )
