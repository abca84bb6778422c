"""A service ends when it is asked to, even while it still waits to open, and with the error of a room that failed."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from shared.runtime.signals import until_signalled

SECONDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    rooms: asyncio.Task[None]


@dataclass(slots=True)
class House:
    """A service whose doors the test holds."""

    opens: asyncio.Event
    fails: asyncio.Event
    closed: bool = False

    @asynccontextmanager
    async def service(self) -> AsyncIterator[Open]:
        await self.opens.wait()
        rooms = asyncio.create_task(self._run())
        try:
            yield Open(rooms=rooms)
        finally:
            rooms.cancel()
            self.closed = True

    async def _run(self) -> None:
        await self.fails.wait()
        raise RuntimeError("a room fell in")


@pytest.fixture
def house() -> House:
    return House(opens=asyncio.Event(), fails=asyncio.Event())


def ask() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


async def test_it_closes_when_it_is_asked_to(house: House) -> None:
    house.opens.set()
    asyncio.get_running_loop().call_later(0.05, ask)
    async with asyncio.timeout(SECONDS):
        await until_signalled(house.service(), name="house")
    assert house.closed


async def test_it_ends_while_it_still_waits_to_open(house: House) -> None:
    asyncio.get_running_loop().call_later(0.05, ask)
    async with asyncio.timeout(SECONDS):
        await until_signalled(house.service(), name="house")
    assert not house.closed


async def test_a_room_that_fails_ends_it_with_its_error(house: House) -> None:
    house.opens.set()
    house.fails.set()
    async with asyncio.timeout(SECONDS):
        with pytest.raises(RuntimeError, match="a room fell in"):
            await until_signalled(house.service(), name="house")
    assert house.closed
