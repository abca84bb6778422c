"""What belongs to a case beside its story: the case as a CAP warning, and its photos."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Header, Path, Query, Response

from services.notifier.api.responses import problems
from services.notifier.api.rooms import InRooms, Reader, Rooms, scope_of
from services.notifier.domain.cap import MEDIA_TYPE, cap_of
from services.notifier.domain.fold import CaseRead
from shared.runtime.auth import Principal
from shared.runtime.blobs import BlobsAway, photo_key, thumbnail_key
from shared.runtime.patterns import DIGEST
from shared.runtime.problems import Problem

KEPT_SECONDS: Final = 3600
"""How long a browser may keep a photo: it never changes, but it can be erased."""

router = APIRouter(prefix="/v1/cases/{case_id}")


@router.get(
    "/cap",
    summary="One case as a CAP 1.2 warning",
    response_class=Response,
    responses={
        200: {"description": "The message.", "content": {MEDIA_TYPE: {"schema": {"type": "string"}}}},
        **problems(401, 403, 404, 422, 503),
    },
)
async def get_cap(case_id: UUID, rooms: InRooms, reader: Reader) -> Response:
    """Alert, Update or Cancel by the life of the case; a drill has the status Exercise."""
    read = await _read(case_id, rooms, reader)
    return Response(cap_of(read, rooms.county).encode(), media_type=MEDIA_TYPE)


@router.get(
    "/photos/{photo_id}",
    summary="A photo of a case",
    response_class=Response,
    responses={
        200: {"description": "The photo.", "content": {"image/jpeg": {"schema": {"type": "string"}}}},
        304: {"description": "The caller has it already."},
        **problems(401, 403, 404, 422, 503),
    },
)
async def get_photo(
    case_id: UUID,
    photo_id: Annotated[str, Path(pattern=DIGEST, description="As the case names it.")],
    rooms: InRooms,
    reader: Reader,
    *,
    thumb: Annotated[bool, Query(description="The small picture.")] = False,
    if_none_match: Annotated[str, Header(max_length=200)] = "",
) -> Response:
    """A photo, without what the camera wrote into it, to whoever may see its case."""
    read = await _read(case_id, rooms, reader)
    if not any(photo.photo_id == photo_id for photo in read.reports.photos):
        raise _not_found(f"case {case_id} has no such photo")
    tag = f'"{photo_id[:32]}{"-small" if thumb else ""}"'
    headers = {"etag": tag, "cache-control": f"private, max-age={KEPT_SECONDS}", "content-disposition": "inline"}
    body = await _photo(thumbnail_key(photo_id) if thumb else photo_key(photo_id), rooms)
    if if_none_match == tag:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="image/jpeg", headers=headers)


async def _photo(key: str, rooms: Rooms) -> bytes:
    if rooms.blobs is None:
        raise _away("This service was not told where photos lie (WHISTLE_BLOBS).")
    try:
        body = await rooms.blobs.get(key)
    except (BlobsAway, TimeoutError) as error:
        raise _away("The storage of photos does not answer.") from error
    if body is None:
        raise _not_found("the photo is no longer kept")
    return body


async def _read(case_id: UUID, rooms: Rooms, reader: Principal) -> CaseRead:
    story = await rooms.cases.story(case_id, scope_of(reader), most=0)
    if story is None:
        raise _not_found(f"no case {case_id} within area {reader.area}")
    return story.read


def _not_found(detail: str) -> Problem:
    return Problem(404, "not-found", "There is no such thing", detail)


def _away(detail: str) -> Problem:
    return Problem(503, "unavailable", "A part of the system is away", detail, headers={"Retry-After": "5"})
