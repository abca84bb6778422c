"""Cases in every state, made by the commands that lead there."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID, uuid5

from services.intake.domain.life.case import Case
from services.intake.domain.life.commands import (
    ArriveOnSite,
    CloseCase,
    Command,
    FoldOrderIssued,
    OpenCase,
    ReportProgress,
    ResolveOrder,
    ReturnOrder,
    SignOrder,
    VerifyCase,
)
from services.intake.domain.life.evolve import evolve
from services.intake.domain.life.filing_commands import RefuseCase
from services.intake.domain.life.time_commands import HangCase, PauseCase
from services.intake.domain.moves.case_moves import release_all
from services.intake.domain.moves.decide import decide
from shared.events.case import CaseEvent, CaseMerged
from shared.events.envelope import WHISTLE
from shared.events.order import Order
from shared.events.parts import Actor, PlaybookRef, Target
from shared.playbook.model import PauseReason
from shared.vocabulary import (
    ActorKind,
    CaseState,
    Level,
    OrderReason,
    OrderRole,
    RefusalCode,
    Severity,
    Source,
    TargetKind,
    level_of,
)
from tests.fakes.small_county import COUNTY, GAS_BUREAU, GAS_LEAK, WEST, WEST_CELLS, WEST_VILLAGE, text

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
CASE_ID = uuid5(WHISTLE, "a case")
SOMEBODY = Actor(kind=ActorKind.OPERATOR, id=COUNTY, name="值班员", key_id="k1")
BUREAU = Target(kind=TargetKind.DEPARTMENT, id=GAS_BUREAU, name="燃气公司")
POLICE = Target(kind=TargetKind.DEPARTMENT, id="police", name="公安局")
MARKET = Target(kind=TargetKind.DEPARTMENT, id="market", name="市场局")
VILLAGE_DESK = Target(kind=TargetKind.DESK, id=WEST_VILLAGE, name="西村")
TOWN_DESK = Target(kind=TargetKind.DESK, id=WEST, name="西镇")
COUNTY_DESK = Target(kind=TargetKind.DESK, id=COUNTY, name="小县")
_numbers = count(1)


def opening(**changes: object) -> OpenCase:
    fields: dict[str, object] = {
        "case_id": CASE_ID,
        "report_id": uuid5(WHISTLE, "a report"),
        "by": Actor(kind=ActorKind.SOURCE, id="hotline"),
        "county": COUNTY,
        "area": WEST_CELLS[0],
        "area_why": "here",
        "level": Level.VILLAGE,
        "category": GAS_LEAK,
        "category_why": "words",
        "condition": None,
        "severity": Severity.I,
        "source": Source.HOTLINE,
        "title": "燃气味很重",
        "text": "燃气味很重",
        "tags": (),
        "place": None,
        "playbook": PlaybookRef(version="1", digest="0" * 64),
    }
    return OpenCase(**(fields | changes))  # type: ignore[arg-type]


def order(
    target: Target = VILLAGE_DESK,
    role: OrderRole = OrderRole.LEAD,
    *,
    level: Level | None = None,
    generation: int = 0,
    order_id: UUID | None = None,
) -> Order:
    at = level or (level_of(target.id) if target.kind is TargetKind.DESK else Level.COUNTY)
    return Order(
        order_id=order_id or uuid5(WHISTLE, f"order {next(_numbers)}"),
        case_id=CASE_ID,
        role=role,
        reason=OrderReason.RULE,
        target=target,
        level=at,
        issued_at=NOON,
        generation=generation,
    )


def apply(case: Case | None, *commands: Command, at: datetime = NOON) -> Case:
    for command in commands:
        case = after(case, decide(case, command, at), at=at)
    assert case is not None
    return case


def after(case: Case | None, events: Sequence[CaseEvent], *, at: datetime = NOON) -> Case | None:
    for event in events:
        case = evolve(case, event, at=at)
    return case


def opened() -> Case:
    return apply(None, opening())


def led_by(target: Target = VILLAGE_DESK) -> Case:
    return apply(opened(), FoldOrderIssued(order=order(target)))


def case_in(state: CaseState, target: Target = VILLAGE_DESK) -> Case:
    """A case in ``state`` whose lead is ``target``."""
    if state in {CaseState.OPENED, CaseState.RECEIVED}:
        return apply(None, opening(state=state))
    if state is CaseState.MERGED:
        return merged(led_by(target))
    case = led_by(target)
    lead = case.orders[0].order_id
    sign = SignOrder(order_id=lead, by=SOMEBODY)
    resolve = ResolveOrder(order_id=lead, by=SOMEBODY, note="已修复")
    verify, close = VerifyCase(by=SOMEBODY), CloseCase(by=SOMEBODY)
    steps: dict[CaseState, tuple[Command, ...]] = {
        CaseState.ROUTED: (),
        CaseState.SIGNED: (sign,),
        CaseState.ARRIVED: (sign, ArriveOnSite(order_id=lead, by=SOMEBODY)),
        CaseState.IN_PROGRESS: (sign, ReportProgress(order_id=lead, by=SOMEBODY)),
        CaseState.RETURNED: (ReturnOrder(order_id=lead, by=SOMEBODY, reason="不属本级", returns_allowed=2),),
        CaseState.PAUSED: (sign, PAUSE),
        CaseState.HUNG: (sign, HANG),
        CaseState.REFUSED: (REFUSE,),
        CaseState.RESOLVED: (sign, resolve),
        CaseState.VERIFIED: (sign, resolve, verify),
        CaseState.CLOSED: (sign, resolve, verify, close),
    }
    return apply(case, *steps[state])


def merged(case: Case) -> Case:
    """The case as part of another; its orders are released before."""
    events = release_all(case, NOON)
    view = replace(events[-1].case, version=case.view.version + len(events) + 1, state=CaseState.MERGED, lead=None)
    event = CaseMerged(case=replace(view, master=MASTER), by=SOMEBODY, into=MASTER, reason="同一件事")
    found = after(case, (*events, event))
    assert found is not None
    return found


WINDOW = timedelta(hours=72)
MASTER = uuid5(WHISTLE, "another case")
MATERIAL = PauseReason(id="material", name=text("待材料"), days=10)
WEATHER = PauseReason(id="weather", name=text("天气"))
PAUSE = PauseCase(by=SOMEBODY, code="material", reason="等配件", until=None)
HANG = HangCase(by=SOMEBODY, until=NOON + timedelta(days=30), reason="等规划", days=365)
REFUSE = RefuseCase(by=SOMEBODY, code=RefusalCode.NOT_OURS, reason="外县", words="请向邻县反映")
