"""Ask the rules: what would become of a case, at another instant, in another mode, or made up.

The key and its area are checked here; the router decides (`POST /v1/explain` on its ops port).
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID, uuid4

import msgspec
from fastapi import APIRouter, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.notifier.api.responses import problems
from services.notifier.api.rooms import InRooms, Reader, Rooms, scope_of
from services.notifier.ports import RouterAway
from shared.events.parts import CaseView, Place, PlaybookRef
from shared.playbook.model import Playbook
from shared.playbook.shelf import UnknownCounty
from shared.runtime.auth import Principal
from shared.runtime.problems import Problem
from shared.vocabulary import (
    AREA_PATTERN,
    NORMAL,
    CaseState,
    Purpose,
    Refused,
    Severity,
    Source,
    county_of,
    is_area,
    level_of,
)

MOST_RULES: Final = 200
TITLE: Final = 80
RETRY_SECONDS: Final = "5"

router = APIRouter(prefix="/v1")


class PlaceBody(BaseModel):
    """A point in WGS-84 degrees."""

    model_config = ConfigDict(extra="forbid")

    lon: Annotated[float, Field(ge=-180, le=180)]
    lat: Annotated[float, Field(ge=-90, le=90)]


class MadeUpBody(BaseModel):
    """A case that never was. Severity, when absent, is what its category has by itself."""

    model_config = ConfigDict(extra="forbid")

    area: Annotated[str, Field(max_length=15, pattern=AREA_PATTERN)]
    category: Annotated[str, Field(min_length=1, max_length=32)]
    text: Annotated[str, Field(max_length=8000)] = ""
    source: Source = Source.RESIDENT
    severity: Annotated[int | None, Field(ge=1, le=4)] = None
    condition: Annotated[str | None, Field(max_length=64)] = None
    tags: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=32)] = []
    place: PlaceBody | None = None
    reports: Annotated[int, Field(ge=1)] = 1
    purpose: Purpose = Purpose.REAL


class ExplainBody(BaseModel):
    """One of `case_id` and `case`. `all` lists every rule, `count` of them from `start` on."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"case_id": "5b0c3a52-5a0e-5d5e-9a53-0d2f6d6c8a11", "all": True},
                {"case": {"area": "990101001200", "category": "01.002", "text": "没有自来水"}, "mode": "normal"},
            ]
        },
    )

    case_id: UUID | None = None
    case: MadeUpBody | None = None
    at: AwareDatetime | None = None
    mode: Annotated[str | None, Field(min_length=1, max_length=64)] = None
    playbook_version: Annotated[str | None, Field(min_length=1, max_length=64)] = None
    all: bool = False
    start: Annotated[int, Field(ge=0)] = 0
    count: Annotated[int, Field(ge=1, le=MOST_RULES)] = MOST_RULES


class ConditionBody(BaseModel):
    """One condition as it was tried."""

    field: str
    operator: str
    expected: str
    actual: str
    held: bool


class TriedBody(BaseModel):
    """One rule as the walk came to it."""

    place: int
    rule_id: str
    title: str
    title_en: str
    state: str
    in_force: bool
    held: bool
    ended: bool
    reached: bool
    conditions: list[ConditionBody]


class ExplainAnswer(BaseModel):
    """What the rules make of the case; `next` is the `start` of the next page of rules."""

    playbook: dict[str, str]
    orders: list[dict[str, Any]]
    walk: list[TriedBody]
    near_misses: list[dict[str, Any]]
    shadows: list[dict[str, Any]]
    unrouted: bool
    next: int | None = None


@router.post(
    "/explain",
    summary="Ask the rules why, or what if",
    response_model=ExplainAnswer,
    responses=problems(400, 401, 403, 404, 413, 415, 422, 503),
)
async def post_explain(body: ExplainBody, rooms: InRooms, reader: Reader) -> Response:
    """The matching path with each condition and its value, near misses with the condition that failed, and shadows.

    Nothing is changed and nobody is told.
    """
    if (body.case_id is None) == (body.case is None):
        raise Refused("name one of them", field="/case_id", allowed=["case_id of a case", "case: one that is made up"])
    case, text = await _case(body, rooms, reader)
    question = {
        "case": case,
        "text": text,
        "all": body.all,
        **({"start": body.start, "count": body.count} if body.all else {}),
        **{name: value for name in ("at", "mode", "playbook_version") if (value := getattr(body, name)) is not None},
    }
    return await _asked(msgspec.json.encode(question), rooms)


async def _case(body: ExplainBody, rooms: Rooms, reader: Principal) -> tuple[CaseView, str]:
    if body.case_id is not None:
        story = await rooms.cases.story(body.case_id, scope_of(reader), most=1)
        if story is None:
            raise Problem(404, "not-found", "There is no such case", f"no case {body.case_id} within {reader.area}")
        return story.read.view, story.read.text
    assert body.case is not None  # noqa: S101  one of the two is there
    made = body.case
    if not is_area(made.area):
        raise Refused("this is no area code", field="/case/area", allowed=["6, 9, 12 or 15 digits"])
    reader.must_hold(made.area, field="/case/area")
    return _made_up(made, rooms, now=body.at or rooms.clock()), made.text


def _made_up(made: MadeUpBody, rooms: Rooms, *, now: datetime) -> CaseView:
    playbook = _playbook(rooms, made.area)
    category = playbook.categories.get(made.category)
    if category is None:
        raise Refused(
            f"version {playbook.version} has no category {made.category!r}",
            field="/case/category",
            allowed=["a code of GET /v1/names"],
        )
    return CaseView(
        case_id=uuid4(),
        version=1,
        state=CaseState.OPENED,
        county=county_of(made.area),
        area=made.area,
        level=level_of(made.area),
        category=made.category,
        severity=category.severity if made.severity is None else Severity(made.severity),
        source=made.source,
        title=made.text[:TITLE],
        opened_at=now,
        playbook=PlaybookRef(version=playbook.version, digest=playbook.digest),
        condition=made.condition,
        tags=tuple(made.tags),
        place=None if made.place is None else Place(lon=made.place.lon, lat=made.place.lat),
        reports=made.reports,
        purpose=made.purpose,
        mode=NORMAL,
    )


def _playbook(rooms: Rooms, area: str) -> Playbook:
    try:
        return rooms.shelf.of(area)
    except UnknownCounty as unknown:
        raise Problem(
            503, "unavailable", "The playbook is not here yet", unknown.reason, headers={"Retry-After": RETRY_SECONDS}
        ) from unknown


async def _asked(question: bytes, rooms: Rooms) -> Response:
    if rooms.router is None:
        raise _away("no router is set here: set WHISTLE_ROUTER to the URL of the router's ops port")
    try:
        told = await rooms.router.ask(question)
    except RouterAway as away:
        raise _away(f"{away}; look at the router's /readyz, or set WHISTLE_ROUTER aright, and ask again") from away
    if told.status >= 500:  # noqa: PLR2004  HTTP's own class
        raise _away(f"the router failed with {told.status}; look at its log")
    # Its refusals name the field and what is allowed, as ours do.
    kind = "application/json" if told.status < 400 else "application/problem+json"  # noqa: PLR2004
    return Response(told.body, status_code=told.status, media_type=kind)


def _away(detail: str) -> Problem:
    return Problem(
        503, "unavailable", "The router cannot be asked at the moment", detail, headers={"Retry-After": RETRY_SECONDS}
    )
