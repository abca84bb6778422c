"""What a person at the edges of the system does, for tests: send, subscribe, look."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

from deploy.local.platform import Platform
from tests.e2e.sink import Sink

AT_ONCE = 16

FoundT = TypeVar("FoundT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """The two public addresses with one bearer's key."""

    intake: httpx.AsyncClient
    notifier: httpx.AsyncClient

    async def send(self, report: dict[str, Any], key: str) -> httpx.Response:
        """Send one report under an idempotency key."""
        return await self.intake.post("/v1/reports", json=report, headers={"Idempotency-Key": key})

    async def act(self, case_id: str, action: str, **fields: Any) -> httpx.Response:
        """Do something to a case."""
        return await self.intake.post(f"/v1/cases/{case_id}/actions", json={"action": action, **fields})

    async def case(self, case_id: str) -> dict[str, Any]:
        """The notifier's whole answer about a case."""
        answer = await self.notifier.get(f"/v1/cases/{case_id}")
        answer.raise_for_status()
        told: dict[str, Any] = answer.json()
        return told

    async def subscribe(self, sink: Sink, path: str, **filters: Any) -> None:
        """Have events delivered to a path of the sink, which then knows the secret."""
        answer = await self.notifier.post("/v1/subscriptions", json={"url": sink.url + path, **filters})
        answer.raise_for_status()
        sink.secrets[path] = answer.json()["secret"]

    async def send_all(self, reports: Sequence[tuple[str, dict[str, Any]]]) -> list[httpx.Response]:
        """Send (key, report) pairs, a few at once, and return the answers in their order."""
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(key: str, report: dict[str, Any]) -> httpx.Response:
            async with gate:
                return await self.send(report, key)

        return list(await asyncio.gather(*(one(key, report) for key, report in reports)))


@asynccontextmanager
async def door(system: Platform, bearer: str) -> AsyncIterator[Door]:
    """The doors of ``system`` for the bearer of that id."""
    headers = {"Authorization": f"Bearer {system.keys.token(bearer)}"}
    limits = httpx.Limits(max_connections=AT_ONCE)
    async with (
        httpx.AsyncClient(base_url=system.url("intake"), headers=headers, timeout=30, limits=limits) as intake,
        httpx.AsyncClient(base_url=system.url("notifier"), headers=headers, timeout=30, limits=limits) as notifier,
    ):
        yield Door(intake=intake, notifier=notifier)


async def until(look: Callable[[], Awaitable[FoundT | None]], *, what: str, seconds: float = 60) -> FoundT:
    """What ``look`` finds, as soon as it finds something.

    Raises:
        AssertionError: when it has found nothing in time; says what was awaited.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = await look()
        if found is not None and found is not False:
            return found
        await asyncio.sleep(0.1)
    raise AssertionError(f"not seen within {seconds:g} s: {what}")
