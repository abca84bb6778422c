"""What is counted: every report of a real matter, one that joined a case as well as one that opened it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from shared.events.case import CaseOpened, CaseReportJoined
from shared.events.envelope import Event, Payload
from shared.events.parts import Place
from shared.vocabulary import Purpose

SOURCE: Final = "/whistle/escalation"
"""Who raises warnings: a case that a warning has opened is no report of anybody and counts for no warning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One report as far as warnings look at it; ``at`` is when it was made, not when it arrived here."""

    report_id: UUID
    case_id: UUID
    county: str
    area: str
    category: str
    at: datetime
    place: Place | None = None


def report_of(event: Event[Payload]) -> Report | None:
    """The report that ``event`` tells of for the first time; None for any other fact, a drill or a canary."""
    data = event.data
    match data:
        case CaseOpened():
            at = data.case.opened_at
        case CaseReportJoined(from_case=None):
            at = event.time
        case _:
            return None
    view = data.case
    if view.purpose is not Purpose.REAL or data.by.id == SOURCE:
        return None
    return Report(
        report_id=data.report_id,
        case_id=view.case_id,
        county=view.county,
        area=view.area,
        category=view.category,
        at=at,
        place=view.place,
    )


def under(parent: str, code: str) -> bool:
    """Whether the category ``code`` is ``parent`` or lies below it."""
    return code == parent or code.startswith(f"{parent}.")
