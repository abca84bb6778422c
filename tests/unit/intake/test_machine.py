"""Whatever is asked in whatever order, what must hold of a case holds."""

from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID, uuid5

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake.domain.asking.actions import ActionRequest, Circumstances, command_of
from services.intake.domain.asking.targets import Whom
from services.intake.domain.life.case import Case, CaseOrder
from services.intake.domain.life.commands import (
    ArriveOnSite,
    BlowWhistle,
    ChangeMode,
    CloseCase,
    Command,
    ConfirmWhistle,
    DeclineWhistle,
    FoldEscalated,
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
from services.intake.domain.life.evolve import evolve
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
from services.intake.domain.life.states import ORDER_MOVES, Action
from services.intake.domain.life.time_commands import ApproveExtension, AskExtension, DeclineExtension, ResumeCase
from services.intake.domain.moves.decide import allowed, decide
from shared.events.case import CaseEvent, Rating
from shared.events.codec import decode, encode
from shared.events.envelope import WHISTLE, Event
from shared.events.parts import MatterView, StepView
from shared.playbook.model import Policy
from shared.vocabulary import (
    AppealGround,
    CaseState,
    ClockKind,
    EmergencyService,
    Level,
    OrderReason,
    OrderRole,
    RefusalCode,
    Refused,
    TargetKind,
    WhistleKind,
)
from tests.fakes.called_county import WATER_BUREAU, called_county
from tests.unit.intake.cases import (
    BUREAU,
    COUNTY_DESK,
    HANG,
    MATERIAL,
    NOON,
    PAUSE,
    POLICE,
    REFUSE,
    SOMEBODY,
    TOWN_DESK,
    VILLAGE_DESK,
    WINDOW,
    apply,
    case_in,
    opening,
    order,
)
from tests.unit.intake.machine import must_hold

BY = SOMEBODY
IDS = [uuid5(WHISTLE, f"order of the machine {n}") for n in range(6)]
TARGETS = dict(zip(IDS, [VILLAGE_DESK, TOWN_DESK, BUREAU, COUNTY_DESK, VILLAGE_DESK, TOWN_DESK], strict=True))
ROLES = dict(zip(IDS, [OrderRole.LEAD] * 4 + [OrderRole.ASSIST, OrderRole.OVERSEE], strict=True))
STEP_IDS = {step: uuid5(WHISTLE, f"step of the machine {step}") for step in ("a", "b", "c")}
MATTER = MatterView(
    id="m",
    title="一件事",
    steps=(
        StepView(id="a", title="甲"),
        StepView(id="b", title="乙"),
        StepView(id="c", title="丙", after=("a", "b")),
    ),
)
REASONS = (OrderReason.RULE, OrderReason.ESCALATED, OrderReason.TRANSFERRED, OrderReason.RULED, OrderReason.MODE)


def _order(order_id: UUID, generation: int, reason: OrderReason, minutes: int, *, with_matter: bool) -> FoldOrderIssued:
    made = order(TARGETS[order_id], ROLES[order_id], generation=generation, order_id=uuid5(order_id, str(generation)))
    issued_at = NOON + timedelta(minutes=minutes)
    lead = made.role is OrderRole.LEAD
    matter = MATTER if with_matter and lead else None
    return FoldOrderIssued(order=replace(made, reason=reason, issued_at=issued_at), matter=matter)


def _step_order(step: str, generation: int) -> FoldOrderIssued:
    made = order(POLICE, OrderRole.ASSIST, generation=generation, order_id=uuid5(STEP_IDS[step], str(generation)))
    return FoldOrderIssued(order=replace(made, reason=OrderReason.STEP, step=step))


ids = st.sampled_from([uuid5(one, str(generation)) for one in (*IDS, *STEP_IDS.values()) for generation in (0, 1)])
issued = st.one_of(
    st.builds(
        _order,
        st.sampled_from(IDS),
        st.integers(0, 1),
        st.sampled_from(REASONS),
        st.integers(0, 30),
        with_matter=st.booleans(),
    ),
    st.builds(_step_order, st.sampled_from(sorted(STEP_IDS)), st.integers(0, 1)),
)
whistles = st.builds(
    BlowWhistle,
    by=st.just(BY),
    departments=st.sampled_from((("police",), ("market", "police"))),
    kind=st.sampled_from(WhistleKind),
    reason=st.just("请来"),
)
CONFIRM_WHATEVER_WAITS = ConfirmWhistle(by=BY, whistle_id=UUID(int=0))
DECLINE_WHATEVER_WAITS = DeclineWhistle(by=BY, whistle_id=UUID(int=0), reason="不必")
SOON = NOON + timedelta(days=3)
lives: st.SearchStrategy[Command] = st.one_of(
    st.just(FileCase(by=BY)),
    st.just(REFUSE),
    st.builds(
        RecategoriseCase,
        by=st.just(BY),
        naming=st.builds(Naming, category=st.sampled_from(("01.001", "03.001"))),
        reason=st.just("看错了"),
    ),
    st.just(NoteCase(by=BY, note="已联系")),
    st.builds(HandOverCase, by=st.just(BY), service=st.sampled_from(EmergencyService)),
    st.just(PAUSE),
    st.just(PAUSE),
    st.just(HANG),
    st.builds(ResumeCase, by=st.just(BY), when_due=st.booleans()),
    st.builds(
        AskExtension,
        order_id=ids,
        by=st.just(BY),
        due_at=st.just(SOON),
        to=st.just(SOON + timedelta(days=9)),
        reason=st.just("等配件"),
        most=st.just(2),
    ),
    st.just(ApproveExtension(by=BY)),
    st.just(DeclineExtension(by=BY, reason="不必")),
    st.builds(
        SuperviseCase,
        by=st.just(BY),
        instruction=st.just("今日办结"),
        reply_due_at=st.just(SOON + timedelta(days=9)),
        target=st.sampled_from((None, BUREAU)),
    ),
    st.just(ReplySupervision(by=BY, reply="已办")),
    st.just(SignOffSupervision(by=BY)),
    st.just(SendBackSupervision(by=BY, reason="没办完", reply_due_at=SOON + timedelta(days=9))),
    st.builds(
        AppealOrder,
        order_id=ids,
        by=st.just(BY),
        ground=st.sampled_from(AppealGround),
        reason=st.just("停电"),
        window=st.just(timedelta(days=15)),
    ),
    st.builds(ReviewAppeal, by=st.just(BY), upheld=st.booleans(), reason=st.just("属实")),
    st.builds(RateDepartment, order_id=ids, by=st.just(BY), speed=st.just(5), quality=st.just(3)),
)
commands: st.SearchStrategy[Command] = st.one_of(
    issued,
    issued,
    st.builds(lambda one: FoldOrderWithdrawn(order=one.order, reason="换"), issued),
    st.builds(SignOrder, order_id=ids, by=st.just(BY)),
    st.builds(SignOrder, order_id=ids, by=st.just(BY)),
    st.builds(ArriveOnSite, order_id=ids, by=st.just(BY)),
    st.builds(ReportProgress, order_id=ids, by=st.just(BY)),
    st.builds(ResolveOrder, order_id=ids, by=st.just(BY), note=st.just("好")),
    st.builds(ResolveOrder, order_id=ids, by=st.just(BY), note=st.just("好")),
    st.builds(ReturnOrder, order_id=ids, by=st.just(BY), reason=st.just("不是我"), returns_allowed=st.just(2)),
    whistles,
    st.builds(lambda: CONFIRM_WHATEVER_WAITS),
    st.builds(lambda: DECLINE_WHATEVER_WAITS),
    st.builds(ReleaseOrder, order_id=ids, by=st.just(BY), reason=st.just("不需要了")),
    st.builds(
        TransferOrder, order_id=ids, by=st.just(BY), to=st.sampled_from((POLICE, BUREAU)), reason=st.just("归它")
    ),
    st.builds(RuleCase, by=st.just(BY), to=st.sampled_from((BUREAU, TOWN_DESK)), reason=st.just("归它")),
    st.builds(ChangeMode, mode=st.sampled_from(("normal", "flood")), by=st.just(BY), reason=st.just("汛")),
    st.just(VerifyCase(by=BY)),
    st.just(RejectCase(by=BY, reason="不行")),
    st.just(CloseCase(by=BY)),
    st.just(ReopenCase(by=BY, reason="又来", window=WINDOW)),
    st.just(RateCase(by=BY, rating=Rating.NOT)),
    lives,
    lives,
    st.builds(
        FoldEscalated,
        clock_id=ids,
        clock=st.just(ClockKind.SIGN_IN),
        order_id=st.none(),
        from_level=st.just(Level.VILLAGE),
        to_level=st.just(Level.TOWN),
    ),
)


def meant(command: Command, case: Case) -> Command:
    """A word of the head is about the whistle that waits."""
    if case.asked is not None and isinstance(command, ConfirmWhistle | DeclineWhistle):
        return replace(command, whistle_id=case.asked.whistle.whistle_id)
    return command


@settings(deadline=None)
@given(
    st.lists(st.tuples(commands, st.integers(0, 40)), max_size=60),
    st.sampled_from((CaseState.OPENED, CaseState.OPENED, CaseState.RECEIVED)),
)
def test_no_sequence_of_commands_breaks_a_case(steps: list[tuple[Command, int]], first: CaseState) -> None:
    now = NOON
    log = list(decide(None, opening(state=first), now))
    times = [now]
    case = evolve(None, log[0], at=now)
    for one, hours in steps:
        now += timedelta(hours=hours)
        command = meant(one, case)
        try:
            events = decide(case, command, now)
        except Refused:
            continue
        for event in events:
            log.append(event)
            times.append(now)
            case = evolve(case, event, at=now)
            must_hold(case, log)
        if isinstance(command, FoldOrderIssued | FoldOrderWithdrawn | FoldEscalated):
            assert decide(case, command, now) == (), "a repeated fold changes nothing"
    assert _replayed(log, times) == case
    assert msgspec.json.decode(msgspec.json.encode(case), type=Case) == case


def _replayed(log: list[CaseEvent], times: list[datetime]) -> Case | None:
    """The case from its log alone, through the bytes that Kafka would carry."""
    case: Case | None = None
    for version, (data, at) in enumerate(zip(log, times, strict=True), start=1):
        event = Event(
            id=uuid5(WHISTLE, str(version)),
            source="/whistle/intake",
            subject=str(data.case.case_id),
            time=at,
            sequence=version,
            data=data,
        )
        message = encode(event)
        read = decode(message.value, message.headers)
        case = evolve(case, read.data, at=read.time)  # type: ignore[arg-type]
    return case


STARTS = [
    *map(case_in, CaseState),
    *(case_in(CaseState.SIGNED, lead) for lead in (BUREAU, COUNTY_DESK)),
    apply(case_in(CaseState.CLOSED), RateCase(by=BY, rating=Rating.NOT)),
]


@settings(deadline=None)
@given(
    st.sampled_from(STARTS),
    st.lists(commands, max_size=20),
    st.builds(
        Policy,
        returns_allowed=st.integers(0, 3),
        reopen_hours=st.sampled_from((1, 72)),
        extensions_allowed=st.integers(0, 2),
        hang_days=st.sampled_from((0, 365)),
        appeal_days=st.sampled_from((1, 15)),
        pause_reasons=st.sampled_from(((), (MATERIAL,))),
    ),
    st.sampled_from((0, 1, 72, 73)),
)
def test_what_is_listed_as_allowed_is_taken_and_nothing_else_is(
    case: Case, steps: list[Command], policy: Policy, hours: int
) -> None:
    for step in steps:
        with suppress(Refused):
            for event in decide(case, meant(step, case), NOON):
                case = evolve(case, event, at=NOON)
    now = NOON + timedelta(hours=hours)
    due_at = now + timedelta(hours=1)
    for named in (None, *case.orders):
        listed = allowed(case, named, policy=policy, now=now, due_at=due_at)
        given_ = Circumstances(by=BY, playbook=replace(called_county(), policy=policy), now=now, due_at=due_at)
        alone = tuple(action for action in listed if action not in OF_TWO_CASES)
        assert alone == tuple(action for action in Action if _taken(case, named or case.lead, action, given_))


OF_TWO_CASES = frozenset({Action.MERGE, Action.SPLIT})
CODES = {Action.REFUSE: RefusalCode.NOT_OURS, Action.PAUSE: MATERIAL.id}


def _taken(case: Case, order: CaseOrder | None, action: Action, given_: Circumstances) -> bool:
    if action in OF_TWO_CASES or (action in ORDER_MOVES and order is None):
        return False
    waits = case.asked or case.sounded[0] if case.asked or case.sounded else None
    replied = action is not Action.REPLY
    instruction = next((one for one in case.supervisions if one.replied is replied), None)
    request = ActionRequest(
        action=action,
        reason="不行",
        note="已联系",
        rating=Rating.NOT,
        kind=WhistleKind.EMERGENCY,
        departments=(WATER_BUREAU,),
        whistle_id=waits.whistle.whistle_id if waits and action in {Action.CONFIRM, Action.DECLINE} else None,
        to=Whom(kind=TargetKind.DEPARTMENT, id=WATER_BUREAU),
        code=CODES.get(action),
        words="请向邻县反映",
        category="01.001" if case.view.category == "03.001" else "03.001",
        service=EmergencyService.POLICE,
        until=given_.now + timedelta(hours=2),
        supervision_id=None if instruction is None else instruction.supervision_id,
        ground=AppealGround.OVERDUE,
        upheld=True,
        speed=1,
        quality=5,
    )
    try:
        command = command_of(request, order if action in ORDER_MOVES else None, case=case, given=given_)
        decide(case, command, given_.now)
    except Refused:
        return False
    return True
