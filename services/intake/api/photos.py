"""Reports come in here with photos."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Final, Protocol, Self

from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRouter
from pydantic import ValidationError
from starlette.datastructures import FormData, UploadFile

from services.intake.api.bodies import AcceptedBody, ReportBody
from services.intake.api.fronts import WITH_PHOTOS
from services.intake.api.limits import limits_of
from services.intake.api.rooms import REPLAYED, IdempotencyKey, asker, counted, problems, response, rooms_of
from services.intake.domain.life.permissions import Bearer
from services.intake.domain.reports.report import Report
from services.intake.handlers.photos import accept_with_photos
from services.intake.photos import MOST_BYTES, MOST_PHOTOS
from services.intake.ports import Darkroom
from shared.runtime.body import DEFAULT_LIMITS, check_json
from shared.runtime.known_fields import described
from shared.runtime.problems import Problem
from shared.vocabulary import Refused, Source

UPLOADS_AT_A_TIME: Final = 8
"""Each may hold 48 MiB on the disk and two photos in memory."""
UPLOAD_SECONDS: Final = 300.0
"""For a whole upload on a slow line."""

_REPORT: Final = "report"
_PHOTO: Final = "photo"
_PARTS: Final = ("a part report with the JSON of a report", f"1 to {MOST_PHOTOS} parts photo")


def upload_schema(report: str) -> dict[str, Any]:
    """What the OpenAPI file says of an upload whose part ``report`` is the body of that name."""
    photos = {
        "type": "array",
        "minItems": 1,
        "maxItems": MOST_PHOTOS,
        "items": {"type": "string", "format": "binary"},
        "description": "JPEG, PNG, WebP or HEIC, at most 10 MiB each and 48 MiB together.",
    }
    schema = {
        "type": "object",
        "required": [_REPORT, _PHOTO],
        "additionalProperties": False,
        "properties": {_REPORT: {"$ref": f"#/components/schemas/{report}"}, _PHOTO: photos},
    }
    encoding = {_REPORT: {"contentType": "application/json"}}
    return {"required": True, "content": {"multipart/form-data": {"schema": schema, "encoding": encoding}}}


router = APIRouter()


@router.post(
    WITH_PHOTOS,
    status_code=201,
    summary="Send a report with photos",
    response_model=AcceptedBody,
    responses={
        201: {"description": "Durable: report and photos are kept.", "headers": REPLAYED},
        **problems(400, 401, 403, 408, 413, 415, 422, 429, 503),
    },
    openapi_extra={"requestBody": upload_schema("ReportBody")},
)
async def post_report_with_photos(
    request: Request, bearer: Annotated[Bearer, Depends(asker)], idempotency_key: IdempotencyKey = None
) -> Response:
    """Send a report with 1 to 9 photos; otherwise as `POST /v1/reports`.

    Place and time that the camera wrote are read, then everything it wrote is taken out. A report that says neither
    area nor place lies where its first photo was taken.
    """
    return await take_upload(request, bearer, idempotency_key, ReportBody)


class Readable(Protocol):
    """A body that is read as a report."""

    @property
    def source(self) -> Source:
        """Who speaks."""

    def as_report(self) -> Report:
        """The report as the domain knows it."""

    @classmethod
    def model_validate_json(cls, json_data: str) -> Self:
        """Read JSON; raises pydantic's ValidationError."""


async def take_upload(
    request: Request, bearer: Bearer, idempotency_key: str | None, read_as: type[Readable]
) -> Response:
    """Take a report with photos from ``bearer``, its part `report` read as ``read_as``.

    Raises:
        Problem: 503 when no photos are taken here, or too many come at once; 408 when they come too slowly.
        Refused: a part is wrong; names it and what is allowed.
    """
    rooms, darkroom = rooms_of(request), darkroom_of(request)
    with _place_for_an_upload(request):
        form = await _form(request)
        try:
            body = await _report_in(form, read_as)
            limits_of(request).take_source(bearer.area, body.source)
            with counted(rooms.metrics.reports, body.source) as count:
                reply = await accept_with_photos(
                    body.as_report(),
                    _photos_in(form),
                    bearer=bearer,
                    client_key=idempotency_key,
                    doors=rooms.doors,
                    darkroom=darkroom,
                )
                count("replayed" if reply.replayed else "accepted")
        finally:
            await form.close()
    return response(reply, status=201)


def darkroom_of(request: Request) -> Darkroom:
    """Where photos are made ready and kept.

    Raises:
        Problem: 503, when no place for them has been named.
    """
    darkroom: Darkroom | None = request.app.state.darkroom
    if darkroom is None:
        raise Problem(
            503,
            "unavailable",
            "No photos are taken here",
            detail="No store of photos is named here (WHISTLE_BLOBS). Send the report without photos.",
        )
    return darkroom


@contextmanager
def _place_for_an_upload(request: Request) -> Iterator[None]:
    state = request.app.state
    if state.uploads >= UPLOADS_AT_A_TIME:
        raise Problem(
            503,
            "unavailable",
            "Too many photos at once",
            detail="Many uploads are on their way. Send the same request again in 5 s.",
            headers={"Retry-After": "5"},
        )
    state.uploads += 1
    try:
        yield
    finally:
        state.uploads -= 1


async def _form(request: Request) -> FormData:
    """The parts; large ones wait on the disk."""
    try:
        async with asyncio.timeout(UPLOAD_SECONDS):
            return await request.form(max_files=MOST_PHOTOS + 2, max_fields=4, max_part_size=DEFAULT_LIMITS.body_bytes)
    except TimeoutError as error:
        detail = f"The whole upload must arrive within {UPLOAD_SECONDS:g} s."
        raise Problem(408, "too-slow", "The body came too slowly", detail=detail) from error


async def _report_in(form: FormData, read_as: type[Readable]) -> Readable:
    """The part ``report``; errors name its fields as ``/report/text``."""
    unknown = sorted(form.keys() - {_REPORT, _PHOTO})
    parts = form.getlist(_REPORT)
    if unknown or len(parts) != 1:
        what = f"the part {unknown[0][:64]!r} is not known" if unknown else f"there are {len(parts)} parts report"
        raise Refused(what, field=_REPORT, allowed=_PARTS)
    text = await _text_of(parts[0])
    check_json(text, depth=DEFAULT_LIMITS.json_depth)
    try:
        return read_as.model_validate_json(text)
    except ValidationError as error:
        errors = [{**one, "loc": ("body", _REPORT, *one["loc"])} for one in error.errors(include_url=False)]
        raise RequestValidationError(described(errors, read_as, under=("body", _REPORT))) from error


async def _text_of(part: UploadFile | str) -> str:
    if isinstance(part, str):
        return part
    if (part.size or 0) > DEFAULT_LIMITS.body_bytes:
        raise Refused("the report is too long", field=_REPORT, allowed=[f"{DEFAULT_LIMITS.body_bytes} bytes"])
    try:
        return (await part.read()).decode()
    except UnicodeDecodeError as error:
        raise Refused("the report is not UTF-8", field=_REPORT, allowed=["JSON in UTF-8"]) from error


async def _photos_in(form: FormData) -> AsyncIterator[tuple[str, bytes]]:
    """Each photo with the name of its part, ``photo.0`` being the first; one at a time in memory."""
    parts = form.getlist(_PHOTO)
    if not 1 <= len(parts) <= MOST_PHOTOS:
        raise Refused(f"there are {len(parts)} photos", field=_PHOTO, allowed=_PARTS)
    for number, part in enumerate(parts):
        name = f"{_PHOTO}.{number}"
        if isinstance(part, str):
            raise Refused("this part is a text", field=name, allowed=["a file with a name"])
        if (part.size or 0) > MOST_BYTES:
            raise Refused(f"the photo has {part.size} bytes", field=name, allowed=[f"at most {MOST_BYTES} bytes"])
        yield name, await part.read()
