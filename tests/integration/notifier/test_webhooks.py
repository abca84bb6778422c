"""Webhooks to a real receiver: signed, retried by the schedule, never sent inside, never lost."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from services.notifier.domain.delivery import Answered, Delivered, GiveUp, Reason, Unreached
from services.notifier.domain.telling import delivery_id
from services.notifier.handlers import Delivery, deliver_due
from services.notifier.ports import Attempt
from tests.fakes.notifier import Life, department, whole_life
from tests.integration.notifier.harness import OTHER_VILLAGE, VILLAGE, House, bearer, house
from tests.integration.notifier.sink import Sink, sink


@pytest.fixture
async def receiver() -> AsyncIterator[Sink]:
    async with sink() as opened:
        yield opened


async def subscribe(notifier: House, url: str, key: str = "town", **asked: Any) -> dict[str, Any]:
    made: dict[str, Any] = await notifier.post(key, "/v1/subscriptions", {"url": url, **asked})
    return made


async def settle(work: Delivery) -> int:
    """Deliver everything that is due now."""
    total = 0
    while started := await deliver_due(work):
        total += started
        while work.tasks:
            await asyncio.wait(set(work.tasks))
    return total


async def states(notifier: House) -> dict[str, int]:
    rows = await notifier.pool.fetch("SELECT state, count(*) FROM delivery GROUP BY 1")
    return {row["state"]: row["count"] for row in rows}


async def test_each_event_arrives_once_signed_so_that_the_library_verifies_it(notifier: House, receiver: Sink) -> None:
    made = await subscribe(notifier, receiver.url)
    life = whole_life("signed", area=VILLAGE)
    await notifier.tell([*life.events, *whole_life("elsewhere", area=OTHER_VILLAGE).events])
    await notifier.tell(life.events)
    assert await settle(notifier.delivery) == len(life.events)
    subscription = UUID(made["subscription"]["subscription_id"])
    assert sorted(receiver.ids) == sorted(str(delivery_id(event.id, subscription)) for event in life.events)
    for got in receiver.got:
        body = Webhook(made["secret"]).verify(got.body, got.headers)
        assert set(body["data"]) >= {"event_id", "case_id", "version", "state", "area"}
        assert got.headers["content-type"] == "application/json"
        assert len(got.body) < 20_000
        trace = got.headers["traceparent"].split("-")[1]
        assert trace == life.case_id.hex
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + "A" * 43 + "=").verify(receiver.got[0].body, receiver.got[0].headers)
    assert await states(notifier) == {"delivered": len(life.events)}


async def test_a_failing_receiver_is_tried_again_by_the_schedule_with_the_same_id(
    notifier: House, receiver: Sink
) -> None:
    receiver.answer = lambda _got: (500, {}, 0.0)
    made = await subscribe(notifier, receiver.url)
    await notifier.tell(Life(name="failing", area=VILLAGE).events)
    assert await settle(notifier.delivery) == 1
    for pause in (5, 300, 1800, 7200, 18000, 36000, 50400, 72000):
        notifier.clock.ahead += timedelta(seconds=pause - 3)
        assert await settle(notifier.delivery) == 0, pause
        notifier.clock.ahead += timedelta(seconds=3)
        assert await settle(notifier.delivery) == 1, pause
    notifier.clock.ahead += timedelta(hours=25)
    receiver.answer = lambda _got: (200, {}, 0.0)
    assert await settle(notifier.delivery) == 1
    assert (len(receiver.got), len(set(receiver.ids))) == (10, 1)
    listed = await notifier.get("town", f"/v1/subscriptions/{made['subscription']['subscription_id']}/deliveries")
    one = listed["deliveries"][0]
    assert (one["state"], one["attempts"], one["delivery_id"]) == ("delivered", 10, receiver.ids[0])
    assert [attempt["reason"] for attempt in one["log"]] == ["server_error"] * 9 + ["delivered"]
    assert all(attempt["words"]["zh"] and attempt["words"]["en"] for attempt in one["log"])
    assert [attempt["status"] for attempt in one["log"]] == [500] * 9 + [200]


async def test_after_the_whole_schedule_it_fails_and_can_be_replayed_by_a_person(
    notifier: House, receiver: Sink
) -> None:
    receiver.answer = lambda _got: (500, {}, 0.0)
    made = await subscribe(notifier, receiver.url)
    await notifier.tell(Life(name="given-up", area=VILLAGE).events)
    for _ in range(10):
        await settle(notifier.delivery)
        notifier.clock.ahead += timedelta(hours=30)
    assert await states(notifier) == {"failed": 1}
    path = f"/v1/subscriptions/{made['subscription']['subscription_id']}/deliveries"
    failed = (await notifier.get("town", f"{path}?state=failed"))["deliveries"][0]
    assert failed["reason"] == "server_error"
    receiver.answer = lambda _got: (200, {}, 0.0)
    await notifier.post("town", f"{path}/{failed['delivery_id']}/replay", status=202)
    await notifier.post("town", f"{path}/{failed['delivery_id']}/replay", status=409)
    assert await settle(notifier.delivery) == 1
    assert len(set(receiver.ids)) == 1
    assert await states(notifier) == {"delivered": 1}


async def test_410_disables_the_subscription_and_ends_all_that_waits(notifier: House, receiver: Sink) -> None:
    receiver.answer = lambda _got: (410, {}, 0.0)
    made = await subscribe(notifier, receiver.url)
    path = f"/v1/subscriptions/{made['subscription']['subscription_id']}"
    life = whole_life("gone", area=VILLAGE)
    await notifier.tell(life.events)
    notifier.delivery.most = 1
    assert await settle(notifier.delivery) == 1
    shown = await notifier.get("town", path)
    assert (shown["state"], shown["state_reason"]) == ("disabled", "gone")
    assert await states(notifier) == {"failed": len(life.events)}
    await notifier.tell(Life(name="after-gone", area=VILLAGE).events)
    assert await settle(notifier.delivery) == 0
    receiver.answer = lambda _got: (200, {}, 0.0)
    await notifier.post("town", f"{path}/enable", status=200)
    await notifier.tell(Life(name="after-enable", area=VILLAGE).events)
    assert await settle(notifier.delivery) == 1


async def test_retry_after_lets_the_whole_subscription_rest(notifier: House, receiver: Sink) -> None:
    receiver.answer = lambda _got: (429, {"retry-after": "900"}, 0.0)
    await subscribe(notifier, receiver.url)
    life = whole_life("resting", area=VILLAGE)
    await notifier.tell(life.events)
    notifier.delivery.most = 1
    assert await settle(notifier.delivery) == 1
    receiver.answer = lambda _got: (200, {}, 0.0)
    notifier.clock.ahead += timedelta(seconds=880)
    assert await settle(notifier.delivery) == 0
    notifier.clock.ahead += timedelta(seconds=30)
    assert await settle(notifier.delivery) == len(life.events)


async def test_a_redirect_is_not_followed(notifier: House, receiver: Sink) -> None:
    receiver.answer = lambda _got: (307, {"location": f"http://127.0.0.1:{receiver.port}/inside"}, 0.0)
    await subscribe(notifier, receiver.url)
    await notifier.tell(Life(name="redirect", area=VILLAGE).events)
    await settle(notifier.delivery)
    assert [got.path for got in receiver.got] == ["/hook"]
    assert await notifier.pool.fetchval("SELECT reason FROM delivery_attempt") == "redirect"


async def test_a_rotated_secret_signs_beside_the_old_one_until_its_time_is_over(
    notifier: House, receiver: Sink
) -> None:
    made = await subscribe(notifier, receiver.url)
    path = f"/v1/subscriptions/{made['subscription']['subscription_id']}"
    second = (await notifier.post("town", f"{path}/secrets", {"overlap_hours": 2}))["secret"]
    await notifier.tell(Life(name="both", area=VILLAGE).events)
    await settle(notifier.delivery)
    both = receiver.got[-1]
    assert len(both.headers["webhook-signature"].split()) == 2
    for secret in (made["secret"], second):
        Webhook(secret).verify(both.body, both.headers)
    notifier.clock.ahead = timedelta(hours=3)
    await notifier.tell(Life(name="one", area=VILLAGE).events)
    await settle(notifier.delivery)
    assert len(receiver.got[-1].headers["webhook-signature"].split()) == 1
    shown = await notifier.get("town", path)
    assert "secret" not in json.dumps(shown).replace('"secrets"', "")


async def test_no_more_than_three_secrets_live_at_a_time(notifier: House, receiver: Sink) -> None:
    made = await subscribe(notifier, receiver.url)
    path = f"/v1/subscriptions/{made['subscription']['subscription_id']}"
    for _ in range(5):
        await notifier.post("town", f"{path}/secrets")
    assert len((await notifier.get("town", path))["secrets"]) == 3


async def test_secrets_lie_encrypted_in_the_database(notifier: House, receiver: Sink) -> None:
    made = await subscribe(notifier, receiver.url)
    sealed = await notifier.pool.fetchval("SELECT sealed FROM subscription_secret")
    assert made["secret"].encode() not in sealed
    assert made["secret"].removeprefix("whsec_").encode() not in sealed


async def test_a_slow_receiver_keeps_nobody_else_waiting(notifier: House, receiver: Sink) -> None:
    receiver.answer = lambda got: (200, {}, 1.5 if got.path == "/slow" else 0.0)
    await subscribe(notifier, receiver.url.replace("/hook", "/slow"))
    await notifier.tell(whole_life("slow", area=VILLAGE).events)
    await subscribe(notifier, receiver.url, key="county")
    life = whole_life("quick", area=VILLAGE)
    await notifier.tell(life.events)
    while sum(got.path == "/hook" for got in receiver.got) < len(life.events):
        await deliver_due(notifier.delivery)
        await asyncio.sleep(0.02)
    assert sum(got.path == "/slow" for got in receiver.got) <= 8
    await settle(notifier.delivery)


async def test_two_workers_share_the_work_and_send_nothing_twice(notifier: House, receiver: Sink) -> None:
    await subscribe(notifier, receiver.url)
    lives = [whole_life(f"shared-{number}", area=VILLAGE) for number in range(8)]
    for life in lives:
        await notifier.tell(life.events)
    other = Delivery(
        deliveries=notifier.deliveries, sender=notifier.delivery.sender, clock=notifier.clock, jitter=lambda: 0.0
    )
    await asyncio.gather(settle(notifier.delivery), settle(other))
    await settle(notifier.delivery)
    assert len(receiver.ids) == len(set(receiver.ids)) == sum(len(life.events) for life in lives)


async def test_a_worker_whose_lease_has_ended_writes_nothing_over_the_next_ones_outcome(
    notifier: House, receiver: Sink
) -> None:
    await subscribe(notifier, receiver.url)
    await notifier.tell(Life(name="lease", area=VILLAGE).events)
    first = await notifier.deliveries.claim(
        now=notifier.clock(), lease=timedelta(seconds=30), most=5, most_each=5, busy={}
    )
    assert len(first) == 1
    assert await settle(notifier.delivery) == 0
    notifier.clock.ahead = timedelta(seconds=31)
    second = await notifier.deliveries.claim(
        now=notifier.clock(), lease=timedelta(seconds=30), most=5, most_each=5, busy={}
    )
    assert [one.delivery_id for one in second] == [one.delivery_id for one in first]
    late = Attempt(at=notifier.clock(), answer=Unreached(reason=Reason.TIMEOUT, detail=""), milliseconds=1)
    assert not await notifier.deliveries.record(first[0], late, GiveUp(reason=Reason.TIMEOUT))
    assert await states(notifier) == {"waiting": 1}
    good = Attempt(at=notifier.clock(), answer=Answered(status=200), milliseconds=1)
    assert await notifier.deliveries.record(second[0], good, Delivered())
    assert not await notifier.deliveries.record(second[0], late, GiveUp(reason=Reason.TIMEOUT))
    assert await states(notifier) == {"delivered": 1}


async def test_a_removed_subscription_gets_nothing_more(notifier: House, receiver: Sink) -> None:
    made = await subscribe(notifier, receiver.url)
    await notifier.tell(Life(name="removed", area=VILLAGE).events)
    path = f"/v1/subscriptions/{made['subscription']['subscription_id']}"
    answer = await notifier.client.delete(path, headers=bearer("town"))
    assert answer.status_code == 204
    assert await settle(notifier.delivery) == 0
    await notifier.get("town", path, status=404)
    assert await notifier.pool.fetchval("SELECT count(*) FROM subscription_secret") == 0


async def test_filters_and_scopes_decide_what_is_owed(notifier: House, receiver: Sink) -> None:
    await subscribe(notifier, f"{receiver.url}/orders", key="county", type=["whistle.order"], category=["01"])
    await subscribe(notifier, f"{receiver.url}/power", key="power")
    life = Life(name="owed", area=VILLAGE)
    life.order(department("water"))
    power = life.order(department("power"))
    life.sign(power)
    await notifier.tell(life.events)
    await settle(notifier.delivery)
    by_path = {
        path: sorted(json.loads(got.body)["type"].split(".")[1] for got in receiver.got if got.path == path)
        for path in {got.path for got in receiver.got}
    }
    assert by_path == {"/hook/orders": ["order", "order"], "/hook/power": ["case", "case", "order"]}


@pytest.mark.parametrize(
    ("body", "status", "field"),
    (
        ({}, 422, "/url"),
        ({"url": ""}, 422, "/url"),
        ({"url": "ftp://127.0.0.1/"}, 422, "/url"),
        ({"url": "http://127.0.0.1/", "area": "990101002"}, 403, "/area"),
        ({"url": "http://127.0.0.1/", "area": "12"}, 422, "/area"),
        ({"url": "http://127.0.0.1/", "severity": ["9"]}, 422, "/severity"),
        ({"url": "http://127.0.0.1/", "colour": "red"}, 422, "/colour"),
        ({"url": "http://127.0.0.1/", "description": "x" * 201}, 422, "/description"),
        ({"url": "http://nowhere.whistle/", "level": ["town"]}, 422, "/url"),
    ),
)
async def test_a_wrong_wish_is_refused_by_its_field(
    notifier: House, body: dict[str, Any], status: int, field: str
) -> None:
    answer = await notifier.client.post("/v1/subscriptions", json=body, headers=bearer("town"))
    assert answer.status_code == status
    assert answer.json()["errors"][0]["field"] == field


async def test_who_may_not_subscribe_is_told_so(notifier: House, receiver: Sink) -> None:
    for key, status in (("auditor", 403), ("source", 403)):
        await notifier.post(key, "/v1/subscriptions", {"url": receiver.url}, status=status)


async def test_an_owner_has_so_many_subscriptions_and_no_more(dsn: str, receiver: Sink) -> None:
    async with house(dsn, subscriptions_each=3) as notifier:
        answers = await asyncio.gather(
            *(
                notifier.client.post("/v1/subscriptions", json={"url": receiver.url}, headers=bearer("town"))
                for _ in range(8)
            )
        )
        assert sorted(answer.status_code for answer in answers) == [201] * 3 + [422] * 5
        await notifier.post("other", "/v1/subscriptions", {"url": receiver.url})


async def test_a_key_sees_and_touches_only_the_subscriptions_of_its_own_area(notifier: House, receiver: Sink) -> None:
    made = await subscribe(notifier, receiver.url)
    county = await subscribe(notifier, receiver.url, key="county", area="990101001")
    path = f"/v1/subscriptions/{made['subscription']['subscription_id']}"
    for key in ("other", "water", "neighbour"):
        await notifier.get(key, path, status=404)
        await notifier.get(key, f"{path}/deliveries", status=404)
        await notifier.post(key, f"{path}/secrets", status=404)
        await notifier.post(key, f"{path}/enable", status=404)
        assert (await notifier.client.delete(path, headers=bearer(key))).status_code == 404
        assert (await notifier.get(key, "/v1/subscriptions"))["subscriptions"] == []
    await notifier.get("town", f"/v1/subscriptions/{county['subscription']['subscription_id']}", status=404)
    assert len((await notifier.get("county", "/v1/subscriptions"))["subscriptions"]) == 2
