"""A change of mode does to an open case what the profiles say, and nothing else."""

from dataclasses import replace
from typing import Any

import pytest

from services.router.domain.answering import answer
from services.router.domain.decision import Decision
from services.router.domain.facts import Facts
from services.router.domain.rulebook import Rulebook
from shared.events.case import CaseModeChanged
from shared.events.parts import Standing
from shared.playbook.model import Rule, When
from shared.vocabulary import NORMAL, CaseState, OrderReason, OrderRole, OrderState
from tests.fakes.joint_county import COUNTY_DESK, FLOOD, RULES, TOWN_DESK, joint_book, standing, west_case
from tests.fakes.router import SYSTEM, department
from tests.fakes.small_county import COUNTY, GAS_LEAK

STATION, OFFICE, POLICE = department("west-station"), department("flood-office"), department("police")


@pytest.fixture(scope="module")
def joint() -> Rulebook:
    return joint_book()


def changed(book: Rulebook, *stands: Standing, before: str = NORMAL, mode: str = "flood", **case: Any) -> Decision:
    event = CaseModeChanged(case=west_case(mode=mode, **case), by=SYSTEM, before=before, reason="汛情", standing=stands)
    return answer(event, Facts.of(event.case), book)


def told(decision: Decision) -> list[tuple[str, str]]:
    return [(order.role.value, order.target.id) for order in decision.orders]


def taken(decision: Decision) -> list[str]:
    return [withdrawal.order.target.id for withdrawal in decision.withdrawals]


def test_a_case_that_the_profile_names_is_routed_anew(joint: Rulebook) -> None:
    decision = changed(joint, standing(STATION))
    assert told(decision) == [("lead", "flood-office"), ("assist", "police"), ("oversee", COUNTY)]
    assert {order.reason for order in decision.orders} == {OrderReason.MODE}
    assert taken(decision) == ["west-station"]
    lead = decision.orders[0]
    assert lead.explanation.rule_id == "flood"
    assert lead.explanation.words.startswith("模式由「平时」转为「防汛二级」：规则「flood」")
    assert lead.explanation.words_en.startswith("The mode changed from normal to 防汛二级. Rule")
    assert lead.clock_profile == "quick"
    assert lead.sets is not None
    assert lead.sets.mode is None, "a change of mode enters none"


def test_a_case_that_the_profile_does_not_name_stays_as_it_is(joint: Rulebook) -> None:
    assert changed(joint, standing(STATION), category=GAS_LEAK) == Decision()
    assert changed(joint, standing(STATION), mode="drought") == Decision()


def test_what_stands_already_is_not_asked_for_again(joint: Rulebook) -> None:
    stands = (standing(OFFICE), standing(POLICE, OrderRole.ASSIST), standing(COUNTY_DESK, OrderRole.OVERSEE))
    assert changed(joint, *stands) == Decision()
    (order,) = changed(joint, *stands[:2]).orders
    assert "police已在协办，不重复派单" in order.explanation.words


@pytest.mark.parametrize(
    "kept",
    (standing(STATION, state=OrderState.SIGNED), standing(STATION, reason=OrderReason.RULED)),
)
def test_a_lead_that_signed_or_was_ruled_keeps_the_case_and_the_new_one_assists(
    joint: Rulebook, kept: Standing
) -> None:
    decision = changed(joint, kept)
    assert told(decision)[0] == ("assist", "flood-office")
    assert decision.withdrawals == ()
    assert "仍为主办；本单为协办" in decision.orders[0].explanation.words
    assert "keeps the lead; this order is to assist" in decision.orders[0].explanation.words_en


def test_leaving_withdraws_what_the_mode_brought_and_nobody_signed(joint: Rulebook) -> None:
    brought = (
        standing(POLICE, OrderRole.ASSIST, reason=OrderReason.MODE),
        standing(COUNTY_DESK, OrderRole.OVERSEE, reason=OrderReason.MODE, state=OrderState.SIGNED),
    )
    decision = changed(joint, standing(STATION), *brought, before="flood", mode=NORMAL)
    assert (told(decision), taken(decision)) == ([], ["police"])
    assert decision.withdrawals[0].reason == "模式由「防汛二级」转为「平时」，未签收的派单撤回"
    assert "nobody has signed" in decision.withdrawals[0].reason_en


def test_a_case_whose_lead_is_withdrawn_on_leaving_is_routed_as_in_normal_times(joint: Rulebook) -> None:
    brought = standing(OFFICE, reason=OrderReason.MODE)
    decision = changed(joint, brought, before="flood", mode=NORMAL)
    assert told(decision) == [("lead", "west-station")]
    assert [(one.order.order_id, one.by) for one in decision.withdrawals] == [(brought.order_id, decision.orders[0])]


def test_leaving_a_profile_that_keeps_changes_nothing(joint: Rulebook) -> None:
    brought = standing(OFFICE, reason=OrderReason.MODE)
    assert changed(joint, brought, before="drought", mode=NORMAL) == Decision()


def test_from_one_mode_to_another_what_both_want_is_neither_withdrawn_nor_asked_again(joint: Rulebook) -> None:
    brought = (standing(OFFICE, reason=OrderReason.MODE), standing(POLICE, OrderRole.ASSIST, reason=OrderReason.MODE))
    again = changed(joint, *brought, before="flood", mode="flood")
    assert (told(again), taken(again)) == ([("oversee", COUNTY)], [])


@pytest.mark.parametrize("rules", ((), RULES[-1:]))
def test_for_want_of_a_better_lead_nobody_is_replaced(rules: tuple[Rule, ...]) -> None:
    """Neither the duty desk nor the desk that would have to rule takes the case from who has it."""
    all_anew = joint_book(rules=rules, duties=(), modes={"flood": replace(FLOOD, reroute=When())})
    assert changed(all_anew, standing(TOWN_DESK)) == Decision()
    assert [role for role, _ in told(changed(all_anew))] == ["lead"], "but a case that nobody has gets one"


@pytest.mark.parametrize("state", (CaseState.RESOLVED, CaseState.VERIFIED))
def test_nobody_is_asked_for_a_case_that_is_done(joint: Rulebook, state: CaseState) -> None:
    assert changed(joint, state=state) == Decision()
    brought = standing(POLICE, OrderRole.ASSIST, reason=OrderReason.MODE)
    left = changed(joint, brought, before="flood", mode=NORMAL, state=state)
    assert (told(left), taken(left)) == ([], ["police"])
