"""A report as it will be filed: tidied, placed, named and masked, before its place's present state is asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from services.intake.domain.commands import OpenCase
from services.intake.domain.reports import Report, opening, tidy
from services.intake.handlers.doors import Doors, canonical
from services.intake.ports import NoPlaybook, PlaybookAway
from shared.events.parts import Actor
from shared.playbook.model import Playbook
from shared.runtime.telemetry import current_traceparent

_FIRST: Final = frozenset(
    {"source", "text", "area", "place", "category", "severity", "tags", "reporter", "occurred_at"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A report that is right as far as it can be told without its place's present state."""

    report: Report
    command: OpenCase
    at: datetime
    traceparent: str | None


def prepare(report: Report, *, report_id: UUID, by: Actor, at: str | None, doors: Doors) -> Draft:
    """The command that a report becomes; ``at`` is an area of the sender's county, if it has one.

    Raises:
        Refused: see `opening` and `tidy`.
    """
    now = doors.clock()
    report = tidy(report, now=now)
    playbook = _playbook(report, at, doors)
    command = opening(report, report_id=report_id, by=by, playbook=playbook, cells=doors.maps.of(playbook))
    return Draft(report=report, command=command, at=now, traceparent=current_traceparent())


def asked_by(report: Report) -> bytes:
    """What was asked, in bytes that do not depend on how its JSON was written."""
    return canonical(report, first=_FIRST)


def _playbook(report: Report, at: str | None, doors: Doors) -> Playbook:
    """The county that the report names, else its sender's, else the one that holds its point."""
    if report.area is not None or at is not None:
        return doors.playbooks.of(report.area or at or "")
    place = report.place
    for county in () if place is None else doors.playbooks.around(place):
        playbook = _in_force(county, doors)
        if playbook is not None and place is not None and doors.maps.of(playbook).cell_at(place) is not None:
            return playbook
    return doors.playbooks.of("")


def _in_force(county: str, doors: Doors) -> Playbook | None:
    """The county's playbook; None when its only record proves unreadable in this moment."""
    try:
        return doors.playbooks.of(county)
    except (NoPlaybook, PlaybookAway):
        return None
