"""Who that is: the roster and backups, fields that name somebody, contested and unclear duties, settings, shadows."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

from services.router.domain.decision import Decision
from services.router.domain.facts import Facts
from services.router.domain.issuing import events_of
from services.router.domain.routing import route
from services.router.domain.rulebook import Rulebook
from shared.events.order import OrderIssued
from shared.playbook.model import (
    CaseField,
    Demand,
    Department,
    DepartmentTarget,
    Duty,
    DutyTarget,
    EnforcementItem,
    FieldTarget,
    Officer,
    Playbook,
    Power,
    Roster,
    Rule,
    RuleState,
    Settings,
    Shift,
    Target,
    When,
)
from shared.vocabulary import Level, OrderReason, OrderRole, Severity
from tests.fakes.router import a_case, event, opened
from tests.fakes.small_county import COUNTY, WEST, WEST_VILLAGE, small_county, text

NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)
NIGHT = NOON + timedelta(hours=11)
DAYTIME = (time(8), time(20))


def a_rule(*demands: Demand, **changes: Any) -> Rule:
    name = text("规则")
    fields: dict[str, Any] = {
        "id": "r",
        "version": "1",
        "title": name,
        "because": name,
        "demands": demands,
        "when": When(),
    }
    return Rule(**(fields | changes))


def lead(target: Target, *backups: Target) -> Demand:
    return Demand(role=OrderRole.LEAD, target=target, backups=backups)


def named(department: str) -> DepartmentTarget:
    return DepartmentTarget(department=department)


def shift(owner: str, opens: time, closes: time) -> Shift:
    return Shift(owner=owner, weekdays=(1, 2, 3, 4, 5, 6, 7), opens=opens, closes=closes, officers=(f"o-{owner}",))


def county(*rules: Rule, **changes: Any) -> Playbook:
    towns = {name: Department(id=name, name=text(name), level=Level.TOWN, area=WEST) for name in ("west-1", "west-2")}
    bureaus = {name: Department(id=name, name=text(name), level=Level.COUNTY, area=COUNTY) for name in ("a", "b")}
    return replace(small_county(), departments=towns | bureaus, rules=rules, **changes)


def decided(playbook: Playbook, *, at: datetime = NOON, **case: Any) -> Decision:
    view = a_case(**({"area": WEST_VILLAGE, "category": "01.001"} | case))
    return route(Facts.of(view, at=at), Rulebook(playbook))


def roster(*shifts: Shift) -> Roster:
    officers = {one: Officer(id=one, name="甲", phone="0") for each in shifts for one in each.officers}
    return Roster(officers=officers, shifts=shifts)


def test_a_backup_leads_while_nobody_of_the_first_is_on_duty() -> None:
    playbook = county(a_rule(lead(named("a"), named("b"))), roster=roster(shift("a", *DAYTIME)))
    (by_day,), (by_night,) = decided(playbook).orders, decided(playbook, at=NIGHT).orders
    assert (by_day.target.id, by_day.on_duty) == ("a", ("o-a",))
    assert (by_night.target.id, by_night.on_duty) == ("b", ())
    assert "Nobody of a is on duty now" in by_night.explanation.words_en


def test_the_first_gets_it_when_no_backup_is_on_duty_either() -> None:
    playbook = county(a_rule(lead(named("a"), named("b"))), roster=roster(shift("a", *DAYTIME), shift("b", *DAYTIME)))
    assert decided(playbook, at=NIGHT).orders[0].target.id == "a"


def test_a_field_names_the_department() -> None:
    by_tag = FieldTarget(of=CaseField.TAG, prefix="dept:")
    by_area = FieldTarget(of=CaseField.AREA, table={COUNTY: "b", WEST: "west-1"})
    by_category = FieldTarget(of=CaseField.CATEGORY, table={"01": "a"})
    for target, tags, chosen in (
        (by_tag, ("x", "dept:gone", "dept:b"), "b"),
        (by_area, (), "west-1"),
        (by_category, (), "a"),
    ):
        (order,) = decided(county(a_rule(lead(target))), tags=tags).orders
        assert (order.target.id, order.reason) == (chosen, OrderReason.RULE)
    (nobody,) = decided(county(a_rule(lead(by_tag)))).orders
    assert nobody.reason is OrderReason.UNROUTED


def test_a_contested_duty_goes_up_for_a_ruling_unless_a_rule_names_a_lead() -> None:
    duties = tuple(Duty(department=one, category="01", area=WEST, power=Power.HANDLE) for one in ("west-1", "west-2"))
    asks = a_rule(lead(DutyTarget()), goes_on=True)
    (order,) = decided(county(asks, duties=duties)).orders
    assert (order.reason, order.role, order.target.id) == (OrderReason.RULING, OrderRole.LEAD, COUNTY)
    assert order.explanation.rule_id == "r"
    assert "west-1、west-2" in order.explanation.words
    (named_lead,) = decided(county(asks, a_rule(lead(named("b")), id="s"), duties=duties)).orders
    assert (named_lead.reason, named_lead.target.id) == (OrderReason.RULE, "b")


def test_a_duty_that_nobody_has_goes_to_the_level_above_the_case() -> None:
    for area, above in ((WEST_VILLAGE, WEST), (WEST, COUNTY), (COUNTY, COUNTY)):
        (order,) = decided(county(a_rule(lead(DutyTarget()))), area=area).orders
        assert (order.reason, order.target.id) == (OrderReason.RULING, above)


def test_the_closer_duty_is_not_contested() -> None:
    duties = (
        Duty(department="a", category="01.001", area=COUNTY, power=Power.HANDLE),
        Duty(department="west-1", category="01", area=WEST, power=Power.HANDLE),
        Duty(department="b", category="01", area=COUNTY, power=Power.HANDLE),
    )
    (order,) = decided(county(a_rule(lead(DutyTarget())), duties=duties)).orders
    assert order.target.id == "west-1"


def test_powers_to_enforce_come_from_the_catalogue_alone() -> None:
    duty = Duty(department="a", category="01", area=COUNTY, power=Power.ENFORCE)
    item = EnforcementItem(code="1", name=text("某"), department="b", category="01", area=COUNTY, basis="某法第一条")
    rule = a_rule(lead(DutyTarget(power=Power.ENFORCE)))
    (unclear,) = decided(county(rule, duties=(duty,))).orders
    (order,) = decided(county(rule, duties=(duty,), enforcement=(item,))).orders
    assert unclear.reason is OrderReason.RULING
    assert order.target.id == "b"
    assert "某法第一条" in order.explanation.words


def test_the_gravest_severity_all_tags_and_the_first_mode_are_set() -> None:
    playbook = county(
        a_rule(lead(named("a")), goes_on=True, sets=Settings(severity=Severity.III, tags=("x",), mode="flood")),
        a_rule(
            Demand(role=OrderRole.ASSIST, target=named("b")),
            id="s",
            sets=Settings(severity=Severity.II, tags=("y", "x"), clock_profile="fast", mode="drill"),
        ),
    )
    decision = decided(playbook, tags=("old",))
    first, other = decision.orders
    assert first.sets is not None
    assert (first.sets.severity, first.sets.tags, first.sets.mode) == (Severity.II, ("x", "y"), "flood")
    assert (first.clock_profile, other.clock_profile, other.sets) == (None, "fast", None)
    cause = event(opened(a_case(area=WEST_VILLAGE, category="01.001", tags=("old",))))
    for one in events_of(decision, cause, cause.data.case, now=NOON):
        assert isinstance(one.data, OrderIssued)
        assert (one.data.case.severity, one.data.case.tags) == (Severity.II, ("old", "x", "y"))


def test_a_rule_in_shadow_says_whom_it_would_have_asked_and_asks_nobody() -> None:
    shadow = a_rule(lead(named("a")), id="trial", state=RuleState.SHADOW)
    (order,) = decided(county(shadow, a_rule(lead(named("b"))))).orders
    (told,) = order.explanation.shadows
    assert order.target.id == "b"
    assert (told.rule_id, "lead: a" in told.words_en) == ("trial", True)
