"""One case through every turn that a life can take, on the real system, each by whom it belongs to."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from deploy.local.keys import DEMO_COUNTY, Bearer
from shared.runtime.clock import utc_now
from shared.vocabulary import Role
from tests.e2e.party import accepted, awaited_order, everybody, story
from tests.e2e.walk import Door, until

if TYPE_CHECKING:
    from deploy.local.platform import Platform

VILLAGE: Final = f"{DEMO_COUNTY}001002"
TOWN: Final = VILLAGE[:9]
BEARERS: Final = (
    Bearer(id="village", name="村值班员", role=Role.DESK, area=VILLAGE),
    Bearer(id="town", name="镇值班员", role=Role.DESK, area=TOWN),
    Bearer(id="mayor", name="镇长", role=Role.LEADER, area=TOWN),
    Bearer(id="county", name="县值班员", role=Role.DESK, area=DEMO_COUNTY),
)
MINUTE: Final = timedelta(minutes=1)


def at(later: timedelta) -> str:
    return (utc_now() + later).isoformat()


async def in_state(who: Door, case_id: str, state: str) -> dict[str, Any]:
    """The case as the notifier tells it, as soon as it is in that state."""

    async def look() -> dict[str, Any] | None:
        told = await story(who, case_id)
        return told if told is not None and told["case"]["state"] == state else None

    return await until(look, what=f"the case is {state}")


async def handle_clock(who: Door, case_id: str, order_id: str) -> dict[str, Any] | None:
    """The clock of handling that runs, or stands still, for an order."""
    told = await who.case(case_id)
    found: list[dict[str, Any]] = [
        one for one in told["clocks"] if one["kind"] == "handle" and one["order_id"] == order_id
    ]
    return found[-1] if found else None


async def test_a_guess_nobody_is_sure_of_waits_for_a_person(system: Platform) -> None:
    async with everybody(system, BEARERS) as who:
        report = {"source": "resident", "text": "村史馆里的老照片挂反了", "area": VILLAGE}
        sent = await who["operator"].send(report, "life-unsure")
        assert sent.status_code == 201, sent.text
        assert sent.json()["state"] == "received", sent.text
        case_id = sent.json()["case_id"]
        waiting = await in_state(who["town"], case_id, "received")
        assert not waiting["orders"]

        early = await who["town"].act(case_id, "verify")
        assert early.status_code == 409, early.text
        assert "file" in early.json()["allowed"]
        filed = await accepted(who["town"], case_id, "file", category="12.001", note="电话核实为意见建议")
        assert filed["state"] == "opened"
        order = await awaited_order(who["town"], case_id, role="lead")
        assert order["target"]["id"]


async def test_what_no_word_of_the_playbook_names_is_known_from_its_messages(system: Platform) -> None:
    async with everybody(system, BEARERS) as who:
        report = {"source": "resident", "text": "水来了没有啊？", "area": VILLAGE}
        sent = await who["operator"].send(report, "life-learned")
        assert sent.status_code == 201, sent.text
        assert (sent.json()["category"], sent.json()["state"]) == ("01.002", "opened"), sent.text


async def test_a_case_stands_still_runs_longer_and_is_watched_over(system: Platform) -> None:
    async with everybody(system, BEARERS) as who:
        town, county = who["town"], who["county"]
        report = {"source": "resident", "text": "村口路灯不亮了，晚上走路看不见", "area": VILLAGE}
        sent = await who["operator"].send(report, "life-whole")
        assert sent.status_code == 201, sent.text
        case_id = sent.json()["case_id"]
        lead = await awaited_order(town, case_id, role="lead")
        holder = who["operator"]
        await accepted(holder, case_id, "sign", order_id=lead["order_id"])

        # It stands still, and its clock with it.
        await accepted(holder, case_id, "pause", code="parts", reason="等路灯控制器到货")
        held = await in_state(town, case_id, "paused")
        assert held["case"]["held"]["code"] == "parts"
        still = await holder.act(case_id, "resolve", order_id=lead["order_id"], note="已修好")
        assert still.status_code == 409, still.text
        await accepted(holder, case_id, "resume", reason="已到货")
        await in_state(town, case_id, "signed")

        # More time needs two words of two persons, asked for before the deadline.
        async def running() -> dict[str, Any] | None:
            clock = await handle_clock(town, case_id, lead["order_id"])
            return clock if clock is not None and clock["running"] else None

        clock = await until(running, what="a clock of handling runs")
        due = datetime.fromisoformat(clock["due_at"])
        to = due + timedelta(days=2)

        async def asked() -> dict[str, Any] | None:
            answer = await holder.act(
                case_id, "extend", order_id=lead["order_id"], until=to.isoformat(), reason="需停电作业"
            )
            told: dict[str, Any] = answer.json()
            return told if answer.status_code == 200 else None

        extension = (await until(asked, what="an extension is asked for"))["extension_id"]
        await accepted(town, case_id, "approve", extension_id=extension)
        twice = await town.act(case_id, "approve", extension_id=extension)
        assert twice.status_code in {403, 409}, twice.text
        await accepted(county, case_id, "approve", extension_id=extension)

        async def moved() -> bool:
            clock = await handle_clock(town, case_id, lead["order_id"])
            return clock is not None and abs(datetime.fromisoformat(clock["due_at"]) - to) < MINUTE

        await until(moved, what="the clock of handling is due at the time granted")

        # The level above watches over it until it has a reply.
        watched = await accepted(
            county, case_id, "supervise", reason="群众多次反映，请今日答复", until=at(timedelta(hours=4))
        )
        await accepted(holder, case_id, "reply", supervision_id=watched["supervision_id"], reason="今晚前亮灯")
        await accepted(county, case_id, "sign_off", supervision_id=watched["supervision_id"])


async def test_a_result_is_answered_in_full_rated_both_ways_and_appealed(system: Platform) -> None:
    async with everybody(system, BEARERS) as who:
        village, town, mayor, county = (who[name] for name in ("village", "town", "mayor", "county"))
        holder = who["operator"]
        report = {"source": "hotline", "text": "小区门口垃圾桶满溢，生活垃圾没人清运", "area": VILLAGE}
        sent = await holder.send(report, "life-result")
        assert sent.status_code == 201, sent.text
        case_id, code = sent.json()["case_id"], sent.json()["tracking_code"]
        lead = await awaited_order(town, case_id, role="lead")
        await accepted(holder, case_id, "sign", order_id=lead["order_id"])

        # A hotline's case ends only with the four elements of a reply.
        bare = await holder.act(case_id, "resolve", order_id=lead["order_id"], note="已亮灯")
        assert bare.status_code == 422, bare.text
        assert "spoken_with" in bare.text
        reply = {"accepted_at": at(-MINUTE), "spoken_with": "诉求人", "done": "更换控制器", "done_by": at(MINUTE)}
        await accepted(holder, case_id, "resolve", order_id=lead["order_id"], note="已亮灯", reply=reply)
        await accepted(village, case_id, "verify")
        await accepted(village, case_id, "close")
        await in_state(town, case_id, "closed")

        # Rated both ways, then appealed, reviewed twice, exempt: what happened stays.
        public = await village.notifier.get(f"/v1/track/{code}", headers={"Authorization": ""})
        assert public.status_code == 200, public.text
        assert public.json()["state"] == "closed"
        rated = await village.intake.post(
            f"/v1/track/{code}/rate", json={"rating": "satisfied"}, headers={"Authorization": ""}
        )
        assert rated.status_code == 200, rated.text
        await accepted(village, case_id, "rate_department", order_id=lead["order_id"], speed=4, quality=5)
        appeal = await accepted(
            holder, case_id, "appeal", order_id=lead["order_id"], ground="overdue", reason="停电窗口由电网定"
        )
        await accepted(town, case_id, "review", appeal_id=appeal["appeal_id"], upheld=True, reason="属实")
        again = await town.act(case_id, "review", appeal_id=appeal["appeal_id"], upheld=True, reason="属实")
        assert again.status_code == 403, again.text
        await accepted(county, case_id, "review", appeal_id=appeal["appeal_id"], upheld=True, reason="同意豁免")

        async def exempt() -> bool:
            told = await mayor.case(case_id)
            return bool(told["case"]["exempt"])

        await until(exempt, what="the case is exempt")


async def test_one_matter_is_one_case_and_every_reporter_sees_its_steps(system: Platform) -> None:
    async with everybody(system, BEARERS) as who:
        desk = who["operator"]
        texts = (
            "老桥头南侧排水沟盖板断裂，行人容易踩空",
            "老桥头南侧排水沟盖板断裂了，行人很容易踩空，请处理",
        )
        sent = [
            await desk.send({"source": "resident", "text": text, "area": VILLAGE}, f"life-same-{number}")
            for number, text in enumerate(texts)
        ]
        assert [one.status_code for one in sent] == [201, 201], [one.text for one in sent]
        first, second = (one.json() for one in sent)
        assert second["merged"] is True, second
        assert second["case_id"] == first["case_id"]
        assert second["tracking_code"] != first["tracking_code"]
        lead = await awaited_order(desk, first["case_id"], role="lead")
        await accepted(desk, first["case_id"], "sign", order_id=lead["order_id"])

        async def both_see_it() -> bool:
            seen = [
                (await desk.notifier.get(f"/v1/track/{one['tracking_code']}", headers={"Authorization": ""}))
                for one in (first, second)
            ]
            return all(one.status_code == 200 and one.json()["state"] == "signed" for one in seen)

        await until(both_see_it, what="both reporters see that it was signed")


async def test_life_at_risk_is_handed_over_at_once_and_the_receipt_kept(system: Platform) -> None:
    async with everybody(system, BEARERS) as who:
        report = {"source": "resident", "text": "有人触电倒地，快来人", "area": VILLAGE}
        sent = await who["operator"].send(report, "life-emergency")
        assert sent.status_code == 201, sent.text
        assert sent.json()["severity"] == 1
        case_id = sent.json()["case_id"]
        await awaited_order(who["town"], case_id, role="lead")
        await accepted(who["town"], case_id, "hand_over", service="120", receipt="120-2026-0417")

        async def told() -> bool:
            lines = str((await who["town"].case(case_id))["timeline"])
            return "120-2026-0417" in lines

        await until(told, what="the receipt stands on the timeline")
