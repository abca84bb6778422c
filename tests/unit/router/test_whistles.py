"""A whistle calls departments, each by an order of its own."""

from typing import Any

import pytest

from services.router.domain.answering import answer
from services.router.domain.decision import Decision
from services.router.domain.facts import Facts
from services.router.domain.rulebook import Rulebook
from shared.events.case import CaseReleased, CaseWhistled
from shared.events.parts import Actor, Return, Standing, Target
from shared.vocabulary import ActorKind, OrderReason, OrderRole, OrderState
from tests.fakes.joint_county import COUNTY_DESK, TOWN_DESK, VILLAGE_DESK, WHISTLE, joint_book, standing, west_case
from tests.fakes.router import NOW, department, order_of
from tests.fakes.small_county import COUNTY, WEST_VILLAGE

BY = Actor(kind=ActorKind.DESK, id=WEST_VILLAGE, name="西村")


@pytest.fixture(scope="module")
def joint() -> Rulebook:
    return joint_book()


def whistled(
    book: Rulebook, *called: str, lead: str | None = None, stands: tuple[Standing, ...] = (), **case: Any
) -> Decision:
    sounded = CaseWhistled(
        case=west_case(**case),
        by=BY,
        whistle=WHISTLE,
        departments=called,
        reason="一家管不了",
        lead=lead,
        standing=stands,
    )
    return answer(sounded, Facts.of(sounded.case), book)


def told(decision: Decision) -> list[tuple[str, str, OrderReason]]:
    return [(order.role.value, order.target.id, order.reason) for order in decision.orders]


def test_each_department_gets_an_order_of_its_own_of_that_whistle(joint: Rulebook) -> None:
    decision = whistled(joint, "police", "west-police", stands=(standing(VILLAGE_DESK),))
    assert told(decision) == [("assist", "police", OrderReason.WHISTLE), ("assist", "west-police", OrderReason.WHISTLE)]
    assert {order.whistle for order in decision.orders} == {WHISTLE}
    assert decision.withdrawals == ()
    assert "吹哨（综合执法哨）：一家管不了" in decision.orders[0].explanation.words
    assert "whistled for joint enforcement" in decision.orders[0].explanation.words_en


def test_the_one_named_leads_and_whoever_led_unsigned_is_relieved(joint: Rulebook) -> None:
    before = standing(VILLAGE_DESK)
    decision = whistled(joint, "police", "west-police", lead="west-police", stands=(before,))
    assert [one[:2] for one in told(decision)] == [("lead", "west-police"), ("assist", "police")]
    (withdrawal,) = decision.withdrawals
    assert (withdrawal.order.order_id, withdrawal.by) == (before.order_id, decision.orders[0])
    assert "west-police" in withdrawal.reason
    assert "leads instead" in withdrawal.reason_en


@pytest.mark.parametrize(
    ("before", "role", "called"),
    ((department("gas-bureau"), OrderRole.ASSIST, True), (TOWN_DESK, OrderRole.OVERSEE, False)),
)
def test_a_lead_who_has_signed_stays_on_beside_the_new_one(
    joint: Rulebook, before: Target, role: OrderRole, *, called: bool
) -> None:
    signed = standing(before, state=OrderState.SIGNED)
    decision = whistled(joint, "police", lead="police", stands=(signed,))
    lead, stays = decision.orders
    assert (lead.role, lead.target.id) == (OrderRole.LEAD, "police")
    assert (stays.role, stays.target.id, stays.whistle is not None) == (role, before.id, called)
    assert [taken.order.order_id for taken in decision.withdrawals] == [signed.order_id]


def test_a_lead_called_to_assist_the_new_lead_gets_one_order_for_that(joint: Rulebook) -> None:
    signed = standing(department("gas-bureau"), state=OrderState.SIGNED)
    decision = whistled(joint, "police", "gas-bureau", lead="police", stands=(signed,))
    assert [one[:2] for one in told(decision)] == [("lead", "police"), ("assist", "gas-bureau")]


def test_who_is_not_called_is_told_by_the_others_orders(joint: Rulebook) -> None:
    gave_back = Return(order_id=order_of(department("x")), target=department("gas-bureau"), reason="不归我管", at=NOW)
    stands = (standing(VILLAGE_DESK), standing(department("west-police"), OrderRole.ASSIST))
    called = ("nobody", "gas-bureau", "east-station", "west-police", "police")
    (order,) = whistled(joint, *called, stands=stands, returns=(gave_back,)).orders
    assert order.target.id == "police"
    words, words_en = order.explanation.words, order.explanation.words_en
    for why in ("没有部门「nobody」", "gas-bureau此前已退单", "east-station在该区域没有职责", "west-police已在协办"):
        assert why in words
    for why in ("no department 'nobody'", "without a ruling", "for nothing in that area", "assists already"):
        assert why in words_en


def test_when_nobody_is_left_the_desk_that_whistled_hears_of_it(joint: Rulebook) -> None:
    decision = whistled(joint, "nobody", "east-station", stands=(standing(department("west-station")),))
    assert told(decision) == [("oversee", WEST_VILLAGE, OrderReason.RULING)]
    assert decision.orders[0].whistle == WHISTLE, "intake waits for an answer to its whistle"
    assert "没有叫到部门" in decision.orders[0].explanation.words
    assert "called nobody" in decision.orders[0].explanation.words_en


def test_a_desk_that_works_on_the_case_leaves_the_hearing_to_the_one_above(joint: Rulebook) -> None:
    told_before = standing(TOWN_DESK, OrderRole.OVERSEE)
    decision = whistled(joint, "nobody", stands=(standing(VILLAGE_DESK), told_before))
    assert [order.target.id for order in decision.orders] == [TOWN_DESK.id]
    assert [taken.order.order_id for taken in decision.withdrawals] == [told_before.order_id], "told anew, not twice"


def test_with_every_desk_at_work_nobody_is_asked_and_it_is_said(joint: Rulebook) -> None:
    stands = (
        standing(VILLAGE_DESK),
        standing(TOWN_DESK, OrderRole.ASSIST),
        standing(COUNTY_DESK, OrderRole.ASSIST),
    )
    decision = whistled(joint, "nobody", stands=stands)
    assert (decision.orders, decision.withdrawals) == ((), ())
    assert decision.unsaid is not None
    assert "没有叫到部门" in decision.unsaid.zh


def test_a_released_order_is_withdrawn_in_the_words_of_the_desk(joint: Rulebook) -> None:
    order = standing(department("police"), OrderRole.ASSIST, whistle=WHISTLE)
    released = CaseReleased(case=west_case(), by=BY, order=order, reason="不再需要")
    (withdrawal,) = answer(released, Facts.of(released.case), joint).withdrawals
    assert (withdrawal.order.order_id, withdrawal.order.whistle, withdrawal.by) == (order.order_id, WHISTLE, None)
    assert (withdrawal.reason, withdrawal.reason_en) == ("西村解除：不再需要", "西村 released it: 不再需要")


def test_for_a_case_of_the_whole_county_any_town_s_department_can_be_called(joint: Rulebook) -> None:
    decision = whistled(joint, "east-station", "west-police", area=COUNTY)
    assert [order.target.id for order in decision.orders] == ["east-station", "west-police"]
