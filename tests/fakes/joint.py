"""Lives of cases that several departments act in, for tests of the notifier."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid5

from shared.events import case as facts
from shared.events.envelope import WHISTLE, Event, derive_id
from shared.events.mode import ModeChanged
from shared.events.order import Order
from shared.events.parts import Actor, MatterView, Standing, StepView, WhistleRef
from shared.vocabulary import ActorKind, ModeKind, OrderReason, OrderRole, OrderState, Severity, WhistleKind
from tests.fakes.notifier import PLAYBOOK, START, Life, department

TOWN_DESK = Actor(kind=ActorKind.DESK, id="990101001", name="麓城街道平台", key_id="k1")
HEAD = Actor(kind=ActorKind.DESK, id="990101001", name="麓城街道负责人", key_id="k2")
CALL = WhistleRef(whistle_id=uuid5(WHISTLE, "call"), kind=WhistleKind.JOINT_ENFORCEMENT)


def standing(order: Order, state: OrderState = OrderState.ISSUED) -> Standing:
    """An order as intake knows it."""
    return Standing(
        order_id=order.order_id,
        role=order.role,
        reason=order.reason,
        target=order.target,
        level=order.level,
        state=state,
        issued_at=order.issued_at,
        step=order.step,
        whistle=order.whistle,
    )


def whistled(name: str, *called: str, confirmed: bool = True, **life_of: Any) -> tuple[Life, list[Order]]:
    """A case for which a desk whistles; with the head's word the router answers with an order for each."""
    life = Life(name=name, **life_of)
    life.order(department("drainage"))
    why: dict[str, Any] = {"whistle": CALL, "departments": called, "reason": "多部门职责交叉"}
    life.tell(facts.CaseWhistleAsked, by=TOWN_DESK, **why)
    if not confirmed:
        return life, []
    life.tell(facts.CaseWhistled, by=HEAD, **why)
    orders = [
        life.order(department(one), role=OrderRole.ASSIST, reason=OrderReason.WHISTLE, whistle=CALL) for one in called
    ]
    return life, orders


def matter(*states: OrderState | None) -> MatterView:
    """A matter whose steps come one after another."""
    names = [f"s{number}" for number in range(1, len(states) + 1)]
    return MatterView(
        id="unsafe-house",
        title="危房处置一件事",
        steps=tuple(
            StepView(id=name, title=f"第{name}步", after=tuple(names[:place][-1:]), state=state)
            for place, (name, state) in enumerate(zip(names, states, strict=True))
        ),
    )


def changed_mode(number: int, *, area: str = "990101", mode: str = "flood-2", before: str = "normal") -> ModeChanged:
    """A change of mode, the higher the ``number`` the later."""
    return ModeChanged(
        change_id=uuid5(WHISTLE, f"change {number}"),
        area=area,
        mode=mode,
        before=before,
        kind=ModeKind.NORMAL if mode == "normal" else ModeKind.EMERGENCY,
        title="防汛Ⅱ级",
        title_en="Flood, grade II",
        by=TOWN_DESK,
        reason="水位超警戒",
        changed_at=START.replace(minute=number),
        playbook=PLAYBOOK,
        grade=Severity.II,
        confirmed_by=HEAD,
    )


def mode_event(change: ModeChanged) -> Event[ModeChanged]:
    """The change as intake tells it."""
    return Event(
        id=derive_id(change.change_id, "changed"),
        source="/whistle/intake",
        subject=change.area,
        time=change.changed_at,
        sequence=1,
        data=change,
    )


def entered(life: Life, change: ModeChanged) -> UUID:
    """Intake tells the case of the change; the event's id."""
    return life.tell(
        facts.CaseModeChanged,
        view={"mode": change.mode},
        before=change.before,
        reason=change.reason,
        change_id=change.change_id,
    )
