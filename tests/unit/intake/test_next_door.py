"""A report about a place next door goes to the county that has it, when that county is known here and named."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from services.intake.domain.life.permissions import Bearer, NotYours
from services.intake.domain.reports.locating import Outside
from services.intake.domain.reports.report import Report
from services.intake.handlers import Doors, accept_report
from shared.events.parts import CaseView, Place
from shared.playbook.model import Neighbour, Playbook, Policy, Text
from shared.vocabulary import Refused, Role, Source
from tests.fakes.counties import moved
from tests.fakes.intake import FakeCaseStore, FakePlaybooks, FakeVault, ToldClock
from tests.fakes.small_county import COUNTY, WEST, small_county

NEXT = "990102"
THERE = Place(lon=110.5, lat=25.5)
NEIGHBOUR = Neighbour(county=NEXT, name=Text(zh="邻县", en="Next County"), phone="0990-1")
REPORT = Report(source=Source.RESIDENT, text="燃气味很重", place=THERE)


def home(*neighbours: Neighbour) -> Playbook:
    return small_county(version="home", policy=Policy(neighbours=neighbours))


def doors_of(*playbooks: Playbook) -> Doors:
    return Doors(store=FakeCaseStore(), playbooks=FakePlaybooks(*playbooks), vault=FakeVault(), clock=ToldClock())


def bearer(area: str = COUNTY, role: Role = Role.SOURCE) -> Bearer:
    return Bearer(key_id="hotline", role=role, area=area)


async def opened(doors: Doors, report: Report = REPORT, area: str = COUNTY) -> dict[str, str]:
    reply = await accept_report(report, bearer=bearer(area), client_key=None, doors=doors)
    body: dict[str, str] = json.loads(reply.body)
    return body


def kept(doors: Doors) -> CaseView:
    store: Any = doors.store
    (case,) = store.state.cases.values()
    view: CaseView = case.view
    return view


async def test_a_point_of_a_named_neighbour_opens_its_case_there_and_says_where_it_came_from() -> None:
    doors = doors_of(home(NEIGHBOUR), moved(small_county(), NEXT, east=10))
    body = await opened(doors, area=WEST)
    assert body["area"].startswith(NEXT)
    view = kept(doors)
    assert view.county == NEXT
    assert f"handed-from:{COUNTY}" in view.tags


@pytest.mark.parametrize(
    ("neighbours", "known"),
    (
        ((NEIGHBOUR,), False),  # its playbook is not here
        ((), True),  # it is here, and the county does not name it
    ),
)
async def test_else_it_is_refused_with_the_neighbours_telephone(neighbours: tuple[Neighbour, ...], known: bool) -> None:
    others = (moved(small_county(), NEXT, east=10),) if known else ()
    doors = doors_of(home(*neighbours), *others)
    with pytest.raises(Outside) as refused:
        await opened(doors)
    assert refused.value.field == "place"
    assert any("0990-1" in one for one in refused.value.allowed) is bool(neighbours)


async def test_a_report_that_names_its_own_county_is_not_carried_away() -> None:
    doors = doors_of(home(NEIGHBOUR), moved(small_county(), NEXT, east=10))
    with pytest.raises(Refused):
        await opened(doors, replace(REPORT, area=COUNTY))


async def test_who_may_not_report_at_all_may_not_next_door_either() -> None:
    doors = doors_of(home(NEIGHBOUR), moved(small_county(), NEXT, east=10))
    with pytest.raises(NotYours):
        await accept_report(REPORT, bearer=bearer(role=Role.AUDITOR), client_key=None, doors=doors)


async def test_a_sender_of_one_town_names_places_of_that_town_alone() -> None:
    doors = doors_of(home())
    with pytest.raises(Refused) as refused:
        await opened(doors, Report(source=Source.RESIDENT, text="东镇东村燃气味很重"), area=WEST)
    assert refused.value.field == "area"
    body = await opened(doors, Report(source=Source.RESIDENT, text="西镇西村燃气味很重"), area=WEST)
    assert body["area"].startswith(WEST)
    assert "place-guessed" in kept(doors).tags
