"""A report as it will be filed: tidied, placed, named and masked, before its place's present state is asked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from services.intake.domain.life.commands import OpenCase
from services.intake.domain.reading.guessing import NO_OPINION
from services.intake.domain.reports.locating import Outside
from services.intake.domain.reports.report import HANDED_FROM, Report, opening, tidy
from services.intake.handlers.doors import Doors, canonical
from services.intake.ports import NoPlaybook, PlaybookAway
from shared.events.parts import Actor, Place
from shared.playbook.model import Playbook
from shared.runtime.origin import current_origin
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
    origin: str = "inside"
    """From where it came, for the audit: it is kept by another task than the one that took it."""
    sent_for: str
    """The area for which the sender must be allowed to report: the case's, or theirs when it lies next door."""


def prepare(report: Report, *, report_id: UUID, by: Actor, at: str | None, doors: Doors) -> Draft:
    """The command that a report becomes; ``at`` is an area of the sender's county, if it has one.

    Raises:
        Refused: see `opening` and `tidy`.
    """
    now = doors.clock()
    report = tidy(report, now=now)
    playbook = _playbook(report, at, doors)
    try:
        command = _command(report, report_id=report_id, by=by, at=at, playbook=playbook, doors=doors)
        sent_for = command.area
    except Outside:
        next_door = _next_door(report, playbook, doors)
        if next_door is None:
            raise
        report = replace(report, tags=(*report.tags, f"{HANDED_FROM}{playbook.county}"))
        command = _command(report, report_id=report_id, by=by, at=None, playbook=next_door, doors=doors)
        sent_for = at or command.area
    return Draft(
        report=report,
        command=command,
        at=now,
        traceparent=current_traceparent(),
        sent_for=sent_for,
        origin=str(current_origin()),
    )


def _command(
    report: Report, *, report_id: UUID, by: Actor, at: str | None, playbook: Playbook, doors: Doors
) -> OpenCase:
    opinion = NO_OPINION if report.category is not None else doors.guesser.opinion(playbook.county, report.text)
    return opening(
        report,
        report_id=report_id,
        by=by,
        playbook=playbook,
        county=doors.maps.of(playbook),
        opinion=opinion,
        at=at or "",
    )


def _next_door(report: Report, playbook: Playbook, doors: Doors) -> Playbook | None:
    """The neighbour's playbook that holds the point, if the county names it and it is in force here."""
    if report.area is not None or report.place is None:
        return None
    named = {neighbour.county for neighbour in playbook.policy.neighbours}
    near = (county for county in doors.playbooks.around(report.place) if county in named)
    return _holding(report.place, near, doors)


def asked_by(report: Report) -> bytes:
    """What was asked, in bytes that do not depend on how its JSON was written."""
    return canonical(report, first=_FIRST)


def _playbook(report: Report, at: str | None, doors: Doors) -> Playbook:
    """The county that the report names, else its sender's, else the one that holds its point, else the only one."""
    if report.area is not None or at is not None:
        return doors.playbooks.of(report.area or at or "")
    if report.place is not None:
        around = doors.playbooks.around(report.place)
        return _holding(report.place, around, doors) or doors.playbooks.of("")
    counties = doors.playbooks.counties()
    return doors.playbooks.of(counties[0] if len(counties) == 1 else "")


def _holding(place: Place, counties: Iterable[str], doors: Doors) -> Playbook | None:
    """The first of the counties whose cells hold the point."""
    for county in counties:
        playbook = _in_force(county, doors)
        if playbook is not None and doors.maps.of(playbook).cells.cell_at(place) is not None:
            return playbook
    return None


def _in_force(county: str, doors: Doors) -> Playbook | None:
    """The county's playbook; None when its only record proves unreadable in this moment."""
    try:
        return doors.playbooks.of(county)
    except (NoPlaybook, PlaybookAway):
        return None
