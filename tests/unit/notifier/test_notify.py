"""A batch is told once, whole, and what cannot be read or stored is set aside with its reason."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import uuid4

from services.notifier.consumer import Teller
from services.notifier.domain.audience import Filter, Scope
from services.notifier.domain.fold import Told
from services.notifier.domain.telling import delivery_id
from services.notifier.handlers import notify_batch
from services.notifier.ports import Subscriber
from shared.events.codec import encode
from shared.events.envelope import Event
from shared.runtime.delivery import Record
from shared.vocabulary import Severity
from tests.fakes.notifier import Life, department, whole_life
from tests.fakes.read_side import FakeReadSide

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def clock() -> datetime:
    return NOW


def records(events: Sequence[Event[Told]]) -> list[Record]:
    messages = [encode(event) for event in events]
    return [Record(one.topic, 0, offset, one.key, one.value, one.headers, 0) for offset, one in enumerate(messages)]


async def test_a_batch_is_one_transaction_and_its_feed_keeps_its_order() -> None:
    side, life = FakeReadSide(), whole_life("one")
    tellings = await notify_batch(life.events, read_side=side, now=NOW)
    assert side.transactions == 1
    assert [one.event_id for one in side.feed] == [event.id for event in life.events]
    assert list(tellings) == side.feed
    assert side.cases[life.case_id].view == life.view


async def test_a_repeat_changes_nothing_and_tells_nothing() -> None:
    side, life = FakeReadSide(), whole_life("twice")
    await notify_batch(life.events, read_side=side, now=NOW)
    before = (dict(side.cases), list(side.feed))
    assert await notify_batch(life.events, read_side=side, now=NOW) == []
    assert (side.cases, side.feed) == before


async def test_an_event_that_comes_twice_in_one_batch_is_told_once() -> None:
    side, life = FakeReadSide(), Life(name="double")
    await notify_batch([*life.events, *life.events], read_side=side, now=NOW)
    assert len(side.feed) == 1


async def test_each_subscription_is_owed_what_it_may_hear_and_asked_for_under_a_derived_id() -> None:
    all_of_it, grave, elsewhere, water = (uuid4() for _ in range(4))
    side = FakeReadSide(
        hearing=[
            Subscriber(subscription_id=all_of_it, scope=Scope(area="990101001"), asked=Filter()),
            Subscriber(
                subscription_id=grave, scope=Scope(area="990101001"), asked=Filter(severities=frozenset({Severity.I}))
            ),
            Subscriber(subscription_id=elsewhere, scope=Scope(area="990101002"), asked=Filter()),
            Subscriber(subscription_id=water, scope=Scope(area="990101", department="water"), asked=Filter()),
        ]
    )
    life = Life(name="owed")
    life.order(department("water"))
    life.order(department("power"))
    await notify_batch(life.events, read_side=side, now=NOW)
    owed = {(one.subscription_id, one.telling.event_id) for one in side.owed.values()}
    assert owed == {(all_of_it, event.id) for event in life.events} | {(water, event.id) for event in life.events[1:3]}
    assert set(side.owed) == {delivery_id(event, subscription) for subscription, event in owed}


async def test_a_webhook_body_is_thin_and_carries_no_free_text() -> None:
    subscription = uuid4()
    side = FakeReadSide(hearing=[Subscriber(subscription_id=subscription, scope=Scope(area="990101"), asked=Filter())])
    life = Life(name="thin", title="标题" * 40)
    order = life.order(department("water"))
    life.resolve(order, "很长的说明" * 400)
    await notify_batch(life.events, read_side=side, now=NOW)
    bodies = [one.body for one in side.owed.values()]
    assert max(len(body.encode()) for body in bodies) < 1000
    assert not any("说明" in body or "标题" in body for body in bodies)
    assert set(json.loads(bodies[0])) == {"type", "timestamp", "data"}


async def test_what_nobody_can_read_is_rejected_with_its_reason_and_the_rest_is_told() -> None:
    side, life = FakeReadSide(), whole_life("broken")
    batch = records(life.events)
    broken = batch[0]._replace(value=b"{")
    headless = batch[1]._replace(headers=())
    strange = batch[2]._replace(
        headers=tuple(
            (name, b"whistle.inbound.report.v1" if name == "ce_type" else text) for name, text in batch[2].headers
        ),
        value=b'{"source":"grid","reference":"r","text":"t"}',
    )
    outcome = await Teller(read_side=side, clock=clock).handle([broken, headless, strange, *batch[3:]])
    assert [rejected.record for rejected in outcome.rejected] == [broken, headless, strange]
    assert "missing header" in outcome.rejected[1].reason
    assert "does not belong" in outcome.rejected[2].reason
    assert len(side.feed) == len(batch) - 3


async def test_one_event_that_can_never_be_stored_is_rejected_alone() -> None:
    side = FakeReadSide()
    good, poison = whole_life("good"), Life(name="poison", title="poison")
    batch = records([*good.events[:3], *poison.events, *good.events[3:]])
    outcome = await Teller(read_side=side, clock=clock).handle(batch)
    assert [rejected.record for rejected in outcome.rejected] == [batch[3]]
    assert "cannot be stored" in outcome.rejected[0].reason
    assert [one.event_id for one in side.feed] == [event.id for event in good.events]


async def test_an_empty_batch_opens_no_transaction() -> None:
    side = FakeReadSide()
    outcome = await Teller(read_side=side, clock=clock).handle([])
    assert (list(outcome.rejected), side.transactions) == ([], 0)
