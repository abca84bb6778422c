"""Where orders go on to: returned by their target, or late."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.router.domain.decision import Decision
from services.router.domain.facts import Facts
from services.router.domain.left import Left
from services.router.domain.moving import move_up
from services.router.domain.returns import reroute
from services.router.domain.rulebook import Rulebook
from shared.events.case import CaseReturned
from shared.events.order import Order
from shared.events.parts import CaseView, Target
from shared.events.sla import ClockEscalated
from shared.vocabulary import CaseState, ClockKind, Level, OrderReason, OrderRole, Source, WhenLate
from tests.fakes.router import NOW, a_case, department, desk, escalated, order_of, returned

VILLAGE = "990101101200"
TOWN = "990101101"
COUNTY = "990101"


def rerouted(back: CaseReturned, book: Rulebook, reason: OrderReason = OrderReason.RETURNED) -> tuple[str, str]:
    (order,) = reroute(back, Facts.of(back.case), book).orders
    assert order.reason is reason
    return order.role.value, order.target.id


def moved_up(late: ClockEscalated, book: Rulebook) -> Decision:
    return move_up(late, Facts.of(late.case), book)


def test_a_returned_lead_goes_on_to_the_next_with_the_duty(book: Rulebook) -> None:
    case = a_case(category="04.002")
    assert rerouted(returned(case, department("yunxi-construction")), book) == ("lead", "transport")


def test_with_nobody_else_left_the_desk_above_decides(book: Rulebook) -> None:
    case = a_case(category="04.002")
    back = returned(case, department("yunxi-construction"), department("transport"))
    assert rerouted(back, book, OrderReason.RULING) == ("lead", COUNTY)


def test_a_village_desk_that_returns_hands_on_to_whose_duty_it_is(book: Rulebook) -> None:
    case = a_case(category="05.001", source=Source.GRID)
    assert rerouted(returned(case, desk(VILLAGE)), book) == ("lead", "yunxi-sanitation")


def test_an_unrouted_case_climbs_from_desk_to_desk_and_stays_with_the_county(book: Rulebook) -> None:
    case = a_case(category="77")
    steps = [desk(VILLAGE)]
    for expected in (TOWN, COUNTY, COUNTY):
        assert rerouted(returned(case, *steps), book, OrderReason.RULING) == ("lead", expected)
        steps.append(desk(expected))
    (order,) = reroute(returned(case, *steps), Facts.of(case), book).orders
    assert "县级之上再无平台" in order.explanation.words


def test_after_the_allowance_of_returns_the_desk_above_decides(book: Rulebook) -> None:
    case = a_case(category="05.001", source=Source.HOTLINE)
    back = returned(case, desk(VILLAGE), department("fire"), department("yunxi-sanitation"))
    assert rerouted(back, book, OrderReason.RULING) == ("lead", TOWN), "the bureau has the duty too: three are too many"
    (order,) = reroute(back, Facts.of(back.case), book).orders
    assert "已退单3次" in order.explanation.words


def test_up_to_the_allowance_routing_goes_on(book: Rulebook) -> None:
    case = a_case(category="05.001", source=Source.HOTLINE)
    back = returned(case, department("fire"), department("yunxi-sanitation"))
    assert rerouted(back, book) == ("lead", "urban"), "two returns are allowed"


def test_of_several_assistants_only_the_one_who_returned_is_replaced(book: Rulebook) -> None:
    case = a_case(category="03.001", lead=department("gas"))
    assert rerouted(returned(case, department("yunxi-police"), role=OrderRole.ASSIST), book) == (
        "assist",
        "yunxi-emergency",
    )
    assert rerouted(returned(case, department("police"), role=OrderRole.ASSIST), book) == ("assist", "yunxi-police")


def test_an_overseer_that_returns_is_followed_by_the_desk_above(book: Rulebook) -> None:
    case = a_case(category="77", lead=desk(VILLAGE))
    assert rerouted(returned(case, desk(TOWN), role=OrderRole.OVERSEE), book)[0] == "oversee"


def test_nobody_else_is_asked_to_assist_a_case_that_is_done(book: Rulebook) -> None:
    case = a_case(category="03.001", lead=department("gas"), state=CaseState.RESOLVED)
    back = returned(case, department("police"), role=OrderRole.ASSIST)
    decision = reroute(back, Facts.of(back.case), book)
    assert decision.orders == ()
    assert decision.unsaid is not None


@pytest.mark.parametrize(
    ("when_late", "role", "withdrawn"),
    ((WhenLate.TAKE_OVER, OrderRole.LEAD, True), (WhenLate.OVERSEE, OrderRole.OVERSEE, False)),
)
def test_a_late_order_moves_up(book: Rulebook, when_late: WhenLate, role: OrderRole, *, withdrawn: bool) -> None:
    decision = moved_up(escalated(a_case(), TOWN, when_late=when_late), book)
    (order,) = decision.orders
    assert (order.role, order.target.id, order.level) == (role, TOWN, Level.TOWN)
    assert order.reason is OrderReason.ESCALATED
    assert "30 分钟未签收" in order.explanation.words
    assert [taken.order.order_id for taken in decision.withdrawals] == ([order_of(desk(VILLAGE))] if withdrawn else [])


def test_why_a_late_order_moved_up_is_said_in_one_language_at_a_time(book: Rulebook) -> None:
    limit, sums = "30 分钟（连续） (30 continuous minutes)", "起 08:00；限 30 分钟 | from 08:00; limit 30 min"
    late = escalated(a_case(), TOWN, limit=limit, arithmetic=sums)
    decision = moved_up(replace(late, reason="签收超时 | sign-in is late"), book)
    explanation, (withdrawal,) = decision.orders[0].explanation, decision.withdrawals
    for zh in (explanation.words, withdrawal.reason):
        assert "签收" in zh
        assert "minutes" not in zh
    for en in (explanation.words_en, withdrawal.reason_en):
        assert "30" in en
        assert "分钟" not in en


def test_a_late_assistant_is_taken_over_as_assistant(book: Rulebook) -> None:
    decision = moved_up(escalated(a_case(), TOWN, order_role=OrderRole.ASSIST), book)
    assert roles(decision) == [OrderRole.ASSIST]
    assert decision.withdrawals[0].order.role is OrderRole.ASSIST


def test_an_order_taken_over_is_withdrawn_as_it_was_issued(book: Rulebook) -> None:
    issued = Order(
        order_id=order_of(desk(VILLAGE)),
        case_id=a_case().case_id,
        role=OrderRole.LEAD,
        reason=OrderReason.RETURNED,
        target=department("yunxi-construction"),
        level=Level.COUNTY,
        issued_at=NOW - timedelta(hours=5),
    )
    # A verification is late at a desk, and runs from the result on: of the order it tells little.
    late = escalated(a_case(reopened=1), TOWN, kind=ClockKind.VERIFY, order=issued)
    (withdrawal,) = moved_up(late, book).withdrawals
    assert withdrawal.order == issued


def test_of_an_order_that_its_clock_does_not_carry_the_clock_is_believed(book: Rulebook) -> None:
    (withdrawal,) = moved_up(escalated(a_case(reopened=1), TOWN), book).withdrawals
    order = withdrawal.order
    assert (order.order_id, order.target) == (order_of(desk(VILLAGE)), desk(VILLAGE))
    assert (order.issued_at, order.reason, order.generation) == (NOW, OrderReason.ESCALATED, 1)


def test_a_clock_of_no_order_takes_nothing_from_whoever_leads(book: Rulebook) -> None:
    no_order: dict[str, Any] = {"order_id": None, "order_role": None, "target": None}
    led = moved_up(escalated(a_case(lead=desk(VILLAGE)), TOWN, **no_order), book)
    assert (roles(led), led.withdrawals) == ([OrderRole.OVERSEE], ())
    assert roles(moved_up(escalated(a_case(), TOWN, **no_order), book)) == [OrderRole.LEAD]


def given_back(*by: Target, **changes: Any) -> CaseView:
    """A case of the village that each of ``by`` gave back."""
    return returned(a_case(**changes), *by).case


def test_a_desk_that_gave_the_case_back_does_not_get_it_again_by_taking_over(book: Rulebook) -> None:
    decision = moved_up(escalated(given_back(desk(TOWN)), TOWN), book)
    (order,) = decision.orders
    assert (order.role, order.target.id, order.level) == (OrderRole.LEAD, COUNTY, Level.COUNTY)
    assert "此前已退单" in order.explanation.words
    assert decision.withdrawals[0].reason.startswith(f"逾期由{order.target.name}接管")


def test_a_desk_that_gave_the_case_back_may_oversee(book: Rulebook) -> None:
    (order,) = moved_up(escalated(given_back(desk(TOWN)), TOWN, when_late=WhenLate.OVERSEE), book).orders
    assert (order.role, order.target.id) == (OrderRole.OVERSEE, TOWN)


def test_one_clock_moves_up_from_desk_to_desk_as_its_chain_says(book: Rulebook) -> None:
    watched = moved_up(escalated(a_case(lead=desk(VILLAGE)), TOWN, when_late=WhenLate.OVERSEE), book)
    further = moved_up(escalated(a_case(lead=desk(VILLAGE)), COUNTY), book)
    assert [(order.role, order.target.id) for order in (*watched.orders, *further.orders)] == [
        (OrderRole.OVERSEE, TOWN),
        (OrderRole.LEAD, COUNTY),
    ]
    assert watched.withdrawals == (), "the town goes on watching"
    assert [taken.order.target.id for taken in further.withdrawals] == [VILLAGE]


@pytest.mark.parametrize("role", (OrderRole.LEAD, OrderRole.ASSIST))
def test_a_desk_that_leads_the_case_is_not_asked_to_watch_it(book: Rulebook, role: OrderRole) -> None:
    led = a_case(lead=desk(TOWN))
    decision = moved_up(escalated(led, TOWN, when_late=WhenLate.OVERSEE, order_role=role), book)
    assert (decision.orders, decision.left) == ((), Left.LEADS)
    (order,) = moved_up(escalated(led, COUNTY, when_late=WhenLate.OVERSEE, order_role=role), book).orders
    assert (order.role, order.target.id) == (OrderRole.OVERSEE, COUNTY)


def test_what_moves_up_before_its_deadline_is_not_called_late(book: Rulebook) -> None:
    early = moved_up(escalated(a_case(), TOWN, due_at=NOW + timedelta(seconds=1)), book)
    late = moved_up(escalated(a_case(), TOWN), book)
    assert [one.withdrawals[0].reason[:2] for one in (early, late)] == ["按升", "逾期"]
    assert [one.withdrawals[0].reason_en.startswith("late") for one in (early, late)] == [False, True]
    assert ["is due at" in one.orders[0].explanation.words_en for one in (early, late)] == [True, False]


@pytest.mark.parametrize("by", ((), (TOWN,), (TOWN, COUNTY), (COUNTY,)))
def test_the_county_desk_takes_over_whoever_gave_the_case_back(book: Rulebook, by: tuple[str, ...]) -> None:
    late = escalated(given_back(desk(VILLAGE), *map(desk, by)), COUNTY)
    assert [order.target.id for order in moved_up(late, book).orders] == [COUNTY]


def roles(decision: Decision) -> list[OrderRole]:
    return [order.role for order in decision.orders]
