"""A clock's chain moves a case up level by level, and gives instructions that the desks above sign off."""

import json
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import msgspec
import pytest

from services.intake.domain.life.case import Case
from services.intake.domain.life.commands import (
    CloseCase,
    FoldEscalated,
    FoldOrderIssued,
    FoldOrderWithdrawn,
    FoldSupervised,
    ReopenCase,
    ResolveOrder,
    SignOrder,
)
from services.intake.domain.life.permissions import Bearer, NotYours, may_act, must_mean
from services.intake.domain.life.review_commands import (
    ReplySupervision,
    SendBackSupervision,
    SignOffSupervision,
    SuperviseCase,
)
from services.intake.domain.life.states import Action
from services.intake.domain.life.system import ESCALATION
from services.intake.domain.moves.decide import decide
from services.intake.domain.moves.instructing import Left, supervision_of, why_left
from services.intake.domain.moves.supervising import MOST_OPEN
from shared.events.case import CaseEscalated, CaseSupervised
from shared.events.parts import Target
from shared.vocabulary import CaseState, ClockKind, Level, OrderRole, Role
from tests.fakes.small_county import COUNTY, EAST, GAS_BUREAU, WEST, WEST_VILLAGE
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

LATER = NOON + timedelta(hours=4)
UP = FoldEscalated(
    clock_id=uuid4(), clock=ClockKind.HANDLE, order_id=None, from_level=Level.VILLAGE, to_level=Level.TOWN
)
FURTHER = replace(UP, from_level=Level.TOWN, to_level=Level.COUNTY)
STEP = FoldSupervised(
    step_id=uuid4(),
    clock=ClockKind.HANDLE,
    order_id=None,
    target=BUREAU,
    instruction="今日办结",
    reply_due_at=LATER,
)


def given(case: Case, command: FoldSupervised = STEP) -> CaseSupervised:
    (event,) = decide(case, command, NOON)
    assert isinstance(event, CaseSupervised)
    return event


def key(role: Role, area: str, department: str | None = None) -> Bearer:
    return Bearer(key_id=f"{role} {area}", role=role, area=area, department=department)


def test_one_clock_moves_a_case_to_the_town_and_then_to_the_county_each_once() -> None:
    case = apply(led_by(), UP)
    (event,) = decide(case, FURTHER, NOON)
    assert isinstance(event, CaseEscalated)
    assert event.to_level is Level.COUNTY
    case = apply(case, FURTHER)
    assert [decide(case, again, NOON) for again in (UP, FURTHER)] == [(), ()]
    assert case.escalated == (UP.clock_id,), "the release before this one knows its clocks by it"


def test_a_case_that_was_written_before_levels_were_told_apart_is_not_moved_up_again() -> None:
    written = json.loads(msgspec.json.encode(apply(led_by(), UP)))
    del written["moved_up"], written["instructed"]
    case = msgspec.json.decode(json.dumps(written), type=Case)
    assert decide(case, UP, NOON) == ()
    assert decide(case, FURTHER, NOON) == (), "a clock of that release has one step: nothing says how far it went"


def test_a_step_of_a_chain_gives_an_instruction_once() -> None:
    event = given(led_by())
    assert (event.by, event.target, event.reply_due_at, event.instruction) == (ESCALATION, BUREAU, LATER, "今日办结")
    case = apply(led_by(), STEP)
    assert decide(case, STEP, NOON) == ()
    done = apply(case, ReplySupervision(by=SOMEBODY, reply="已办"), SignOffSupervision(by=SOMEBODY))
    assert decide(done, STEP, NOON) == (), "nor again when it is signed off"
    assert why_left(done, STEP) is None, "a repeat is nothing to tell of"


def test_the_id_of_an_instruction_follows_from_its_step() -> None:
    assert given(led_by()).supervision_id == supervision_of(STEP.step_id)
    assert supervision_of(uuid4()) != supervision_of(STEP.step_id)


def test_a_step_that_names_nobody_instructs_whoever_leads() -> None:
    assert given(led_by(TOWN_DESK), replace(STEP, target=None)).target == TOWN_DESK
    assert why_left(opened(), replace(STEP, target=None)) is Left.NOBODY


def test_a_reply_that_was_due_before_the_step_came_is_asked_for_all_the_same() -> None:
    assert given(led_by(), replace(STEP, reply_due_at=NOON - timedelta(days=3))).reply_due_at < NOON


@pytest.mark.parametrize(
    ("state", "why"),
    (
        (CaseState.RECEIVED, Left.UNFILED),
        (CaseState.PAUSED, Left.HELD),
        (CaseState.HUNG, Left.HELD),
        (CaseState.CLOSED, Left.ENDED),
        (CaseState.REFUSED, Left.ENDED),
        (CaseState.MERGED, Left.ENDED),
        (CaseState.IN_PROGRESS, None),
        (CaseState.RESOLVED, None),
    ),
)
def test_a_case_that_is_over_or_stands_still_is_left_and_says_why(state: CaseState, why: Left | None) -> None:
    case = case_in(state)
    assert why_left(case, STEP) is why
    assert bool(decide(case, STEP, NOON)) is (why is None)


def test_who_assists_is_instructed_while_the_lead_pauses_and_not_while_the_case_is_hung() -> None:
    helps = replace(STEP, assists=True)
    assert why_left(case_in(CaseState.PAUSED), helps) is None
    assert why_left(case_in(CaseState.HUNG), helps) is Left.HELD


def test_an_instruction_about_an_order_that_asks_for_nothing_any_more_is_not_given() -> None:
    lead = order(BUREAU)
    about = replace(STEP, order_id=lead.order_id)
    case = apply(opened(), FoldOrderIssued(order=lead), SignOrder(order_id=lead.order_id, by=SOMEBODY))
    assert why_left(case, about) is None
    assert why_left(apply(case, FoldOrderWithdrawn(order=lead, reason="换人")), about) is Left.OVER
    done = apply(case, ResolveOrder(order_id=lead.order_id, by=SOMEBODY, note="已修复"))
    assert why_left(done, about) is Left.OVER
    assert why_left(done, replace(about, clock=ClockKind.VERIFY)) is None, "its result can still be late to be checked"
    never = order(VILLAGE_DESK)
    late = apply(led_by(TOWN_DESK), FoldOrderIssued(order=never))
    assert why_left(late, replace(STEP, order_id=never.order_id)) is Left.OVER


def test_an_instruction_about_an_order_that_is_still_on_its_way_is_given() -> None:
    assert given(led_by(), replace(STEP, order_id=uuid4())).target == BUREAU


def test_a_case_with_as_many_instructions_as_it_may_have_gets_no_more() -> None:
    steps = [replace(STEP, step_id=uuid4()) for _ in range(MOST_OPEN)]
    full = apply(led_by(), *steps)
    assert why_left(full, STEP) is Left.FULL
    assert decide(full, STEP, NOON) == ()
    assert why_left(full, steps[0]) is None, "a repeat of one that it has is nothing to tell of"


def test_a_repeat_after_the_case_was_opened_again_gives_nothing_again() -> None:
    case = apply(case_in(CaseState.VERIFIED), STEP, CloseCase(by=SOMEBODY))
    again = apply(case, ReopenCase(by=SOMEBODY, reason="又漏了", window=WINDOW))
    assert decide(again, STEP, NOON) == ()
    assert given(again, replace(STEP, step_id=uuid4())).case.reopened == 1


@pytest.mark.parametrize(
    ("target", "may"),
    (
        (VILLAGE_DESK, {"desk town", "desk county", "leader county"}),
        (TOWN_DESK, {"desk county", "leader county"}),
        (COUNTY_DESK, {"leader county"}),
    ),
)
def test_the_desks_above_whom_a_chain_instructs_judge_the_reply(target: Target, may: set[str]) -> None:
    case = apply(led_by(), replace(STEP, target=target), ReplySupervision(by=SOMEBODY, reply="已办"))
    keys = {
        "desk village": key(Role.DESK, WEST_VILLAGE),
        "leader village": key(Role.LEADER, WEST_VILLAGE),
        "desk town": key(Role.DESK, WEST),
        "desk other town": key(Role.DESK, EAST),
        "desk county": key(Role.DESK, COUNTY),
        "leader county": key(Role.LEADER, COUNTY),
        "department": key(Role.DEPARTMENT, COUNTY, GAS_BUREAU),
    }
    for action in (Action.SIGN_OFF, Action.SEND_BACK):
        assert {name for name, bearer in keys.items() if may_act(bearer, action, case, None)} == may
    assert may_act(key(Role.OPERATOR, COUNTY), Action.SIGN_OFF, case, None)


def test_a_desk_judges_its_own_instructions_and_not_those_of_another() -> None:
    county, town = key(Role.DESK, COUNTY), key(Role.DESK, WEST)
    theirs = SuperviseCase(by=county.actor, instruction="今日办结", reply_due_at=LATER, target=VILLAGE_DESK)
    case = apply(led_by(), replace(STEP, target=VILLAGE_DESK), theirs)
    chains, countys = (one.supervision_id for one in case.supervisions)
    assert may_act(town, Action.SIGN_OFF, case, None), "no reply is there: that is for the state to refuse"
    only_countys = apply(case, ReplySupervision(by=SOMEBODY, reply="已办", supervision_id=countys))
    assert not may_act(town, Action.SIGN_OFF, only_countys, None)
    both = apply(only_countys, ReplySupervision(by=SOMEBODY, reply="已办", supervision_id=chains))
    assert may_act(town, Action.SIGN_OFF, both, None)
    with pytest.raises(NotYours) as refused:
        must_mean(town, Action.SIGN_OFF, both, countys)
    assert refused.value.allowed == (str(chains),)
    must_mean(town, Action.SIGN_OFF, both, chains)
    must_mean(county, Action.SIGN_OFF, both, countys)
    must_mean(key(Role.OPERATOR, COUNTY), Action.SIGN_OFF, both, countys)


def test_a_reply_is_to_ones_own_instruction() -> None:
    case = apply(led_by(), replace(STEP, target=VILLAGE_DESK), replace(STEP, step_id=uuid4(), target=TOWN_DESK))
    of_village, of_town = (one.supervision_id for one in case.supervisions)
    village = key(Role.DESK, WEST_VILLAGE)
    must_mean(village, Action.REPLY, case, of_village)
    with pytest.raises(NotYours):
        must_mean(village, Action.REPLY, case, of_town)
    answered = apply(case, ReplySupervision(by=SOMEBODY, reply="已办", supervision_id=of_village))
    assert not may_act(village, Action.REPLY, answered, None), "what waits for a reply is the town's"


@pytest.mark.parametrize(("level", "town_may"), ((Level.TOWN, True), (Level.COUNTY, False)))
def test_a_departments_reply_is_judged_from_the_level_of_its_order_up(level: Level, *, town_may: bool) -> None:
    helper = order(BUREAU, OrderRole.ASSIST, level=level)
    case = apply(led_by(), FoldOrderIssued(order=helper), replace(STEP, order_id=helper.order_id))
    case = apply(case, ReplySupervision(by=SOMEBODY, reply="已办"))
    assert may_act(key(Role.DESK, WEST), Action.SIGN_OFF, case, None) is town_may
    assert may_act(key(Role.DESK, COUNTY), Action.SIGN_OFF, case, None)
    assert not may_act(key(Role.DESK, WEST_VILLAGE), Action.SIGN_OFF, case, None)


def test_a_reply_to_a_chain_is_sent_back_by_a_desk_above_and_answered_again() -> None:
    case = apply(led_by(BUREAU), STEP, ReplySupervision(by=SOMEBODY, reply="已办"))
    back = SendBackSupervision(by=key(Role.DESK, COUNTY).actor, reason="没办完", reply_due_at=LATER)
    assert not apply(case, back).supervisions[0].replied
