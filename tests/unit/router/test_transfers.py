"""Orders handed on by a desk, and leads ruled by the level above."""

from typing import Any

import pytest

from services.router.domain.answering import answer
from services.router.domain.decision import Decision
from services.router.domain.facts import Facts
from services.router.domain.rulebook import Rulebook
from shared.events.case import CaseRuled, CaseTransferred
from shared.events.parts import Actor, Return, Standing, Target
from shared.vocabulary import ActorKind, OrderReason, OrderRole, OrderState
from tests.fakes.joint_county import COUNTY_DESK, TOWN_DESK, VILLAGE_DESK, WHISTLE, joint_book, standing, west_case
from tests.fakes.router import NOW, department, desk, order_of
from tests.fakes.small_county import COUNTY, WEST

TOWN = Actor(kind=ActorKind.DESK, id=WEST, name="西镇")
POLICE = department("police")


@pytest.fixture(scope="module")
def joint() -> Rulebook:
    return joint_book()


def handed(book: Rulebook, order: Standing, to: Target, *beside: Standing, **case: Any) -> Decision:
    event = CaseTransferred(
        case=west_case(**case), by=TOWN, order=order, to=to, reason="归他管", standing=(order, *beside)
    )
    return answer(event, Facts.of(event.case), book)


def ruled(book: Rulebook, to: Target, *stands: Standing, **case: Any) -> Decision:
    event = CaseRuled(
        case=west_case(**case),
        by=Actor(kind=ActorKind.DESK, id=COUNTY, name="小县"),
        to=to,
        reason="就是他的",
        order=next((order for order in stands if order.role is OrderRole.LEAD), None),
        standing=stands,
    )
    return answer(event, Facts.of(event.case), book)


@pytest.mark.parametrize("more", ({"step": "guard"}, {"whistle": WHISTLE}, {}))
def test_an_order_goes_on_in_its_role_step_and_whistle(joint: Rulebook, more: dict[str, Any]) -> None:
    old = standing(department("west-police"), OrderRole.ASSIST, state=OrderState.SIGNED, **more)
    decision = handed(joint, old, POLICE, standing(VILLAGE_DESK))
    (order,) = decision.orders
    assert (order.role, order.reason, order.target.id) == (OrderRole.ASSIST, OrderReason.TRANSFERRED, "police")
    assert (order.step, order.whistle) == (old.step, old.whistle)
    (withdrawal,) = decision.withdrawals
    assert (withdrawal.order.order_id, withdrawal.by) == (old.order_id, order)
    assert (withdrawal.reason, withdrawal.reason_en) == ("已转办police：归他管", "handed on to police: 归他管")


def test_a_lead_handed_to_an_assistant_takes_the_place_of_its_assistance(joint: Rulebook) -> None:
    lead, helps = standing(VILLAGE_DESK), standing(POLICE, OrderRole.ASSIST, whistle=WHISTLE)
    decision = handed(joint, lead, POLICE, helps)
    (order,) = decision.orders
    assert (order.role, order.whistle) == (OrderRole.LEAD, WHISTLE), "it still answers the whistle"
    assert {taken.order.order_id for taken in decision.withdrawals} == {lead.order_id, helps.order_id}


@pytest.mark.parametrize(
    ("to", "why"),
    (
        (department("nobody"), "没有「nobody」"),
        (desk("990101002001"), "没有「990101002001」"),
        (department("west-police"), "本单已由west-police承办"),
        (department("gas-bureau"), "gas-bureau已有本事件派单"),
    ),
)
def test_a_transfer_that_cannot_be_leaves_the_order_and_tells_the_desk_why(
    joint: Rulebook, to: Target, why: str
) -> None:
    old = standing(department("west-police"), OrderRole.ASSIST)
    decision = handed(joint, old, to, standing(department("gas-bureau")))
    (order,) = decision.orders
    assert (order.role, order.reason, order.target.id) == (OrderRole.OVERSEE, OrderReason.RULING, WEST)
    assert why in order.explanation.words
    assert "The order stays with west-police" in order.explanation.words_en
    assert decision.withdrawals == ()


def test_a_ruling_names_the_lead_even_if_they_gave_the_case_back(joint: Rulebook) -> None:
    gave_back = Return(order_id=order_of(POLICE), target=POLICE, reason="不归我管", at=NOW)
    asked = standing(TOWN_DESK, reason=OrderReason.RULING, state=OrderState.SIGNED)
    decision = ruled(joint, POLICE, asked, returns=(gave_back,))
    (order,) = decision.orders
    assert (order.role, order.reason, order.target.id) == (OrderRole.LEAD, OrderReason.RULED, "police")
    assert "裁定后不得退单" in order.explanation.words
    assert "cannot be returned" in order.explanation.words_en
    assert [(taken.order.order_id, taken.by) for taken in decision.withdrawals] == [(asked.order_id, order)]


def test_who_leads_already_gets_the_ruled_order_in_place_of_theirs(joint: Rulebook) -> None:
    before = standing(POLICE)
    decision = ruled(joint, POLICE, before)
    assert [(order.target.id, order.reason) for order in decision.orders] == [("police", OrderReason.RULED)]
    assert [taken.order.order_id for taken in decision.withdrawals] == [before.order_id]


def test_whoever_gives_the_lead_back_is_left_to_answer_until_the_ruled_one_signs(joint: Rulebook) -> None:
    returning = standing(department("gas-bureau"), state=OrderState.RETURNING)
    decision = ruled(joint, POLICE, returning)
    assert [order.target.id for order in decision.orders] == ["police"]
    assert decision.withdrawals == ()


def test_a_ruling_for_somebody_unknown_changes_nothing_but_that_the_desk_hears_of_it(joint: Rulebook) -> None:
    decision = ruled(joint, department("nobody"), standing(VILLAGE_DESK), standing(COUNTY_DESK, OrderRole.OVERSEE))
    (order,) = decision.orders
    assert (order.target.id, order.role) == (COUNTY, OrderRole.OVERSEE)
    assert "裁定未能执行" in order.explanation.words
