"""Who reported, what is kept of a person, and its removal; every call is written into the audit."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import msgspec
from fastapi import Response
from fastapi.routing import APIRouter

from services.intake.api.bodies.privacy import (
    EraseBody,
    ErasedBody,
    ExportBody,
    PersonBody,
    ReporterSeenBody,
    RetainBody,
    RetainedBody,
    RevealBody,
    RewrapBody,
    RewrappedBody,
)
from services.intake.api.custody import Asker, InCustody
from services.intake.api.rooms import problems
from services.intake.domain.reports.persons import must_keep_the_books
from services.intake.handlers.privacy import (
    Erasure,
    erase_person,
    export_person,
    retain,
    reveal_reporter,
    rewrap,
)

router = APIRouter(prefix="/v1")
BEGIN: Final = (datetime(1970, 1, 1, tzinfo=UTC), UUID(int=0))


@router.post(
    "/reports/{report_id}/reporter",
    summary="See who reported",
    response_model=ReporterSeenBody,
    response_model_exclude_none=True,
    responses=problems(400, 401, 403, 404, 413, 415, 422, 503),
)
async def post_reporter(report_id: UUID, body: RevealBody, bearer: Asker, custody: InCustody) -> Response:
    """As much of the reporter as the key's role and level may see; the reason goes into the audit first."""
    return _json(await reveal_reporter(report_id, body.reason, bearer=bearer, custody=custody))


@router.post(
    "/privacy/export",
    summary="Export one person's data",
    response_model=ExportBody,
    responses=problems(400, 401, 403, 413, 415, 422, 503),
)
async def post_export(body: PersonBody, bearer: Asker, custody: InCustody) -> Response:
    """Every report of one phone in the key's county, in its own words."""
    return _json(await export_person(body.phone, body.reason, bearer=bearer, custody=custody))


@router.post(
    "/privacy/erase",
    summary="Erase one person's data",
    response_model=ErasedBody,
    responses=problems(400, 401, 403, 404, 413, 415, 422, 503),
)
async def post_erase(body: EraseBody, bearer: Asker, custody: InCustody) -> Response:
    """Take out who reported, the text's words and photos, of a phone or of one report; facts and figures stay."""
    what = Erasure(phone=body.phone, report_id=body.report_id)
    return _json(await erase_person(what, body.reason, bearer=bearer, custody=custody))


@router.post(
    "/privacy/retain",
    summary="Take out what has outlived its time",
    response_model=RetainedBody,
    responses=problems(400, 401, 403, 413, 415, 422, 503),
)
async def post_retain(body: RetainBody, bearer: Asker, custody: InCustody) -> Response:
    """One step over the county's reports, oldest first, by the retention of its playbook; it also goes on by itself."""
    must_keep_the_books(bearer)
    after = BEGIN if body.after_at is None or body.after_id is None else (body.after_at, body.after_id)
    step = await retain(bearer.area, after=after, dry_run=body.dry_run, by=bearer, custody=custody)
    return _json({"outlived": step.outlived, "after_at": step.after[0], "after_id": step.after[1], "more": step.more})


@router.post(
    "/privacy/rewrap",
    summary="Wrap data keys by the newest key",
    response_model=RewrappedBody,
    responses=problems(400, 401, 403, 413, 415, 422, 503),
)
async def post_rewrap(body: RewrapBody, bearer: Asker, custody: InCustody) -> Response:
    """One step after a new first key in WHISTLE_SECRET_KEY; the old one may go when nothing is left behind."""
    return _json(await rewrap(body.reason, after=body.after or BEGIN[1], bearer=bearer, custody=custody))


def _json(answer: object) -> Response:
    return Response(msgspec.json.encode(answer), media_type="application/json")
