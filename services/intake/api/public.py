"""The door without a key: residents of one county report here, and act on their own report by its code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Final

from fastapi import Depends, Path, Request, Response
from fastapi.routing import APIRouter

from services.intake.api.bodies import AcceptedBody, WrongStateBody
from services.intake.api.bodies.alike import AlikeBody
from services.intake.api.bodies.public import (
    NamedBody,
    OutlineBody,
    PublicReportBody,
    RateBody,
    ReopenBody,
    SketchBody,
    TrackedBody,
)
from services.intake.api.fronts import PUBLIC_WITH_PHOTOS
from services.intake.api.limits import limited_by_address
from services.intake.api.photos import take_upload, upload_schema
from services.intake.api.rooms import REPLAYED, IdempotencyKey, counted, problem, problems, response, rooms_of
from services.intake.domain.asking.actions import ActionRequest
from services.intake.domain.life.permissions import Bearer
from services.intake.domain.life.states import Action
from services.intake.domain.reports.sketch import named_areas, sketch
from services.intake.handlers import accept_report
from services.intake.handlers.alike import find_alike
from services.intake.handlers.tracked import act_by_code
from shared.playbook.model import Playbook, Text
from shared.runtime.problems import Problem
from shared.vocabulary import TOWN_DIGITS, Role

KEY_ID: Final = "public"
"""Under this name those act who show no key."""
UPLOADS_AT_A_TIME: Final = 3
"""Of all that intake takes: whoever shows a key finds room beside them."""
SKETCHES: Final = 4
"""Drawings kept: of the playbook in force, and of those before it while they are still asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicDoor:
    """``county`` whose residents come in here, empty while it is shut; ``read_url`` where they follow a report."""

    county: str = ""
    read_url: str = ""


Code = Annotated[
    str,
    Path(
        description="A tracking code: 16 letters and digits; hyphens, spaces and case do not count.",
        max_length=64,
        examples=["K7QM-2XVN-8RTD-C4HP"],
    ),
]

router = APIRouter(prefix="/v1", tags=["public"], dependencies=[Depends(limited_by_address)])


def door_of(request: Request) -> PublicDoor:
    """The door of the app that the request came to.

    Raises:
        Problem: 404, when it is shut.
    """
    door: PublicDoor = request.app.state.door
    if not door.county:
        raise Problem(404, "not-found", "There is no such page", detail="No public door is open here (WHISTLE_PUBLIC).")
    return door


# async, or FastAPI would send each request through its thread pool
async def _resident(request: Request) -> Bearer:
    return Bearer(key_id=KEY_ID, role=Role.REPORTER, area=door_of(request).county)


Resident = Annotated[Bearer, Depends(_resident)]


@router.get(
    "/public/county",
    summary="Draw the county",
    response_model=SketchBody,
    responses={304: {"description": "It is as it was."}, **problems(404, 503)},
)
async def get_county(request: Request, bearer: Resident) -> Response:
    """The county in outline, with names: what the form needs to let somebody say where."""
    playbook = rooms_of(request).doors.playbooks.of(bearer.area)
    tag = f'"{playbook.digest[:32]}"'
    headers = {"etag": tag, "cache-control": "no-cache"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    body = _drawn(_Drawable(playbook), door_of(request).read_url)
    return Response(body, media_type="application/json", headers=headers)


@router.post(
    "/public/reports",
    status_code=201,
    summary="Report as a resident",
    response_model=AcceptedBody,
    responses={
        201: {"description": "Durable: the report has become a case, or part of one.", "headers": REPLAYED},
        **problems(400, 404, 413, 415, 422, 503),
    },
)
async def post_public_report(
    body: PublicReportBody, request: Request, bearer: Resident, idempotency_key: IdempotencyKey = None
) -> Response:
    """Report without a key; the answer has the tracking code, which is told once. As `POST /v1/reports` otherwise."""
    rooms = rooms_of(request)
    with counted(rooms.metrics.reports, body.source) as count:
        reply = await accept_report(body.as_report(), bearer=bearer, client_key=idempotency_key, doors=rooms.doors)
        count("replayed" if reply.replayed else "accepted")
    return response(reply, status=201)


@router.post(
    PUBLIC_WITH_PHOTOS.removeprefix("/v1"),
    status_code=201,
    summary="Report as a resident, with photos",
    response_model=AcceptedBody,
    responses={
        201: {"description": "Durable: report and photos are kept.", "headers": REPLAYED},
        **problems(400, 404, 408, 413, 415, 422, 503),
    },
    openapi_extra={"requestBody": upload_schema("PublicReportBody")},
)
async def post_public_report_with_photos(
    request: Request, bearer: Resident, idempotency_key: IdempotencyKey = None
) -> Response:
    """The same with photos, 12 MiB together; its part `report` is that of `POST /v1/public/reports`."""
    with _place_beside_others(request):
        return await take_upload(request, bearer, idempotency_key, PublicReportBody)


@router.post(
    "/public/alike",
    summary="Ask whether neighbours have reported it",
    response_model=AlikeBody,
    responses={
        200: {"description": "Cases that may be the same matter; nothing was kept."},
        **problems(400, 404, 413, 415, 422, 503),
    },
)
async def post_public_alike(body: PublicReportBody, request: Request, bearer: Resident) -> Response:
    """Say which cases a report may be about, before it is sent."""
    found = await find_alike(body.as_report(), bearer=bearer, doors=rooms_of(request).doors)
    return Response(found, media_type="application/json")


_ACTED: Final = {
    200: {"description": "Durable: it is done.", "headers": REPLAYED},
    409: problem(WrongStateBody, "Not open in this state: names the state and what is open."),
    **problems(400, 404, 413, 415, 422, 503),
}


@router.post("/track/{code}/rate", summary="Rate the outcome", response_model=TrackedBody, responses=_ACTED)
async def post_rating(
    code: Code, body: RateBody, request: Request, _door: Resident, idempotency_key: IdempotencyKey = None
) -> Response:
    """Say how content you are, once the case is closed."""
    asked = ActionRequest(action=Action.RATE, rating=body.rating, note=body.note)
    return await _acted(code, asked, request, idempotency_key)


@router.post("/track/{code}/reopen", summary="Have the case opened again", response_model=TrackedBody, responses=_ACTED)
async def post_reopening(
    code: Code, body: ReopenBody, request: Request, _door: Resident, idempotency_key: IdempotencyKey = None
) -> Response:
    """Say why it is not finished, within the county's window after it was closed."""
    asked = ActionRequest(action=Action.REOPEN, reason=body.reason)
    return await _acted(code, asked, request, idempotency_key)


async def _acted(code: str, asked: ActionRequest, request: Request, key: str | None) -> Response:
    rooms = rooms_of(request)
    with counted(rooms.metrics.actions, asked.action) as count:
        reply = await act_by_code(code, asked, client_key=key, doors=rooms.doors)
        count("replayed" if reply.replayed else "done")
    return response(reply, status=200)


@contextmanager
def _place_beside_others(request: Request) -> Iterator[None]:
    state = request.app.state
    if state.public_uploads >= UPLOADS_AT_A_TIME:
        raise Problem(
            503,
            "unavailable",
            "Too many photos at once",
            detail="Many residents send photos. Send the same request again in 5 s.",
            headers={"Retry-After": "5"},
        )
    state.public_uploads += 1
    try:
        yield
    finally:
        state.public_uploads -= 1


@dataclass(frozen=True, slots=True)
class _Drawable:
    """A playbook that is the same as another of its digest."""

    playbook: Playbook

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Drawable) and self.playbook.digest == other.playbook.digest

    def __hash__(self) -> int:
        return hash(self.playbook.digest)


@lru_cache(maxsize=SKETCHES)
def _drawn(drawable: _Drawable, read_url: str) -> bytes:
    playbook = drawable.playbook
    drawing = sketch(playbook)
    roots = [one for one in playbook.categories.values() if one.parent is None]
    body = SketchBody(
        county=_named(playbook.county, playbook.name),
        read_url=read_url,
        west=drawing.west,
        north=drawing.north,
        per_lon=drawing.per_lon,
        per_lat=drawing.per_lat,
        width=drawing.width,
        height=drawing.height,
        towns=[_named(code, name) for code, name in named_areas(playbook, TOWN_DIGITS)],
        villages=[
            OutlineBody(code=one.code, zh=one.name.zh, en=one.name.en, path=one.path) for one in drawing.villages
        ],
        categories=[_named(one.code, one.name) for one in sorted(roots, key=lambda one: one.code)],
        reopen_hours=playbook.policy.reopen_hours,
    )
    return body.model_dump_json().encode()


def _named(code: str, name: Text) -> NamedBody:
    return NamedBody(code=code, zh=name.zh, en=name.en)
