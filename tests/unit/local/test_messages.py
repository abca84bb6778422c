"""The demo's messages fit the demo county, and two plays of the demo tell the same."""

import re

import pytest
import shapely
from pydantic import TypeAdapter

from deploy.local.demo.bad_input import bad_requests
from deploy.local.demo.messages import (
    FORGOTTEN,
    GAS,
    SECOND_NEIGHBOUR,
    TOLD,
    Draft,
    drafts,
    read_messages,
)
from deploy.local.demo.playbook import FORGOTTEN_CATEGORY, demo_playbook
from services.intake.api.bodies import ReportBody
from services.intake.domain.reports.texts import clean
from shared.playbook.model import Playbook
from shared.vocabulary import Level, level_of


@pytest.fixture(scope="module")
def playbook() -> Playbook:
    return demo_playbook()


@pytest.fixture(scope="module")
def reports(playbook: Playbook) -> list[Draft]:
    return drafts(playbook, read_messages(), seed=7)


def test_there_are_several_hundred_messages_from_every_kind_of_source() -> None:
    messages = read_messages()
    assert len(messages) > 300
    assert {message.source for message in messages} == {
        "resident", "grid", "hotline", "sensor", "inspection", "handover",
    }  # fmt: skip
    assert len({message.burst for message in messages if message.burst}) >= 5
    assert len({message.text for message in messages}) == len(messages)


def test_every_message_is_a_report_that_intake_understands(reports: list[Draft], playbook: Playbook) -> None:
    adapter = TypeAdapter(ReportBody)
    for draft in reports:
        body = adapter.validate_python(draft.body)
        clean(body.text, field="text")
        assert body.category is None or body.category in playbook.categories
        assert body.area is None or body.area[: level_of(body.area).digits] in playbook.areas
        assert not re.search(r"[{}]", body.text)


def test_points_lie_in_the_village_that_the_text_names(reports: list[Draft], playbook: Playbook) -> None:
    cells = {cell.code: (cell.village, shapely.Polygon(cell.polygon)) for cell in playbook.cells}
    named = [draft for draft in reports if "place" in draft.body and "菜市场门口" in draft.body["text"]]
    assert named
    for draft in named:
        point = shapely.Point(draft.body["place"]["lon"], draft.body["place"]["lat"])
        [village] = {village for village, polygon in cells.values() if polygon.contains(point)}
        assert playbook.areas[village].name.zh in draft.body["text"]


def test_a_burst_is_about_one_village(reports: list[Draft], playbook: Playbook) -> None:
    villages = [area.name.zh for area in playbook.areas.values() if area.level is Level.VILLAGE]
    gas = [
        draft.body["text"] for draft in reports if "菜市场" in draft.body["text"] and "燃气泄漏" in draft.body["text"]
    ]
    assert len({name for text in gas for name in villages if name in text}) == 1


def test_the_same_seed_tells_the_same_and_another_seed_another(playbook: Playbook) -> None:
    messages = read_messages()
    assert drafts(playbook, messages, seed=1) == drafts(playbook, messages, seed=1)
    assert drafts(playbook, messages, seed=1) != drafts(playbook, messages, seed=2)


def test_exactly_one_report_begins_each_story(reports: list[Draft]) -> None:
    tags = [tag for draft in reports for tag in draft.body.get("tags", ())]
    assert sorted(tags) == sorted(TOLD)
    assert any(message.burst == GAS for message in read_messages())


def test_the_forgotten_report_is_for_a_village_with_a_desk_and_a_clock_that_is_taken_over(
    reports: list[Draft], playbook: Playbook
) -> None:
    [forgotten] = [draft for draft in reports if FORGOTTEN in draft.body.get("tags", ())]
    assert forgotten.body["category"] == FORGOTTEN_CATEGORY
    village = playbook.areas[forgotten.body["area"]]
    assert village.level is Level.VILLAGE
    assert village.desk


def test_every_bad_request_is_wrong_in_its_own_way() -> None:
    bad = bad_requests("990101")
    assert len({request.name for request in bad}) == len(bad) >= 25
    assert {400, 401, 403, 413, 415, 422} == {request.status for request in bad}


def test_two_neighbours_report_one_matter_at_one_place(reports: list[Draft]) -> None:
    first, second = (draft for draft in reports if draft.name.startswith("neighbour-"))
    assert second.name == SECOND_NEIGHBOUR
    assert first.body["place"] == second.body["place"]
    assert first.body["text"] != second.body["text"]
    assert "tags" not in second.body
