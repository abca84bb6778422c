"""Which order is meant, what a stranger learns, and who may report; who may do what stands in `test_may`."""

from dataclasses import replace

import pytest

from services.intake.domain.asking.actions import ActionRequest, order_meant
from services.intake.domain.life.commands import FoldOrderIssued
from services.intake.domain.life.permissions import Bearer, NotYours, held_by, must_act, must_report
from services.intake.domain.life.states import Action, WrongState
from shared.vocabulary import ActorKind, OrderRole, Refused, Role
from tests.fakes.small_county import (
    COUNTY,
    EAST,
    EAST_VILLAGE,
    GAS_BUREAU,
    GAS_LEAK,
    WATER,
    WEST,
    WEST_CELLS,
    WEST_VILLAGE,
)
from tests.unit.intake.cases import BUREAU, TOWN_DESK, VILLAGE_DESK, apply, led_by, opened, order


def bearer(role: Role, area: str, department: str | None = None) -> Bearer:
    return Bearer(key_id="k", role=role, area=area, department=department)


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
        (bearer(Role.GRID_WORKER, WEST_CELLS[0]), WEST_CELLS[1], True),
        (bearer(Role.GRID_WORKER, WEST_VILLAGE), WEST_CELLS[0], True),
        (bearer(Role.GRID_WORKER, WEST_CELLS[0]), EAST_VILLAGE, False),
        (bearer(Role.REPORTER, ""), EAST_VILLAGE, True),
        (bearer(Role.REPORTER, WEST), EAST_VILLAGE, False),
    ),
)
def test_reports_come_from_keys_whose_area_covers_theirs(*, who: Bearer, area: str, may: bool) -> None:
    if may:
        must_report(who, area)
        return
    with pytest.raises(NotYours):
        must_report(who, area)


@pytest.mark.parametrize("role", (Role.SOURCE, Role.DESK, Role.OPERATOR))
def test_a_key_for_some_duties_names_no_other_category_but_reports_whatever_is_said(role: Role) -> None:
    who = replace(bearer(role, COUNTY), duties=(WATER, "03.00"))
    must_report(who, WEST_VILLAGE)
    must_report(who, WEST_VILLAGE, category=WATER)
    must_report(bearer(role, COUNTY), WEST_VILLAGE, category=GAS_LEAK)
    with pytest.raises(NotYours) as refused:
        must_report(who, WEST_VILLAGE, category=GAS_LEAK)
    assert refused.value.field == "category"


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


def test_a_grid_worker_arrives_for_the_desk_of_the_village_and_is_named_as_of_it() -> None:
    worker = bearer(Role.GRID_WORKER, WEST_CELLS[0])
    case = led_by(VILLAGE_DESK)
    assert order_meant(ActionRequest(action=Action.ARRIVE), case, worker) == case.lead
    assert (worker.actor.kind, worker.actor.id) == (ActorKind.DESK, WEST_VILLAGE)
    with pytest.raises(NotYours):
        order_meant(ActionRequest(action=Action.RESOLVE), case, worker)
