"""Chains over the real PostgreSQL and HTTP: a whole ladder on a case's page, and a circular that reaches the county."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from services.notifier.handlers import deliver_due
from shared.events.order import OrderIssued
from shared.events.sla import ClockStepped
from shared.vocabulary import ChainAction
from tests.fakes.ladder import VILLAGE_DESK, ladder_clock, on_duty, walked
from tests.fakes.notifier import Life
from tests.integration.notifier.harness import House, listening, until
from tests.integration.notifier.sink import sink

OUTSIDE = ("other", "power")
STEPPED = ClockStepped.TYPE


async def test_a_case_that_nobody_touched_shows_its_whole_ladder(notifier: House) -> None:
    life, _ = walked()
    await notifier.tell(life.events)
    story = await notifier.get("county", f"/v1/cases/{life.case_id}")
    (shown,) = story["clocks"]
    assert (shown["chain"], shown["ahead"]) == ("ladder", [])
    assert [(one["step"], one["nth"], one["action"]) for one in shown["steps"]] == [
        ("urge", 1, "urge"),
        ("urge", 2, "urge"),
        ("to-town", 1, "oversee"),
        ("written", 1, "supervise"),
        ("to-county", 1, "take_over"),
        ("circular", 1, "circulate"),
        ("head", 1, "oversee"),
    ]
    assert shown["steps"][0]["to"][0]["officers"] == ["wang", "li"]
    assert (shown["escalated_to"], story["case"]["escalated_to"]) == ("county", "county")
    said = [one["words"] for one in story["timeline"] if one["type"] == STEPPED]
    assert len(said) == 7
    assert all(one["zh"] and one["en"] for one in said)
    assert "the desk of Yunlu County (leader on duty: chen)" in said[-1]["en"]


async def test_a_clock_shows_the_steps_that_come_unless_it_stops_and_none_while_it_stands_still(
    notifier: House,
) -> None:
    life = Life(name="what comes")
    clock = ladder_clock(life)
    life.start(clock)
    life.now = clock.started_at + timedelta(minutes=30)
    life.step(clock, ChainAction.URGE, on_duty(VILLAGE_DESK, "wang"))
    await notifier.tell(life.events)
    before = len(life.events)

    async def coming() -> list[tuple[str, int]]:
        story = await notifier.get("county", f"/v1/cases/{life.case_id}")
        return [(one["step"], one["nth"]) for one in story["clocks"][0]["ahead"]]

    assert (await coming())[:2] == [("urge", 2), ("to-town", 1)]
    (order,) = [event.data.order for event in life.events if isinstance(event.data, OrderIssued)]
    life.pause(order)
    await notifier.tell(life.events[before:])
    assert await coming() == []


async def test_steps_are_asked_for_by_their_type_alone(notifier: House) -> None:
    life, _ = walked("by type")
    async with listening(notifier.url, "town", type=STEPPED) as heard:
        await notifier.tell(life.events)
        await until(lambda: len(heard.events) == 7)
    assert {one["type"] for one in heard.events} == {STEPPED}


@pytest.mark.parametrize("outside", OUTSIDE)
async def test_a_circular_is_heard_live_and_from_history_by_those_who_may_not_see_the_case(
    notifier: House, outside: str
) -> None:
    life, clock = walked(f"known to {outside}")
    async with listening(notifier.url, outside) as live:
        await notifier.tell(life.events)
        await until(lambda: bool(live.events))
    async with listening(notifier.url, outside, after=0) as past:
        await until(lambda: bool(past.events))
    for heard in (live, past):
        (told,) = heard.events
        assert (told["type"], told["case"], told["data"], told["departments"]) == (STEPPED, None, None, [])
        circular = told["circular"]
        assert (circular["case_id"], circular["area"]) == (str(life.case_id), "990101001200")
        assert circular["late_seconds"] == (timedelta(days=6) - (clock.due_at - clock.started_at)).total_seconds()
        whole = json.dumps(told, ensure_ascii=False)
        for secret in (life.title, "wang", "zhao", "sun", "书面说明", str(clock.order_id)):
            assert secret not in whole
    assert await _counts(notifier, outside) == 0
    await notifier.get(outside, f"/v1/cases/{life.case_id}", status=404)


async def _counts(notifier: House, key: str) -> int:
    listed = await notifier.get(key, "/v1/cases")
    return len(listed["cases"])


async def test_a_circular_is_whole_to_who_may_see_the_case_and_silent_beyond_the_county(notifier: House) -> None:
    life, _ = walked("inside and beyond")
    async with listening(notifier.url, "neighbour") as neighbour, listening(notifier.url, "head") as head:
        await notifier.tell(life.events)
        await until(lambda: len(head.events) == len(life.events))
        assert neighbour.events == []
    known = next(one for one in head.events if one["data"].get("action") == "circulate")
    assert known["case"]["case_id"] == str(life.case_id)
    assert "circular" not in known


async def test_a_filter_by_department_or_type_keeps_a_circular_and_by_another_type_drops_it(notifier: House) -> None:
    life, _ = walked("filtered")
    await notifier.tell(life.events)
    for query, expected in (({"department": "power"}, 1), ({"type": "whistle.sla"}, 1), ({"type": "whistle.case"}, 0)):
        async with listening(notifier.url, "power", after=0, **query) as heard:
            assert len(heard.events) == expected, query


async def test_a_webhook_of_another_department_gets_the_thin_circular_and_no_order(notifier: House) -> None:
    life, clock = walked("by webhook")
    async with sink() as far, sink() as near:
        await notifier.post("power", "/v1/subscriptions", {"url": far.url})
        await notifier.post("county", "/v1/subscriptions", {"url": near.url, "type": [STEPPED]})
        await notifier.tell(life.events)

        async def all_sent() -> bool:
            await deliver_due(notifier.delivery)
            return len(far.got) == 1 and len(near.got) == 7

        await until(all_sent)
        (outside,) = [json.loads(one.body)["data"] for one in far.got]
        inside = [json.loads(one.body)["data"] for one in near.got]
    assert (outside["circular"], outside["order_id"], outside["target"]["id"]) == (True, None, VILLAGE_DESK.id)
    assert outside["late_seconds"] == (timedelta(days=6) - (clock.due_at - clock.started_at)).total_seconds()
    assert [one["circular"] for one in inside].count(True) == 1
    assert {one["order_id"] for one in inside} == {str(clock.order_id)}


async def test_no_reader_without_a_key_hears_of_a_step(notifier: House) -> None:
    life, _ = walked("in public")
    await notifier.tell(life.events)
    public = await notifier.pool.fetch("SELECT public FROM timeline WHERE public IS NOT NULL")
    assert public
    assert not any("通报" in row["public"] or "催办" in row["public"] for row in public)
    rows = await notifier.pool.fetch("SELECT entry ->> 'type' AS type FROM timeline WHERE public IS NOT NULL")
    assert not any(row["type"].startswith("whistle.sla.") for row in rows)
