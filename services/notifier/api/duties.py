"""Proposals for the duty list (权责清单), gathered from rulings: as JSON, or as rows for duties.csv."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response

from services.notifier.api.filters import AreaQuery, Asked
from services.notifier.api.responses import problems
from services.notifier.api.rooms import InRooms, Reader, answer
from services.notifier.domain.proposals import Proposal, is_listed, power_of
from shared.playbook.model import Playbook, Power
from shared.playbook.shelf import UnknownCounty
from shared.runtime.problems import Problem
from shared.words import Words

CSV: Final = "text/csv"
COLUMNS: Final = ("department", "category", "area", "power")
PROPOSALS_MOST: Final = 1000

router = APIRouter(prefix="/v1")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalView:
    """One line for the list. ``power`` null: the playbook in force does not know the category.

    ``file`` is where it belongs; a power to enforce also needs the item's code and its legal basis.
    """

    department: str
    department_name: Words
    category: str
    area: str
    power: Power | None
    file: str
    count: int
    first_at: datetime
    last_at: datetime
    cases: Sequence[UUID]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalListView:
    """What the list does not name yet, the most often ruled first."""

    proposals: Sequence[ProposalView]
    playbook_version: str | None
    now: datetime


CONTENT: Final[dict[str, Any]] = {CSV: {"schema": {"type": "string"}}}


@router.get(
    "/duty-proposals",
    summary="What rulings say about the duty list",
    response_model=ProposalListView,
    responses={200: {"content": CONTENT}, **problems(401, 403, 422, 503)},
)
async def get_proposals(
    rooms: InRooms,
    reader: Reader,
    *,
    area: AreaQuery = None,
    shape: Annotated[Literal["json", "csv"] | None, Query(alias="format", description="`json` or `csv`.")] = None,
    accept: Annotated[str, Header(description="text/csv gives rows for duties.csv.")] = "",
) -> Response:
    """Department, category, area and power, with how often it was ruled so and in which cases.

    Of real cases alone; what the playbook in force names by now is left out. As CSV only what belongs
    in duties.csv: an enforcement power stands in enforcement.csv, with its legal basis.
    """
    if reader.department is not None:
        raise Problem(403, "forbidden", "This is for desks", "the duty list is the county's: ask with a desk's key")
    asked = Asked(area=area).filter(reader)
    playbook = _playbook(rooms.shelf.of, reader.area)
    found = await rooms.rulings.proposals(asked.area or reader.area, most=PROPOSALS_MOST)
    proposals = list(_missing(found, playbook))
    if shape == "csv" or (shape is None and CSV in accept):
        return Response(_csv(proposals), media_type=f"{CSV}; charset=utf-8")
    return answer(
        ProposalListView(
            proposals=[
                ProposalView(
                    department=one.department,
                    department_name=rooms.county.department(reader.area, one.department),
                    category=one.category,
                    area=one.area,
                    power=one.power,
                    file="enforcement.csv" if one.power is Power.ENFORCE else "duties.csv",
                    count=one.count,
                    first_at=one.first_at,
                    last_at=one.last_at,
                    cases=one.cases,
                )
                for one in proposals
            ],
            playbook_version=None if playbook is None else playbook.version,
            now=rooms.clock(),
        )
    )


def _playbook(of: Callable[[str], Playbook], area: str) -> Playbook | None:
    try:
        return of(area)
    except UnknownCounty:
        return None


def _missing(found: Iterable[Proposal], playbook: Playbook | None) -> Iterable[Proposal]:
    for one in found:
        if playbook is None:
            yield one
            continue
        proposal = replace(one, power=power_of(one.category, playbook))
        if not is_listed(proposal, playbook):
            yield proposal


def _csv(proposals: Iterable[Proposal]) -> str:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    for one in proposals:
        if one.power not in (None, Power.ENFORCE):
            rows.writerow((one.department, one.category, one.area, one.power))
    return text.getvalue()
