"""A mode is entered by two persons or by a warning; open cases go where it says, and a drill tells nobody outside."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from deploy.local.keys import DEMO_COUNTY
from tests.e2e.party import awaited_order, everybody, story
from tests.e2e.sink import sink
from tests.e2e.walk import Door, until

if TYPE_CHECKING:
    from deploy.local.platform import Platform

TOWN: Final = f"{DEMO_COUNTY}002"
RIVER_TOWN: Final = f"{DEMO_COUNTY}101"
DRILL_TOWN: Final = f"{DEMO_COUNTY}102"
FLOODED_ROAD: Final = {"source": "grid", "text": "桥洞下积水半米，车辆熄火", "category": "01.005"}


async def _change(who: Mapping[str, Door], area: str, mode: str) -> None:
    """Change the mode by two persons."""
    body = {"area": area, "mode": mode, "reason": "县防指决定"}
    proposed = await who["operator"].intake.post("/v1/modes", json=body)
    assert proposed.status_code == 202, proposed.text
    confirm = f"/v1/modes/{proposed.json()['change_id']}/confirm"
    alone = await who["operator"].intake.post(confirm)
    assert alone.status_code in {403, 409}, "one person alone enters no mode"
    confirmed = await who["leader"].intake.post(confirm)
    assert confirmed.status_code == 200, confirmed.text
    assert confirmed.json()["state"] == "in_force"


@asynccontextmanager
async def mode_in(who: Mapping[str, Door], area: str, mode: str) -> AsyncIterator[None]:
    """The mode in force in `area`, left again at the end."""
    await _change(who, area, mode)
    try:
        yield
    finally:
        await _change(who, area, "normal")


async def _opened(who: Mapping[str, Door], report: Mapping[str, Any], key: str) -> str:
    sent = await who["operator"].send(dict(report), key)
    assert sent.status_code == 201, sent.text
    return str(sent.json()["case_id"])


async def _facts(desk: Door, case_id: str, fact: str) -> dict[str, Any]:
    """The line of the case's timeline that tells of a fact, as soon as it is there."""

    async def look() -> dict[str, Any] | None:
        told = await story(desk, case_id)
        lines = [] if told is None else told["timeline"]
        return next((line for line in lines if line["type"] == fact), None)

    return await until(look, what=fact)


async def test_open_cases_are_routed_anew_when_the_profile_says_so_and_each_says_why(system: Platform) -> None:
    async with everybody(system, ()) as who:
        desk = who["operator"]
        road = await _opened(who, {**FLOODED_ROAD, "area": f"{TOWN}001"}, "mode-road")
        lamp = await _opened(who, {"source": "grid", "text": "路灯不亮", "area": f"{TOWN}001"}, "mode-lamp")
        before = await awaited_order(desk, road, role="lead")
        stays = await awaited_order(desk, lamp, role="lead")
        assert before["target"]["id"] != "drainage"

        async with mode_in(who, DEMO_COUNTY, "flood-I"):
            now = await awaited_order(desk, road, role="lead", target="drainage")
            assert now["reason"] == "mode"
            assert "防汛一级应急响应" in now["explanation"]["words"]
            await _facts(desk, road, "whistle.case.mode_changed.v1")
            await _facts(desk, lamp, "whistle.case.mode_changed.v1")
            later = await _opened(who, {**FLOODED_ROAD, "area": f"{TOWN}002"}, "mode-later")
            await awaited_order(desk, later, role="lead", target="drainage")
            assert (await desk.case(later))["case"]["mode"] == "flood-I"
            # What the profile does not name stays where it is.
            assert (await awaited_order(desk, lamp, role="lead"))["order_id"] == stays["order_id"]

        async def calm() -> bool:
            return bool((await desk.case(road))["case"]["mode"] == "normal")

        await until(calm, what="the case is back in normal")


async def test_a_warning_enters_the_mode_of_its_town_by_a_rule(system: Platform) -> None:
    async with everybody(system, ()) as who:
        desk = who["operator"]
        warning = {"source": "sensor", "text": "水文站：河道超保证水位0.4米，水位上涨", "category": "08.004"}
        await _opened(who, {**warning, "area": f"{RIVER_TOWN}200"}, "mode-warning")

        async def entered() -> bool:
            report = {**FLOODED_ROAD, "area": f"{RIVER_TOWN}201"}
            case_id = await _opened(who, report, f"mode-warned-{entered.__name__}-{len(seen)}")
            seen.append(case_id)
            await awaited_order(desk, case_id, role="lead")
            return bool((await desk.case(case_id))["case"]["mode"] == "flood-II")

        seen: list[str] = []
        await until(entered, what="flood-II in the warned town")
        elsewhere = await _opened(who, {**FLOODED_ROAD, "area": f"{TOWN}003"}, "mode-elsewhere")
        await awaited_order(desk, elsewhere, role="lead")
        assert (await desk.case(elsewhere))["case"]["mode"] == "normal"
        await _change(who, RIVER_TOWN, "normal")


async def test_a_drill_is_marked_everywhere_and_no_webhook_hears_of_it(system: Platform) -> None:
    async with everybody(system, ()) as who:
        desk = who["operator"]
        drill = {**FLOODED_ROAD, "area": f"{DRILL_TOWN}200", "drill": True}
        refused = await desk.send(drill, "drill-early")
        assert refused.status_code == 422, refused.text
        assert refused.json()["errors"][0]["field"].strip("/") == "drill"
        async with mode_in(who, DRILL_TOWN, "flood-drill"):
            with sink() as outside:
                await desk.subscribe(outside, "/all", area=DRILL_TOWN)
                practised = await _opened(who, drill, "drill-practised")
                earnest = await _opened(who, {**FLOODED_ROAD, "area": f"{DRILL_TOWN}201"}, "drill-earnest")
                await awaited_order(desk, practised, role="lead", target="drainage")
                await awaited_order(desk, earnest, role="lead")

                async def heard() -> bool:
                    told = [body["data"]["case_id"] for body in list(outside.bodies.values())]
                    return earnest in told

                await until(heard, what="the webhook hears of the real case")
                assert practised not in [body["data"]["case_id"] for body in outside.bodies.values()]
            told = await desk.case(practised)
            assert told["case"]["purpose"] == "drill"
            assert (await desk.case(earnest))["case"]["mode"] == "normal", "a real report is handled in earnest"
