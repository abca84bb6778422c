"""Joint handling, modes, rulings, drills and questions to the rules, over the real PostgreSQL and HTTP."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

import msgspec
import pytest

from services.notifier.channels.router import HttpRouter
from services.notifier.handlers import deliver_due
from services.notifier.ports import RouterAnswer
from shared.events import case as facts
from shared.events.parts import CaseView
from shared.playbook.model import Channels, Duty, Mode, Playbook, Power
from shared.runtime.clock import utc_now
from shared.runtime.serving import HttpServer
from shared.vocabulary import Level, ModeKind, OrderReason, OrderState, Purpose
from tests.fakes.joint import TOWN_DESK, changed_mode, entered, matter, whistled
from tests.fakes.notifier import Life, department
from tests.integration.notifier.harness import House, bearer, county, house, listening, until
from tests.integration.notifier.sink import Sink
from tests.integration.notifier.sink import sink as receiving


async def subscribed(notifier: House, sink: Sink) -> str:
    kept = await notifier.post("county", "/v1/subscriptions", {"url": sink.url})
    return str(kept["subscription"]["subscription_id"])


async def test_a_whistles_departments_are_shown_side_by_side_and_each_to_itself(notifier: House) -> None:
    life, (water, power) = whistled("side-by-side", "water", "power")
    life.start(life.clock(power))
    life.sign(water)
    await notifier.tell(life.events)
    story = await notifier.get("county", f"/v1/cases/{life.case_id}")
    (whistle,) = story["whistles"]
    assert (whistle["kind"], whistle["state"]) == ("joint_enforcement", "sounded")
    assert [(one["department"], one["state"]) for one in whistle["called"]] == [
        ("water", "signed"),
        ("power", "issued"),
    ]
    name = county().departments["water"].name
    assert whistle["called"][0]["name"] == {"zh": name.zh, "en": name.en}
    assert whistle["called"][1]["sign_due_at"] is not None
    assert {one["reason"] for one in story["orders"] if one["whistle"]} == {"whistle"}
    own = await notifier.get("power", f"/v1/cases/{life.case_id}")
    assert [one["department"] for one in own["whistles"][0]["called"]] == ["power"]
    sounded = next(one for one in story["timeline"] if one["type"] == "whistle.case.whistled.v1")
    assert name.zh in sounded["words"]["zh"]


async def test_a_matter_is_shown_as_one_with_its_steps_and_their_states(notifier: House) -> None:
    life = Life(name="matter")
    order = life.order(department("water"), reason=OrderReason.STEP, step="s1")
    view = {"matter": matter(OrderState.RESOLVED, OrderState.ISSUED, None)}
    life.tell(facts.CaseStepDone, view=view, step="s1", order_id=order.order_id)
    await notifier.tell(life.events)
    story = await notifier.get("county", f"/v1/cases/{life.case_id}")
    assert [one["state"] for one in story["matter"]["steps"]] == ["resolved", "issued", None]
    assert story["case"]["matter"] == {"id": "unsafe-house", "title": "危房处置一件事", "done": 1, "steps": 3}
    assert story["orders"][0]["step"] == "s1"


async def test_drills_are_marked_in_lists_streams_and_stories_and_can_be_filtered(notifier: House) -> None:
    drill, real = Life(name="a drill", purpose=Purpose.DRILL, mode="drill"), Life(name="in earnest")
    async with listening(notifier.url, "county") as heard, listening(notifier.url, "county", purpose="real") as earnest:
        await notifier.tell([*drill.events, *real.events])
        await until(lambda: len(heard.events) == 2 and len(earnest.events) == 1)
    assert [one["purpose"] for one in heard.events] == ["drill", "real"]
    assert earnest.events[0]["case"]["case_id"] == str(real.case_id)
    listed = (await notifier.get("county", "/v1/cases"))["cases"]
    assert {one["case_id"]: one["purpose"] for one in listed} == {
        str(drill.case_id): "drill",
        str(real.case_id): "real",
    }
    for query, expected in (("purpose=drill", drill), ("purpose=real", real), ("mode=drill", drill)):
        found = (await notifier.get("county", f"/v1/cases?{query}"))["cases"]
        assert [one["case_id"] for one in found] == [str(expected.case_id)]
    refused = await notifier.get("county", "/v1/cases?purpose=canary", status=422)
    assert refused["errors"][0]["field"] == "?purpose"
    async with listening(notifier.url, "county", after=0, mode="drill") as again:
        await until(lambda: len(again.events) == 1)


async def test_a_drill_never_leaves_by_webhook_and_says_that_it_was_held_back(notifier: House) -> None:
    async with receiving() as sink:
        subscription = await subscribed(notifier, sink)
        drill, real = Life(name="held", purpose=Purpose.DRILL), Life(name="sent")
        await notifier.tell([*drill.events, *real.events])
        await deliver_due(notifier.delivery)
        await until(lambda: not notifier.delivery.tasks)
        assert len(sink.got) == 1
        path = f"/v1/subscriptions/{subscription}/deliveries"
        rows = {one["case_id"]: one for one in (await notifier.get("county", path))["deliveries"]}
        held = rows[str(drill.case_id)]
        assert (held["state"], held["reason"], held["attempts"]) == ("held", "drill", 0)
        assert "演练" in held["words"]["zh"]
        await notifier.post("county", f"{path}/{held['delivery_id']}/replay", status=409)
        assert [one["case_id"] for one in (await notifier.get("county", f"{path}?state=held"))["deliveries"]] == [
            str(drill.case_id)
        ]
        assert (await notifier.get("county", "/v1/summary"))["deliveries"] == {"held": 1, "delivered": 1}


def flooded() -> Playbook:
    """The demo county with a mode that tries again quickly."""
    title = next(iter(county().departments.values())).name
    mode = Mode(
        id="flood-2",
        title=title,
        kind=ModeKind.EMERGENCY,
        level=Level.COUNTY,
        channels=Channels(retry_at_most_seconds=2),
    )
    return replace(county(), modes={"flood-2": mode})


async def test_a_mode_has_deliveries_of_its_cases_tried_again_sooner(dsn: str) -> None:
    async with house(dsn, playbook=flooded()) as notifier, receiving() as sink:
        sink.answer = lambda _got: (500, {}, 0.0)
        await subscribed(notifier, sink)
        calm, wet = Life(name="calm"), Life(name="wet", mode="flood-2")
        await notifier.tell([*calm.events, *wet.events])
        for _ in range(2):
            notifier.clock.ahead += timedelta(seconds=6)
            await deliver_due(notifier.delivery)
            await until(lambda: not notifier.delivery.tasks)
        rows = await notifier.pool.fetch("SELECT case_id, attempts, next_at FROM delivery WHERE state = 'waiting'")
        waits = {row["case_id"]: row["next_at"] - notifier.clock() for row in rows if row["attempts"] == 2}
        assert waits[wet.case_id] <= timedelta(seconds=2)
        assert waits[calm.case_id] > timedelta(minutes=4)


async def test_modes_are_shown_with_what_each_change_did_within_the_keys_own_area(notifier: House) -> None:
    flood, town = changed_mode(1), changed_mode(2, area="990101001", mode="typhoon-1")
    left = changed_mode(3, area="990101001", mode="normal", before="typhoon-1")
    elsewhere = changed_mode(4, area="990102", mode="snow-3")
    lives = [Life(name=f"settled {number}", area=area) for number, area in enumerate(("990101001200", "990101002200"))]
    for life in lives:
        life.order(department("water"))
        cause = entered(life, flood)
        if life is lives[0]:
            life.order(department("emergency"), reason=OrderReason.MODE, cause_id=cause)
        await notifier.tell(life.events)
    for _ in range(2):
        await notifier.read_side.keep_modes([flood, town, left, elsewhere])
    told = await notifier.get("county", "/v1/modes")
    assert [(one["area"], one["mode"]) for one in told["in_force"]] == [("990101", "flood-2")]
    assert told["in_force"][0]["settled"] == {"rerouted": 1, "withdrawn": 0, "kept": 1}
    assert [one["change_id"] for one in told["history"]] == [str(one.change_id) for one in (left, town, flood)]
    assert told["in_force"][0]["confirmed_by"]["name"] == "麓城街道负责人"
    other = await notifier.get("other", "/v1/modes")
    assert [one["area"] for one in other["history"]] == ["990101"]
    assert other["in_force"][0]["settled"] == {"rerouted": 0, "withdrawn": 0, "kept": 1}
    assert [one["area"] for one in (await notifier.get("neighbour", "/v1/modes"))["in_force"]] == ["990102"]
    await notifier.get("town", "/v1/modes?area=990101002", status=403)
    first = await notifier.get("county", "/v1/modes?limit=1")
    second = await notifier.get("county", f"/v1/modes?limit=1&cursor={first['next']}")
    assert [one["history"][0]["area"] for one in (first, second)] == ["990101001", "990101001"]
    story = await notifier.get("county", f"/v1/cases/{lives[0].case_id}")
    assert (story["case"]["mode"], story["mode_title"]) == ("flood-2", {"zh": "flood-2", "en": "flood-2"})


async def rule(notifier: House, name: str, to: str, *, area: str = "990101001200", category: str = "01.002") -> Life:
    life = Life(name=name, area=area, category=category)
    life.tell(facts.CaseRuled, by=TOWN_DESK, to=department(to), reason="属其职责")
    await notifier.tell(life.events)
    return life


def unlisted(power: Power) -> str:
    """A category of the demo county that asks for ``power``."""
    return next(one.code for one in county().categories.values() if one.power is power and one.parent is not None)


async def test_rulings_are_proposed_for_the_duty_list_until_it_names_them(dsn: str) -> None:
    handled, enforced = unlisted(Power.HANDLE), unlisted(Power.ENFORCE)
    listed = Duty(department="power", category=handled, area="990101", power=Power.HANDLE)
    book = replace(county(), duties=(listed,), enforcement=())
    async with house(dsn, playbook=book) as notifier:
        twice = [await rule(notifier, f"twice {one}", "water", category=handled) for one in (1, 2)]
        await rule(notifier, "enforced", "urban", category=enforced)
        await rule(notifier, "listed", "power", category=handled)
        await rule(notifier, "elsewhere", "water", area="990102001200", category=handled)
        told = (await notifier.get("head", "/v1/duty-proposals"))["proposals"]
        assert [(one["department"], one["power"], one["file"], one["count"]) for one in told] == [
            ("water", "handle", "duties.csv", 2),
            ("urban", "enforce", "enforcement.csv", 1),
        ]
        assert set(told[0]["cases"]) == {str(life.case_id) for life in twice}
        answer = await notifier.client.get("/v1/duty-proposals", headers={**bearer("county"), "accept": "text/csv"})
        assert answer.headers["content-type"].startswith("text/csv")
        assert list(csv.reader(io.StringIO(answer.text))) == [
            ["department", "category", "area", "power"],
            ["water", handled, "990101001200", "handle"],
        ]
        assert (await notifier.get("other", "/v1/duty-proposals"))["proposals"] == []
        await notifier.get("town", "/v1/duty-proposals?area=990101002", status=403)
        await notifier.get("water", "/v1/duty-proposals", status=403)


@dataclass(slots=True)
class Asked:
    """A router that keeps what it was asked; ``answer`` is what it says."""

    question: dict[str, object] | None = None
    answer: RouterAnswer = field(default_factory=lambda: RouterAnswer(status=200, body=b'{"unrouted": false}'))

    async def ask(self, question: bytes) -> RouterAnswer:
        self.question = msgspec.json.decode(question)
        return self.answer


@asynccontextmanager
async def asking(dsn: str) -> AsyncIterator[tuple[House, Asked]]:
    router = Asked()
    async with house(dsn, router=router) as notifier:
        yield notifier, router


async def test_the_rules_are_asked_about_a_case_as_it_is_kept_here(dsn: str) -> None:
    async with asking(dsn) as (notifier, router):
        life = Life(name="asked")
        await notifier.tell(life.events)
        body = {
            "case_id": str(life.case_id),
            "all": True,
            "start": 200,
            "mode": "flood-2",
            "at": "2026-11-22T02:00:00Z",
        }
        assert await notifier.post("town", "/v1/explain", body, status=200) == {"unrouted": False}
        assert router.question is not None
        case = router.question["case"]
        assert isinstance(case, dict)
        assert (case["case_id"], case["area"]) == (str(life.case_id), life.area)
        assert router.question["text"] == f"{life.title}。"
        assert {name: router.question[name] for name in ("all", "start", "count", "mode")} == {
            "all": True,
            "start": 200,
            "count": 200,
            "mode": "flood-2",
        }
        router.question = None
        for key in ("other", "neighbour", "water"):
            await notifier.post(key, "/v1/explain", {"case_id": str(life.case_id)}, status=404)
        assert router.question is None


async def test_the_rules_are_asked_about_a_case_that_never_was(dsn: str) -> None:
    async with asking(dsn) as (notifier, router):
        made = {"area": "990101001200", "category": "01.002", "text": "没有自来水", "tags": ["school"]}
        await notifier.post("town", "/v1/explain", {"case": made}, status=200)
        assert router.question is not None
        case = msgspec.convert(router.question["case"], CaseView)
        assert (case.area, case.tags, case.severity) == (
            "990101001200",
            ("school",),
            county().categories["01.002"].severity,
        )
        await notifier.post("other", "/v1/explain", {"case": made}, status=403)
        for wrong, field in (
            ({}, "/case_id"),
            ({"case": made, "case_id": str(case.case_id)}, "/case_id"),
            ({"case": {**made, "category": "77.777"}}, "/case/category"),
            ({"case": {**made, "area": "99"}}, "/case/area"),
        ):
            refused = await notifier.post("town", "/v1/explain", wrong, status=422)
            assert refused["errors"][0]["field"] == field


async def test_what_the_router_refuses_is_refused_and_what_it_cannot_answer_says_how_to_mend(dsn: str) -> None:
    async with asking(dsn) as (notifier, router):
        life = Life(name="refused")
        await notifier.tell(life.events)
        body = {"case_id": str(life.case_id)}
        router.answer = RouterAnswer(status=422, body=b'{"type": "x", "title": "no such mode", "status": 422}')
        assert (await notifier.post("town", "/v1/explain", body, status=422))["title"] == "no such mode"
        router.answer = RouterAnswer(status=500, body=b"oops")
        assert "log" in (await notifier.post("town", "/v1/explain", body, status=503))["detail"]
    async with house(dsn) as alone:
        assert "WHISTLE_ROUTER" in (await alone.post("town", "/v1/explain", body, status=503))["detail"]
    away = HttpRouter("http://127.0.0.1:1")
    async with house(dsn, router=away) as lonely:
        assert "cannot be reached" in (await lonely.post("town", "/v1/explain", body, status=503))["detail"]
    await away.close()


async def test_a_router_that_does_not_answer_holds_nobody_up(dsn: str) -> None:
    async def never(scope: object, receive: object, send: object) -> None:
        await asyncio.Event().wait()

    server = HttpServer(never, "127.0.0.1", 0)
    await server.start()
    slow = HttpRouter(f"http://127.0.0.1:{server.port}", timeout_seconds=0.3)
    async with house(dsn, router=slow) as notifier:
        life = Life(name="slow")
        await notifier.tell(life.events)
        began = utc_now()
        refused = await notifier.post("town", "/v1/explain", {"case_id": str(life.case_id)}, status=503)
        assert "within 0.3 s" in refused["detail"]
        assert utc_now() - began < timedelta(seconds=5)
    await slow.close()
    await server.stop()


@pytest.mark.parametrize("key", ("head", "county", "town"))
async def test_the_head_of_a_desk_reads_as_the_desk_does(notifier: House, key: str) -> None:
    assert (await notifier.get(key, "/v1/cases"))["cases"] == []
