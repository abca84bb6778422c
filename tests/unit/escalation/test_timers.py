"""When the timers look, and when they sleep."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest

from services.escalation.ports import EVERYTHING, Due, Horizon
from services.escalation.timers import Timers, TimerSettings
from shared.runtime.clock import utc_now

NEVER = Horizon(settled={}, elsewhere=None)


class Store:
    """A store without clocks that notes each look; ``failing`` looks end in an outage."""

    def __init__(self, *, next_due: datetime | None = None, failing: int = 0) -> None:
        self.looks: list[datetime] = []
        self.due_at = next_due
        self.failing = failing

    @asynccontextmanager
    async def firing(self) -> AsyncIterator[Any]:
        yield self

    async def now(self) -> datetime:
        return utc_now()

    async def due(self, horizon: Horizon, *, now: datetime, most: int) -> Sequence[Due]:
        self.looks.append(now)
        if len(self.looks) <= self.failing:
            raise OSError("PostgreSQL is away")
        return ()

    async def next_due(self) -> datetime | None:
        return self.due_at


class Running:
    """Timers at work, and how often they asked until when the facts are whole."""

    def __init__(self, store: Any, *, horizon: Horizon = EVERYTHING, tick_seconds: float = 60.0) -> None:
        self.asked = 0
        self._horizon = horizon
        settings = TimerSettings(tick=timedelta(seconds=tick_seconds))
        self.timers = Timers(store, ask=self._ask, fired=lambda _: None, settings=settings)

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


async def test_it_looks_at_the_instant_of_the_next_clock_not_before_and_not_a_tick_later() -> None:
    store = Store(next_due=utc_now() + timedelta(milliseconds=150))
    async with Running(store):
        await until(lambda: len(store.looks) == 2)
    assert store.due_at is not None
    assert store.looks[1] >= store.due_at


async def test_it_does_not_look_while_the_facts_are_unknown() -> None:
    store = Store()
    running = Running(store, horizon=NEVER, tick_seconds=0.01)
    async with running:
        await until(lambda: running.asked > 5)
    assert store.looks == []


async def test_it_sits_an_outage_of_postgresql_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.escalation.timers.OUTAGE_PAUSE_SECONDS", 0.01)
    store = Store(failing=3)
    async with Running(store, tick_seconds=0.01) as timers:
        await until(lambda: len(store.looks) > 4)
        assert timers.outage is None
