"""Each condition of a rule in a table: when it holds, when it does not, and what it shows."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from services.router.domain.facts import Facts
from services.router.domain.rulebook import Rulebook
from shared.events.parts import Place
from shared.playbook.model import (
    DayKind,
    Demand,
    DeskTarget,
    Playbook,
    Repeat,
    Rule,
    RuleState,
    Settlement,
    TimeWindow,
    When,
    Zone,
)
from shared.vocabulary import Level, OrderRole, Severity, Source
from tests.fakes.router import a_case
from tests.fakes.small_county import EAST, WEST, WEST_CELLS, WEST_VILLAGE, small_county, square, text

NIGHT = TimeWindow(opens=time(22), closes=time(6))
FRIDAY = datetime(2026, 11, 20, tzinfo=UTC)
"""Midnight in UTC; 08:00 in the county, on a Friday."""


def at(hour: int, minute: int = 0, *, day: int = 20) -> datetime:
    """An instant by the county's clock, in November."""
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC) - timedelta(hours=8)


def county(**changes: Any) -> Playbook:
    playbook = small_county()
    areas = dict(playbook.areas)
    areas[WEST] = replace(areas[WEST], settlement=Settlement.URBAN)
    calendar = replace(playbook.calendar, holidays={date(2026, 11, 24): "节"}, makeup_days={date(2026, 11, 22): "调休"})
    zones = {"river": Zone(id="river", name=text("河道"), polygons=(square(100, 25),))}
    return replace(playbook, areas=areas, calendar=calendar, zones=zones, **changes)


def a_rule(when: When, **changes: Any) -> Rule:
    name = text("r")
    demand = Demand(role=OrderRole.LEAD, target=DeskTarget(level=Level.TOWN))
    fields: dict[str, Any] = {
        "id": "r",
        "version": "1",
        "title": name,
        "because": name,
        "demands": (demand,),
        "when": when,
    }
    return Rule(**(fields | changes))


def holds(when: When, facts: Facts, **changes: Any) -> bool:
    return bool(Rulebook(county(rules=(a_rule(when, **changes),))).walk(facts).matches)


def facts(words: str = "", *, when: datetime = FRIDAY, **case: Any) -> Facts:
    view: dict[str, Any] = {"area": WEST_VILLAGE, "category": "01.001", "opened_at": when}
    return Facts.of(a_case(**(view | case)), words, at=when)


@pytest.mark.parametrize(
    ("when", "case", "held"),
    (
        (When(areas=(WEST,)), facts(), True),
        (When(areas=(WEST,)), facts(area=WEST_CELLS[0]), True),
        (When(areas=(WEST_CELLS[0],)), facts(), False),
        (When(areas=(EAST,)), facts(), False),
        (When(categories=("01",)), facts(), True),
        (When(categories=("03", "01.001")), facts(), True),
        (When(categories=("01.001",)), facts(category="01"), False),
        (When(sources=(Source.GRID,)), facts(source=Source.GRID), True),
        (When(sources=(Source.GRID,)), facts(), False),
        (When(severity_at_least=Severity.II), facts(severity=Severity.I), True),
        (When(severity_at_least=Severity.II), facts(severity=Severity.III), False),
        (When(tags=("a", "b")), facts(tags=("b",)), True),
        (When(tags=("a", "b")), facts(tags=("c",)), False),
        (When(words=("GAS", "井盖")), facts("smell of gas"), True),
        (When(words=("GAS",)), facts("煤气"), False),
        (When(settlements=(Settlement.URBAN,)), facts(), True),
        (When(settlements=(Settlement.RURAL,)), facts(), False),
        (When(settlements=(Settlement.URBAN,)), facts(area=EAST), False),
        (When(zones=("river",)), facts(place=Place(lon=100.5, lat=25.5)), True),
        (When(zones=("river",)), facts(place=Place(lon=100, lat=25.5)), True),
        (When(zones=("river",)), facts(place=Place(lon=99.9, lat=25.5)), False),
        (When(zones=("river",)), facts(), False),
        (When(reports_at_least=3), facts(reports=3), True),
        (When(reports_at_least=3), facts(reports=2), False),
        (When(modes=("normal",)), facts(), True),
        (When(modes=("flood",)), facts(), False),
        (When(modes=("flood",)), facts(mode="flood"), True),
        (When(expression='reports >= 2 && source == "hotline"'), facts(reports=2), True),
        (When(expression='reports >= 2 && source == "hotline"'), facts(), False),
        (When(expression='text.contains("漏水")'), facts("屋顶漏水"), True),
        (When(expression="at.getHours() == 8"), facts(), True),
        (When(expression="at.getHours() == 0"), facts(), False),
    ),
)  # fmt: skip
def test_a_condition_holds_or_not(when: When, case: Facts, *, held: bool) -> None:
    assert holds(when, case) is held


@pytest.mark.parametrize(
    ("hours_ago", "held"), (((1, 24), True), ((1, 24.01), False), ((1,), False), ((30, 31), False), ((0, 0), True))
)
def test_repeats_are_counted_back_from_the_opening(hours_ago: tuple[float, ...], *, held: bool) -> None:
    earlier = tuple(FRIDAY - timedelta(hours=hours) for hours in hours_ago)
    assert holds(When(repeat=Repeat(times=2, hours=24)), facts(earlier=earlier)) is held


@pytest.mark.parametrize(
    ("window", "when", "held"),
    (
        (NIGHT, at(21, 59), False),
        (NIGHT, at(22), True),
        (NIGHT, at(5, 59), True),
        (NIGHT, at(6), False),
        (replace(NIGHT, weekdays=(5,)), at(23), True),
        (replace(NIGHT, weekdays=(5,)), at(5, day=21), True),
        (replace(NIGHT, weekdays=(5,)), at(5), False),
        (TimeWindow(weekdays=(5,)), at(0), True),
        (TimeWindow(weekdays=(5,)), at(23, 59), True),
        (TimeWindow(weekdays=(5,)), at(0, day=21), False),
        (TimeWindow(opens=time(8), closes=time(12)), at(8), True),
        (TimeWindow(opens=time(8), closes=time(12)), at(12), False),
        (TimeWindow(opens=time(8), closes=time(8), weekdays=(5,)), at(7, 59, day=21), True),
        (TimeWindow(opens=time(8), closes=time(8), weekdays=(5,)), at(7, 59), False),
        (TimeWindow(days=DayKind.WORKDAY), at(9), True),
        (TimeWindow(days=DayKind.WORKDAY), at(9, day=21), False),
        (TimeWindow(days=DayKind.WORKDAY), at(9, day=22), True),
        (TimeWindow(days=DayKind.DAY_OFF), at(9, day=21), True),
        (TimeWindow(days=DayKind.DAY_OFF), at(9, day=24), True),
        (TimeWindow(days=DayKind.HOLIDAY), at(9, day=24), True),
        (TimeWindow(days=DayKind.HOLIDAY), at(9, day=21), False),
        (replace(NIGHT, days=DayKind.HOLIDAY), at(3, day=25), True),
        (replace(NIGHT, days=DayKind.HOLIDAY), at(3, day=24), False),
        (TimeWindow(days=DayKind.WORKDAY), datetime(2031, 1, 1, tzinfo=UTC), False),
        (TimeWindow(weekdays=(3,)), datetime(2031, 1, 1, tzinfo=UTC), True),
    ),
)
def test_a_window_of_the_countys_clock(window: TimeWindow, when: datetime, *, held: bool) -> None:
    assert holds(When(windows=(window,)), facts(when=when)) is held
    assert (
        holds(When(windows=(TimeWindow(weekdays=(7,), opens=time(3), closes=time(3, 1)), window)), facts(when=when))
        is held
    )


def test_the_decision_goes_by_the_time_of_the_event_and_not_of_the_opening() -> None:
    case = a_case(area=WEST_VILLAGE, opened_at=at(12))
    assert holds(When(windows=(NIGHT,)), Facts.of(case, at=at(23)))
    assert not holds(When(windows=(NIGHT,)), Facts.of(case))


@pytest.mark.parametrize(("day", "held"), ((19, False), (20, True), (21, True), (22, False)))
def test_a_rule_holds_from_its_first_day_through_its_last(day: int, *, held: bool) -> None:
    for hour in (0, 12, 23):
        dates = {"valid_from": date(2026, 11, 20), "valid_until": date(2026, 11, 21)}
        assert holds(When(), facts(when=at(hour, day=day)), **dates) is held


def test_groups_must_hold_too() -> None:
    around = (When(areas=(WEST,)), When(categories=("01",)))
    assert holds(When(tags=("a",)), facts(tags=("a",)), around=around)
    assert not holds(When(tags=("a",)), facts(tags=("a",), area=EAST), around=around)
    assert not holds(When(categories=("01.001",)), facts(category="03"), around=around)


def test_a_rule_that_is_off_is_not_there_and_one_in_shadow_ends_nothing() -> None:
    shadow = a_rule(When(), id="shadow", state=RuleState.SHADOW)
    off, last = a_rule(When(), id="off", state=RuleState.OFF), a_rule(When(), id="last")
    walk = Rulebook(county(rules=(shadow, off, last))).walk(facts())
    assert [match.rule.id for match in walk.matches] == ["last"]
    assert [match.rule.id for match in walk.shadows] == ["shadow"]


def test_what_is_about_another_place_matter_or_mode_is_no_near_miss() -> None:
    tag = When(tags=("a",))
    rules = (
        a_rule(replace(tag, areas=(WEST,)), id="tag"),
        a_rule(replace(tag, areas=(EAST,)), id="place"),
        a_rule(replace(tag, categories=("03",)), id="matter"),
        a_rule(When(areas=(WEST,), modes=("flood",)), id="mode"),
        a_rule(When(areas=(WEST,), sources=(Source.GRID,)), id="source"),
        a_rule(replace(tag, areas=(WEST,), sources=(Source.GRID,)), id="two"),
    )
    walk = Rulebook(county(rules=rules)).walk(facts())
    assert [(miss.rule_id, miss.failed.field) for miss in walk.near_misses] == [("tag", "tags"), ("source", "source")]


def test_an_expression_shows_the_values_that_it_names() -> None:
    rule = a_rule(When(expression="reports >= 2 && tags.exists(t, t == 'a')"))
    (match,) = Rulebook(county(rules=(rule,))).walk(facts(reports=2, tags=("a", "b"))).matches
    (condition,) = match.conditions
    assert condition.actual == "reports = 2, tags = a, b"
    assert condition.expected == rule.when.expression
