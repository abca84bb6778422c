"""Those who call others to a case, and what they send."""

from dataclasses import replace
from uuid import UUID

import pytest

from services.intake.domain.life.case import Case
from services.intake.domain.life.commands import (
    BlowWhistle,
    Command,
    ResolveOrder,
    SignOrder,
)
from services.intake.domain.life.permissions import Bearer
from services.intake.domain.moves.decide import decide
from shared.events.order import Order
from shared.events.parts import MatterView, StepView, Target, WhistleRef
from shared.playbook.model import Policy
from shared.vocabulary import (
    OrderReason,
    OrderRole,
    Refused,
    Role,
    WhistleKind,
)
from tests.fakes.small_county import COUNTY, WEST_VILLAGE
from tests.unit.intake.cases import (
    NOON,
    POLICE,
    SOMEBODY,
    apply,
    order,
)

POLICY = Policy()
VILLAGE = Bearer(key_id="v1", role=Role.DESK, area=WEST_VILLAGE, name="值班员")
HEAD = Bearer(key_id="v2", role=Role.LEADER, area=WEST_VILLAGE, name="书记")
OPERATOR = Bearer(key_id="o", role=Role.OPERATOR, area=COUNTY, name="值班长")
MATTER = MatterView(
    id="shop",
    title="开店一件事",
    steps=(
        StepView(id="site", title="勘验"),
        StepView(id="fire", title="消防", after=("site",)),
        StepView(id="licence", title="许可", after=("site", "fire")),
    ),
)


def blow(kind: WhistleKind = WhistleKind.KEY_WORK, *departments: str, lead: str | None = None) -> BlowWhistle:
    return BlowWhistle(
        by=VILLAGE.actor, kind=kind, departments=departments or ("police", "market"), reason="请联合到场", lead=lead
    )


def sounding(case: Case, *departments: str) -> tuple[Case, WhistleRef]:
    case = apply(case, blow(WhistleKind.EMERGENCY, *departments))
    return case, case.sounded[-1].whistle


def called(target: Target, whistle: WhistleRef) -> Order:
    return replace(order(target, OrderRole.ASSIST), reason=OrderReason.WHISTLE, whistle=whistle)


def step(name: str, target: Target = POLICE) -> Order:
    return replace(order(target, OrderRole.ASSIST), reason=OrderReason.STEP, step=name)


def sign(one: Order) -> SignOrder:
    return SignOrder(order_id=one.order_id, by=SOMEBODY)


def resolve(order_id: UUID) -> ResolveOrder:
    return ResolveOrder(order_id=order_id, by=SOMEBODY, note="好了")


def worked(case: Case) -> Case:
    """The case with its lead's order signed."""
    assert case.lead is not None
    return apply(case, SignOrder(order_id=case.lead.order_id, by=SOMEBODY))


def refusal(case: Case, command: Command) -> Refused:
    with pytest.raises(Refused) as refused:
        decide(case, command, NOON)
    return refused.value
