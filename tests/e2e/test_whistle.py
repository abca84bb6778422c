"""A village whistles, its head confirms, every department reports in, and the lead ends it when all are done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from deploy.local.keys import DEMO_COUNTY, Bearer
from shared.vocabulary import Role
from tests.e2e.party import accepted, awaited_order, department, everybody
from tests.e2e.walk import until

if TYPE_CHECKING:
    from deploy.local.platform import Platform

VILLAGE: Final = f"{DEMO_COUNTY}001001"
CALLED: Final = ("police", "traffic-police")
BEARERS: Final = (
    Bearer(id="village", name="村值班员", role=Role.DESK, area=VILLAGE),
    Bearer(id="head", name="村支书", role=Role.LEADER, area=VILLAGE),
    *map(department, CALLED),
)


async def test_a_village_whistles_and_every_department_reports_in_by_itself(system: Platform) -> None:
    first, second = CALLED
    async with everybody(system, BEARERS) as who:
        desk = who["operator"]
        report = {"source": "grid", "text": "夜市占道经营，堵住消防通道，多次劝导无效", "area": VILLAGE}
        sent = await desk.send(report, "whistle-1")
        assert sent.status_code == 201, sent.text
        case_id = sent.json()["case_id"]
        lead = await awaited_order(desk, case_id, role="lead")

        asked = await accepted(
            who["village"],
            case_id,
            "whistle",
            kind="joint_enforcement",
            departments=list(CALLED),
            reason="劝导无效，请联合执法",
        )
        assert "confirm" not in asked["allowed"], "whoever whistles does not confirm it"
        blocked = await who["village"].act(case_id, "confirm", whistle_id=asked["whistle_id"])
        assert blocked.status_code == 403, blocked.text
        await accepted(who["head"], case_id, "confirm", whistle_id=asked["whistle_id"])
        await awaited_order(desk, case_id, target=first, reason="whistle")
        called = await awaited_order(desk, case_id, target=second, reason="whistle")

        # One's sign-in never stops the others' clocks.
        await accepted(who[first], case_id, "sign")

        async def one_clock_left() -> bool:
            clocks = (await desk.case(case_id))["clocks"]
            running = {one["target"]["id"] for one in clocks if one["kind"] == "sign_in" and one["running"]}
            return first not in running and second in running

        await until(one_clock_left, what="the first one's sign-in clock stopped and the second's running")
        await accepted(who[first], case_id, "arrive")

        # The lead cannot end it while one of them is called and has not come.
        await accepted(desk, case_id, "sign", order_id=lead["order_id"])
        early = await desk.act(case_id, "resolve", order_id=lead["order_id"], note="已清理")
        assert early.status_code == 409, early.text
        assert second in early.text

        await accepted(who[first], case_id, "resolve", note="已到场处置")
        await accepted(who["village"], case_id, "release", order_id=called["order_id"], reason="现场已不需要")
        await accepted(desk, case_id, "resolve", order_id=lead["order_id"], note="已清理，消防通道畅通")

        async def resolved() -> dict[str, Any] | None:
            told = await desk.case(case_id)
            return told if told["case"]["state"] == "resolved" else None

        await until(resolved, what="the case is resolved")
