"""A report comes in with photos: they are made ready and kept first, then the report is accepted as any other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

from services.intake.domain.life.permissions import Bearer, must_report
from services.intake.domain.reports.report import Report
from services.intake.domain.reports.shown import with_photos
from services.intake.handlers.doors import Doors, Reply
from services.intake.handlers.drafting import prepare
from services.intake.handlers.reports import accept_report
from services.intake.ports import Darkroom
from shared.vocabulary import Refused

Uploads = AsyncIterator[tuple[str, bytes]]
"""Each photo as it came, with the name of its part."""


async def accept_with_photos(
    report: Report, uploads: Uploads, *, bearer: Bearer, client_key: str | None, doors: Doors, darkroom: Darkroom
) -> Reply:
    """Open the case of ``report`` and answer once report and photos are durable.

    Raises:
        NotYours: the bearer's key sends no reports, or not about this area.
        KeyReused: the client key belongs to another report.
        Refused: a photo or the report is wrong; names the part or field and what is allowed.
    """
    must_report(bearer, bearer.area)
    photos = [await darkroom.develop(upload, field=part) async for part, upload in uploads]
    report = with_photos(report, [one.photo for one in photos], now=doors.clock())
    if _would_be_taken(report, bearer, doors):
        await darkroom.keep(photos)
    return await accept_report(report, bearer=bearer, client_key=client_key, doors=doors)


def _would_be_taken(report: Report, bearer: Bearer, doors: Doors) -> bool:
    """Whether the photos of ``report`` are worth keeping; what is refused leaves none behind."""
    try:
        draft = prepare(report, report_id=uuid4(), by=bearer.actor, at=bearer.area, doors=doors)
        must_report(bearer, draft.command.area, category=report.category)
    except Refused:
        return False
    return True
