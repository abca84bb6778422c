"""Cases: lists, one case's story, counts, and the names that codes stand for."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum, unique
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.notifier.api.filters import (
    AreaQuery,
    Asked,
    CategoryQuery,
    Cursor,
    DepartmentQuery,
    LevelQuery,
    ModeQuery,
    PurposeQuery,
    SeverityQuery,
    StateQuery,
    WaitsQuery,
    states,
)
from services.notifier.api.filters import waits as waits_of
from services.notifier.api.responses import problems
from services.notifier.api.rooms import InRooms, Reader, Rooms, answer, scope_of
from services.notifier.api.views import (
    AreaName,
    CaseListView,
    CaseStoryView,
    CategoryName,
    MeView,
    NamesView,
    SummaryView,
    story_view,
)
from services.notifier.domain.summary import CaseSummary
from services.notifier.store.cases import CaseQuery, Page
from shared.playbook.model import Playbook, Text
from shared.playbook.shelf import UnknownCounty
from shared.runtime.problems import Problem
from shared.vocabulary import county_of, covers
from shared.words import Words

TIMELINE_MOST: Final = 1000

router = APIRouter(prefix="/v1")


@unique
class Sort(StrEnum):
    """The order of a list."""

    NEWEST = "newest"
    DUE = "due"


@router.get("/cases", summary="List cases", response_model=CaseListView, responses=problems(401, 403, 422, 503))
async def list_cases(  # noqa: PLR0913  each is one filter
    rooms: InRooms,
    reader: Reader,
    *,
    area: AreaQuery = None,
    state: StateQuery = (),
    waits: WaitsQuery = (),
    level: LevelQuery = (),
    category: CategoryQuery = (),
    severity: SeverityQuery = (),
    department: DepartmentQuery = (),
    purpose: PurposeQuery = (),
    mode: ModeQuery = (),
    late: Annotated[bool, Query(description="Only cases with a running clock past its due time.")] = False,
    sort: Annotated[Sort, Query(description="Newest first, or the most pressing clock first.")] = Sort.NEWEST,
    q: Annotated[str | None, Query(description="Words in the title.", max_length=64)] = None,
    cursor: Annotated[str | None, Query(description="`next` of the page before.", max_length=128)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
) -> Response:
    """What this key may see, filtered. `position` is the stream's at the same moment: `?after=` it misses nothing."""
    asked = Asked(
        area=area,
        level=level,
        category=category,
        severity=severity,
        department=department,
        purpose=purpose,
        mode=mode,
    )
    after = None if cursor is None else Cursor.read(cursor)
    now = rooms.clock()
    found = await rooms.cases.find(
        CaseQuery(
            scope=scope_of(reader),
            asked=asked.filter(reader),
            states=states(state),
            waits=waits_of(waits),
            late_at=now if late else None,
            due_first=sort is Sort.DUE,
            words=q.replace("\x00", "") if q else None,
            after=None if after is None else Page(at=after.at, case_id=after.of),
            most=limit,
        )
    )
    last = found.cases[-1] if found.more else None
    return answer(
        CaseListView(
            cases=found.cases,
            next=None if last is None else Cursor(at=_moment(last, sort), of=last.case_id).text,
            position=found.position,
            now=now,
        )
    )


def _moment(last: CaseSummary, sort: Sort) -> datetime:
    return last.clock.due_at if sort is Sort.DUE and last.clock is not None else last.opened_at


@router.get(
    "/cases/{case_id}",
    summary="One case's story",
    response_model=CaseStoryView,
    responses=problems(401, 403, 404, 422, 503),
)
async def get_case(case_id: UUID, rooms: InRooms, reader: Reader) -> Response:
    """The case, its orders with why they came, its clocks with their arithmetic, and its timeline.

    A case outside the key's area is answered like one that is not there.
    """
    story = await rooms.cases.story(case_id, scope_of(reader), most=TIMELINE_MOST)
    if story is None:
        raise Problem(404, "not-found", "There is no such case", f"no case {case_id} within area {reader.area}")
    return answer(story_view(story, county=rooms.county, department=reader.department, now=rooms.clock()))


@router.get(
    "/summary", summary="Count what this key may see", response_model=SummaryView, responses=problems(401, 403, 503)
)
async def get_summary(rooms: InRooms, reader: Reader) -> Response:
    """Cases by state, open cases by severity, orders by level and state, escalations by level, clocks, deliveries."""
    now = rooms.clock()
    counts = await rooms.cases.counts(scope_of(reader), now=now)
    return answer(
        SummaryView(
            cases=counts.cases,
            open_by_severity=counts.severities,
            orders=counts.orders,
            orders_by_state=counts.standing_orders,
            escalations=counts.escalations,
            open_clocks=counts.open_clocks,
            late_clocks=counts.late_clocks,
            late_cases=counts.late_cases,
            deliveries=counts.deliveries,
            waits=counts.waits,
            position=counts.position,
            now=now,
        )
    )


@router.get("/me", summary="Whose key this is", response_model=MeView, responses=problems(401, 403))
async def get_me(rooms: InRooms, reader: Reader) -> Response:
    """The key's role, area and department, by name."""
    county = county_of(reader.area)
    playbook = _playbook(rooms, county)
    return answer(
        MeView(
            key_id=reader.key_id,
            name=reader.name,
            role=reader.role,
            area=reader.area,
            area_name=_area_name(playbook, reader.area),
            county=county,
            county_name=_area_name(playbook, county),
            department=reader.department,
            department_name=_department_name(playbook, reader.department),
            playbook_version=None if playbook is None else playbook.version,
            now=rooms.clock(),
        )
    )


def _playbook(rooms: Rooms, area: str) -> Playbook | None:
    try:
        return rooms.shelf.of(area)
    except UnknownCounty:
        return None


@router.get("/names", summary="What codes are called", response_model=NamesView, responses=problems(401, 403, 503))
async def get_names(rooms: InRooms, reader: Reader) -> Response:
    """Areas within the key's (and those that hold it), departments and categories, by the playbook in force."""
    try:
        playbook = rooms.shelf.of(reader.area)
    except UnknownCounty as unknown:
        raise Problem(
            503, "unavailable", "The playbook is not here yet", unknown.reason, headers={"Retry-After": "5"}
        ) from unknown
    return answer(names_of(playbook, reader.area))


def names_of(playbook: Playbook, area: str) -> NamesView:
    """The names that a reader of ``area`` may need."""
    return NamesView(
        version=playbook.version,
        digest=playbook.digest,
        areas={
            code: AreaName(zh=one.name.zh, en=one.name.en, level=one.level, parent=one.parent)
            for code, one in playbook.areas.items()
            if covers(area, code) or covers(code, area)
        },
        departments={code: _words(one.name) for code, one in playbook.departments.items()},
        categories={
            code: CategoryName(zh=one.name.zh, en=one.name.en, parent=one.parent, severity=one.severity)
            for code, one in playbook.categories.items()
        },
    )


def _words(text: Text) -> Words:
    return Words(zh=text.zh, en=text.en)


def _area_name(playbook: Playbook | None, code: str) -> Words | None:
    line = () if playbook is None else playbook.area_line(code)
    return _words(line[0].name) if line else None


def _department_name(playbook: Playbook | None, department: str | None) -> Words | None:
    if playbook is None or department is None or department not in playbook.departments:
        return None
    return _words(playbook.departments[department].name)
