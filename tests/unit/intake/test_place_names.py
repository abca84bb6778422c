"""Places that a text names, and points by the thousand."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.reports.locating import CellMap, CountyMap, Outside, locate
from shared.events.parts import Place
from shared.playbook.load import load
from shared.playbook.model import Area, Neighbour, Playbook, Text, Zone
from shared.vocabulary import Level, Refused
from tests.fakes.small_county import CELLS, COUNTY, EAST, EAST_VILLAGE, WEST, WEST_CELLS, WEST_VILLAGE, small_county

WEST_BRIDGE, EAST_BRIDGE, WEST_MILL = "990101001200", "990101002200", "990101001201"


def village(code: str, name: str) -> Area:
    return Area(code=code, name=Text(zh=name, en=name), level=Level.VILLAGE, parent=code[:9], kind="村")


def town(code: str, name: str) -> Area:
    return Area(code=code, name=Text(zh=name, en=name), level=Level.TOWN, parent=COUNTY, kind="镇")


AREAS = (
    town(WEST, "云溪镇"),
    town(EAST, "青萝镇"),
    village(WEST_BRIDGE, "石桥村"),
    village(EAST_BRIDGE, "石桥村"),
    village(WEST_MILL, "大水碾村"),
    village(WEST_VILLAGE, "柳塘村"),
    village(EAST_VILLAGE, "白岭村"),
)
PLAYBOOK = replace(small_county(version="named"), areas={**small_county().areas, **{area.code: area for area in AREAS}})
MAP = CountyMap(PLAYBOOK)


@pytest.mark.parametrize(
    ("text", "area"),
    (
        ("柳塘村三组路灯不亮", WEST_VILLAGE),
        ("云溪镇柳塘村三组路灯不亮", WEST_VILLAGE),
        ("云溪镇街上积水", WEST),
        ("云溪街上积水", WEST),  # a town's short form
        ("大水碾停电", WEST_MILL),  # a village's of three characters
        ("柳塘3组停电", WEST_VILLAGE),  # of two, with its group
        ("云溪柳塘停电", WEST_VILLAGE),  # of two, with its town
        ("青萝镇石桥村桥断了", EAST_BRIDGE),  # one name, two villages: the town says which
        ("石桥村的云溪段", WEST_BRIDGE),
        ("柳塘村到大水碾村的路", WEST),  # two villages of a town: the town
        ("柳塘村到白岭村的路", COUNTY),  # of two towns: the county
        ("云溪镇和青萝镇交界", COUNTY),
    ),
)
def test_a_text_names_the_smallest_area_that_holds_its_places(text: str, area: str) -> None:
    found = MAP.names.find(text, within=COUNTY)
    assert found is not None
    assert found.area == area


@pytest.mark.parametrize("text", ("路灯不亮", "河边的柳塘很美", "石桥村桥断了", "", "云", "小县的路"))
def test_an_everyday_word_or_an_unclear_name_is_no_place(text: str) -> None:
    assert MAP.names.find(text, within=COUNTY) is None


def test_only_places_inside_the_senders_area_are_meant() -> None:
    assert MAP.names.find("柳塘村停电", within=EAST) is None
    found = MAP.names.find("石桥村桥断了", within=EAST)
    assert found is not None
    assert found.area == EAST_BRIDGE


def test_a_zone_is_a_place_by_its_name() -> None:
    ring = tuple((100.4 + x, 25.4 + y) for x, y in ((0, 0), (0.1, 0), (0.1, 0.1), (0, 0)))
    zone = Zone(id="park", name=Text(zh="望江公园", en="Park"), polygons=(ring,))
    playbook = replace(PLAYBOOK, digest="z" * 64, zones={"park": zone})
    found = CountyMap(playbook).names.find("望江公园的椅子坏了", within=COUNTY)
    assert found is not None
    assert found.area == WEST_VILLAGE


def test_a_place_by_words_is_marked_as_a_guess() -> None:
    placed = locate(None, None, playbook=PLAYBOOK, county=MAP, text="柳塘村三组路灯不亮")
    assert placed.guessed
    assert placed.area == WEST_VILLAGE
    assert "推测" in placed.why
    assert "柳塘村" in placed.why


def test_a_place_that_the_report_gives_outweighs_its_words() -> None:
    placed = locate(EAST_VILLAGE, None, playbook=PLAYBOOK, county=MAP, text="柳塘村三组路灯不亮")
    assert (placed.area, placed.guessed) == (EAST_VILLAGE, False)


def test_a_text_without_any_place_is_refused_with_what_would_do() -> None:
    with pytest.raises(Refused) as refused:
        locate(None, None, playbook=PLAYBOOK, county=MAP, text="路灯不亮")
    assert refused.value.field == "area"
    assert len(refused.value.allowed) == 3


def test_outside_of_the_county_the_neighbours_and_their_telephones_are_told() -> None:
    neighbour = Neighbour(county="990201", name=Text(zh="邻县", en="Next"), phone="0990-1")
    playbook = replace(PLAYBOOK, policy=replace(PLAYBOOK.policy, neighbours=(neighbour,)))
    with pytest.raises(Outside) as refused:
        locate(None, Place(lon=0, lat=0), playbook=playbook, county=MAP)
    assert refused.value.field == "place"
    assert any("邻县 (990201, 0990-1)" in one for one in refused.value.allowed)


@given(st.lists(st.tuples(st.floats(99.5, 102.5), st.floats(24.5, 27.5)), max_size=30))
def test_many_points_are_placed_as_each_by_itself(points: list[tuple[float, float]]) -> None:
    places = [Place(lon=lon, lat=lat) for lon, lat in points]
    assert MAP.cells.cells_at(places) == [MAP.cells.cell_at(place) for place in places]


def test_the_smallest_code_has_the_edge_whatever_the_order_of_the_cells() -> None:
    for cells in (CELLS, tuple(reversed(CELLS))):
        found = CellMap(cells)
        assert found.cell_at(Place(lon=101, lat=26)) == WEST_CELLS[0]
        assert found.cells_at([Place(lon=101, lat=26), Place(lon=0, lat=0)]) == [WEST_CELLS[0], None]


@pytest.fixture(scope="module")
def yunlu() -> Playbook:
    return load(Path("playbooks/yunlu"), today=date(2026, 11, 21))


def test_every_village_of_the_demo_county_is_found_by_its_town_and_name(yunlu: Playbook) -> None:
    names = CountyMap(yunlu).names
    for area in yunlu.areas.values():
        if area.level is Level.VILLAGE:
            text = f"{yunlu.areas[area.code[:9]].name.zh}{area.name.zh}一组的路灯坏了"
            found = names.find(text, within=yunlu.county)
            assert found is not None
            assert found.area == area.code
