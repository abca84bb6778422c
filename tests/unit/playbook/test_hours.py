"""Hours of desks and departments: who keeps which, read from calendar.yaml, and what is wrong with them."""

import json
from datetime import date, time
from pathlib import Path

import pytest

from shared.playbook.check.advice.advice import Advice, Weight
from shared.playbook.check.advice.dates import advise_dates
from shared.playbook.load import load
from shared.playbook.model import YEAR_SOON, Opening, Playbook
from shared.playbook.problems import BadPlaybook
from shared.playbook.record import content_of, from_record, playbook_of, to_message
from shared.runtime.clock import utc_now
from shared.vocabulary import Level, TargetKind
from tests.fakes.tiny_playbook import write_tiny

TODAY = date(2026, 6, 1)
MAKEUP = 'makeup_hours: [{opens: "08:00", closes: "18:00"}]\n'
OTHERS = f"""\
{MAKEUP}others:
  - id: shop
    zh: 营业厅
    en: Shop
    departments: [gas]
    weekly: {{6: [{{opens: "09:00", closes: "11:30"}}], 7: [{{opens: "09:00", closes: "12:00"}}]}}
    makeup_hours: []
    holidays: {{}}
    working_day_hours: 2.5
  - id: villages
    zh: 村级
    en: Villages
    desks: ["990199001"]
    levels: [village]
    weekly: {{1: [{{opens: "06:00", closes: "20:00"}}]}}
"""


@pytest.fixture
def tiny(tmp_path: Path) -> Playbook:
    return load(write_tiny(tmp_path, calendar=(MAKEUP, OTHERS)), today=TODAY)


def test_own_hours_win_over_those_of_the_level_and_the_rest_keeps_the_countys(tiny: Playbook) -> None:
    def kept(kind: TargetKind, target: str, level: Level) -> str:
        found = tiny.hours_of(kind, target, level=level)
        return "county" if found is None else found.id

    assert kept(TargetKind.DEPARTMENT, "gas", Level.VILLAGE) == "shop"
    assert kept(TargetKind.DEPARTMENT, "east-station", Level.TOWN) == "county"
    assert kept(TargetKind.DEPARTMENT, "east-station", Level.VILLAGE) == "villages"
    assert kept(TargetKind.DESK, "990199001", Level.TOWN) == "villages"
    assert kept(TargetKind.DESK, "990199001002", Level.VILLAGE) == "villages"
    assert kept(TargetKind.DESK, "990199", Level.COUNTY) == "county"
    assert kept(TargetKind.DESK, "gas", Level.TOWN) == "county", "a desk is no department, whatever its name"


def test_what_other_hours_leave_out_is_as_the_county_has_it(tiny: Playbook) -> None:
    shop, villages = (kept.calendar for kept in tiny.hours)
    assert shop.holidays == {}
    assert shop.makeup_days == tiny.calendar.makeup_days
    assert shop.openings_on(date(2026, 10, 10)) == ()
    assert shop.working_day_hours == 2.5
    assert villages.holidays == tiny.calendar.holidays
    assert villages.openings_on(date(2026, 10, 1)) == ()
    assert villages.openings_on(date(2026, 10, 10)) == (Opening(opens=time(8), closes=time(18)),)
    assert villages.working_day_hours == 8
    assert {shop.years == villages.years == tiny.calendar.years} == {True}


def test_other_hours_come_into_force_with_the_record(tiny: Playbook) -> None:
    message = to_message(tiny, published_at=utc_now())
    assert from_record(message.value, message.headers).hours == tiny.hours


def test_a_record_of_an_earlier_release_knows_no_other_hours(tiny: Playbook) -> None:
    content = content_of(tiny)
    del content["hours"]
    assert playbook_of(json.dumps(content).encode()).hours == ()


@pytest.mark.parametrize(
    ("change", "field", "words"),
    (
        (("[gas]", "[gaz]"), "others.0.departments.0", "no department 'gaz'"),
        (('["990199001"]', '["990199001002"]'), "others.1.desks.0", "no area with a desk '990199001002'"),
        (("id: villages", "id: shop"), "others.0.id", "stand more than once"),
        (("    departments: [gas]\n", ""), "others.0.id", "nobody keeps the hours 'shop'"),
        (("levels: [village]", "departments: [gas]"), "others.0.departments", "'gas' keeps more than one"),
        (('"11:30"', '"08:30"'), "others.0.weekly.6", "must rise"),
        (("levels: [village]", "levels: [hamlet]"), "others.1.levels.0", "not known"),
        (("holidays: {}", "holidays: {2029-01-01: 元旦}"), "others.0.holidays.2029-01-01", "not among the known"),
        (('weekly: {1: [{opens: "06:00", closes: "20:00"}]}', "weekly: {}"), "others.1.weekly", "no working hours"),
        (('closes: "20:00"', 'closses: "20:00"'), "others.1.weekly.1.0.closses", "nobody reads"),
    ),
)
def test_what_is_wrong_with_other_hours_is_told_with_its_field(
    tmp_path: Path, change: tuple[str, str], field: str, words: str
) -> None:
    assert change[0] in OTHERS
    folder = write_tiny(tmp_path, calendar=(MAKEUP, OTHERS.replace(*change, 1)))
    with pytest.raises(BadPlaybook) as bad:
        load(folder, today=TODAY)
    told = [(problem.file, problem.field) for problem in bad.value.problems if words in problem.problem]
    assert ("calendar.yaml", field) in told, "\n".join(map(str, bad.value.problems))
    assert all(problem.line for problem in bad.value.problems)


def test_hours_that_are_seldom_stretch_the_limits_and_so_the_years_that_are_needed(tmp_path: Path) -> None:
    # Five working days of eight hours are twenty weeks of a shop that is open for two hours a week.
    seldom = OTHERS.replace('"11:30"', '"10:00"').replace(', 7: [{opens: "09:00", closes: "12:00"}]', "")
    folder = write_tiny(tmp_path, calendar=(MAKEUP, seldom.replace("working_day_hours: 2.5", "working_day_hours: 8")))
    with pytest.raises(BadPlaybook, match="2027 is missing"):
        load(folder, today=TODAY)


def advice_on(playbook: Playbook, today: date) -> list[Advice]:
    return [one for one in advise_dates(playbook, today=today) if one.path == ("years",)]


def test_a_missing_next_year_is_told_sixty_days_ahead_and_a_missing_present_one_is_a_mistake(tiny: Playbook) -> None:
    soon = date(2026, 12, 31) - YEAR_SOON
    assert advice_on(tiny, soon) == []
    (ends,) = advice_on(tiny, date.fromordinal(soon.toordinal() + 1))
    assert (ends.weight, ends.what) == (Weight.LOOK, "the calendar ends with 2026")
    assert "fill 2027" in ends.mend
    (gone,) = advice_on(tiny, date(2027, 1, 1))
    assert (gone.weight, gone.what) == (Weight.MISTAKE, "the calendar does not know 2027")
    assert "fill 2027" in gone.mend
