"""The county that ships: complete, exact on the map, and obviously made up."""

from collections import Counter
from datetime import date

import shapely
from shapely import Polygon, union_all

from playbooks.generator.__main__ import FOLDER, contents
from shared.playbook.model import Playbook, YearStatus
from shared.vocabulary import Level


def test_the_generated_files_are_those_of_the_generator() -> None:
    stale = [name for name, text in contents().items() if (FOLDER / name).read_text(encoding="utf-8") != text]
    assert not stale, "run python -m playbooks.generator"


def test_the_county_has_its_towns_villages_and_cells(yunlu: Playbook) -> None:
    levels = Counter(area.level for area in yunlu.areas.values())
    assert levels == {Level.COUNTY: 1, Level.TOWN: 12, Level.VILLAGE: 211}
    assert {cell.village for cell in yunlu.cells} == {a.code for a in yunlu.areas.values() if a.level is Level.VILLAGE}
    assert len(yunlu.rules) == 40
    names = [area.name.zh for area in yunlu.areas.values()]
    assert len(names) == len(set(names))


def test_cells_cover_the_county_without_gap_or_overlap(yunlu: Playbook) -> None:
    """Every side of a cell is one side of one neighbour the other way, or lies on the county's one border."""
    sides = Counter(side for cell in yunlu.cells for side in zip(cell.polygon, cell.polygon[1:], strict=False))
    assert max(sides.values()) == 1
    border = {start: end for start, end in sides if (end, start) not in sides}
    first = here = next(iter(border))
    walked = 0
    while walked == 0 or here != first:
        here, walked = border[here], walked + 1
    assert walked == len(border)
    polygons = [Polygon(cell.polygon) for cell in yunlu.cells]
    assert all(polygon.is_valid for polygon in polygons)
    assert abs(sum(polygon.area for polygon in polygons) - union_all(polygons).area) < 1e-12


def test_every_town_and_village_is_one_piece(yunlu: Playbook) -> None:
    for digits in (9, 12):
        pieces: dict[str, list[shapely.Polygon]] = {}
        for cell in yunlu.cells:
            pieces.setdefault(cell.code[:digits], []).append(Polygon(cell.polygon))
        assert all(union_all(parts).geom_type == "Polygon" for parts in pieces.values())


def test_the_calendar_says_which_year_is_only_provisional(yunlu: Playbook) -> None:
    calendar = yunlu.calendar
    assert calendar.years == {2026: YearStatus.ANNOUNCED, 2027: YearStatus.PROVISIONAL}
    assert calendar.openings_on(date(2026, 10, 1)) == ()
    assert calendar.openings_on(date(2026, 10, 10)) == calendar.makeup_hours
    assert len(calendar.openings_on(date(2026, 11, 20))) == 2
    assert calendar.openings_on(date(2026, 11, 21)) == ()


def test_officers_are_made_up_and_their_numbers_ring_nowhere(yunlu: Playbook) -> None:
    assert all(officer.phone.startswith("000-0000-") for officer in yunlu.roster.officers.values())


def test_lines_go_from_small_to_large(yunlu: Playbook) -> None:
    cell = yunlu.cells[0].code
    assert [len(area.code) for area in yunlu.area_line(cell)] == [12, 9, 6]
    assert [category.code for category in yunlu.category_line("03.001")] == ["03.001", "03"]
    assert yunlu.category_line("77") == ()


def test_a_village_without_a_desk_falls_to_its_town(yunlu: Playbook) -> None:
    village = next(area for area in yunlu.areas.values() if not area.desk)
    assert yunlu.desk_area(village.code, at_least=Level.VILLAGE).code == village.parent
    assert yunlu.desk_area("990101", at_least=Level.VILLAGE).code == "990101"
    assert yunlu.desk_area("990101101", at_least=Level.COUNTY).code == "990101"


def test_desks_are_named_with_their_town(yunlu: Playbook) -> None:
    village = next(area for area in yunlu.areas.values() if area.parent == "990101101")
    assert yunlu.desk_name(village.code).zh == f"云溪镇{village.name.zh}指挥平台"
    assert yunlu.desk_name("990101").en == "Yunlu County desk"
