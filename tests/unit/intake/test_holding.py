"""A case is paused, hung and goes on; whoever assists does not wait for it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.intake.domain.asking.actions import ActionRequest, Circumstances, command_of
from services.intake.domain.life.commands import (
    ArriveOnSite,
    CloseCase,
    FoldOrderIssued,
    FoldOrderWithdrawn,
    ReopenCase,
    ReportProgress,
    ResolveOrder,
    SignOrder,
    VerifyCase,
)
from services.intake.domain.life.filing_commands import HandOverCase
from services.intake.domain.life.states import Action, WrongState
from services.intake.domain.life.time_commands import HangCase, PauseCase, ResumeCase
from services.intake.domain.moves.decide import allowed, decide
from services.intake.domain.moves.holding import HUNG
from shared.events.case import CaseHung, CasePaused, CaseResumed
from shared.playbook.model import Policy
from shared.vocabulary import CaseState, EmergencyService, OrderRole, OrderState, Refused
from tests.fakes.called_county import called_county
from tests.unit.intake.cases import (
    BUREAU,
    HANG,
    MATERIAL,
    NOON,
    PAUSE,
    SOMEBODY,
    TOWN_DESK,
    WEATHER,
    WINDOW,
    apply,
    case_in,
    led_by,
    order,
)

POLICY = Policy(pause_reasons=(MATERIAL, WEATHER))
GIVEN = Circumstances(by=SOMEBODY, playbook=replace(called_county(), policy=POLICY), now=NOON)
RESUME = ResumeCase(by=SOMEBODY)


def test_a_pause_says_its_code_and_its_end_and_holds_the_leads_order() -> None:
    case = case_in(CaseState.SIGNED)
    (event,) = decide(case, replace(PAUSE, until=NOON + timedelta(days=3)), NOON)
    assert isinstance(event, CasePaused)
    assert (event.code, event.order_id) == ("material", case.orders[0].order_id)
    held = event.case.held
    assert held is not None
    assert (held.code, held.since, held.until, held.hung) == ("material", NOON, NOON + timedelta(days=3), False)


def test_while_the_lead_pauses_whoever_assists_signs_arrives_and_is_done() -> None:
    helper = order(TOWN_DESK, OrderRole.ASSIST)
    case = apply(led_by(BUREAU), FoldOrderIssued(order=helper), PAUSE)
    case = apply(
        case,
        SignOrder(order_id=helper.order_id, by=SOMEBODY),
        ArriveOnSite(order_id=helper.order_id, by=SOMEBODY),
        ResolveOrder(order_id=helper.order_id, by=SOMEBODY, note="好"),
    )
    assert (case.view.state, case.order(helper.order_id).state) == (CaseState.PAUSED, OrderState.RESOLVED)
    with pytest.raises(WrongState):
        decide(case, SignOrder(order_id=case.orders[0].order_id, by=SOMEBODY), NOON)


def test_while_a_case_is_hung_nobody_works_on_it() -> None:
    helper = order(TOWN_DESK, OrderRole.ASSIST)
    case = apply(led_by(BUREAU), FoldOrderIssued(order=helper), HANG)
    for order_id in (case.orders[0].order_id, helper.order_id):
        with pytest.raises(WrongState):
            decide(case, SignOrder(order_id=order_id, by=SOMEBODY), NOON)


@pytest.mark.parametrize("state", (CaseState.ROUTED, CaseState.SIGNED, CaseState.ARRIVED, CaseState.IN_PROGRESS))
def test_a_case_goes_on_in_the_state_of_its_leads_order(state: CaseState) -> None:
    for stop in (PAUSE, HANG):
        case = apply(case_in(state), stop, RESUME)
        assert (case.view.state, case.view.held) == (state, None)


def test_a_lead_that_changes_while_the_case_stands_still_does_not_wake_it() -> None:
    case = case_in(CaseState.PAUSED)
    old = case.orders[0]
    newer = order(BUREAU)
    held = apply(case, FoldOrderIssued(order=newer, replaces=(old.order_id,)))
    assert (held.view.state, held.view.lead) == (CaseState.PAUSED, BUREAU)
    assert apply(held, RESUME).view.state is CaseState.ROUTED
    gone = apply(held, FoldOrderWithdrawn(order=newer, reason="撤回"))
    assert (gone.view.state, gone.view.lead) == (CaseState.PAUSED, None)
    assert apply(gone, RESUME).view.state is CaseState.OPENED


@pytest.mark.parametrize(("days", "is_open"), ((0, False), (1, True), (365, True), (366, False)))
def test_a_case_is_hung_to_a_date_within_the_countys_bound(*, days: int, is_open: bool) -> None:
    command = HangCase(by=SOMEBODY, until=NOON + timedelta(days=days), reason="等规划", days=365)
    if is_open:
        (event,) = decide(case_in(CaseState.SIGNED), command, NOON)
        assert isinstance(event, CaseHung)
        assert event.case.held is not None
        assert (event.case.held.code, event.case.held.hung) == (HUNG, True)
        return
    with pytest.raises(Refused) as refused:
        decide(case_in(CaseState.SIGNED), command, NOON)
    assert refused.value.field == "until"


def test_a_case_is_hung_once_a_round_and_again_after_it_was_reopened() -> None:
    case = apply(case_in(CaseState.SIGNED), HANG, RESUME)
    with pytest.raises(WrongState, match="once"):
        decide(case, HANG, NOON)
    assert Action.HANG not in allowed(case, None, policy=POLICY, now=NOON)
    lead = case.orders[0].order_id
    again = apply(
        case,
        ResolveOrder(order_id=lead, by=SOMEBODY, note="好"),
        VerifyCase(by=SOMEBODY),
        CloseCase(by=SOMEBODY),
        ReopenCase(by=SOMEBODY, reason="又坏了", window=WINDOW),
        FoldOrderIssued(order=order(BUREAU, generation=1)),
        HANG,
    )
    assert again.view.state is CaseState.HUNG


def test_a_held_case_goes_on_by_itself_at_its_date_and_not_before() -> None:
    case = case_in(CaseState.HUNG)
    due = ResumeCase(by=SOMEBODY, when_due=True)
    assert decide(case, due, HANG.until - timedelta(seconds=1)) == ()
    (event,) = decide(case, due, HANG.until)
    assert isinstance(event, CaseResumed)
    resumed = apply(case, due, at=HANG.until)
    assert decide(resumed, due, HANG.until) == (), "the timer's second look does nothing"
    assert decide(case_in(CaseState.PAUSED), due, HANG.until) == (), "without a date it waits for a word"


def test_a_case_in_which_life_may_be_at_risk_does_not_stand_still() -> None:
    case = apply(case_in(CaseState.SIGNED), HandOverCase(by=SOMEBODY, service=EmergencyService.FIRE))
    for stop in (PAUSE, HANG):
        with pytest.raises(WrongState, match="life"):
            decide(case, stop, NOON)
    assert not {Action.PAUSE, Action.HANG} & set(allowed(case, None, policy=POLICY, now=NOON))


def test_a_county_without_reasons_has_no_pauses() -> None:
    assert Action.PAUSE not in allowed(case_in(CaseState.SIGNED), None, policy=Policy(), now=NOON)


def pause(**fields: object) -> PauseCase:
    case = case_in(CaseState.SIGNED)
    request = ActionRequest(action=Action.PAUSE, reason="等配件", **fields)  # type: ignore[arg-type]
    command = command_of(request, None, case=case, given=GIVEN)
    assert isinstance(command, PauseCase)
    return command


def test_a_pause_lasts_no_longer_than_its_reason_allows() -> None:
    assert pause(code="material").until == NOON + timedelta(days=10)
    assert pause(code="weather").until is None
    assert pause(code="material", until=NOON + timedelta(days=2)).until == NOON + timedelta(days=2)
    for until in (NOON, NOON + timedelta(days=11)):
        with pytest.raises(Refused) as refused:
            pause(code="material", until=until)
        assert refused.value.field == "until"


def test_a_pause_needs_a_reason_of_the_county() -> None:
    with pytest.raises(Refused) as refused:
        pause(code="tired")
    assert (refused.value.field, refused.value.allowed) == ("code", ("material", "weather"))


def test_a_progress_report_of_whoever_gave_the_case_back_goes_on_in_a_pause() -> None:
    helper = order(TOWN_DESK, OrderRole.ASSIST)
    case = apply(led_by(BUREAU), FoldOrderIssued(order=helper), SignOrder(order_id=helper.order_id, by=SOMEBODY), PAUSE)
    after = apply(case, ReportProgress(order_id=helper.order_id, by=SOMEBODY, note="挖开了"))
    assert after.order(helper.order_id).state is OrderState.IN_PROGRESS
