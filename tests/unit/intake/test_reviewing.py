"""Supervision, its reply and sign-off; appeals with two reviews; ratings both ways; the four elements of a reply."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.intake.domain.asking.actions import ActionRequest, Circumstances, command_of
from services.intake.domain.asking.requests import ReplyRequest, tidy_request
from services.intake.domain.life.case import Case
from services.intake.domain.life.commands import (
    CloseCase,
    FoldOrderIssued,
    ReopenCase,
    ResolveOrder,
    SignOrder,
    VerifyCase,
)
from services.intake.domain.life.permissions import Bearer, may_act
from services.intake.domain.life.review_commands import (
    AppealOrder,
    RateDepartment,
    ReplySupervision,
    ReviewAppeal,
    SendBackSupervision,
    SignOffSupervision,
    SuperviseCase,
)
from services.intake.domain.life.states import Action, WrongState
from services.intake.domain.moves.decide import allowed, decide
from services.intake.domain.moves.supervising import MOST_OPEN
from shared.events.case import CaseAppealReviewed, CaseDepartmentRated, CaseResolved, CaseSupervised
from shared.playbook.model import Policy
from shared.vocabulary import AppealGround, CaseState, OrderRole, Refused, Role, Source
from tests.fakes.called_county import called_county
from tests.fakes.small_county import COUNTY, EAST, GAS_BUREAU, WEST, WEST_VILLAGE
from tests.unit.intake.cases import (
    BUREAU,
    MASTER,
    NOON,
    POLICE,
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

POLICY = Policy(appeal_days=15)
LATER = NOON + timedelta(days=1)
VILLAGE = Bearer(key_id="village", role=Role.DESK, area=WEST_VILLAGE)
TOWN = Bearer(key_id="town", role=Role.DESK, area=WEST)
AT_COUNTY = Bearer(key_id="county", role=Role.DESK, area=COUNTY)
BUREAUS = Bearer(key_id="bureau", role=Role.DEPARTMENT, area=COUNTY, department=GAS_BUREAU)
INSTRUCT = SuperviseCase(by=AT_COUNTY.actor, instruction="今日办结", reply_due_at=LATER)
REPLY = ReplySupervision(by=BUREAUS.actor, reply="已办")
SIGN_OFF = SignOffSupervision(by=AT_COUNTY.actor)


def test_an_instruction_is_for_the_lead_unless_somebody_else_is_named() -> None:
    (event,) = decide(led_by(BUREAU), INSTRUCT, NOON)
    assert isinstance(event, CaseSupervised)
    assert (event.target, event.reply_due_at, event.instruction) == (BUREAU, LATER, "今日办结")
    helper = order(TOWN_DESK, OrderRole.ASSIST)
    case = apply(led_by(BUREAU), FoldOrderIssued(order=helper))
    (event,) = decide(case, replace(INSTRUCT, order_id=helper.order_id), NOON)
    assert isinstance(event, CaseSupervised)
    assert event.target == TOWN_DESK
    with pytest.raises(Refused) as refused:
        decide(opened(), INSTRUCT, NOON)
    assert refused.value.field == "to"


def test_an_instruction_is_answered_by_its_target_sent_back_answered_again_and_signed_off_by_who_gave_it() -> None:
    case = apply(led_by(BUREAU), INSTRUCT)
    assert may_act(BUREAUS, Action.REPLY, case, None)
    assert not may_act(TOWN, Action.REPLY, case, None)
    assert [may_act(who, Action.SIGN_OFF, case, None) for who in (AT_COUNTY, TOWN, BUREAUS)] == [True, False, False]
    with pytest.raises(WrongState, match="no instruction has been answered"):
        decide(case, SIGN_OFF, NOON)
    answered = apply(case, REPLY)
    with pytest.raises(WrongState, match="no instruction waits"):
        decide(answered, REPLY, NOON)
    back = apply(answered, SendBackSupervision(by=AT_COUNTY.actor, reason="没办完", reply_due_at=LATER))
    assert not back.supervisions[0].replied
    assert apply(back, REPLY, SIGN_OFF).supervisions == ()


def test_an_instruction_outlives_the_closing_of_its_case() -> None:
    case = apply(case_in(CaseState.VERIFIED, BUREAU), INSTRUCT, CloseCase(by=SOMEBODY))
    assert apply(case, REPLY, SIGN_OFF).supervisions == ()


def test_among_several_instructions_the_one_that_is_meant_is_named() -> None:
    case = apply(led_by(BUREAU), INSTRUCT, INSTRUCT)
    with pytest.raises(Refused) as refused:
        decide(case, REPLY, NOON)
    assert (refused.value.field, len(refused.value.allowed)) == ("supervision_id", 2)
    second = case.supervisions[1].supervision_id
    answered = apply(case, replace(REPLY, supervision_id=second))
    assert [one.replied for one in answered.supervisions] == [False, True]
    with pytest.raises(Refused):
        decide(case, replace(REPLY, supervision_id=MASTER), NOON)


def test_open_instructions_are_bounded() -> None:
    case = apply(led_by(BUREAU), *(INSTRUCT for _ in range(MOST_OPEN)))
    with pytest.raises(WrongState, match="sign some off"):
        decide(case, INSTRUCT, NOON)
    assert Action.SUPERVISE not in allowed(case, None, policy=POLICY, now=NOON)


@pytest.mark.parametrize(("days", "field"), ((0, "until"), (367, "until")))
def test_a_reply_is_due_in_time(days: int, field: str) -> None:
    with pytest.raises(Refused) as refused:
        decide(led_by(BUREAU), replace(INSTRUCT, reply_due_at=NOON + timedelta(days=days)), NOON)
    assert refused.value.field == field


def appeal(case: Case) -> AppealOrder:
    return AppealOrder(
        order_id=case.orders[0].order_id,
        by=BUREAUS.actor,
        ground=AppealGround.OVERDUE,
        reason="停电三日",
        window=timedelta(days=15),
    )


def appealed() -> Case:
    case = case_in(CaseState.CLOSED, BUREAU)
    return apply(case, appeal(case))


def review(who: Bearer, *, upheld: bool = True) -> ReviewAppeal:
    return ReviewAppeal(by=who.actor, upheld=upheld, reason="属实")


def test_upheld_twice_exempts_the_case_and_leaves_its_facts() -> None:
    case = appealed()
    once = apply(case, review(VILLAGE))
    assert not once.view.exempt
    (second,) = decide(once, review(TOWN), NOON)
    assert isinstance(second, CaseAppealReviewed)
    assert (second.step, second.case.exempt) == (2, True)
    twice = apply(once, review(TOWN))
    assert (twice.view.state, twice.orders, twice.view.returns) == (CaseState.CLOSED, case.orders, case.view.returns)
    with pytest.raises(WrongState, match="no appeal waits"):
        decide(twice, review(TOWN), NOON)


@pytest.mark.parametrize("words", ((False,), (True, False)))
def test_an_appeal_that_is_not_upheld_exempts_nothing_and_is_over(words: tuple[bool, ...]) -> None:
    case = appealed()
    for who, upheld in zip((VILLAGE, TOWN), words, strict=False):
        case = apply(case, review(who, upheld=upheld))
    assert not case.view.exempt
    assert case.open_appeal is None
    with pytest.raises(WrongState, match="one for each closing"):
        decide(case, appeal(case), NOON)


def test_the_two_reviews_are_of_two_persons_and_the_second_stands_higher() -> None:
    case = appealed()
    assert [may_act(who, Action.REVIEW, case, None) for who in (VILLAGE, TOWN, AT_COUNTY)] == [True] * 3
    assert not may_act(BUREAUS, Action.REVIEW, case, None)
    assert not may_act(Bearer(key_id="east", role=Role.DESK, area=EAST), Action.REVIEW, case, None)
    once = apply(case, review(TOWN))
    head = Bearer(key_id="head", role=Role.LEADER, area=WEST)
    assert [may_act(who, Action.REVIEW, once, None) for who in (VILLAGE, TOWN, head, AT_COUNTY)] == [
        False,
        False,
        True,
        True,
    ]
    villages = case_in(CaseState.CLOSED, VILLAGE_DESK)
    own = apply(villages, replace(appeal(villages), by=VILLAGE.actor))
    assert not may_act(VILLAGE, Action.REVIEW, own, None), "nobody judges their own order"


@pytest.mark.parametrize(("late", "is_open"), ((timedelta(0), True), (timedelta(seconds=1), False)))
def test_appeals_are_open_for_the_countys_days_after_closing(*, late: timedelta, is_open: bool) -> None:
    case, now = case_in(CaseState.CLOSED, BUREAU), NOON + timedelta(days=15) + late
    assert (Action.APPEAL in allowed(case, None, policy=POLICY, now=now)) is is_open
    if is_open:
        assert apply(case, appeal(case), at=now).open_appeal is not None
        return
    with pytest.raises(WrongState, match="15 days"):
        decide(case, appeal(case), now)


def test_a_case_that_is_opened_again_has_no_appeal_but_keeps_its_exemption() -> None:
    case = apply(appealed(), review(VILLAGE), review(TOWN))
    again = apply(case, ReopenCase(by=SOMEBODY, reason="又坏了", window=WINDOW))
    assert (again.appeals, again.view.exempt) == ((), True)


def test_the_base_level_rates_a_department_once_for_each_order() -> None:
    case = case_in(CaseState.CLOSED, BUREAU)
    rate = RateDepartment(order_id=case.orders[0].order_id, by=VILLAGE.actor, speed=5, quality=2)
    (event,) = decide(case, rate, NOON)
    assert isinstance(event, CaseDepartmentRated)
    assert (event.target, event.speed, event.quality) == (BUREAU, 5, 2)
    rated = apply(case, rate)
    with pytest.raises(WrongState, match="already"):
        decide(rated, rate, NOON)
    assert Action.RATE_DEPARTMENT not in allowed(rated, None, policy=POLICY, now=NOON)


def test_a_desk_is_not_rated_as_a_department() -> None:
    case = case_in(CaseState.CLOSED, VILLAGE_DESK)
    with pytest.raises(WrongState, match="desk's order"):
        decide(case, RateDepartment(order_id=case.orders[0].order_id, by=TOWN.actor, speed=5, quality=5), NOON)


def test_each_helper_of_a_case_is_rated_for_its_own_order() -> None:
    helper = order(POLICE, OrderRole.ASSIST)
    case = apply(
        led_by(BUREAU),
        FoldOrderIssued(order=helper),
        SignOrder(order_id=helper.order_id, by=SOMEBODY),
        ResolveOrder(order_id=helper.order_id, by=SOMEBODY, note="好"),
    )
    lead = case.orders[0].order_id
    case = apply(case, SignOrder(order_id=lead, by=SOMEBODY), ResolveOrder(order_id=lead, by=SOMEBODY, note="好"))
    rated = apply(
        case, *(RateDepartment(order_id=one, by=VILLAGE.actor, speed=3, quality=3) for one in (lead, helper.order_id))
    )
    assert rated.graded == (lead, helper.order_id)


WHOLE = ReplyRequest(accepted_at=NOON, spoken_with="张女士", done="更换阀门", done_by=LATER)


def resolve(case: Case, reply: ReplyRequest | None, *, required: tuple[Source, ...]) -> CaseResolved:
    playbook = replace(called_county(), policy=Policy(reply_required=required))
    request = tidy_request(ActionRequest(action=Action.RESOLVE, note="好", reply=reply))
    given = Circumstances(by=SOMEBODY, playbook=playbook, now=NOON)
    (event,) = decide(case, command_of(request, case.orders[0], case=case, given=given), NOON)
    assert isinstance(event, CaseResolved)
    return event


def test_a_hotline_case_is_resolved_with_the_four_elements_of_a_reply() -> None:
    case = case_in(CaseState.SIGNED)
    reply = resolve(case, WHOLE, required=(Source.HOTLINE,)).reply
    assert reply is not None
    assert (reply.accepted_at, reply.spoken_with, reply.done, reply.done_by) == (NOON, "张女士", "更换阀门", LATER)
    assert resolve(case, None, required=(Source.GRID,)).reply is None
    assert VerifyCase(by=SOMEBODY).note == ""


@pytest.mark.parametrize(
    ("reply", "missing"),
    (
        (None, ("accepted_at", "spoken_with", "done", "done_by")),
        (replace(WHOLE, accepted_at=None), ("accepted_at",)),
        (replace(WHOLE, spoken_with=" "), ("spoken_with",)),
        (replace(WHOLE, done=""), ("done",)),
        (replace(WHOLE, done_by=None, done=""), ("done", "done_by")),
    ),
)
def test_each_element_that_a_reply_lacks_is_named(reply: ReplyRequest | None, missing: tuple[str, ...]) -> None:
    with pytest.raises(Refused) as refused:
        resolve(case_in(CaseState.SIGNED), reply, required=(Source.HOTLINE,))
    assert tuple(one.partition(":")[0] for one in refused.value.allowed) == missing
    assert (refused.value.field or "").startswith("reply")


def test_a_phone_in_a_reply_is_masked_like_everywhere() -> None:
    event = resolve(case_in(CaseState.SIGNED), replace(WHOLE, spoken_with="张女士 13912345678"), required=())
    assert event.reply is not None
    assert "13912345678" not in event.reply.spoken_with


def test_an_action_that_takes_a_note_keeps_a_reason_as_it() -> None:
    asked = tidy_request(ActionRequest(action=Action.APPROVE, reason="雨大,同意。电话13812345678"))
    assert asked.note == asked.reason == "雨大,同意。电话138****5678"
    both = tidy_request(ActionRequest(action=Action.APPROVE, note="同意", reason="雨大"))
    assert (both.note, both.why) == ("同意\n雨大", "雨大")
