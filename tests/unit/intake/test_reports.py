"""Where a report belongs, what it is about, and what may stand in its text."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.reading.classifying import classify
from services.intake.domain.reading.vocabulary import last_resort
from services.intake.domain.reports.locating import CountyMap, locate
from services.intake.domain.reports.report import Report, Reporter, opening, report_id_of, tidy
from services.intake.domain.reports.texts import TITLE_LENGTH, clean, title_of
from shared.events.parts import Actor, Place
from shared.vocabulary import ActorKind, Level, Refused, Severity, Source
from tests.fakes.small_county import (
    CELLS,
    COUNTY,
    EAST_CELLS,
    EAST_VILLAGE,
    GAS_LEAK,
    OTHER,
    WEST,
    WEST_CELLS,
    WEST_VILLAGE,
    small_county,
)

PLAYBOOK = small_county()
MAP = CountyMap(PLAYBOOK)
NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
BY = Actor(kind=ActorKind.SOURCE, id="hotline")


def place(lon: float, lat: float) -> Place:
    return Place(lon=lon, lat=lat)


@pytest.mark.parametrize(
    ("area", "point", "found"),
    (
        (COUNTY, None, COUNTY),
        (WEST, None, WEST),
        (WEST_VILLAGE, None, WEST_VILLAGE),
        (WEST_CELLS[1], None, WEST_CELLS[1]),
        (None, place(100.5, 25.5), WEST_CELLS[0]),
        (None, place(101.5, 26.5), EAST_CELLS[1]),
        (None, place(101.0, 25.5), WEST_CELLS[0]),  # on the border of the towns: the smaller code
        (None, place(101.0, 26.0), WEST_CELLS[0]),  # where four cells meet
        (None, place(100.0, 25.0), WEST_CELLS[0]),  # the county's own corner
        (COUNTY, place(101.5, 25.5), EAST_CELLS[0]),
        (EAST_VILLAGE, place(101.5, 25.5), EAST_CELLS[0]),
        (EAST_CELLS[0], place(101.5, 25.5), EAST_CELLS[0]),
    ),
)
def test_a_report_lies_in_the_finest_area_that_it_names(area: str | None, point: Place | None, found: str) -> None:
    located = locate(area, point, playbook=PLAYBOOK, county=MAP)
    assert located.area == found
    assert found in located.why


@pytest.mark.parametrize(
    ("area", "point", "field", "says"),
    (
        (None, None, "area", "neither"),
        ("990101999", None, "area", "990101999"),
        ("990101001001999", None, "area", "990101001001999"),
        (None, place(99.9, 25.5), "place", "小县"),
        (None, place(0.0, 0.0), "place", "outside"),
        (WEST, place(101.5, 25.5), "area", EAST_CELLS[0]),
    ),
)
def test_a_place_that_is_none_is_refused_by_field(area: str | None, point: Place | None, field: str, says: str) -> None:
    with pytest.raises(Refused, match=says) as refused:
        locate(area, point, playbook=PLAYBOOK, county=MAP)
    assert refused.value.field == field
    assert refused.value.allowed


@given(st.floats(100, 102), st.floats(25, 27))
def test_every_point_of_the_county_has_one_cell_and_always_the_same(lon: float, lat: float) -> None:
    found = MAP.cells.cell_at(place(lon, lat))
    assert found in {cell.code for cell in CELLS}
    assert MAP.cells.cell_at(place(lon, lat)) == found


@pytest.mark.parametrize(
    ("text", "category", "condition"),
    (
        ("门口燃气味很重", GAS_LEAK, None),
        ("路上井盖不见了", "01.001", "missing"),
        ("井盖破损", "01.001", "broken"),
        ("井盖", "01.001", None),
        ("自来水很小", "01", None),
        ("燃气漏气了", GAS_LEAK, None),  # 燃气 and 漏气 weigh alike: the more special one
        ("GAS LEAK at the market", GAS_LEAK, None),
        ("一切都好", OTHER, None),
    ),
)
def test_a_report_is_named_by_its_words(text: str, category: str, condition: str | None) -> None:
    classified = classify(None, text, playbook=PLAYBOOK)
    assert (classified.category.code, classified.condition) == (category, condition)
    assert category in classified.why


def test_the_reason_names_the_words_that_decided() -> None:
    assert "燃气味、漏气" in classify(None, "燃气味,漏气", playbook=PLAYBOOK).why


def test_a_category_that_the_report_names_wins_over_its_words() -> None:
    classified = classify("01.001", "燃气味,井盖缺失", playbook=PLAYBOOK)
    assert (classified.category.code, classified.condition) == ("01.001", "missing")


def test_an_unknown_category_is_refused_with_near_ones() -> None:
    with pytest.raises(Refused) as refused:
        classify("03.01", "x", playbook=PLAYBOOK)
    assert refused.value.field == "category"
    assert any(GAS_LEAK in near for near in refused.value.allowed)


def test_what_no_words_fit_goes_to_the_category_called_other() -> None:
    assert last_resort(PLAYBOOK).code == OTHER


@pytest.mark.parametrize("bad", ("\x00", "\x07", "\x1b", "\x7f", "\x85x", "\u202e", "\u2066"))
def test_control_and_direction_characters_are_refused_and_named(bad: str) -> None:
    with pytest.raises(Refused, match=r"U\+") as refused:
        clean(f"水管{bad}爆了", field="text")
    assert refused.value.field == "text"


def test_line_ends_become_one_kind_and_space_around_goes() -> None:
    assert clean("  一\r\n二\r三\t四\n ", field="text") == "一\n二\n三\t四"


@pytest.mark.parametrize("nothing", ("", "   ", "\n\t", "\u3000"))
def test_a_text_of_nothing_but_space_is_refused(nothing: str) -> None:
    with pytest.raises(Refused, match="nothing"):
        clean(nothing, field="text")


@given(st.text(max_size=300))
def test_a_cleaned_text_is_clean_and_its_title_short(text: str) -> None:
    try:
        cleaned = clean(text, field="text")
    except Refused:
        return
    assert clean(cleaned, field="text") == cleaned
    assert len(title_of(cleaned)) <= TITLE_LENGTH
    assert "\n" not in title_of(cleaned)


def test_the_title_is_the_first_sentence() -> None:
    assert title_of("水管爆了。快来人!") == "水管爆了"
    assert title_of("长" * 200) == "长" * 79 + "…"


def report(**changes: object) -> Report:
    fields: dict[str, object] = {"source": Source.HOTLINE, "text": "燃气味很重", "area": EAST_VILLAGE}
    return Report(**(fields | changes))  # type: ignore[arg-type]


def test_what_leaves_intake_is_masked() -> None:
    command = opening(
        tidy(report(text="燃气味很重,请打13812345678", tags=("13812345678",)), now=NOW),
        report_id=UUID(int=1),
        by=BY,
        playbook=PLAYBOOK,
        county=MAP,
    )
    assert "13812345678" not in repr(command)
    assert "138****5678" in command.text


def test_the_severity_is_the_reports_own_or_else_its_categorys() -> None:
    for own, counts in ((None, Severity.I), (Severity.IV, Severity.IV)):
        one = tidy(report(severity=own), now=NOW)
        command = opening(one, report_id=UUID(int=1), by=BY, playbook=PLAYBOOK, county=MAP)
        assert command.severity is counts


def test_a_village_without_a_desk_begins_at_its_town() -> None:
    command = opening(report(), report_id=UUID(int=1), by=BY, playbook=PLAYBOOK, county=MAP)
    assert command.level is Level.TOWN
    command = opening(report(area=WEST_CELLS[0]), report_id=UUID(int=1), by=BY, playbook=PLAYBOOK, county=MAP)
    assert command.level is Level.VILLAGE


def test_what_has_not_happened_yet_is_refused_but_a_clock_may_be_a_little_fast() -> None:
    tidy(report(occurred_at=NOW + timedelta(minutes=9)), now=NOW)
    with pytest.raises(Refused) as refused:
        tidy(report(occurred_at=NOW + timedelta(minutes=11)), now=NOW)
    assert refused.value.field == "occurred_at"


def test_a_line_end_in_a_name_or_a_tag_is_refused() -> None:
    for field, one in (("reporter.name", report(reporter=Reporter(name="张\n三"))), ("tags.0", report(tags=("a\nb",)))):
        with pytest.raises(Refused) as refused:
            tidy(one, now=NOW)
        assert refused.value.field == field


def test_one_owners_key_names_one_report_for_ever() -> None:
    assert report_id_of("a", "1") == report_id_of("a", "1")
    assert report_id_of("a", "1") != report_id_of("b", "1")
    assert report_id_of("a", "b/c") != report_id_of("a/b", "c")
