"""Who acts in a life, and how it comes to its end when everybody does their part."""

from datetime import timedelta

from services.intake.domain.life.case import CaseOrder
from services.intake.domain.life.commands import DeclineWhistle, ResolveOrder, SignOrder
from services.intake.domain.life.filing_commands import FileCase
from services.intake.domain.life.time_commands import ResumeCase
from shared.events.parts import Actor
from shared.vocabulary import CASE_ENDED, ActorKind, CaseState, OrderRole, TargetKind
from tests.fakes.router import SYSTEM
from tests.unit.lives.world import World

DONE = (CaseState.RESOLVED, CaseState.VERIFIED, *CASE_ENDED)


def finish(world: World) -> None:
    """Nothing is stuck: whoever is asked does their part, and the case resolves."""
    world.do(FileCase(by=SYSTEM))
    world.do(ResumeCase(by=SYSTEM))
    world.settle()
    if world.life.asked is not None:
        world.do(DeclineWhistle(by=SYSTEM, whistle_id=world.life.asked.whistle.whistle_id, reason="不必"))
    # Whoever has not heard from the router about a whistle waits no longer than this.
    world.now += timedelta(minutes=10)
    for _ in range(12):
        if world.life.view.state in DONE:
            return
        for order in sorted(world.life.standing, key=lambda order: order.role is OrderRole.LEAD):
            world.do(SignOrder(order_id=order.order_id, by=holder(order)))
            world.do(ResolveOrder(order_id=order.order_id, by=holder(order), note="已办"))
            world.settle()
    raise AssertionError(f"the case cannot be resolved: {world.life}")


def leads(world: World) -> list[CaseOrder]:
    return [order for order in world.life.standing if order.role is OrderRole.LEAD]


def holder(order: CaseOrder) -> Actor:
    kind = ActorKind.DESK if order.target.kind is TargetKind.DESK else ActorKind.DEPARTMENT
    return Actor(kind=kind, id=order.target.id, name=order.target.name)


def a_desk(area: str) -> Actor:
    return Actor(kind=ActorKind.DESK, id=area, name="平台")
