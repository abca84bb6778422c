"""Dead letters from end to end: garbage is set aside; so is a case without a playbook, until it has one."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from cli.__main__ import run
from deploy.local.keys import DEMO_COUNTY
from deploy.local.playbooks import load_playbook, put_into_force
from shared.events.codec import Message, encode
from shared.events.order import OrderIssued
from shared.events.topics import CASE
from shared.runtime.clock import utc_now
from shared.runtime.delivery import Publisher
from shared.vocabulary import OrderRole
from tests.e2e.account import Topics, count, read_topics
from tests.e2e.walk import until
from tests.fakes.counties import moved
from tests.fakes.router import a_case, event, opened

if TYPE_CHECKING:
    from deploy.local.platform import Platform

COUNTY = "990177"
Whistle = Callable[..., Awaitable[tuple[int, list[dict[str, Any]], str]]]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def whistle(system: Platform, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Whistle:
    """Run ``whistle dead-letter … --json`` as an operator does; return its exit status, its values and what it said."""
    monkeypatch.setenv("WHISTLE_DATA", str(system.data))
    monkeypatch.delenv("WHISTLE_KAFKA", raising=False)

    async def call(*arguments: str) -> tuple[int, list[dict[str, Any]], str]:
        capsys.readouterr()
        status = await asyncio.to_thread(run, ["dead-letter", *arguments, "--json"])
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return status, [json.loads(line) for line in said.out.splitlines()], said.err

    return call


async def sent(system: Platform, *messages: Message) -> None:
    publisher = Publisher(system.bootstrap, client_id="test")
    await publisher.publish(messages)
    await publisher.stop()


async def letters_of(whistle: Whistle, key: str) -> list[dict[str, Any]] | None:
    """The letters of the record of that key, once each consumer has written its own."""
    _, letters, _ = await whistle("list", "--topic", CASE.name, "--since", "1h")
    ours = [letter for letter in letters if letter["key"] == key]
    return ours if {letter["service"] for letter in ours} == {"router", "escalation", "notifier"} else None


async def test_garbage_becomes_a_letter_of_each_consumer_and_is_shown_without_its_numbers(
    system: Platform, whistle: Whistle
) -> None:
    key = f"garbage-{uuid.uuid4().hex[:8]}"
    text = f"{key}：联系电话13812345678"
    await sent(system, Message(topic=CASE.name, key=key.encode(), value=text.encode(), headers=()))
    letters = await until(partial(letters_of, whistle, key), what="a letter of each consumer")
    status, (shown,), _ = await whistle("show", letters[0]["place"])
    assert status == 0
    assert "missing header" in shown["reason"]
    assert shown["value"].startswith(key)
    assert "13812345678" not in json.dumps(shown)


async def test_an_event_that_nobody_can_decode_is_set_aside_and_its_partition_goes_on(
    system: Platform, whistle: Whistle
) -> None:
    now = utc_now()
    case = a_case(area=f"{DEMO_COUNTY}001200", category="04.002", case_id=uuid.uuid4(), opened_at=now)
    cause = event(opened(case), time=now)
    # Of one key, and so of one partition: whoever stops at the first never comes to the second.
    vandal = Message(topic=CASE.name, key=cause.subject.encode(), value=b"\xff no event", headers=())
    await sent(system, vandal, encode(cause))
    told = "SELECT count(*) FROM notifier.feed WHERE event_id = $1"
    clocks = "SELECT count(*) FROM escalation.clock WHERE case_id = $1 AND order_id IS NOT NULL"
    topics = Topics()

    async def gone_on() -> bool:
        await read_topics(system.bootstrap, topics)
        case_id = uuid.UUID(cause.subject)
        return bool(
            leads(topics, cause.subject)
            and await count(system.dsn, clocks, case_id)
            and await count(system.dsn, told, cause.id)
        )

    await until(gone_on, what="an order, a clock and a line in the feed for what came after")
    letters = await until(partial(letters_of, whistle, cause.subject), what="a letter of each consumer")
    assert all(letter["reason"] for letter in letters)


async def test_a_case_without_a_playbook_gets_its_order_when_its_letter_is_sent_again(
    system: Platform, whistle: Whistle
) -> None:
    cause = event(opened(a_case(area=f"{COUNTY}101200", category="04.002", case_id=uuid.uuid4())))
    await sent(system, encode(cause))

    async def letter() -> dict[str, Any] | None:
        _, letters, _ = await whistle("list", "--service", "router", "--reason", f"county {COUNTY}", "--since", "1h")
        return letters[-1] if letters else None

    told = await until(letter, what="the case is set aside", seconds=90)
    assert told["key"] == cause.subject
    assert "publish it" in told["reason"]
    await asyncio.to_thread(put_into_force, system.bootstrap, moved(load_playbook(), COUNTY))
    status, (outcome,), _ = await whistle("replay", "--service", "router", "--reason", f"county {COUNTY}")
    assert (status, outcome["outcome"]) == (0, "sent")

    topics = Topics()

    async def led() -> bool:
        return bool(leads(await read_topics(system.bootstrap, topics), cause.subject))

    await until(led, what="the case has its order")
    assert len(leads(topics, cause.subject)) == 1
    status, (outcome,), _ = await whistle("replay", told["place"])
    assert (status, outcome["outcome"]) == (0, "skipped: it was sent again before; --again does it once more")
    assert (await whistle("replay", told["place"], "--again"))[1][0]["outcome"] == "sent"
    assert (await whistle("list", "--service", "router", "--reason", f"county {COUNTY}"))[1][-1]["replayed"] is True
    assert len(leads(await read_topics(system.bootstrap), cause.subject)) == 1, "the same order, however often"


def leads(topics: Topics, case_id: str) -> set[uuid.UUID]:
    return {
        one.data.order.order_id
        for one in topics.events.values()
        if one.subject == case_id and isinstance(one.data, OrderIssued) and one.data.order.role is OrderRole.LEAD
    }
