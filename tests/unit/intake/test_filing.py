"""A person files, refuses or names a case anew; facts are added; an emergency is handed over at once."""

import pytest

from services.intake.domain.asking.actions import ActionRequest, Circumstances, command_of
from services.intake.domain.life.commands import ChangeMode, FoldOrderIssued, HandOver
from services.intake.domain.life.filing_commands import (
    FileCase,
    HandOverCase,
    Naming,
    NoteCase,
    RecategoriseCase,
    RefuseCase,
)
from services.intake.domain.life.states import Action, WrongState
from services.intake.domain.moves.decide import decide
from shared.events.case import (
    CaseFiled,
    CaseHandedOver,
    CaseOpened,
    CaseOrderWithdrawn,
    CaseRecategorised,
    CaseRefused,
)
from shared.vocabulary import CaseState, EmergencyService, OrderRole, RefusalCode, Refused, Severity
from tests.fakes.called_county import called_county
from tests.unit.intake.cases import BUREAU, NOON, REFUSE, SOMEBODY, TOWN_DESK, apply, case_in, led_by, opening, order

GIVEN = Circumstances(by=SOMEBODY, playbook=called_county(), now=NOON)


def test_a_filed_case_says_what_had_been_guessed_and_carries_its_text_to_the_router() -> None:
    case = case_in(CaseState.RECEIVED)
    (event,) = decide(case, FileCase(by=SOMEBODY, naming=Naming(category="01.001", severity=Severity.II)), NOON)
    assert isinstance(event, CaseFiled)
    assert (event.category_before, event.case.category, event.text) == ("03.001", "01.001", case.text)
    assert (event.case.state, event.case.severity) == (CaseState.OPENED, Severity.II)


def test_nobody_routes_what_nobody_has_filed() -> None:
    case = apply(case_in(CaseState.RECEIVED), FoldOrderIssued(order=order(BUREAU)))
    assert (case.view.state, case.orders) == (CaseState.RECEIVED, ())
    assert len(case.never_stood) == 1


def test_a_refusal_first_releases_whoever_was_asked_then_ends_the_case() -> None:
    case = apply(led_by(BUREAU), FoldOrderIssued(order=order(TOWN_DESK, OrderRole.ASSIST)))
    *released, refused = decide(case, REFUSE, NOON)
    assert [type(event) for event in released] == [CaseOrderWithdrawn, CaseOrderWithdrawn]
    assert [event.case.version for event in (*released, refused)] == [4, 5, 6]
    assert isinstance(refused, CaseRefused)
    assert (refused.case.state, refused.case.lead) == (CaseState.REFUSED, None)
    ended = apply(case, REFUSE)
    assert not any(one.stands for one in ended.orders)
    assert decide(ended, ChangeMode(mode="flood-3", by=SOMEBODY, reason="汛"), NOON) == ()
    late = FoldOrderIssued(order=order(BUREAU))
    assert apply(ended, late).never_stood == (late.order.order_id,)


@pytest.mark.parametrize(
    ("reason", "words", "field"), (("", "请向邻县反映", "reason"), ("外县", " ", "words")), ids=("reason", "words")
)
def test_a_refusal_says_why_and_what_the_reporter_is_told(reason: str, words: str, field: str) -> None:
    command = RefuseCase(by=SOMEBODY, code=RefusalCode.NOT_OURS, reason=reason, words=words)
    with pytest.raises(Refused) as refused:
        decide(case_in(CaseState.OPENED), command, NOON)
    assert refused.value.field == field


def test_another_category_keeps_the_orders_and_drops_the_condition_of_the_old_one() -> None:
    case = apply(None, opening(category="01.001", condition="broken"), FoldOrderIssued(order=order(BUREAU)))
    (event,) = decide(case, RecategoriseCase(by=SOMEBODY, naming=Naming(category="03.001"), reason="是燃气"), NOON)
    assert isinstance(event, CaseRecategorised)
    assert (event.category_before, event.condition_before) == ("01.001", "broken")
    assert (event.case.category, event.case.condition, event.case.lead) == ("03.001", None, BUREAU)
    assert [one.target for one in event.standing] == [BUREAU]


def test_naming_a_case_as_it_is_named_changes_nothing_and_is_refused() -> None:
    with pytest.raises(Refused, match="already") as refused:
        decide(
            case_in(CaseState.OPENED),
            RecategoriseCase(by=SOMEBODY, naming=Naming(category="03.001"), reason="再确认"),
            NOON,
        )
    assert refused.value.field == "category"


@pytest.mark.parametrize(
    ("fields", "field", "said"),
    (
        ({"action": Action.FILE, "category": "03.002"}, "category", "03.001"),
        ({"action": Action.FILE, "category": "01.001", "condition": "lost"}, "condition", "missing"),
        ({"action": Action.REFUSE, "code": "because", "reason": "外县", "words": "请"}, "code", "not_ours"),
        ({"action": Action.HAND_OVER}, "service", "119"),
        ({"action": Action.NOTE}, "note", "what is to be added, in words"),
    ),
)
def test_a_wrong_field_is_named_with_what_is_allowed(fields: dict[str, object], field: str, said: str) -> None:
    case = case_in(CaseState.RECEIVED)
    with pytest.raises(Refused) as refused:
        decide(case, command_of(ActionRequest(**fields), None, case=case, given=GIVEN), NOON)  # type: ignore[arg-type]
    assert (refused.value.field, said in refused.value.allowed) == (field, True)


def test_life_at_risk_is_handed_over_right_behind_the_opening_and_the_receipt_follows() -> None:
    called = (
        HandOver(service=EmergencyService.FIRE, words=("着火",)),
        HandOver(service=EmergencyService.MEDICAL, words=()),
    )
    opened, fire, medical = decide(None, opening(handovers=called), NOON)
    assert isinstance(opened, CaseOpened)
    assert isinstance(fire, CaseHandedOver)
    assert isinstance(medical, CaseHandedOver)
    assert (fire.case.version, medical.case.version) == (2, 3)
    assert (fire.service, fire.words, fire.receipt) == (EmergencyService.FIRE, ("着火",), None)
    case = apply(None, opening(handovers=called))
    confirmed = HandOverCase(by=SOMEBODY, service=EmergencyService.FIRE, receipt="119-2026-7")
    assert apply(case, confirmed).handed_over == (EmergencyService.FIRE, EmergencyService.MEDICAL)


@pytest.mark.parametrize("state", list(CaseState))
def test_a_note_moves_nothing_in_any_state(state: CaseState) -> None:
    case = case_in(state)
    after = apply(case, NoteCase(by=SOMEBODY, note="已与来电人联系"))
    assert (after.view.state, after.orders) == (case.view.state, case.orders)


def test_what_is_under_work_is_no_longer_refused() -> None:
    with pytest.raises(WrongState):
        decide(case_in(CaseState.SIGNED), REFUSE, NOON)
