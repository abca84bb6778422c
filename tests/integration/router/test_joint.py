"""A case that many work on, over a real broker: whistle, transfer, release and ruling in one batch."""

import uuid
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from shared.events.case import CaseEvent, CaseReleased, CaseRuled, CaseTransferred, CaseWhistled
from shared.events.codec import decode, encode
from shared.events.envelope import Event
from shared.events.order import OrderIssued, OrderWithdrawn
from shared.events.parts import Actor, Standing, WhistleRef
from shared.playbook.load import load
from shared.playbook.model import Playbook
from shared.playbook.publish import publish
from shared.runtime.clock import utc_now
from shared.vocabulary import ActorKind, Level, OrderReason, OrderRole, OrderState, WhistleKind
from tests.fakes.router import NOW, a_case, department, desk, event
from tests.integration.router.test_router import ORDER_TOPICS, Reading, publishing, routing

VILLAGE = "990101101200"
BY = Actor(kind=ActorKind.DESK, id=VILLAGE, name="村级平台")
WHISTLE = WhistleRef(whistle_id=uuid.uuid4(), kind=WhistleKind.EMERGENCY)


@pytest.fixture(scope="module")
def yunlu() -> Playbook:
    return load(Path("playbooks/yunlu"), today=date(2026, 11, 21))


def standing(target: Any, level: Level, role: OrderRole = OrderRole.LEAD, **more: Any) -> Standing:
    fields: dict[str, Any] = {"state": OrderState.ISSUED, "reason": OrderReason.RULE, "issued_at": NOW}
    return Standing(order_id=uuid.uuid4(), role=role, target=target, level=level, **(fields | more))


async def test_a_case_that_many_work_on(kafka: str, yunlu: Playbook) -> None:
    case = a_case(category="05.001", area=VILLAGE, case_id=uuid.uuid4())
    lead = standing(desk(VILLAGE), Level.VILLAGE)
    fire = standing(department("fire"), Level.COUNTY, OrderRole.ASSIST, reason=OrderReason.WHISTLE, whistle=WHISTLE)
    police = standing(department("police"), Level.COUNTY, reason=OrderReason.WHISTLE, whistle=WHISTLE)
    causes: list[CaseEvent] = [
        CaseWhistled(
            case=replace(case, version=2),
            by=BY,
            whistle=WHISTLE,
            departments=("police", "fire"),
            lead="police",
            reason="有人受伤",
            standing=(lead,),
        ),
        CaseTransferred(
            case=replace(case, version=3),
            by=BY,
            order=fire,
            to=department("urban"),
            reason="归他管",
            standing=(fire, police),
        ),
        CaseReleased(case=replace(case, version=4), by=BY, order=fire, reason="不再需要"),
        CaseRuled(
            case=replace(case, version=5),
            by=BY,
            to=department("urban"),
            reason="终审",
            order=police,
            standing=(police,),
        ),
    ]
    events = [event(cause) for cause in causes]
    async with publishing(kafka) as publisher, Reading(kafka, ORDER_TOPICS) as orders, routing(kafka):
        await publish(yunlu, publisher, now=utc_now())
        await publisher.publish([encode(one) for one in events])
        found = await orders.until({str(case.case_id)}, 8)
    read: list[Event[Any]] = [decode(record.value, record.headers) for record in found]
    by_cause = {one.id: [told(e.data) for e in read if e.data.cause_id == one.id] for one in events}
    assert [sorted(by_cause[one.id]) for one in events] == [
        [("assist", "fire", "whistle"), ("lead", "police", "whistle"), ("withdrawn", VILLAGE, "rule")],
        [("assist", "urban", "transferred"), ("withdrawn", "fire", "whistle")],
        [("withdrawn", "fire", "whistle")],
        [("lead", "urban", "ruled"), ("withdrawn", "police", "whistle")],
    ]
    (took_over,) = (e.data for e in read if isinstance(e.data, OrderIssued) and e.data.order.target.id == "police")
    assert took_over.replaces == (lead.order_id,)
    assert len({e.id for e in read}) == 8


def told(data: OrderIssued | OrderWithdrawn) -> tuple[str, str, str]:
    what = data.order.role.value if isinstance(data, OrderIssued) else "withdrawn"
    return what, data.order.target.id, data.order.reason.value
