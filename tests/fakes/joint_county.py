"""A county where several departments meet: duties, a matter of four steps, and two modes."""

from dataclasses import replace
from typing import Any, Final

from services.router.domain.rulebook import Rulebook
from shared.events.parts import CaseView, Standing, Target, WhistleRef
from shared.playbook.model import (
    Demand,
    Department,
    DepartmentTarget,
    DeskTarget,
    Duty,
    DutyTarget,
    Matter,
    Mode,
    Playbook,
    Power,
    Rule,
    RuleState,
    Settings,
    Settle,
    Step,
    When,
)
from shared.vocabulary import (
    Level,
    ModeKind,
    OrderReason,
    OrderRole,
    OrderState,
    Severity,
    WhistleKind,
)
from tests.fakes.router import NOW, a_case, department, desk, order_of
from tests.fakes.small_county import COUNTY, EAST, GAS, WATER, WEST, WEST_VILLAGE, small_county, text

SEATS: Final = {
    "gas-bureau": COUNTY,
    "police": COUNTY,
    "flood-office": COUNTY,
    "west-station": WEST,
    "west-police": WEST,
    "east-station": EAST,
}
VILLAGE_DESK, TOWN_DESK, COUNTY_DESK = desk(WEST_VILLAGE), desk(WEST), desk(COUNTY)
WHISTLE: Final = WhistleRef(whistle_id=order_of(department("whistle")), kind=WhistleKind.JOINT_ENFORCEMENT)


def joint_county(**changes: Any) -> Playbook:
    county = replace(
        small_county(),
        departments={
            name: Department(id=name, name=text(name), level=Level.COUNTY if seat == COUNTY else Level.TOWN, area=seat)
            for name, seat in SEATS.items()
        },
        duties=DUTIES,
        rules=RULES,
        matters={"repair": MATTER},
        modes={mode.id: mode for mode in (FLOOD, DROUGHT)},
    )
    return replace(county, **changes)


def joint_book(**changes: Any) -> Rulebook:
    return Rulebook(joint_county(**changes))


def west_case(**changes: Any) -> CaseView:
    return a_case(**({"area": WEST_VILLAGE, "category": "01.001"} | changes))


def standing(
    target: Target,
    role: OrderRole = OrderRole.LEAD,
    *,
    state: OrderState = OrderState.ISSUED,
    reason: OrderReason = OrderReason.RULE,
    **more: Any,
) -> Standing:
    at_county = target.id == COUNTY or SEATS.get(target.id) == COUNTY
    level = Level.COUNTY if at_county else Level.VILLAGE if target == VILLAGE_DESK else Level.TOWN
    fields: dict[str, Any] = {
        "order_id": order_of(replace(target, id=f"{target.id} {role} {more.get('step')}")),
        "role": role,
        "reason": reason,
        "target": target,
        "level": level,
        "state": state,
        "issued_at": NOW,
    }
    return Standing(**(fields | more))


def _rule(name: str, when: When, *demands: Demand, **more: Any) -> Rule:
    return Rule(id=name, version="1", title=text(name), when=when, demands=demands, because=text("如此规定"), **more)


def _lead(name: str) -> Demand:
    return Demand(role=OrderRole.LEAD, target=DepartmentTarget(department=name))


DUTIES = (
    Duty(department="west-station", category=WATER, area=WEST, power=Power.HANDLE),
    Duty(department="gas-bureau", category=WATER, area=COUNTY, power=Power.HANDLE),
    Duty(department="police", category=WATER, area=COUNTY, power=Power.ASSIST),
    Duty(department="east-station", category=WATER, area=EAST, power=Power.HANDLE),
)
RULES = (
    _rule(
        "flood",
        When(modes=("flood",)),
        _lead("flood-office"),
        Demand(role=OrderRole.ASSIST, target=DepartmentTarget(department="police")),
        Demand(role=OrderRole.OVERSEE, target=DeskTarget(level=Level.COUNTY)),
        sets=Settings(severity=Severity.I, mode="flood", clock_profile="quick"),
    ),
    _rule("watched", When(categories=(WATER,)), _lead("police"), state=RuleState.SHADOW),
    _rule("gas", When(categories=(GAS,)), _lead("gas-bureau"), matter="repair"),
    _rule("old", When(), _lead("police"), state=RuleState.OFF),
    _rule("duty", When(), Demand(role=OrderRole.LEAD, target=DutyTarget())),
)
MATTER = Matter(
    id="repair",
    title=text("抢修一件事"),
    steps=(
        Step(id="close", title=text("关阀"), target=DepartmentTarget(department="gas-bureau")),
        Step(id="guard", title=text("警戒"), target=DepartmentTarget(department="west-police")),
        Step(id="mend", title=text("修复"), target=DepartmentTarget(department="gas-bureau"), after=("close", "guard")),
        Step(id="clean", title=text("清理"), target=DutyTarget(power=Power.ENFORCE), after=("mend",)),
    ),
)
FLOOD = Mode(
    id="flood",
    title=text("防汛二级"),
    kind=ModeKind.EMERGENCY,
    level=Level.COUNTY,
    grade=Severity.II,
    reroute=When(categories=(WATER,)),
    settle=Settle.WITHDRAW,
)
DROUGHT = Mode(id="drought", title=text("抗旱四级"), kind=ModeKind.EMERGENCY, level=Level.COUNTY, grade=Severity.IV)
