"""Who acts on a new case: tables over the fictional county, and properties over any case."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.domain.decision import Decision, Demanded
from services.router.domain.facts import Facts
from services.router.domain.routing import route
from services.router.domain.rulebook import Rulebook
from shared.events.codec import adapter
from shared.events.order import Explanation
from shared.events.parts import Return, Target
from shared.playbook.model import Demand, DeskTarget, DutyTarget, Rule, Text, When
from shared.vocabulary import Level, OrderReason, OrderRole, Severity, Source, TargetKind
from tests.fakes.router import NOW, a_case, department, desk, order_of

VILLAGE = "990101101200"
TOWN = "990101101"
COUNTY = "990101"


def routed(book: Rulebook, text: str = "", **case: Any) -> Decision:
    return route(Facts.of(a_case(**case), text), book)


def told(decision: Decision) -> list[tuple[str, str]]:
    return [(order.role.value, order.target.id) for order in decision.orders]


@pytest.mark.parametrize(
    ("case", "text", "orders"),
    (
        ({"category": "05.001", "source": Source.GRID}, "", [("lead", VILLAGE)]),
        ({"category": "05.001", "source": Source.HOTLINE}, "", [("lead", "yunxi-sanitation")]),
        (
            {"category": "03.001", "severity": Severity.II},
            "",
            [
                ("lead", "gas"),
                ("assist", "emergency"),
                ("assist", "fire"),
                ("assist", "police"),
                ("assist", "yunxi-police"),
                ("oversee", COUNTY),
                ("oversee", TOWN),
            ],
        ),
        ({"category": "03.002", "source": Source.SENSOR}, "", [("lead", "gas"), ("assist", "fire")]),
        ({"category": "04.002"}, "", [("lead", "yunxi-construction")]),
        ({"category": "04.001", "area": COUNTY}, "", [
            ("lead", "transport"), ("assist", "traffic-police"), ("assist", "water-supply"), ("assist", "gas"),
        ]),
        ({"category": "04.002", "area": COUNTY}, "", [("lead", "transport")]),
        (
            {"category": "06.001"},
            "",
            [("lead", "yunxi-enforcement"), ("assist", "natural-resources"), ("oversee", TOWN)],
        ),
        ({"category": "07.005", "area": "990101001001"}, "", [("lead", "police"), ("assist", "urban")]),
        ({"category": "07.005"}, "", [("lead", "urban")]),
        (
            {"category": "06.005", "severity": Severity.III},
            "小区电梯困人",
            [("lead", "fire"), ("assist", "market"), ("oversee", TOWN)],
        ),
        ({"category": "06.005"}, "电梯坏了", [("lead", "market")]),
        (
            {"category": "04.005", "tags": ("mass",)},
            "有人受伤",
            [
                ("lead", "traffic-police"),
                ("assist", "ambulance"),
                ("assist", "police"),
                ("assist", "petitions"),
                ("oversee", COUNTY),
            ],
        ),
        ({"category": "12.003"}, "", [("lead", VILLAGE)]),
    ),
)  # fmt: skip
def test_orders_follow_the_rules_of_the_county(
    book: Rulebook, case: dict[str, Any], text: str, orders: list[tuple[str, str]]
) -> None:
    assert told(routed(book, text, **case)) == orders


def test_what_no_rule_takes_goes_to_the_duty_desk_marked_unrouted(book: Rulebook) -> None:
    deskless = next(area for area in book.playbook.areas.values() if not area.desk)
    cell = next(cell.code for cell in book.playbook.cells if cell.village == VILLAGE)
    for area, expected in ((cell, VILLAGE), (deskless.code, deskless.parent), (TOWN, TOWN), (COUNTY, COUNTY)):
        (order,) = routed(book, category="12.003", area=area).orders
        assert order.target.kind is TargetKind.DESK
        assert (order.target.id, order.reason) == (expected, OrderReason.UNROUTED)
        assert "没有规则" in order.explanation.words
        assert order.explanation.rule_id is None


def test_a_category_nobody_knows_is_unrouted_too(book: Rulebook) -> None:
    (order,) = routed(book, category="99.999").orders
    assert order.reason is OrderReason.UNROUTED


def test_an_order_explains_itself(book: Rulebook) -> None:
    lead = routed(book, "闻到煤气味，老人晕倒", category="03.001", severity=Severity.II).orders[0]
    explanation = lead.explanation
    assert explanation.rule_id == "gas-leak"
    assert explanation.playbook.digest == book.playbook.digest
    (condition,) = explanation.conditions
    assert (condition.field, condition.operator, condition.held) == ("category", "is or is under", True)
    assert condition.expected == condition.actual == "03.001 燃气泄漏"
    assert "燃气公司" in explanation.words
    assert "gas company" in explanation.words_en.lower()


def test_a_duty_choice_says_whose_duty_and_why_that_level(book: Rulebook) -> None:
    lead = routed(book, category="04.002").orders[0]
    assert "权责清单：云溪镇的「路面破损」由云溪村镇建设办处置，为有此权责的最低层级" in lead.explanation.words


def test_a_rule_that_all_but_matched_is_told_with_what_failed(book: Rulebook) -> None:
    lead = routed(book, "电梯坏了", category="06.005").orders[0]
    near = {miss.rule_id: miss.failed for miss in lead.explanation.near_misses}
    assert near["lift-trapped"].field == "text"
    assert near["lift-trapped"].actual == "none of them"
    assert "困人" in near["lift-trapped"].expected


def test_severity_at_least_means_graver_too(book: Rulebook) -> None:
    for severity, watched in ((Severity.I, True), (Severity.II, True), (Severity.III, False), (Severity.IV, False)):
        orders = told(routed(book, category="02.001", severity=severity))
        assert (("oversee", COUNTY) in orders) is watched


def test_the_first_lead_stands_and_a_later_one_assists(book: Rulebook) -> None:
    first = a_rule("first", Demand(role=OrderRole.LEAD, target=DeskTarget(level=Level.TOWN)), goes_on=True)
    later = a_rule("later", Demand(role=OrderRole.LEAD, target=DutyTarget()))
    both = Rulebook(replace(book.playbook, rules=(first, later)))
    assert told(routed(both, category="04.002")) == [("lead", TOWN), ("assist", "yunxi-construction")]


def test_one_target_gets_one_order_in_its_strongest_role(book: Rulebook) -> None:
    rule = a_rule(
        "twice",
        Demand(role=OrderRole.OVERSEE, target=DeskTarget(level=Level.TOWN)),
        Demand(role=OrderRole.LEAD, target=DeskTarget(level=Level.TOWN)),
    )
    one = Rulebook(replace(book.playbook, rules=(rule,)))
    assert told(routed(one)) == [("lead", TOWN)]


def test_who_returned_a_reopened_case_is_not_asked_again(book: Rulebook) -> None:
    back = Return(order_id=order_of(desk("x")), target=department("yunxi-construction"), reason="", at=NOW)
    decision = route(Facts.of(a_case(category="04.002", returns=(back,))), book, reason=OrderReason.REOPENED)
    assert told(decision) == [("lead", "transport")]
    assert decision.orders[0].reason is OrderReason.REOPENED


def a_rule(name: str, *demands: Demand, goes_on: bool = False) -> Rule:
    text = Text(zh=name, en=name)
    return Rule(id=name, version="1", title=text, when=When(), demands=demands, because=text, goes_on=goes_on)


def any_case(book: Rulebook) -> st.SearchStrategy[Facts]:
    """Any case that intake could send: known and unknown areas and categories, words, tags, returns."""
    playbook = book.playbook
    targets = st.one_of(
        st.sampled_from(sorted(playbook.departments)).map(department), st.sampled_from(sorted(playbook.areas)).map(desk)
    )
    returns = targets.map(lambda target: Return(order_id=order_of(target), target=target, reason="", at=NOW))
    words = [word for rule in playbook.rules for word in rule.when.words]
    views = st.builds(
        a_case,
        area=st.sampled_from([*playbook.areas, *(cell.code for cell in playbook.cells), "990101999", "990101101999"]),
        category=st.sampled_from([*playbook.categories, "77", "05.999"]),
        severity=st.sampled_from(Severity),
        source=st.sampled_from(Source),
        tags=st.sampled_from([(), ("mass",), ("other", "群体")]),
        returns=st.lists(returns, max_size=6).map(tuple),
    )
    return st.builds(Facts.of, views, st.lists(st.sampled_from(words), max_size=3).map("，".join))


@given(data=st.data())
def test_every_case_gets_exactly_one_lead_and_nobody_twice(book: Rulebook, data: st.DataObject) -> None:
    facts = data.draw(any_case(book))
    orders = route(facts, book).orders
    assert [order.role for order in orders].count(OrderRole.LEAD) == 1
    assert orders[0].role is OrderRole.LEAD
    # A step of a matter is a thing of its own: its target may lead or oversee the case as well.
    targets = [(order.target.kind, order.target.id) for order in orders if order.step is None]
    assert len(set(targets)) == len(targets)
    steps = [order.step for order in orders if order.step is not None]
    assert len(set(steps)) == len(steps)


@given(data=st.data())
def test_routing_is_a_function_of_case_and_playbook(book: Rulebook, data: st.DataObject) -> None:
    facts = data.draw(any_case(book))
    assert route(facts, book) == route(facts, Rulebook(book.playbook))


@given(data=st.data())
def test_nobody_is_asked_again_but_a_county_desk_above_which_nobody_is(book: Rulebook, data: st.DataObject) -> None:
    facts = data.draw(any_case(book))
    for order in route(facts, book).orders:
        assert not facts.refused_by(order.target) or order.target.id == COUNTY


@given(data=st.data())
def test_every_order_is_of_the_level_of_its_target_and_fits_its_event(book: Rulebook, data: st.DataObject) -> None:
    facts = data.draw(any_case(book))
    for order in route(facts, book).orders:
        assert order.level is level_of_target(book, order)
        assert adapter(Explanation).validate_python(order.explanation) == order.explanation
        assert adapter(Target).validate_python(order.target) == order.target


def level_of_target(book: Rulebook, order: Demanded) -> Level:
    if order.target.kind is TargetKind.DESK:
        return book.playbook.areas[order.target.id].level
    return book.playbook.departments[order.target.id].level
