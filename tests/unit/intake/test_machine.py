"""Whatever is asked in whatever order, what must hold of a case holds."""

from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID, uuid5

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.actions import ActionRequest, command_of
from services.intake.domain.case import Case, CaseOrder
from services.intake.domain.commands import (
    ArriveOnSite,
    CloseCase,
    Command,
    FoldEscalated,
    FoldOrderIssued,
    FoldOrderWithdrawn,
    RateCase,
    RejectCase,
    ReopenCase,
    ReportProgress,
    ResolveOrder,
    ReturnOrder,
    SignOrder,
    VerifyCase,
)
from services.intake.domain.decide import allowed, decide
from services.intake.domain.evolve import evolve
from services.intake.domain.states import FOLLOWS, ORDER_MOVES, STANDING, Action
from shared.events.case import CaseEvent, Rating
from shared.events.codec import decode, encode
from shared.events.envelope import WHISTLE, Event
from shared.playbook.model import Policy
from shared.vocabulary import CaseState, ClockKind, Level, OrderRole, OrderState, Refused
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
    opening,
    order,
)

BY = SOMEBODY
IDS = [uuid5(WHISTLE, f"order of the machine {n}") for n in range(6)]
TARGETS = dict(zip(IDS, [VILLAGE_DESK, TOWN_DESK, BUREAU, COUNTY_DESK, VILLAGE_DESK, TOWN_DESK], strict=True))
ROLES = dict(zip(IDS, [OrderRole.LEAD] * 4 + [OrderRole.ASSIST, OrderRole.OVERSEE], strict=True))


def _order(order_id: UUID, generation: int) -> FoldOrderIssued:
    fresh = uuid5(order_id, str(generation))
    return FoldOrderIssued(order=order(TARGETS[order_id], ROLES[order_id], generation=generation, order_id=fresh))


ids = st.sampled_from([uuid5(one, str(generation)) for one in IDS for generation in (0, 1)])
issued = st.builds(_order, st.sampled_from(IDS), st.integers(0, 1))
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
    st.just(VerifyCase(by=BY)),
    st.just(RejectCase(by=BY, reason="不行")),
    st.just(CloseCase(by=BY)),
    st.just(ReopenCase(by=BY, reason="又来", window=WINDOW)),
    st.just(RateCase(by=BY, rating=Rating.NOT)),
    st.builds(
        FoldEscalated,
        clock_id=ids,
        clock=st.just(ClockKind.SIGN_IN),
        order_id=st.none(),
        from_level=st.just(Level.VILLAGE),
        to_level=st.just(Level.TOWN),
    ),
)


def must_hold(case: Case, log: list[CaseEvent]) -> None:
    """What is true of every case at every version."""
    leads = [one for one in case.orders if one.role is OrderRole.LEAD and one.state in STANDING]
    done = [one for one in case.orders if one.role is OrderRole.LEAD and one.state is OrderState.RESOLVED]
    assert case.view.version == len(log)
    assert len(leads) + len(done) <= 1
    if case.view.state in {CaseState.OPENED, CaseState.RETURNED}:
        assert (leads, case.view.lead) == ([], None)
    elif case.view.state in {CaseState.VERIFIED, CaseState.CLOSED}:
        assert len(done) == 1
    else:
        (lead,) = leads or done
        assert FOLLOWS[lead.state] is case.view.state
        assert case.view.lead == lead.target
    if case.view.state is CaseState.CLOSED:
        assert not any(one.stands for one in case.orders)
    assert (case.closed_at is not None) == (case.view.state is CaseState.CLOSED)


@given(st.lists(st.tuples(commands, st.integers(0, 40)), max_size=60))
def test_no_sequence_of_commands_breaks_a_case(steps: list[tuple[Command, int]]) -> None:
    now = NOON
    log = list(decide(None, opening(), now))
    times = [now]
    case = evolve(None, log[0], at=now)
    for command, hours in steps:
        now += timedelta(hours=hours)
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


@given(
    st.sampled_from(STARTS),
    st.lists(commands, max_size=20),
    st.builds(Policy, returns_allowed=st.integers(0, 3), reopen_hours=st.sampled_from((1, 72))),
    st.sampled_from((0, 1, 72, 73)),
)
def test_what_is_listed_as_allowed_is_taken_and_nothing_else_is(
    case: Case, steps: list[Command], policy: Policy, hours: int
) -> None:
    for step in steps:
        with suppress(Refused):
            for event in decide(case, step, NOON):
                case = evolve(case, event, at=NOON)
    now = NOON + timedelta(hours=hours)
    for named in (None, *case.orders):
        listed = allowed(case, named, policy=policy, now=now)
        assert listed == tuple(action for action in Action if _taken(case, named or case.lead, action, policy, now))


def _taken(case: Case, order: CaseOrder | None, action: Action, policy: Policy, now: datetime) -> bool:
    if action in ORDER_MOVES and order is None:
        return False
    request = ActionRequest(action=action, reason="不行", rating=Rating.NOT)
    command = command_of(request, order if action in ORDER_MOVES else None, by=BY, policy=policy)
    try:
        decide(case, command, now)
    except Refused:
        return False
    return True
