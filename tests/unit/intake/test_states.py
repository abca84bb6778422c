"""Every state with every action: what is open, what becomes of it, and what a refusal says."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from services.intake.domain.life.case import Case
from services.intake.domain.life.commands import (
    ArriveOnSite,
    BlowWhistle,
    CloseCase,
    Command,
    ConfirmWhistle,
    DeclineWhistle,
    FoldOrderIssued,
    FoldOrderWithdrawn,
    RateCase,
    RejectCase,
    ReleaseOrder,
    ReopenCase,
    ReportProgress,
    ResolveOrder,
    ReturnOrder,
    RuleCase,
    SignOrder,
    TransferOrder,
    VerifyCase,
)
from services.intake.domain.life.filing_commands import FileCase, HandOverCase, Naming, NoteCase, RecategoriseCase
from services.intake.domain.life.review_commands import (
    AppealOrder,
    RateDepartment,
    ReplySupervision,
    ReviewAppeal,
    SendBackSupervision,
    SignOffSupervision,
    SuperviseCase,
)
from services.intake.domain.life.states import FOLLOWS, STAGES, Action, WrongState
from services.intake.domain.life.time_commands import ApproveExtension, AskExtension, DeclineExtension, ResumeCase
from services.intake.domain.moves.decide import allowed, decide
from shared.events.case import CaseOrderWithdrawn, CaseRated, CaseReopened, CaseReturned, Rating
from shared.playbook.model import Policy
from shared.vocabulary import AppealGround, CaseState, EmergencyService, OrderRole, OrderState, Refused, WhistleKind
from tests.unit.intake.cases import (
    BUREAU,
    COUNTY_DESK,
    HANG,
    MATERIAL,
    NOON,
    PAUSE,
    REFUSE,
    SOMEBODY,
    TOWN_DESK,
    WINDOW,
    apply,
    case_in,
    led_by,
    opened,
    order,
)

BY = SOMEBODY
POLICY = Policy(returns_allowed=2, reopen_hours=72, pause_reasons=(MATERIAL,))
LATER = NOON + timedelta(days=1)
ON_ORDER: dict[Action, Callable[[UUID], Command]] = {
    Action.SIGN: lambda order_id: SignOrder(order_id=order_id, by=BY),
    Action.ARRIVE: lambda order_id: ArriveOnSite(order_id=order_id, by=BY),
    Action.PROGRESS: lambda order_id: ReportProgress(order_id=order_id, by=BY, note="挖开了"),
    Action.RESOLVE: lambda order_id: ResolveOrder(order_id=order_id, by=BY, note="好了"),
    Action.RETURN: lambda order_id: ReturnOrder(order_id=order_id, by=BY, reason="不归我管", returns_allowed=2),
    Action.RELEASE: lambda order_id: ReleaseOrder(order_id=order_id, by=BY, reason="不需要了"),
    Action.TRANSFER: lambda order_id: TransferOrder(order_id=order_id, by=BY, to=BUREAU, reason="归它管"),
    Action.EXTEND: lambda order_id: AskExtension(
        order_id=order_id, by=BY, due_at=LATER, to=LATER + timedelta(days=2), reason="等配件", most=2
    ),
    Action.APPEAL: lambda order_id: AppealOrder(
        order_id=order_id, by=BY, ground=AppealGround.OVERDUE, reason="停电", window=timedelta(days=15)
    ),
    Action.RATE_DEPARTMENT: lambda order_id: RateDepartment(order_id=order_id, by=BY, speed=5, quality=4),
}
ON_CASE: dict[Action, Command] = {
    Action.VERIFY: VerifyCase(by=BY),
    Action.REJECT: RejectCase(by=BY, reason="没修好"),
    Action.CLOSE: CloseCase(by=BY),
    Action.REOPEN: ReopenCase(by=BY, reason="又漏了", window=WINDOW),
    Action.RATE: RateCase(by=BY, rating=Rating.SATISFIED),
    Action.WHISTLE: BlowWhistle(by=BY, kind=WhistleKind.KEY_WORK, departments=("police",), reason="请来"),
    Action.CONFIRM: ConfirmWhistle(by=BY, whistle_id=UUID(int=1)),
    Action.DECLINE: DeclineWhistle(by=BY, whistle_id=UUID(int=1), reason="不必"),
    Action.RULE: RuleCase(by=BY, to=BUREAU, reason="归它管"),
    Action.FILE: FileCase(by=BY),
    Action.REFUSE: REFUSE,
    Action.RECATEGORISE: RecategoriseCase(by=BY, naming=Naming(category="01.001"), reason="是井盖"),
    Action.NOTE: NoteCase(by=BY, note="已联系"),
    Action.HAND_OVER: HandOverCase(by=BY, service=EmergencyService.FIRE, receipt="119-7"),
    Action.PAUSE: PAUSE,
    Action.RESUME: ResumeCase(by=BY),
    Action.HANG: HANG,
    Action.APPROVE: ApproveExtension(by=BY),
    Action.DECLINE_EXTENSION: DeclineExtension(by=BY, reason="不必"),
    Action.SUPERVISE: SuperviseCase(by=BY, instruction="今日办结", reply_due_at=LATER, target=BUREAU),
    Action.REPLY: ReplySupervision(by=BY, reply="已办"),
    Action.SIGN_OFF: SignOffSupervision(by=BY),
    Action.SEND_BACK: SendBackSupervision(by=BY, reason="没办完", reply_due_at=LATER),
    Action.REVIEW: ReviewAppeal(by=BY, upheld=True, reason="属实"),
}
OF_TWO_CASES = frozenset({Action.MERGE, Action.SPLIT})

S = CaseState
WORK = {"progress": S.IN_PROGRESS, "resolve": S.RESOLVED, "return": S.RETURNED}


def joint(state: CaseState, *, led: bool = True) -> dict[str, CaseState]:
    """What calls others, moving no state; nobody waits for a head's word, and a lead is never released."""
    return {"whistle": state, "rule": state} | ({"transfer": state, "extend": state} if led else {})


def facts(state: CaseState, *more: str) -> dict[str, CaseState]:
    """What adds to a case and moves no state."""
    return dict.fromkeys(("note", "hand_over", "recategorise", "supervise", *more), state) | {"merge": S.MERGED}


NOT_OURS = {"refuse": S.REFUSED}
STOPS = {"pause": S.PAUSED, "hang": S.HUNG}

# The whole table once more, written by hand: state of the case → open actions on its lead or on itself → state after.
TABLE: dict[CaseState, dict[str, CaseState]] = {
    S.RECEIVED: {"file": S.OPENED, "merge": S.MERGED, "note": S.RECEIVED, "hand_over": S.RECEIVED} | NOT_OURS,
    S.OPENED: joint(S.OPENED, led=False) | facts(S.OPENED) | NOT_OURS,
    S.ROUTED: {"sign": S.SIGNED, "return": S.RETURNED} | joint(S.ROUTED) | facts(S.ROUTED) | NOT_OURS | STOPS,
    S.SIGNED: {"arrive": S.ARRIVED, **WORK} | joint(S.SIGNED) | facts(S.SIGNED) | STOPS,
    S.ARRIVED: WORK | joint(S.ARRIVED) | facts(S.ARRIVED) | STOPS,
    S.IN_PROGRESS: WORK | joint(S.IN_PROGRESS) | facts(S.IN_PROGRESS) | STOPS,
    S.RETURNED: joint(S.RETURNED, led=False) | facts(S.RETURNED) | NOT_OURS,
    S.PAUSED: {"resume": S.SIGNED, "hang": S.HUNG} | facts(S.PAUSED),
    S.HUNG: {"resume": S.SIGNED} | facts(S.HUNG),
    S.RESOLVED: {"verify": S.VERIFIED, "reject": S.IN_PROGRESS}
    | dict.fromkeys(("note", "hand_over", "supervise"), S.RESOLVED),
    S.VERIFIED: {"close": S.CLOSED} | dict.fromkeys(("note", "hand_over", "supervise"), S.VERIFIED),
    S.CLOSED: {"reopen": S.OPENED, "rate": S.CLOSED, "note": S.CLOSED, "appeal": S.CLOSED},
    S.REFUSED: {"note": S.REFUSED},
    S.MERGED: {"note": S.MERGED},
}


SIGN_ONLY = tuple(action for action in Action if action in set(TABLE[S.ROUTED]) - {"return", "extend"})
"""An order just issued that cannot be returned, and of which no deadline is known."""


def command(case: Case, action: Action) -> Command:
    if action in ON_CASE:
        return ON_CASE[action]
    return ON_ORDER[action](case.orders[0].order_id if case.orders else UUID(int=1))


@pytest.mark.parametrize("action", [action for action in Action if action not in OF_TWO_CASES])
@pytest.mark.parametrize("state", list(CaseState))
def test_every_state_answers_every_action_as_the_table_says(state: CaseState, action: Action) -> None:
    case = case_in(state)
    assert case.view.state is state
    expected = TABLE[state].get(action)
    if expected is not None:
        after = apply(case, command(case, action))
        assert after.view.state is expected
        assert after.view.version == case.view.version + len(decide(case, command(case, action), NOON))
        return
    if not case.orders and action in ON_ORDER:
        with pytest.raises(Refused, match="no order"):
            decide(case, command(case, action), NOON)
        return
    with pytest.raises(WrongState) as refused:
        decide(case, command(case, action), NOON)
    assert refused.value.state is state
    assert state.value in str(refused.value)


@pytest.mark.parametrize("state", list(CaseState))
def test_what_is_said_to_be_allowed_is_what_is_open(state: CaseState) -> None:
    case = case_in(state)
    assert set(allowed(case, None, policy=POLICY, now=NOON, due_at=LATER)) == set(TABLE[state])


def test_every_state_of_a_case_belongs_to_a_stage_of_the_standard() -> None:
    assert set(STAGES) == set(CaseState)
    assert set(FOLLOWS) == set(OrderState)


@pytest.mark.parametrize("role", (OrderRole.ASSIST, OrderRole.OVERSEE))
def test_an_assistant_signs_arrives_and_resolves_without_moving_the_case(role: OrderRole) -> None:
    helper = order(TOWN_DESK, role)
    case = apply(led_by(BUREAU), FoldOrderIssued(order=helper))
    for action in (Action.SIGN, Action.ARRIVE, Action.PROGRESS, Action.RESOLVE):
        case = apply(case, ON_ORDER[action](helper.order_id))
    assert case.view.state is S.ROUTED
    assert case.order(helper.order_id).state is OrderState.RESOLVED
    assert case.order(case.orders[0].order_id).state is OrderState.ISSUED


def test_an_assistants_sign_in_never_stops_the_leads() -> None:
    helper = order(TOWN_DESK, OrderRole.ASSIST)
    case = apply(led_by(BUREAU), FoldOrderIssued(order=helper), ON_ORDER[Action.SIGN](helper.order_id))
    assert apply(case, ON_ORDER[Action.SIGN](case.orders[0].order_id)).view.state is S.SIGNED


def test_an_assistant_who_returns_leaves_the_lead_and_the_state_alone() -> None:
    helper = order(BUREAU, OrderRole.ASSIST)
    case = apply(led_by(TOWN_DESK), FoldOrderIssued(order=helper), ON_ORDER[Action.RETURN](helper.order_id))
    assert case.view.state is S.ROUTED
    assert case.view.lead == TOWN_DESK
    assert [given.target for given in case.view.returns] == [BUREAU]


def test_a_returned_case_has_no_lead_and_says_who_gave_it_back_and_why() -> None:
    case = led_by(BUREAU)
    (event,) = decide(case, ON_ORDER[Action.RETURN](case.orders[0].order_id), NOON)
    assert isinstance(event, CaseReturned)
    assert event.case.lead is None
    assert (event.case.returns[0].target, event.case.returns[0].reason) == (BUREAU, "不归我管")
    assert event.text == case.text


def test_the_county_desk_cannot_return_for_there_is_nobody_above() -> None:
    case = led_by(COUNTY_DESK)
    with pytest.raises(WrongState, match="nobody above"):
        decide(case, ON_ORDER[Action.RETURN](case.orders[0].order_id), NOON)
    assert allowed(case, None, policy=POLICY, now=NOON) == SIGN_ONLY


def test_an_order_to_oversee_cannot_be_returned() -> None:
    watch = order(TOWN_DESK, OrderRole.OVERSEE)
    case = apply(led_by(BUREAU), FoldOrderIssued(order=watch))
    with pytest.raises(WrongState, match="oversee"):
        decide(case, ON_ORDER[Action.RETURN](watch.order_id), NOON)


def test_after_as_many_returns_as_the_county_allows_a_desk_decides_for_good() -> None:
    case = opened()
    for target in (BUREAU, BUREAU):
        given = order(target)
        case = apply(case, FoldOrderIssued(order=given), ON_ORDER[Action.RETURN](given.order_id))
    last = order(TOWN_DESK)
    case = apply(case, FoldOrderIssued(order=last))
    with pytest.raises(WrongState, match="decides for good"):
        decide(case, ON_ORDER[Action.RETURN](last.order_id), NOON)
    assert allowed(case, None, policy=POLICY, now=NOON) == SIGN_ONLY


@pytest.mark.parametrize(
    ("state", "without_words", "field"),
    (
        (
            S.ROUTED,
            lambda case: ReturnOrder(order_id=case.orders[0].order_id, by=BY, reason=" ", returns_allowed=2),
            "reason",
        ),
        (S.RESOLVED, lambda _case: RejectCase(by=BY, reason=""), "reason"),
        (S.CLOSED, lambda _case: ReopenCase(by=BY, reason="", window=WINDOW), "reason"),
    ),
)
def test_giving_back_rejecting_and_reopening_need_a_reason(
    state: CaseState, without_words: Callable[[Case], Command], field: str
) -> None:
    case = case_in(state)
    with pytest.raises(Refused, match="reason") as refused:
        decide(case, without_words(case), NOON)
    assert refused.value.field == field


def test_rework_sends_the_leads_own_order_back_to_work() -> None:
    case = apply(case_in(S.RESOLVED), ON_CASE[Action.REJECT])
    assert case.orders[0].state is OrderState.IN_PROGRESS
    assert apply(case, ON_ORDER[Action.RESOLVE](case.orders[0].order_id)).view.state is S.RESOLVED


@pytest.mark.parametrize(("late", "is_open"), ((timedelta(0), True), (timedelta(seconds=1), False)))
def test_a_case_can_be_reopened_for_72_hours_to_the_second(*, late: timedelta, is_open: bool) -> None:
    case = case_in(S.CLOSED)
    now = NOON + WINDOW + late
    assert (Action.REOPEN in allowed(case, None, policy=POLICY, now=now)) is is_open
    if is_open:
        assert apply(case, ON_CASE[Action.REOPEN], at=now).view.state is S.OPENED
        return
    with pytest.raises(WrongState, match="new report"):
        decide(case, ON_CASE[Action.REOPEN], now)
    assert allowed(case, None, policy=POLICY, now=now) == (Action.RATE, Action.NOTE, Action.APPEAL)


def test_a_rating_does_not_move_the_window_for_reopening() -> None:
    case = apply(case_in(S.CLOSED), ON_CASE[Action.RATE], at=NOON + timedelta(hours=71))
    with pytest.raises(WrongState):
        decide(case, ON_CASE[Action.REOPEN], NOON + timedelta(hours=73))


def test_a_reopened_case_is_routed_anew_and_no_earlier_order_stands() -> None:
    (event,) = decide(case_in(S.CLOSED), ON_CASE[Action.REOPEN], NOON)
    assert isinstance(event, CaseReopened)
    assert (event.case.reopened, event.case.lead, event.text) == (1, None, "燃气味很重")
    case = apply(case_in(S.CLOSED), ON_CASE[Action.REOPEN])
    assert {one.state for one in case.orders} == {OrderState.WITHDRAWN}
    with pytest.raises(WrongState):
        decide(case, ON_ORDER[Action.SIGN](case.orders[0].order_id), NOON)


def test_a_case_is_rated_once_each_time_it_is_closed() -> None:
    rated = apply(case_in(S.CLOSED), ON_CASE[Action.RATE])
    with pytest.raises(WrongState, match="already"):
        decide(rated, ON_CASE[Action.RATE], NOON)
    assert allowed(rated, None, policy=POLICY, now=NOON) == (Action.REOPEN, Action.NOTE, Action.APPEAL)
    (event,) = decide(case_in(S.CLOSED), ON_CASE[Action.RATE], NOON)
    assert isinstance(event, CaseRated)


def test_closing_releases_whoever_still_assists_by_an_event_of_their_own() -> None:
    helper = order(TOWN_DESK, OrderRole.ASSIST)
    case = apply(led_by(BUREAU), FoldOrderIssued(order=helper))
    lead = case.orders[0].order_id
    case = apply(case, ON_ORDER[Action.SIGN](lead), ON_ORDER[Action.RESOLVE](lead), ON_CASE[Action.VERIFY])
    released, closed = decide(case, ON_CASE[Action.CLOSE], NOON)
    assert isinstance(released, CaseOrderWithdrawn)
    assert released.order_id == helper.order_id
    assert (released.case.version, closed.case.version) == (case.view.version + 1, case.view.version + 2)
    assert closed.case.state is S.CLOSED


def test_the_helper_of_a_withdrawn_order_hears_that_it_no_longer_stands() -> None:
    helper = order(TOWN_DESK, OrderRole.ASSIST)
    case = apply(led_by(BUREAU), FoldOrderIssued(order=helper), FoldOrderWithdrawn(order=helper, reason="不需要了"))
    with pytest.raises(WrongState) as refused:
        decide(case, ON_ORDER[Action.SIGN](helper.order_id), NOON)
    assert refused.value.order_state is OrderState.WITHDRAWN
