"""Why here and why not there: a case put to the rules."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.domain.asking import Tried, ask, ask_all
from services.router.domain.facts import Facts
from services.router.domain.routing import route
from services.router.domain.rulebook import Rulebook
from shared.playbook.model import RuleState
from shared.vocabulary import OrderReason
from tests.fakes.joint_county import joint_book, west_case
from tests.fakes.small_county import GAS_LEAK
from tests.unit.lives.county import CASE_CATEGORIES, TAGS, VILLAGES, county


@pytest.fixture(scope="module")
def joint() -> Rulebook:
    return joint_book()


def test_the_matching_path_names_the_rules_that_held_and_where_the_walk_ended(joint: Rulebook) -> None:
    answer = ask(Facts.of(west_case()), joint)
    assert [(one.rule_id, one.state, one.held, one.ended) for one in answer.walk] == [
        ("watched", RuleState.SHADOW, True, False),
        ("duty", RuleState.ACTIVE, True, True),
    ]
    assert answer.playbook == joint.ref
    assert [shadow.rule_id for shadow in answer.shadows] == ["watched"]
    (lead,) = answer.orders
    assert (lead.role.value, lead.target.id, lead.rule_id, answer.unrouted) == ("lead", "west-station", "duty", False)


def test_all_tells_each_condition_of_each_rule_with_its_value(joint: Rulebook) -> None:
    answer = ask_all(Facts.of(west_case(category=GAS_LEAK)), joint, start=0, count=10)
    assert [one.rule_id for one in answer.walk] == ["flood", "watched", "gas", "old", "duty"]
    told = {one.rule_id: one for one in answer.walk}
    (mode,) = told["flood"].conditions
    assert (mode.field, mode.actual[:6], mode.held, told["flood"].held) == ("mode", "normal", False, False)
    assert (told["gas"].held, told["gas"].ended, told["duty"].reached) == (True, True, False)
    assert (told["old"].state, told["old"].held, told["old"].conditions) == (RuleState.OFF, False, ())
    assert answer.next is None


def test_pages_join_to_the_whole(joint: Rulebook) -> None:
    facts = Facts.of(west_case())
    whole = ask_all(facts, joint, start=0, count=100).walk
    joined: list[Tried] = []
    start: int | None = 0
    while start is not None:
        page = ask_all(facts, joint, start=start, count=2)
        joined += page.walk
        start = page.next
    assert tuple(joined) == whole


def test_another_mode_and_another_instant_are_asked_of_the_same_case(joint: Rulebook) -> None:
    at = datetime(2026, 12, 24, 23, tzinfo=UTC)
    answer = ask(Facts.of(west_case(mode="flood"), at=at), joint)
    assert answer.walk[-1].rule_id == "flood"
    assert answer.orders[0].reason is OrderReason.RULE


@given(
    seed=st.integers(0, 2**32),
    area=st.sampled_from(VILLAGES),
    category=st.sampled_from(CASE_CATEGORIES),
    tags=st.lists(st.sampled_from(TAGS), unique=True).map(tuple),
    mode=st.sampled_from(("normal", "flood")),
)
def test_the_answer_is_what_routing_does(seed: int, area: str, category: str, tags: tuple[str, ...], mode: str) -> None:
    book = Rulebook(county(seed))
    facts = Facts.of(west_case(area=area, category=category, tags=tags, mode=mode), "漏气")
    answer, decision, walk = ask_all(facts, book, start=0, count=100), route(facts, book), book.walk(facts)
    assert [(one.role, one.target, one.words) for one in answer.orders] == [
        (one.role, one.target, one.explanation.words) for one in decision.orders
    ]
    reached = [one for one in answer.walk if one.reached and one.held]
    held = {match.rule.id for match in (*walk.matches, *walk.shadows)}
    assert {one.rule_id for one in reached} == held
    assert all(one.held == all(condition.held for condition in one.conditions) for one in answer.walk)
