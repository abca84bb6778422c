"""A report as it came in, and the case that it opens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from services.intake.domain.classifying import classify
from services.intake.domain.commands import OpenCase
from services.intake.domain.locating import CellMap, locate
from services.intake.domain.modes import InForce, mode_of, must_be_drilled
from services.intake.domain.texts import clean, title_of
from shared.events.envelope import WHISTLE, derive_id
from shared.events.parts import Actor, Photo, Place, PlaybookRef
from shared.masking import mask
from shared.playbook.model import Playbook
from shared.vocabulary import Level, Purpose, Refused, Severity, Source

CLOCKS_APART: Final = timedelta(minutes=10)
"""How far a sender's clock may run ahead of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reporter:
    """Who reported; kept encrypted in intake and nowhere else."""

    name: str = ""
    phone: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a source says, in its own words."""

    source: Source
    text: str
    area: str | None = None
    place: Place | None = None
    category: str | None = None
    severity: Severity | None = None
    tags: tuple[str, ...] = ()
    reporter: Reporter | None = None
    occurred_at: datetime | None = None
    purpose: Purpose = Purpose.REAL
    photos: tuple[Photo, ...] = ()


def report_id_of(owner: str, client_key: str) -> UUID:
    """The id of the report that ``owner`` sends under ``client_key``: the same each time it is sent."""
    return derive_id(derive_id(WHISTLE, "reports of", owner), "report", client_key)


def case_id_of(report_id: UUID) -> UUID:
    """The id of the case that a report opens."""
    return derive_id(report_id, "case")


def tidy(report: Report, *, now: datetime) -> Report:
    """The report with its texts cleaned, nothing masked yet.

    Raises:
        Refused: a text holds control characters or nothing; or it happened in the future.
    """
    if report.occurred_at is not None and report.occurred_at > now + CLOCKS_APART:
        raise Refused("it has not happened yet", field="occurred_at", allowed=[f"a time up to now, {now.isoformat()}"])
    tags = (clean(tag, field=f"tags.{n}", lines=False) for n, tag in enumerate(report.tags))
    return replace(
        report,
        text=clean(report.text, field="text"),
        tags=tuple(dict.fromkeys(tags)),
        reporter=None if report.reporter is None else _tidy_reporter(report.reporter),
    )


def opening(report: Report, *, report_id: UUID, by: Actor, playbook: Playbook, cells: CellMap) -> OpenCase:
    """The command that opens the case of a tidy report: placed, named, masked.

    Raises:
        Refused: the playbook knows no such area or category, or the point lies outside the county.
    """
    located = locate(report.area, report.place, playbook=playbook, cells=cells)
    classified = classify(report.category, report.text, playbook=playbook)
    text = mask(report.text)
    return OpenCase(
        case_id=case_id_of(report_id),
        report_id=report_id,
        by=by,
        county=playbook.county,
        area=located.area,
        area_why=located.why,
        level=playbook.desk_area(located.area, at_least=Level.VILLAGE).level,
        category=classified.category.code,
        category_why=mask(classified.why),
        condition=classified.condition,
        severity=report.severity or classified.category.severity,
        source=report.source,
        title=title_of(text),
        text=text,
        tags=tuple(mask(tag) for tag in report.tags),
        place=report.place,
        playbook=PlaybookRef(version=playbook.version, digest=playbook.digest),
        purpose=report.purpose,
        photos=report.photos,
    )


def placed(command: OpenCase, *, modes: Sequence[InForce], earlier: Sequence[datetime]) -> OpenCase:
    """The command with what is known of its place when it opens: the mode in force, and earlier cases like it.

    Raises:
        Refused: it is a drill where none is in force.
    """
    if command.purpose is Purpose.DRILL:
        must_be_drilled(command.area, modes)
    return replace(command, mode=mode_of(command.area, command.purpose, modes), earlier=tuple(earlier))


def _tidy_reporter(reporter: Reporter) -> Reporter:
    return Reporter(
        name=_line(reporter.name, "reporter.name"),
        phone=_line(reporter.phone, "reporter.phone"),
        address=_line(reporter.address, "reporter.address"),
    )


def _line(text: str, field: str) -> str:
    return clean(text, field=field, lines=False) if text.strip() else ""
