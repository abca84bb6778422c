"""A case run as one matter: its steps open when those before them are finished."""

from dataclasses import replace

import pytest

from services.router.domain.answering import answer
from services.router.domain.decision import Decision
from services.router.domain.facts import Facts
from services.router.domain.issuing import events_of, step_order_id
from services.router.domain.rulebook import Rulebook
from shared.events.case import CaseReturned, CaseStepDone
from shared.events.order import OrderIssued
from shared.events.parts import CaseView, MatterView, Standing, StepView
from shared.vocabulary import OrderReason, OrderRole, OrderState
from tests.fakes.joint_county import joint_book, standing, west_case
from tests.fakes.router import NOW, SYSTEM, department, event, opened, order_of
from tests.fakes.small_county import GAS_LEAK, WEST_VILLAGE


@pytest.fixture(scope="module")
def joint() -> Rulebook:
    return joint_book()


def running(**states: OrderState | None) -> CaseView:
    """The case in the middle of its matter."""
    after = {"close": (), "guard": (), "mend": ("close", "guard"), "clean": ("mend",)}
    steps = tuple(StepView(id=step, title=step, after=after[step], state=states.get(step)) for step in after)
    return west_case(category=GAS_LEAK, version=9, matter=MatterView(id="repair", title="抢修", steps=steps))


def done(book: Rulebook, step: str, case: CaseView, *stands: Standing) -> Decision:
    happened = CaseStepDone(case=case, by=SYSTEM, step=step, order_id=order_of(department(step)), standing=stands)
    return answer(happened, Facts.of(case), book)


def test_the_leads_order_brings_the_matter_and_its_first_steps_are_asked_for(joint: Rulebook) -> None:
    happened = opened(west_case(category=GAS_LEAK))
    decision = answer(happened, Facts.of(happened.case), joint)
    lead, *steps = [e.data for e in events_of(decision, event(happened), happened.case, now=NOW)]
    assert isinstance(lead, OrderIssued)
    assert [(one.order.step, one.order.target.id, one.order.role) for one in steps] == [
        ("close", "gas-bureau", OrderRole.ASSIST),
        ("guard", "west-police", OrderRole.ASSIST),
    ]
    assert lead.matter is not None
    assert [(step.id, step.state, step.order_id) for step in lead.matter.steps] == [
        ("close", OrderState.ISSUED, steps[0].order.order_id),
        ("guard", OrderState.ISSUED, steps[1].order.order_id),
        ("mend", None, None),
        ("clean", None, None),
    ]


def test_a_step_waits_for_every_one_before_it(joint: Rulebook) -> None:
    half = running(close=OrderState.RESOLVED, guard=OrderState.SIGNED)
    assert done(joint, "close", half) == Decision()


@pytest.mark.parametrize("guard", (OrderState.RESOLVED, OrderState.WITHDRAWN))
def test_a_step_opens_when_those_before_it_are_done_or_released(joint: Rulebook, guard: OrderState) -> None:
    (order,) = done(joint, "guard", running(close=OrderState.RESOLVED, guard=guard)).orders
    assert (order.step, order.reason, order.target.id) == ("mend", OrderReason.STEP, "gas-bureau")
    words, words_en = order.explanation.words, order.explanation.words_en
    assert all(word in words for word in ("抢修", "「mend」", "「close」、「guard」已办结或解除"))
    assert all(word in words_en for word in ("抢修一件事", "'修复'", "'关阀', '警戒' done or released"))


def test_a_step_for_which_nobody_is_left_goes_to_the_duty_desk(joint: Rulebook) -> None:
    finished = dict.fromkeys(("close", "guard", "mend"), OrderState.RESOLVED)
    (order,) = done(joint, "mend", running(**finished)).orders
    assert (order.step, order.target.id) == ("clean", WEST_VILLAGE)
    assert "无人可派" in order.explanation.words


def test_a_step_that_this_playbook_knows_no_more_is_not_lost(joint: Rulebook) -> None:
    case = running(close=OrderState.RESOLVED, guard=OrderState.RESOLVED)
    bare = Rulebook(replace(joint.playbook, matters={}))
    (order,) = done(bare, "guard", case).orders
    assert (order.step, order.target.id) == ("mend", WEST_VILLAGE)


def test_two_events_that_open_a_step_open_it_once(joint: Rulebook) -> None:
    case = running(close=OrderState.RESOLVED, guard=OrderState.RESOLVED)
    ids = set()
    for step in ("close", "guard"):
        happened = CaseStepDone(case=case, by=SYSTEM, step=step, order_id=order_of(department(step)))
        decision = answer(happened, Facts.of(case), joint)
        (issued,) = events_of(decision, event(happened), case, now=NOW)
        ids.add((issued.id, issued.data.order.order_id))
    assert len(ids) == 1
    assert step_order_id(case, "mend") != step_order_id(replace(case, reopened=1), "mend"), "each round anew"
    asked = standing(department("gas-bureau"), OrderRole.ASSIST, step="mend")
    assert done(joint, "guard", case, asked) == Decision(), "nor when its order stands"


def test_a_steps_order_that_was_given_back_goes_on_as_that_step(joint: Rulebook) -> None:
    back = standing(department("west-police"), OrderRole.ASSIST, step="guard", state=OrderState.RETURNED)
    case = running(close=OrderState.SIGNED, guard=OrderState.RETURNED)
    happened = CaseReturned(
        case=case,
        by=SYSTEM,
        order_id=back.order_id,
        order_role=back.role,
        target=back.target,
        reason="不归我管",
        order=back,
        standing=(standing(department("gas-bureau")),),
    )
    (order,) = answer(happened, Facts.of(case), joint).orders
    assert (order.step, order.role, order.reason) == ("guard", OrderRole.ASSIST, OrderReason.RETURNED)
    assert order.target.id != "west-police"
