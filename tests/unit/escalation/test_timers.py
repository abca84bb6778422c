"""When the timers look, and when they sleep."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from services.escalation.ports import Due, Horizon, Outlook
from services.escalation.timers import Timers, TimerSettings
from shared.playbook.model import Playbook
from shared.playbook.shelf import UnknownCounty
from shared.runtime.clock import utc_now
from tests.fakes.horizons import EVERYTHING

NEVER = Horizon(settled={})


class Store:
    """A store without clocks that notes each look and each firing; ``failing`` looks end in an outage."""

    def __init__(self, *, next_due: datetime | None = None, failing: int = 0) -> None:
        self.looks: list[datetime] = []
        self.firings: list[datetime] = []
        self.due_at = next_due
        self.failing = failing
        self.ahead = timedelta()

    @asynccontextmanager
    async def firing(self) -> AsyncIterator[Any]:
        yield self

    async def now(self) -> datetime:
        return utc_now() + self.ahead

    async def due(self, horizon: Horizon, *, now: datetime, most: int) -> Sequence[Due]:
        self.firings.append(now)
        return ()

    async def next_due(self, horizon: Horizon) -> Outlook:
        self.looks.append(await self.now())
        if len(self.looks) <= self.failing:
            raise OSError("PostgreSQL is away")
        return Outlook(now=self.looks[-1], first={} if self.due_at is None else {1: self.due_at})

    def of(self, area: str) -> Playbook:
        raise UnknownCounty(area, {})


class Running:
    """Timers at work, and how often they asked until when the facts are whole."""

    def __init__(
        self, store: Store, *, horizon: Horizon = EVERYTHING, tick_seconds: float = 60.0, idle_seconds: float = 60.0
    ) -> None:
        self.asked = 0
        self._horizon = horizon
        settings = TimerSettings(
            tick=timedelta(seconds=tick_seconds), idle=timedelta(seconds=idle_seconds), ask_every=timedelta()
        )
        self.timers = Timers(
            cast("Any", store),
            playbooks=store,
            ask=self._ask,
            fired=lambda _: None,
            settings=settings,
        )

    async def _ask(self) -> Horizon:
        self.asked += 1
        return self._horizon

    async def __aenter__(self) -> Timers:
        self._task = asyncio.create_task(self.timers.run())
        return self.timers

    async def __aexit__(self, *_: object) -> None:
        self.timers.stop()
        await asyncio.wait_for(self._task, timeout=5)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110  the store counts; it has no event to wait for
            await asyncio.sleep(0.005)


async def test_it_wakes_for_a_clock_that_is_due_before_it_would_look_again() -> None:
    store = Store()
    async with Running(store) as timers:
        await until(lambda: timers.sleeps_until is not None)
        assert len(store.looks) == 1
        timers.expect(utc_now() + timedelta(minutes=9))
        timers.expect(utc_now())
        await until(lambda: len(store.looks) == 2)


async def test_a_clock_that_begins_while_it_looks_is_not_slept_over() -> None:
    store = Store()
    asking = asyncio.Event()

    class Slow(Running):
        async def _ask(self) -> Horizon:
            if self.asked == 0:
                asking.set()
                await answer.wait()
            return await super()._ask()

    answer = asyncio.Event()
    async with Slow(store) as timers:
        await asking.wait()
        timers.expect(utc_now() + timedelta(milliseconds=50))
        answer.set()
        await until(lambda: len(store.looks) == 2)


async def test_it_fires_at_the_instant_of_the_next_clock_not_before_and_not_a_tick_later() -> None:
    store = Store(next_due=utc_now() + timedelta(milliseconds=150))
    async with Running(store):
        await until(lambda: len(store.firings) == 1)
    assert store.due_at is not None
    assert store.firings[0] >= store.due_at


async def test_it_sleeps_by_the_time_of_the_database_whatever_its_host_shows() -> None:
    store = Store()
    store.ahead = timedelta(hours=1)
    store.due_at = await store.now() + timedelta(milliseconds=150)
    async with Running(store):
        await until(lambda: len(store.firings) == 1)
    assert store.firings[0] >= store.due_at
    assert len(store.looks) < 6, "it did not sleep until the clock was due"


async def test_while_nothing_is_due_it_looks_now_and_then_and_opens_no_firing() -> None:
    store = Store(next_due=utc_now() + timedelta(hours=1))
    running = Running(store, idle_seconds=0.01)
    async with running:
        await until(lambda: len(store.looks) > 5)
    assert store.firings == []


async def test_what_is_due_and_may_not_fire_is_waited_for_longer_and_longer() -> None:
    store = Store(next_due=utc_now())
    running = Running(store, tick_seconds=0.16)
    async with running:
        await until(lambda: len(store.firings) > 5)
    pauses = [later - earlier for earlier, later in zip(store.firings, store.firings[1:], strict=False)]
    assert pauses[4] >= timedelta(seconds=0.16)
    assert pauses[0] < pauses[4]


async def test_it_does_not_fire_while_the_facts_are_unknown() -> None:
    store = Store(next_due=utc_now())
    running = Running(store, horizon=NEVER, tick_seconds=0.01)
    async with running:
        await until(lambda: running.asked > 5)
    assert store.firings == []


async def test_until_it_may_fire_at_all_it_looks_again_after_a_moment() -> None:
    store = Store()
    async with Running(store, horizon=NEVER, tick_seconds=0.01):
        await until(lambda: len(store.looks) > 5)
    assert store.firings == []


async def test_it_sits_an_outage_of_postgresql_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.escalation.timers.OUTAGE_PAUSE_SECONDS", 0.01)
    store = Store(failing=3)
    async with Running(store, idle_seconds=0.01) as timers:
        await until(lambda: len(store.looks) > 4)
        assert timers.outage is None
