"""The steps of one report, live: nothing missed, nothing twice, and no desk's place taken by a visitor."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from shared.events.case import CaseMerged
from shared.tracking import new_code
from shared.vocabulary import CaseState
from tests.fakes.notifier import department
from tests.integration.notifier.harness import PATIENCE, House, house, until
from tests.integration.notifier.test_track import OFFICER, joined, reported


@dataclass(slots=True)
class Followed:
    """What one visitor's stream has said."""

    steps: list[dict[str, Any]] = field(default_factory=list)
    status: list[dict[str, Any]] = field(default_factory=list)
    goodbyes: list[str] = field(default_factory=list)
    ended: bool = False

    @property
    def words(self) -> list[str]:
        return [step["words"]["zh"] for step in self.steps]


@asynccontextmanager
async def following(notifier: House, code: str, *, after: str | None = None) -> AsyncIterator[Followed]:
    """A visitor's stream, until this is left."""
    heard = Followed()
    task = asyncio.create_task(_listen(notifier, code, heard, after))
    try:
        await until(lambda: heard.status or task.done())
        if task.done():
            await task
        yield heard
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _listen(notifier: House, code: str, heard: Followed, after: str | None) -> None:
    headers = {} if after is None else {"Last-Event-ID": after}
    url = f"{notifier.url}/v1/track/{code}/stream"
    async with (
        httpx.AsyncClient(timeout=httpx.Timeout(PATIENCE, read=60)) as client,
        client.stream("GET", url, headers=headers) as answer,
    ):
        assert answer.status_code == 200, await answer.aread()
        block: dict[str, str] = {}
        async for line in answer.aiter_lines():
            if line:
                name, _, text = line.partition(": ")
                block[name] = text
                continue
            _take(block, heard)
            block = {}
    heard.ended = True


def _take(block: dict[str, str], heard: Followed) -> None:
    match block.get("event"):
        case "step":
            heard.steps.append(json.loads(block["data"]))
        case "status":
            heard.status.append(json.loads(block["data"]))
        case "goodbye":
            heard.goodbyes.append(json.loads(block["data"])["reason"])
        case _:
            return


async def test_every_step_comes_live_and_goes_on_where_the_report_goes_on(notifier: House) -> None:
    code = new_code()
    child, master = reported("live", code), reported("live-master", new_code())
    await notifier.tell([*child.events, *master.events])
    async with following(notifier, code) as heard:
        assert heard.words == ["已受理"]
        order = child.order(department("water"))
        await notifier.tell(child.events[1:])
        await until(lambda: heard.words[-1] == "已交由water 部门办理")
        told = len(child.events)
        child.tell(
            CaseMerged,
            by=OFFICER,
            view={"state": CaseState.MERGED, "master": master.case_id},
            into=master.case_id,
            reason="同一处",
        )
        master.now = child.now
        joined(master, code, from_case=child.case_id)
        await notifier.tell([*child.events[told:], *master.events[1:]])
        await until(lambda: heard.status[-1]["case_id"] == str(master.case_id))
        told = len(master.events)
        master.sign(master.order(order.target))
        await notifier.tell(master.events[told:])
        await until(lambda: heard.words[-1] == "water 部门已签收")
    assert len({step["event_id"] for step in heard.steps}) == len(heard.steps)
    assert heard.status[-1]["steps"] == []


async def test_a_visitor_who_comes_back_hears_what_was_missed_and_nothing_twice(notifier: House) -> None:
    code = new_code()
    life = reported("back", code)
    order = life.order(department("water"))
    await notifier.tell(life.events)
    async with following(notifier, code) as heard:
        last = heard.steps[-1]["event_id"]
    told = len(life.events)
    life.sign(order)
    await notifier.tell(life.events[told:])
    async with following(notifier, code, after=last) as again:
        assert again.words == ["water 部门已签收"]
    async with following(notifier, code, after="nonsense") as anew:
        assert len(anew.steps) == 3


async def test_visitors_never_take_the_places_of_desks(dsn: str) -> None:
    async with house(dsn, streams=3, public_streams=1) as small:
        code = new_code()
        await small.tell(reported("crowd", code).events)
        async with following(small, code):
            refused = await small.client.get(f"/v1/track/{code}/stream")
            assert (refused.status_code, refused.headers["retry-after"]) == (429, "10")
        await until(lambda: small.hub.streams == 0)
        async with following(small, code) as heard:
            assert heard.words == ["已受理"]


async def test_a_stream_of_a_visitor_ends_with_the_service_and_says_why(dsn: str) -> None:
    code = new_code()
    async with house(dsn) as stopping:
        await stopping.tell(reported("stopping", code).events)
        async with following(stopping, code) as heard:
            stopping.hub.close()
            await until(lambda: heard.ended)
        assert heard.goodbyes == ["stopping"]
