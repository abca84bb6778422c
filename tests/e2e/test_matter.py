"""One case run as a graph of orders over departments: a step opens when those before it are done (一件事)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deploy.local.keys import DEMO_COUNTY
from tests.e2e.party import accepted, awaited_order, department, everybody, standing_order, story

if TYPE_CHECKING:
    from deploy.local.platform import Platform

VILLAGE: Final = f"{DEMO_COUNTY}001001"
WORKING: Final = ("lucheng-enforcement", "market", "drainage", "urban")


async def test_each_step_opens_when_those_before_it_are_done_and_all_are_joined_before_the_case_ends(
    system: Platform,
) -> None:
    async with everybody(system, [department(name) for name in WORKING]) as who:
        desk = who["operator"]
        report = {"source": "resident", "text": "夜市占道经营，油污全倒进排水口，下水道堵了", "area": VILLAGE}
        sent = await desk.send({**report, "category": "05.004"}, "matter-1")
        assert sent.status_code == 201, sent.text
        case_id = sent.json()["case_id"]

        lead = await awaited_order(desk, case_id, role="lead")
        clear = await awaited_order(desk, case_id, step="clear")
        licence = await awaited_order(desk, case_id, step="licence", target="market")
        told = await story(desk, case_id)
        assert told is not None
        assert standing_order(told, step="dredge") is None, "a step waits for those before it"

        await accepted(desk, case_id, "sign", order_id=lead["order_id"])
        early = await desk.act(case_id, "resolve", order_id=lead["order_id"], note="都好了")
        assert early.status_code == 409, early.text

        for order, holder in ((clear, "lucheng-enforcement"), (licence, "market")):
            await accepted(who[holder], case_id, "sign", order_id=order["order_id"])
            await accepted(who[holder], case_id, "resolve", order_id=order["order_id"], note="本步已办结")
        await awaited_order(desk, case_id, step="dredge", target="drainage")
        await accepted(who["drainage"], case_id, "sign")
        await accepted(who["drainage"], case_id, "resolve", note="已清掏")
        recheck = await awaited_order(desk, case_id, step="recheck", target="urban")
        assert "联合复查" in recheck["explanation"]["words"]
        await accepted(who["urban"], case_id, "sign")
        await accepted(who["urban"], case_id, "resolve", note="复查通过")
        done = await accepted(desk, case_id, "resolve", order_id=lead["order_id"], note="四步均已办结")
        assert done["state"] == "resolved"
