"""A village whistles, its head confirms, every department reports in, and the lead ends it when all are done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from deploy.local.keys import DEMO_COUNTY, Bearer
from shared.vocabulary import Role
from tests.e2e.walk import Door, door, until

if TYPE_CHECKING:
    from deploy.local.platform import Platform

VILLAGE: Final = f"{DEMO_COUNTY}001001"
CALLED: Final = ("police", "traffic-police")

BEARERS: Final = (
    Bearer(id="whistle-village", name="村值班员", role=Role.DESK, area=VILLAGE),
    Bearer(id="whistle-head", name="村支书", role=Role.LEADER, area=VILLAGE),
    *(
        Bearer(
            id=f"whistle-{department}", name=department, role=Role.DEPARTMENT, area=DEMO_COUNTY, department=department
        )
        for department in CALLED
    ),
)


@asynccontextmanager
async def everybody(system: Platform) -> AsyncIterator[Mapping[str, Door]]:
    """The doors of everybody who plays a part, by the last word of their key's id."""
    await asyncio.to_thread(system.keys.hand_out, BEARERS)
    async with AsyncExitStack() as closing:
        doors = {bearer.id.removeprefix("whistle-"): door(system, bearer.id) for bearer in BEARERS}
        doors["operator"] = door(system, f"{DEMO_COUNTY}-operator")
        yield {name: await closing.enter_async_context(one) for name, one in doors.items()}


async def _accepted(who: Door, what: str, **fields: Any) -> dict[str, Any]:
    """The answer to an action that must be taken; keys of a moment ago may need two seconds to count."""

    async def taken() -> dict[str, Any] | None:
        answer = await who.act(fields["case_id"], what, **{k: v for k, v in fields.items() if k != "case_id"})
        if answer.status_code == 401:
            return None
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    return await until(taken, what=f"{what} is taken", seconds=15)


def _order(case: Mapping[str, Any], department: str) -> dict[str, Any] | None:
    """The order of ``department`` that stands in the notifier's answer about a case."""
    return next(
        (
            order
            for order in case["orders"]
            if order["target"]["id"] == department and order["state"] not in {"withdrawn", "returned"}
        ),
        None,
    )


async def test_a_village_whistles_and_every_department_reports_in_by_itself(system: Platform) -> None:
    async with everybody(system) as who:
        desk = who["operator"]
        sent = await desk.send(
            {"source": "grid", "text": "夜市占道经营，堵住消防通道，多次劝导无效", "area": VILLAGE}, "w1"
        )
        assert sent.status_code == 201, sent.text
        case_id = sent.json()["case_id"]

        async def lead() -> dict[str, Any] | None:
            # The notifier hears of a case a moment after intake has answered.
            answer = await desk.notifier.get(f"/v1/cases/{case_id}")
            orders = [] if answer.status_code == 404 else answer.json()["orders"]
            return next((order for order in orders if order["role"] == "lead"), None)

        leading = await until(lead, what="a lead order")
        asked = await _accepted(
            who["village"],
            "whistle",
            case_id=case_id,
            kind="joint_enforcement",
            departments=list(CALLED),
            reason="劝导无效，请联合执法",
        )
        assert "confirm" not in asked["allowed"], "whoever whistles does not confirm it"
        blocked = await who["village"].act(case_id, "confirm")
        assert blocked.status_code in {403, 409, 422}, blocked.text
        await _accepted(who["head"], "confirm", case_id=case_id, whistle_id=asked["whistle_id"])

        async def called() -> dict[str, Any] | None:
            told = await desk.case(case_id)
            return told if all(_order(told, department) for department in CALLED) else None

        told = await until(called, what="an order for each department called")
        orders = {department: _order(told, department) for department in CALLED}
        assert {order["reason"] for order in orders.values() if order} == {"whistle"}

        # One's sign-in never stops the others' clocks.
        first, second = CALLED
        await _accepted(who[first], "sign", case_id=case_id)

        async def one_clock_left() -> dict[str, Any] | None:
            told = await desk.case(case_id)
            running = {
                clock["target"]["id"]
                for clock in told["clocks"]
                if clock["kind"] == "sign_in" and clock["running"] and clock["target"]
            }
            return told if first not in running and second in running else None

        await until(one_clock_left, what="the first one's sign-in clock stopped and the second's running")
        await _accepted(who[first], "arrive", case_id=case_id)

        # The lead cannot end it while one of them is called and has not come.
        await _accepted(desk, "sign", case_id=case_id, order_id=leading["order_id"])
        early = await desk.act(case_id, "resolve", order_id=leading["order_id"], note="已清理")
        assert early.status_code == 409, early.text
        assert second in early.text

        await _accepted(who[first], "resolve", case_id=case_id, note="已到场处置")
        second_order = orders[second]
        assert second_order is not None
        await _accepted(
            who["village"], "release", case_id=case_id, order_id=second_order["order_id"], reason="现场已不需要"
        )
        await _accepted(desk, "resolve", case_id=case_id, order_id=leading["order_id"], note="已清理，消防通道畅通")

        async def resolved() -> dict[str, Any] | None:
            told = await desk.case(case_id)
            return told if told["case"]["state"] == "resolved" else None

        await until(resolved, what="the case is resolved")
