"""A consumer whose own stop never ends, and swallows a cancellation, does not hold up whoever lets it go."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, cast

import pytest
from aiokafka import AIOKafkaConsumer

from shared.runtime.kafka_client import let_go

LIMIT = timedelta(milliseconds=200)


class Stubborn:
    """Stops as aiokafka does without a coordinator: the outer cancellation goes to a task that goes on."""

    def __init__(self, *, swallows: int) -> None:
        self.swallows = swallows
        self.closed: list[str] = []
        self._coordinator = self
        self._coordination_task: asyncio.Task[None] | None = None
        self._client = Part(self.closed, "client")
        self._fetcher = Part(self.closed, "fetcher")

    async def stop(self) -> None:
        self._coordination_task = asyncio.create_task(self._seek_coordinator())
        await self._coordination_task

    async def _seek_coordinator(self) -> None:
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                self.swallows -= 1
                if self.swallows < 0:
                    raise


class Part:
    def __init__(self, closed: list[str], name: str) -> None:
        self._closed, self._name = closed, name

    def close(self) -> Coroutine[Any, Any, None]:
        return self._close()

    async def _close(self) -> None:
        self._closed.append(self._name)


@pytest.mark.parametrize("swallows", (0, 1, 1000))
async def test_a_consumer_that_will_not_stop_is_left_within_its_limits(swallows: int) -> None:
    stubborn = Stubborn(swallows=swallows)
    began = time.monotonic()
    await asyncio.wait_for(let_go(cast("AIOKafkaConsumer", stubborn), LIMIT), 10)
    assert time.monotonic() - began < 5
    assert sorted(stubborn.closed) == ["client", "fetcher"]
    # What would have swallowed on for ever must not outlive the test.
    stubborn.swallows = 0
    task = stubborn._coordination_task
    assert task is not None
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=0.01)


async def test_a_consumer_that_stops_by_itself_is_not_touched_again() -> None:
    class Willing(Stubborn):
        async def stop(self) -> None:
            self.closed.append("itself")

    willing = Willing(swallows=0)
    await let_go(cast("AIOKafkaConsumer", willing), LIMIT)
    assert willing.closed == ["itself"]
