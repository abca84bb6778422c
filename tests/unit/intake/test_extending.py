"""More time: asked before the deadline, approved by two, so often as the county allows; refusals do not count."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.intake.domain.life.case import Case
from services.intake.domain.life.commands import FoldOrderIssued, ReturnOrder, SignOrder
from services.intake.domain.life.permissions import Bearer, may_act
from services.intake.domain.life.states import Action, WrongState
from services.intake.domain.life.time_commands import ApproveExtension, AskExtension, DeclineExtension
from services.intake.domain.moves.decide import allowed, decide
from shared.events.case import CaseExtended, CaseExtensionAsked, CaseExtensionBacked, CaseExtensionDeclined
from shared.playbook.model import Policy
from shared.vocabulary import CaseState, ClockKind, OrderRole, Refused, Role
from tests.fakes.small_county import COUNTY, EAST, GAS_BUREAU, WEST, WEST_VILLAGE
from tests.unit.intake.cases import BUREAU, MASTER, NOON, SOMEBODY, TOWN_DESK, apply, case_in, led_by, order

DUE = NOON + timedelta(days=2)
TO = DUE + timedelta(days=3)
POLICY = Policy(extensions_allowed=2)


def key(key_id: str, role: Role, area: str, department: str | None = None) -> Bearer:
    return Bearer(key_id=key_id, role=role, area=area, department=department)


BUREAUS = key("bureau", Role.DEPARTMENT, COUNTY, GAS_BUREAU)
VILLAGE, TOWN, AT_COUNTY = (
    key(name, Role.DESK, area) for name, area in (("village", WEST_VILLAGE), ("town", WEST), ("county", COUNTY))
)
TOWNS_HEAD = key("head", Role.LEADER, WEST)


def ask(case: Case, **changes: object) -> AskExtension:
    command = AskExtension(
        order_id=case.orders[0].order_id, by=BUREAUS.actor, due_at=DUE, to=TO, reason="等配件", most=2
    )
    return replace(command, **changes)  # type: ignore[arg-type]


def asked() -> Case:
    case = case_in(CaseState.SIGNED, BUREAU)
    return apply(case, ask(case))


def approve(who: Bearer) -> ApproveExtension:
    return ApproveExtension(by=who.actor)


def may_say(who: Bearer, case: Case) -> bool:
    approves, declines = (may_act(who, action, case, None) for action in (Action.APPROVE, Action.DECLINE_EXTENSION))
    assert approves is declines
    return approves


def test_the_second_word_grants_it_and_the_first_alone_does_not() -> None:
    case = asked()
    (backed,) = decide(case, approve(VILLAGE), NOON)
    assert isinstance(backed, CaseExtensionBacked)
    assert backed.case.extensions == 0
    (extended,) = decide(apply(case, approve(VILLAGE)), approve(TOWN), NOON)
    assert isinstance(extended, CaseExtended)
    assert (extended.case.extensions, extended.to, extended.clock) == (1, TO, ClockKind.HANDLE)
    done = apply(case, approve(VILLAGE), approve(TOWN))
    assert done.extension is None


def test_the_request_says_the_deadline_and_the_date_that_is_asked_for() -> None:
    case = case_in(CaseState.SIGNED, BUREAU)
    (event,) = decide(case, ask(case), NOON)
    assert isinstance(event, CaseExtensionAsked)
    assert (event.due_at, event.to, event.order_id) == (DUE, TO, case.orders[0].order_id)


def test_the_first_word_is_of_a_desk_over_the_case_that_neither_asked_nor_holds_the_order() -> None:
    case = asked()
    assert [may_say(who, case) for who in (VILLAGE, TOWN, AT_COUNTY, TOWNS_HEAD)] == [True] * 4
    assert not may_say(BUREAUS, case)
    assert not may_say(key("east", Role.DESK, EAST), case)
    held_by_town = case_in(CaseState.SIGNED, TOWN_DESK)
    theirs = apply(held_by_town, ask(held_by_town, by=TOWN.actor))
    assert [may_say(who, theirs) for who in (TOWN, TOWNS_HEAD, VILLAGE, AT_COUNTY)] == [False, False, True, True]


def test_the_second_word_is_another_persons_a_leaders_or_of_a_desk_above() -> None:
    backed = apply(asked(), approve(VILLAGE))
    assert not may_say(VILLAGE, backed), "never the same person"
    assert not may_say(key("village 2", Role.DESK, WEST_VILLAGE), backed), "another at the same desk is not above it"
    assert may_say(key("village head", Role.LEADER, WEST_VILLAGE), backed)
    assert may_say(TOWN, backed)
    by_town = apply(asked(), approve(TOWN))
    assert not may_say(VILLAGE, by_town)
    assert not may_say(key("village head", Role.LEADER, WEST_VILLAGE), by_town), "the head of a desk below is not above"
    assert may_say(TOWNS_HEAD, by_town)
    assert may_say(AT_COUNTY, by_town)


def test_an_operator_who_asked_for_somebody_approves_nothing_of_it() -> None:
    case = case_in(CaseState.SIGNED, BUREAU)
    operator = key("operator", Role.OPERATOR, COUNTY)
    waits = apply(case, ask(case, by=operator.actor))
    assert not may_say(operator, waits)
    assert may_say(key("operator 2", Role.OPERATOR, COUNTY), waits)


@pytest.mark.parametrize("backed", (False, True))
def test_either_of_the_two_may_decline_and_a_refusal_does_not_count(*, backed: bool) -> None:
    case = apply(asked(), approve(VILLAGE)) if backed else asked()
    (event,) = decide(case, DeclineExtension(by=TOWN.actor, reason="时间够"), NOON)
    assert isinstance(event, CaseExtensionDeclined)
    declined = apply(case, DeclineExtension(by=TOWN.actor, reason="时间够"))
    assert (declined.view.extensions, declined.extension) == (0, None)
    again = apply(declined, ask(declined))
    assert again.waiting_extension is not None
    assert again.waiting_extension.backed_by is None, "a new request needs both words anew"


def test_at_most_as_many_are_granted_as_the_county_allows() -> None:
    case = case_in(CaseState.SIGNED, BUREAU)
    for _ in range(2):
        case = apply(case, ask(case), approve(VILLAGE), approve(TOWN))
    assert case.view.extensions == 2
    with pytest.raises(WrongState, match="2 allowed"):
        decide(case, ask(case), NOON)
    assert Action.EXTEND not in allowed(case, None, policy=POLICY, now=NOON, due_at=DUE)


@pytest.mark.parametrize(("late", "is_open"), ((timedelta(seconds=-1), True), (timedelta(0), False)))
def test_more_time_is_asked_for_before_the_deadline(*, late: timedelta, is_open: bool) -> None:
    case, now = case_in(CaseState.SIGNED, BUREAU), DUE + late
    assert (Action.EXTEND in allowed(case, None, policy=POLICY, now=now, due_at=DUE)) is is_open
    if is_open:
        assert apply(case, ask(case), at=now).waiting_extension is not None
        return
    with pytest.raises(WrongState, match="before it"):
        decide(case, ask(case), now)


def test_without_a_known_deadline_there_is_nothing_to_extend() -> None:
    case = case_in(CaseState.SIGNED, BUREAU)
    with pytest.raises(WrongState, match="no deadline"):
        decide(case, ask(case, due_at=None), NOON)
    assert Action.EXTEND not in allowed(case, None, policy=POLICY, now=NOON)


@pytest.mark.parametrize(("changes", "field"), (({"to": DUE}, "until"), ({"reason": " "}, "reason")))
def test_a_wrong_request_is_named(changes: dict[str, object], field: str) -> None:
    case = case_in(CaseState.SIGNED, BUREAU)
    with pytest.raises(Refused) as refused:
        decide(case, ask(case, **changes), NOON)
    assert refused.value.field == field


def test_one_extension_waits_at_a_time_and_another_id_is_refused() -> None:
    case = asked()
    with pytest.raises(WrongState, match="waits for its two approvals"):
        decide(case, ask(case), NOON)
    with pytest.raises(Refused) as refused:
        decide(case, ApproveExtension(by=TOWN.actor, extension_id=MASTER), NOON)
    assert case.extension is not None
    assert refused.value.allowed == (str(case.extension.extension_id),)


def test_when_the_order_no_longer_stands_its_extension_waits_for_nobody() -> None:
    case = asked()
    back = ReturnOrder(order_id=case.orders[0].order_id, by=SOMEBODY, reason="不归我管", returns_allowed=2)
    returned = apply(case, back)
    with pytest.raises(WrongState, match="no extension waits"):
        decide(returned, approve(VILLAGE), NOON)
    assert not {Action.APPROVE, Action.DECLINE_EXTENSION} & set(allowed(returned, None, policy=POLICY, now=NOON))


def test_a_date_that_has_passed_is_declined_and_not_approved() -> None:
    case = asked()
    with pytest.raises(WrongState, match="decline it"):
        decide(case, approve(VILLAGE), TO)
    open_now = allowed(case, None, policy=POLICY, now=TO, due_at=DUE)
    assert (Action.APPROVE in open_now, Action.DECLINE_EXTENSION in open_now) == (False, True)


def test_whoever_assists_has_a_deadline_too_and_who_oversees_has_none() -> None:
    helper, watch = order(TOWN_DESK, OrderRole.ASSIST), order(TOWN_DESK, OrderRole.OVERSEE)
    case = apply(led_by(BUREAU), FoldOrderIssued(order=helper), SignOrder(order_id=helper.order_id, by=SOMEBODY))
    assert apply(case, ask(case, order_id=helper.order_id)).waiting_extension is not None
    case = apply(led_by(BUREAU), FoldOrderIssued(order=watch))
    with pytest.raises(WrongState, match="oversee"):
        decide(case, ask(case, order_id=watch.order_id), NOON)
