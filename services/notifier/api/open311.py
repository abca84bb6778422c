"""Open311 GeoReport v2, reading: services, requests and tokens of a jurisdiction, in JSON and XML, without a key.

``jurisdiction_id`` is an area code. Sending is intake's: a POST is shown the way there.
"""

from __future__ import annotations

from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Path, Query, Request, Response

from services.notifier.api.door import Visitor
from services.notifier.api.open311_shapes import FORMATS, Open311Error, Open311Route, listed, row_of, single
from services.notifier.api.rooms import InRooms, Rooms
from services.notifier.domain.open311 import (
    ids_of,
    moment_of,
    range_of,
    request_of,
    service_of,
    services,
    states_of,
)
from services.notifier.store.public import RequestQuery
from shared.playbook.model import Playbook
from shared.playbook.shelf import UnknownCounty
from shared.runtime.patterns import LIST
from shared.tracking import digest_of_code
from shared.vocabulary import Refused, is_area

SPECIFICATION: Final = "http://wiki.open311.org/GeoReport_v2"
CHANGESET: Final = "2026-11-21T00:00:00+08:00"
"""When what is answered here last changed its form."""
BASE: Final = "/open311/v2"
SENT_ON: Final = tuple(f"{BASE}/requests.{form}" for form in FORMATS)
"""Where a request is sent to."""

Form = Annotated[str, Path(description="`json` or `xml`.", max_length=8)]
Jurisdiction = Annotated[
    str | None, Query(description="An area code; needed where several counties are served.", max_length=32)
]

_ERRORS: Final[dict[int | str, dict[str, Any]]] = {
    status: {"description": words, "content": {"application/json": {}, "text/xml": {}}}
    for status, words in {
        400: "A parameter is wrong or missing: an array of errors, each with `code` and `description`.",
        404: "There is no such jurisdiction, service or request.",
        429: "This address asks too often.",
        503: "A part of the system is away: come again after Retry-After seconds.",
    }.items()
}
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "As the specification says.", "content": {"application/json": {}, "text/xml": {}}},
    **_ERRORS,
}

router = APIRouter(prefix=BASE, route_class=Open311Route, tags=["Open311 GeoReport v2"])


@router.get("/discovery.{form}", summary="Where what is served", response_class=Response, responses=_ANSWERS)
async def discovery(form: Form, request: Request, rooms: InRooms, _visitor: Visitor) -> Response:
    """The one endpoint, its formats and the specification that it follows."""
    _known(form)
    url = f"{(rooms.settings.public_url or str(request.base_url)).rstrip('/')}{BASE}"
    endpoint = {
        "specification": SPECIFICATION,
        "url": url,
        "changeset": CHANGESET,
        "type": "production",
        "formats": ["text/xml", "application/json"],
    }
    row = {
        "changeset": CHANGESET,
        "contact": "12345",
        "key_service": "A key is needed for sending alone; ask the county's command centre.",
        "endpoints": [endpoint],
    }
    return single(form, "discovery", row)


@router.get("/services.{form}", summary="List services", response_class=Response, responses=_ANSWERS)
async def list_services(
    form: Form, rooms: InRooms, _visitor: Visitor, jurisdiction_id: Jurisdiction = None
) -> Response:
    """The categories of the jurisdiction's playbook that have none below them."""
    playbook, _ = _jurisdiction(form, jurisdiction_id, rooms)
    return listed(form, "services", "service", [row_of(service) for service in services(playbook)])


@router.get("/services/{service_code}.{form}", summary="One service", response_class=Response, responses=_ANSWERS)
async def get_service(
    service_code: Annotated[str, Path(max_length=64)],
    form: Form,
    rooms: InRooms,
    _visitor: Visitor,
    jurisdiction_id: Jurisdiction = None,
) -> Response:
    """The definition of a service: none has attributes, for what is not said is asked by a person."""
    playbook, _ = _jurisdiction(form, jurisdiction_id, rooms)
    category = playbook.categories.get(service_code)
    if category is None:
        raise Open311Error(404, "service_code was not found")
    code = service_of(category, playbook).service_code
    return single(form, "service_definition", {"service_code": code, "attributes": []})


@router.get("/requests.{form}", summary="List requests", response_class=Response, responses=_ANSWERS)
async def list_requests(  # noqa: PLR0913  each is one parameter of the specification
    form: Form,
    rooms: InRooms,
    _visitor: Visitor,
    *,
    jurisdiction_id: Jurisdiction = None,
    service_request_id: Annotated[
        str | None, Query(description="Ids with commas; it overrides all else.", max_length=3800, pattern=LIST)
    ] = None,
    service_code: Annotated[str | None, Query(description="Codes with commas.", max_length=500, pattern=LIST)] = None,
    start_date: Annotated[str | None, Query(description="The earliest time, W3C format.", max_length=40)] = None,
    end_date: Annotated[str | None, Query(description="The latest time, W3C format.", max_length=40)] = None,
    status: Annotated[str | None, Query(description="open, closed, or both with a comma.", max_length=32)] = None,
) -> Response:
    """The newest first, of at most 90 days and at most 1000: public fields of real cases that nobody asked to hide."""
    _, area = _jurisdiction(form, jurisdiction_id, rooms)
    if service_request_id is not None:
        found = await rooms.public.requests(area, ids_of(service_request_id))
    else:
        asked = range_of(
            moment_of(start_date, field="start_date"), moment_of(end_date, field="end_date"), now=rooms.clock()
        )
        codes = tuple(code.strip() for code in (service_code or "").split(",") if code.strip())
        found = await rooms.public.listed(
            RequestQuery(area=area, start=asked.start, end=asked.end, codes=codes, states=states_of(status))
        )
    rows = [row_of(request_of(case, rooms.county)) for case in found]
    return listed(form, "service_requests", "request", rows)


@router.get("/requests/{service_request_id}.{form}", summary="One request", response_class=Response, responses=_ANSWERS)
async def get_request(
    service_request_id: Annotated[str, Path(max_length=64)],
    form: Form,
    rooms: InRooms,
    _visitor: Visitor,
    jurisdiction_id: Jurisdiction = None,
) -> Response:
    """One request by its id, which is the case's."""
    _, area = _jurisdiction(form, jurisdiction_id, rooms)
    found = await rooms.public.requests(area, ids_of(service_request_id))
    if not found:
        raise Open311Error(404, "service_request_id was not found")
    return listed(form, "service_requests", "request", [row_of(request_of(case, rooms.county)) for case in found])


@router.get("/tokens/{token}.{form}", summary="A token's request", response_class=Response, responses=_ANSWERS)
async def get_token(
    token: Annotated[str, Path(description="The tracking code of a report.", max_length=64)],
    form: Form,
    rooms: InRooms,
    _visitor: Visitor,
    jurisdiction_id: Jurisdiction = None,
) -> Response:
    """The id of the request that a token stands for: ids are given at once, so the token is the tracking code."""
    _known(form)
    if jurisdiction_id is not None:
        _jurisdiction(form, jurisdiction_id, rooms)
    try:
        found = await rooms.public.followed(digest_of_code(token))
    except Refused:
        found = None
    if found is None:
        raise Open311Error(404, "token was not found")
    row = {"service_request_id": str(found.read.view.case_id), "token": token}
    return listed(form, "service_requests", "request", [row])


@router.post("/requests.{form}", include_in_schema=False)
async def send_on(form: Form, request: Request, rooms: InRooms, _visitor: Visitor) -> Response:
    """The way to intake, where requests are sent."""
    _known(form)
    if rooms.settings.intake_url is None:
        raise Open311Error(405, "requests are sent to intake, whose address this service was not told")
    query = f"?{request.url.query}" if request.url.query else ""
    away = f"{rooms.settings.intake_url.rstrip('/')}{urlsplit(str(request.url)).path}{query}"
    return Response(status_code=307, headers={"location": away})


def _known(form: str) -> None:
    if form not in FORMATS:
        raise Open311Error(404, f"there is no such format; allowed: {', '.join(FORMATS)}")


def _jurisdiction(form: str, asked: str | None, rooms: Rooms) -> tuple[Playbook, str]:
    """The playbook and the area of ``jurisdiction_id``; the one county's when there is one and none is named."""
    _known(form)
    area = asked
    if area is None:
        counties = rooms.shelf.counties
        if len(counties) != 1:
            raise Open311Error(400, "jurisdiction_id was not provided")
        (area,) = counties
    if not is_area(area):
        raise Open311Error(404, "jurisdiction_id was not found")
    try:
        playbook = rooms.shelf.of(area)
    except UnknownCounty as unknown:
        raise Open311Error(404, "jurisdiction_id was not found") from unknown
    if area not in playbook.areas:
        raise Open311Error(404, "jurisdiction_id was not found")
    return playbook, area
