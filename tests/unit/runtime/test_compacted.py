"""Reading a compacted topic outlives what aiokafka does when it is let go."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from shared.runtime import compacted
from shared.runtime.compacted import CompactedReader


class Unreachable:
    """A consumer that cannot start; its stop cancels a task of its own that has not begun, as aiokafka's does."""

    made = 0
    _coordinator = None
    _fetcher = None

    def __init__(self, **_settings: Any) -> None:
        type(self).made += 1
        self._client = self

    async def close(self) -> None:
        return

    async def start(self) -> None:
        raise ConnectionError("nobody there")

    async def stop(self) -> None:
        own = asyncio.create_task(asyncio.sleep(0))
        own.cancel()
        await own


async def _ignore(_record: object) -> None:
    return


async def test_a_cancellation_that_escapes_from_aiokafka_does_not_end_the_reading(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(compacted, "AIOKafkaConsumer", Unreachable)
    monkeypatch.setattr(Unreachable, "made", 0)
    reader = CompactedReader("127.0.0.1:1", "t", cast("Any", _ignore))
    running = asyncio.create_task(reader.run())
    async with asyncio.timeout(10):
        while Unreachable.made < 3:
            assert not running.done(), "it reads no more"
            await asyncio.sleep(0.01)
        await reader.stop()
        await running
