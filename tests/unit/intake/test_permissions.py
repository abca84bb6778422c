"""Role × action × relation: every pair is decided here once more by hand."""

from dataclasses import replace

import pytest

from services.intake.domain.actions import ActionRequest, order_meant
from services.intake.domain.commands import FoldOrderIssued
from services.intake.domain.permissions import Bearer, NotYours, held_by, may_act, must_act, must_report
from services.intake.domain.states import ORDER_MOVES, Action, WrongState
from shared.vocabulary import OrderRole, Refused, Role
from tests.fakes.small_county import COUNTY, EAST, EAST_VILLAGE, GAS_BUREAU, WEST, WEST_VILLAGE
from tests.unit.intake.cases import BUREAU, TOWN_DESK, VILLAGE_DESK, apply, led_by, opened, order

ON_ORDERS = frozenset(ORDER_MOVES)
ORDERS = ON_ORDERS - {Action.RELEASE, Action.TRANSFER}
RESULTS = frozenset({Action.VERIFY, Action.REJECT, Action.CLOSE})
REPORTERS = frozenset({Action.REOPEN, Action.RATE})
NOTHING: frozenset[Action] = frozenset()
CALLS = frozenset({Action.WHISTLE, Action.TRANSFER})
RULES = frozenset({Action.RULE})
WORDS = frozenset({Action.CONFIRM, Action.DECLINE})
DESKS = RESULTS | REPORTERS | CALLS
RELEASES = frozenset({Action.RELEASE})
EVERYTHING = ORDERS | DESKS | RULES | WORDS | RELEASES


def bearer(role: Role, area: str, department: str | None = None) -> Bearer:
    return Bearer(key_id="k", role=role, area=area, department=department)


# Who → what they may do to a case in the west village whose lead is … (the gas bureau | the west village's desk).
MATRIX = (
    (bearer(Role.DEPARTMENT, COUNTY, GAS_BUREAU), ORDERS, NOTHING),
    (bearer(Role.DEPARTMENT, WEST, GAS_BUREAU), ORDERS, NOTHING),
    (bearer(Role.DEPARTMENT, "990102", GAS_BUREAU), NOTHING, NOTHING),
    (bearer(Role.DEPARTMENT, COUNTY, "water-bureau"), NOTHING, NOTHING),
    # The bureau is of the county's level, so its desk leads it and rules; above the village's stand town and county.
    (bearer(Role.DESK, WEST_VILLAGE), DESKS, DESKS | ORDERS | RELEASES),
    (bearer(Role.DESK, WEST), DESKS, DESKS | RULES),
    (bearer(Role.DESK, COUNTY), DESKS | RULES | RELEASES, DESKS | RULES),
    (bearer(Role.LEADER, WEST_VILLAGE), DESKS | WORDS, DESKS | ORDERS | RELEASES | WORDS),
    (bearer(Role.LEADER, WEST), DESKS | WORDS, DESKS | RULES | WORDS),
    (bearer(Role.LEADER, EAST), NOTHING, NOTHING),
    (bearer(Role.DESK, EAST), NOTHING, NOTHING),
    (bearer(Role.DESK, EAST_VILLAGE), NOTHING, NOTHING),
    (bearer(Role.OPERATOR, COUNTY), EVERYTHING, EVERYTHING),
    (bearer(Role.OPERATOR, WEST), EVERYTHING, EVERYTHING),
    (bearer(Role.OPERATOR, EAST), NOTHING, NOTHING),
    (bearer(Role.SOURCE, COUNTY), REPORTERS, REPORTERS),
    (bearer(Role.SOURCE, EAST), NOTHING, NOTHING),
    (bearer(Role.AUDITOR, COUNTY), NOTHING, NOTHING),
)


@pytest.mark.parametrize("action", list(Action))
@pytest.mark.parametrize(("who", "bureaus", "villages"), MATRIX, ids=lambda value: getattr(value, "role", ""))
def test_a_key_may_do_what_its_role_and_its_tie_to_the_case_allow(
    who: Bearer, bureaus: frozenset[Action], villages: frozenset[Action], action: Action
) -> None:
    for case, may in ((led_by(BUREAU), bureaus), (led_by(VILLAGE_DESK), villages)):
        lead = case.lead if action in ON_ORDERS else None
        assert may_act(who, action, case, lead) is (action in may)
        if action not in may:
            with pytest.raises(NotYours) as refused:
                must_act(who, action, case, lead)
            assert refused.value.allowed


def test_a_stranger_learns_the_rule_and_a_neighbour_learns_who_holds_the_order() -> None:
    case = led_by(BUREAU)
    with pytest.raises(NotYours) as stranger:
        must_act(bearer(Role.DESK, EAST), Action.SIGN, case, case.lead)
    assert GAS_BUREAU not in " ".join(stranger.value.allowed)
    with pytest.raises(NotYours) as neighbour:
        must_act(bearer(Role.DESK, WEST), Action.SIGN, case, case.lead)
    assert GAS_BUREAU in " ".join(neighbour.value.allowed)


@pytest.mark.parametrize(
    ("who", "area", "may"),
    (
        (bearer(Role.SOURCE, COUNTY), WEST_VILLAGE, True),
        (bearer(Role.SOURCE, WEST), WEST_VILLAGE, True),
        (bearer(Role.SOURCE, WEST), EAST_VILLAGE, False),
        (bearer(Role.SOURCE, WEST), COUNTY, False),
        (bearer(Role.DESK, WEST), WEST, True),
        (bearer(Role.LEADER, WEST), WEST, True),
        (bearer(Role.OPERATOR, COUNTY), EAST, True),
        (bearer(Role.DEPARTMENT, COUNTY, GAS_BUREAU), WEST, False),
        (bearer(Role.AUDITOR, COUNTY), WEST, False),
    ),
)
def test_reports_come_from_keys_whose_area_covers_theirs(*, who: Bearer, area: str, may: bool) -> None:
    if may:
        must_report(who, area)
        return
    with pytest.raises(NotYours):
        must_report(who, area)


def test_without_an_order_id_the_order_that_the_key_holds_is_meant() -> None:
    helper = order(TOWN_DESK, OrderRole.ASSIST)
    case = apply(led_by(BUREAU), FoldOrderIssued(order=helper))
    sign = ActionRequest(action=Action.SIGN)
    meant = order_meant(sign, case, bearer(Role.DESK, WEST))
    assert meant is not None
    assert meant.order_id == helper.order_id
    assert order_meant(sign, case, bearer(Role.OPERATOR, COUNTY)) == case.lead


def test_a_key_that_holds_two_orders_must_say_which() -> None:
    watch = replace(order(VILLAGE_DESK, OrderRole.ASSIST), step="look")
    case = apply(led_by(VILLAGE_DESK), FoldOrderIssued(order=watch))
    with pytest.raises(Refused) as refused:
        order_meant(ActionRequest(action=Action.SIGN), case, bearer(Role.DESK, WEST_VILLAGE))
    assert refused.value.field == "order_id"
    assert str(watch.order_id) in refused.value.allowed


def test_an_operator_hears_that_nobody_leads_yet() -> None:
    with pytest.raises(WrongState, match="no order leads"):
        order_meant(ActionRequest(action=Action.SIGN), opened(), bearer(Role.OPERATOR, COUNTY))


def test_a_foreign_key_does_not_learn_which_orders_there_are() -> None:
    case = led_by(BUREAU)
    request = ActionRequest(action=Action.SIGN, order_id=order().order_id)
    with pytest.raises(NotYours):
        order_meant(request, case, bearer(Role.DESK, EAST))
    assert held_by(bearer(Role.DESK, EAST), case) == ()
