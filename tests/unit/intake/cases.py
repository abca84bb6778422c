"""Cases in every state, made by the commands that lead there."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID, uuid5

from services.intake.domain.case import Case
from services.intake.domain.commands import (
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
from services.intake.domain.decide import decide
from services.intake.domain.evolve import evolve
from shared.events.case import CaseEvent
from shared.events.envelope import WHISTLE
from shared.events.order import Order
from shared.events.parts import Actor, PlaybookRef, Target
from shared.vocabulary import (
    ActorKind,
    CaseState,
    Level,
    OrderReason,
    OrderRole,
    Severity,
    Source,
    TargetKind,
    level_of,
)
from tests.fakes.small_county import COUNTY, GAS_BUREAU, GAS_LEAK, WEST, WEST_CELLS, WEST_VILLAGE

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
    if state is CaseState.OPENED:
        return opened()
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
        CaseState.RESOLVED: (sign, resolve),
        CaseState.VERIFIED: (sign, resolve, verify),
        CaseState.CLOSED: (sign, resolve, verify, close),
    }
    return apply(case, *steps[state])


WINDOW = timedelta(hours=72)
