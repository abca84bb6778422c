"""Whatever is asked of a case with a reason: the reason stands in the event, where the audit looks for why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from services.intake.domain.asking.actions import command_of
from services.intake.domain.asking.requests import MOST_OF_NOTE, NOTED, ActionRequest, Circumstances, tidy_request
from services.intake.domain.asking.targets import Whom
from services.intake.domain.life.case import Case
from services.intake.domain.life.commands import FoldOrderIssued
from services.intake.domain.life.review_commands import AppealOrder, ReplySupervision, SuperviseCase
from services.intake.domain.life.states import ORDER_MOVES, Action
from services.intake.domain.life.time_commands import ApproveExtension, AskExtension
from services.intake.domain.moves.decide import decide
from shared.events.case import CaseEvent, CaseExtended, Rating
from shared.vocabulary import (
    AppealGround,
    CaseState,
    EmergencyService,
    OrderRole,
    RefusalCode,
    Refused,
    TargetKind,
    WhistleKind,
)
from tests.fakes.called_county import WATER_BUREAU, called_county
from tests.unit.intake.cases import (
    BUREAU,
    MATERIAL,
    NOON,
    POLICE,
    SOMEBODY,
    VILLAGE_DESK,
    apply,
    case_in,
    led_by,
    order,
)
from tests.unit.intake.joint import HEAD, VILLAGE, blow

S = CaseState
WHY = "因为现场如此"
LATER = NOON + timedelta(days=2)
DUE = NOON + timedelta(days=1)
ELSEWHERE = frozenset({Action.MERGE, Action.SPLIT})
"""They are about two cases: tests/integration/intake/test_one_matter.py and test_reasons_audited.py."""


def asked() -> Case:
    case = case_in(S.SIGNED, BUREAU)
    ask = AskExtension(order_id=case.orders[0].order_id, by=SOMEBODY, due_at=DUE, to=LATER, reason="等配件", most=2)
    return apply(case, ask)


def supervised() -> Case:
    return apply(led_by(BUREAU), SuperviseCase(by=HEAD.actor, instruction="今日办结", reply_due_at=LATER))


def appealed() -> Case:
    case = case_in(S.CLOSED)
    appeal = AppealOrder(
        order_id=case.orders[0].order_id,
        by=SOMEBODY,
        ground=AppealGround.OVERDUE,
        reason="停电",
        window=timedelta(days=15),
    )
    return apply(case, appeal)


def helped() -> Case:
    return apply(led_by(VILLAGE_DESK), FoldOrderIssued(order=order(POLICE, OrderRole.ASSIST)))


def whistled() -> Case:
    return apply(led_by(VILLAGE_DESK), blow(WhistleKind.KEY_WORK, "police"))


def replied() -> Case:
    return apply(supervised(), ReplySupervision(by=SOMEBODY, reply="已办"))


def waiting(case: Case) -> dict[str, Any]:
    assert case.asked is not None
    return {"whistle_id": case.asked.whistle.whistle_id}


COUNTY_WITH_PAUSES = replace(called_county(), policy=replace(called_county().policy, pause_reasons=(MATERIAL,)))
WATER = Whom(kind=TargetKind.DEPARTMENT, id=WATER_BUREAU)
ASKED: Mapping[Action, tuple[Callable[[], Case], Mapping[str, Any]]] = {
    Action.SIGN: (led_by, {}),
    Action.ARRIVE: (lambda: case_in(S.SIGNED), {}),
    Action.PROGRESS: (lambda: case_in(S.SIGNED), {}),
    Action.RESOLVE: (lambda: case_in(S.SIGNED), {}),
    Action.RETURN: (lambda: led_by(BUREAU), {}),
    Action.RELEASE: (helped, {}),
    Action.TRANSFER: (led_by, {"to": WATER}),
    Action.EXTEND: (lambda: case_in(S.SIGNED, BUREAU), {"until": LATER}),
    Action.APPEAL: (lambda: case_in(S.CLOSED), {"ground": AppealGround.OVERDUE}),
    Action.RATE_DEPARTMENT: (lambda: case_in(S.CLOSED, BUREAU), {"speed": 5, "quality": 4}),
    Action.VERIFY: (lambda: case_in(S.RESOLVED), {}),
    Action.REJECT: (lambda: case_in(S.RESOLVED), {}),
    Action.CLOSE: (lambda: case_in(S.VERIFIED), {}),
    Action.REOPEN: (lambda: case_in(S.CLOSED), {}),
    Action.RATE: (lambda: case_in(S.CLOSED), {"rating": Rating.SATISFIED}),
    Action.WHISTLE: (led_by, {"kind": WhistleKind.EMERGENCY, "departments": ("police",)}),
    Action.CONFIRM: (whistled, {}),
    Action.DECLINE: (whistled, {}),
    Action.RULE: (led_by, {"to": WATER}),
    Action.FILE: (lambda: case_in(S.RECEIVED), {}),
    Action.REFUSE: (led_by, {"code": RefusalCode.NOT_OURS, "words": "请向邻县反映"}),
    Action.RECATEGORISE: (led_by, {"severity": 3}),
    Action.NOTE: (led_by, {}),
    Action.HAND_OVER: (led_by, {"service": EmergencyService.FIRE}),
    Action.PAUSE: (lambda: case_in(S.SIGNED), {"code": "material"}),
    Action.RESUME: (lambda: case_in(S.PAUSED), {}),
    Action.HANG: (lambda: case_in(S.SIGNED), {"until": LATER}),
    Action.APPROVE: (asked, {}),
    Action.DECLINE_EXTENSION: (asked, {}),
    Action.SUPERVISE: (lambda: led_by(BUREAU), {"until": LATER}),
    Action.REPLY: (supervised, {}),
    Action.SIGN_OFF: (replied, {}),
    Action.SEND_BACK: (replied, {"until": LATER}),
    Action.REVIEW: (appealed, {"upheld": True}),
}


def request_of(action: Action, case: Case, more: Mapping[str, Any], **words: Any) -> ActionRequest:
    if action in {Action.CONFIRM, Action.DECLINE}:
        more = {**more, **waiting(case)}
    return tidy_request(ActionRequest(action=action, **more, **words))


def events_of(request: ActionRequest, case: Case) -> tuple[CaseEvent, ...]:
    named = case.orders[-1] if request.action in ORDER_MOVES else None
    given = Circumstances(by=VILLAGE.actor, playbook=COUNTY_WITH_PAUSES, now=NOON, due_at=DUE)
    return decide(case, command_of(request, named, case=case, given=given), NOON)


def why_of(event: CaseEvent) -> str:
    """As the audit takes it: deploy/sql/intake/0019_pre_audit_words.sql."""
    data = msgspec.to_builtins(event)
    said = (data.get(name) for name in ("note", "reason", "instruction", "reply"))
    return next((one for one in said if isinstance(one, str) and one), "")


def test_every_action_stands_in_this_table() -> None:
    assert ASKED.keys() | ELSEWHERE == set(Action)


@pytest.mark.parametrize("action", ASKED)
def test_the_reason_of_an_action_stands_in_its_event(action: Action) -> None:
    made, more = ASKED[action]
    case = made()
    *_, event = events_of(request_of(action, case, more, reason=WHY), case)
    assert why_of(event) == WHY


@pytest.mark.parametrize("action", sorted(NOTED))
def test_a_reason_beside_a_note_is_not_lost(action: Action) -> None:
    made, more = ASKED[action]
    case = made()
    *_, event = events_of(request_of(action, case, more, reason=WHY, note="已到现场"), case)
    assert why_of(event) == f"已到现场\n{WHY}"


def test_both_words_for_more_time_carry_their_reasons() -> None:
    case = apply(asked(), ApproveExtension(by=HEAD.actor, note="同意"))
    (event,) = events_of(request_of(Action.APPROVE, case, {}, reason=WHY), case)
    assert isinstance(event, CaseExtended)
    assert event.note == WHY


def test_a_note_and_a_reason_too_long_together_are_refused() -> None:
    with pytest.raises(Refused) as refused:
        request_of(Action.SIGN, led_by(), {}, note="水" * MOST_OF_NOTE, reason="火")
    assert (refused.value.field, refused.value.allowed) == ("reason", ("2000 characters, the note included",))


def test_what_the_departments_are_told_stays_the_word_of_who_asked() -> None:
    case = whistled()
    (event,) = events_of(request_of(Action.CONFIRM, case, {}, reason=WHY), case)
    assert msgspec.to_builtins(event)["reason"] == "请联合到场"
