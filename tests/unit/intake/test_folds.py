"""Orders and escalations come from other topics, late, twice and in either order."""

from dataclasses import replace
from uuid import uuid4

import pytest

from services.intake.domain.life.commands import (
    FoldEscalated,
    FoldOrderIssued,
    FoldOrderWithdrawn,
    ReopenCase,
    SignOrder,
)
from services.intake.domain.life.states import WrongState
from services.intake.domain.moves.decide import decide
from shared.events.case import CaseEscalated, CaseOrderWithdrawn, CaseRouted
from shared.vocabulary import CaseState, ClockKind, Level, OrderRole, OrderState, Refused
from tests.unit.intake.cases import (
    BUREAU,
    COUNTY_DESK,
    NOON,
    SOMEBODY,
    TOWN_DESK,
    VILLAGE_DESK,
    WINDOW,
    apply,
    case_in,
    led_by,
    opened,
    order,
)


def test_the_first_lead_order_routes_the_case_to_its_target_and_level() -> None:
    (event,) = decide(opened(), FoldOrderIssued(order=order(TOWN_DESK)), NOON)
    assert isinstance(event, CaseRouted)
    assert (event.case.state, event.case.lead, event.case.level) == (CaseState.ROUTED, TOWN_DESK, Level.TOWN)


def test_an_assistant_alone_does_not_route_the_case() -> None:
    case = apply(opened(), FoldOrderIssued(order=order(TOWN_DESK, OrderRole.ASSIST)))
    assert (case.view.state, case.view.lead) == (CaseState.OPENED, None)


def test_an_order_folded_twice_changes_nothing_the_second_time() -> None:
    issued = FoldOrderIssued(order=order())
    assert decide(apply(opened(), issued), issued, NOON) == ()


def test_a_withdrawal_folded_twice_changes_nothing_the_second_time() -> None:
    lead = order()
    withdrawn = FoldOrderWithdrawn(order=lead, reason="换人")
    case = apply(opened(), FoldOrderIssued(order=lead), withdrawn)
    assert case.view.state is CaseState.OPENED
    assert decide(case, withdrawn, NOON) == ()


@pytest.mark.parametrize("new_first", (True, False))
def test_the_level_above_takes_over_whichever_of_its_two_events_comes_first(*, new_first: bool) -> None:
    old, new = order(VILLAGE_DESK), order(TOWN_DESK)
    issued, withdrawn = FoldOrderIssued(order=new), FoldOrderWithdrawn(order=old, reason="超时升级")
    case = apply(opened(), FoldOrderIssued(order=old), SignOrder(order_id=old.order_id, by=SOMEBODY))
    case = apply(case, *((issued, withdrawn) if new_first else (withdrawn, issued)))
    assert (case.view.lead, case.view.level, case.view.state) == (TOWN_DESK, Level.TOWN, CaseState.ROUTED)
    assert case.order(old.order_id).state is OrderState.WITHDRAWN


def test_a_lower_lead_that_comes_after_a_higher_one_never_stands() -> None:
    late = order(VILLAGE_DESK)
    case = led_by(TOWN_DESK)
    (event,) = decide(case, FoldOrderIssued(order=late), NOON)
    assert isinstance(event, CaseOrderWithdrawn)
    after = apply(case, FoldOrderIssued(order=late))
    assert after.view.lead == TOWN_DESK
    assert decide(after, FoldOrderIssued(order=late), NOON) == ()
    assert decide(after, FoldOrderWithdrawn(order=late, reason="x"), NOON) == ()


def test_whoever_signs_what_never_stood_is_not_told_to_try_again() -> None:
    late = order(VILLAGE_DESK)
    after = apply(led_by(TOWN_DESK), FoldOrderIssued(order=late))
    with pytest.raises(WrongState, match="came too late to count"):
        decide(after, SignOrder(order_id=late.order_id, by=SOMEBODY), NOON)
    with pytest.raises(Refused, match="may be here in a moment"):
        decide(after, SignOrder(order_id=uuid4(), by=SOMEBODY), NOON)


def test_the_desk_takes_over_from_a_department_of_its_own_level() -> None:
    case = apply(led_by(BUREAU), FoldOrderIssued(order=order(COUNTY_DESK)))
    assert case.view.lead == COUNTY_DESK


@pytest.mark.parametrize("state", (CaseState.RESOLVED, CaseState.VERIFIED, CaseState.CLOSED))
def test_a_lead_order_that_comes_after_the_work_is_done_never_stands(state: CaseState) -> None:
    (event,) = decide(case_in(state), FoldOrderIssued(order=order(TOWN_DESK)), NOON)
    assert isinstance(event, CaseOrderWithdrawn)
    assert event.case.state is state


def test_a_withdrawal_that_comes_after_the_work_is_done_changes_nothing() -> None:
    case = case_in(CaseState.RESOLVED)
    lead = order(VILLAGE_DESK, order_id=case.orders[0].order_id)
    assert decide(case, FoldOrderWithdrawn(order=lead, reason="升级"), NOON) == ()


def test_an_overseer_may_still_come_while_the_result_is_checked_but_not_after_closing() -> None:
    watch = FoldOrderIssued(order=order(TOWN_DESK, OrderRole.OVERSEE))
    assert isinstance(decide(case_in(CaseState.RESOLVED), watch, NOON)[0], CaseRouted)
    assert isinstance(decide(case_in(CaseState.CLOSED), watch, NOON)[0], CaseOrderWithdrawn)


def test_an_order_of_the_round_before_reopening_never_stands_and_one_of_the_new_round_does() -> None:
    case = apply(case_in(CaseState.CLOSED), ReopenCase(by=SOMEBODY, reason="又漏了", window=WINDOW))
    old, new = order(TOWN_DESK, generation=0), order(TOWN_DESK, generation=1)
    case = apply(case, FoldOrderIssued(order=old))
    assert (case.view.state, case.view.lead) == (CaseState.OPENED, None)
    assert apply(case, FoldOrderIssued(order=new)).view.lead == TOWN_DESK


def test_an_order_of_a_round_still_to_come_is_refused() -> None:
    with pytest.raises(Refused, match="round 1"):
        decide(opened(), FoldOrderIssued(order=order(generation=1)), NOON)


def test_a_withdrawal_that_overtakes_its_order_keeps_it_from_standing() -> None:
    lead = order()
    case = apply(opened(), FoldOrderWithdrawn(order=lead, reason="换人"))
    assert decide(case, FoldOrderIssued(order=lead), NOON) == ()


def test_a_returned_case_is_routed_by_the_next_order() -> None:
    case = apply(case_in(CaseState.RETURNED), FoldOrderIssued(order=order(TOWN_DESK)))
    assert (case.view.state, case.view.lead) == (CaseState.ROUTED, TOWN_DESK)


def test_a_clock_escalates_a_case_once() -> None:
    command = FoldEscalated(
        clock_id=uuid4(), clock=ClockKind.SIGN_IN, order_id=None, from_level=Level.VILLAGE, to_level=Level.TOWN
    )
    (event,) = decide(led_by(), command, NOON)
    assert isinstance(event, CaseEscalated)
    assert event.case.state is CaseState.ROUTED
    assert decide(apply(led_by(), command), command, NOON) == ()


@pytest.mark.parametrize("role", (OrderRole.ASSIST, OrderRole.OVERSEE))
def test_nobody_gets_a_second_order_beside_an_equal_or_a_stronger_one(role: OrderRole) -> None:
    for case in (led_by(TOWN_DESK), apply(led_by(), FoldOrderIssued(order=order(TOWN_DESK, role)))):
        again = order(TOWN_DESK, role)
        (event,) = decide(case, FoldOrderIssued(order=again), NOON)
        assert isinstance(event, CaseOrderWithdrawn)
        assert (event.order_id, event.reason[:4]) == (again.order_id, "已有派单")


def test_a_stronger_order_takes_the_place_of_a_weaker_one_of_the_same_target() -> None:
    watch, lead = order(TOWN_DESK, OrderRole.OVERSEE), order(TOWN_DESK)
    case = apply(led_by(), FoldOrderIssued(order=watch), FoldOrderIssued(order=lead))
    assert [one.order_id for one in case.standing] == [lead.order_id]


def test_a_step_stands_beside_what_its_target_does_else_and_is_asked_for_once() -> None:
    step, again = (replace(order(BUREAU, OrderRole.ASSIST), step="look") for _ in range(2))
    case = apply(led_by(BUREAU), FoldOrderIssued(order=step), FoldOrderIssued(order=again))
    assert [one.order_id for one in case.standing][1:] == [step.order_id]


@pytest.mark.parametrize("new_first", (True, False))
def test_an_order_comes_in_the_place_of_those_that_it_names(*, new_first: bool) -> None:
    old, new = order(TOWN_DESK, OrderRole.OVERSEE), order(TOWN_DESK, OrderRole.OVERSEE)
    issued = FoldOrderIssued(order=new, replaces=(old.order_id,))
    withdrawn = FoldOrderWithdrawn(order=old, reason="重新告知")
    case = apply(led_by(), FoldOrderIssued(order=old))
    case = apply(case, *((issued, withdrawn) if new_first else (withdrawn, issued)))
    assert [one.order_id for one in case.standing][1:] == [new.order_id]


def test_a_lead_of_a_lower_level_leads_when_it_names_the_one_that_it_replaces() -> None:
    case = led_by(COUNTY_DESK)
    lower = order(VILLAGE_DESK)
    replaced = (case.orders[0].order_id,)
    assert apply(case, FoldOrderIssued(order=lower, replaces=replaced)).view.lead == VILLAGE_DESK
