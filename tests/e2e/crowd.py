"""A crowd that goes on sending whatever happens to the system, as apps do: again, with the same key."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx

from deploy.local.keys import DEMO_COUNTY
from tests.e2e.sink import Sink
from tests.e2e.walk import Door

VILLAGES: Final = tuple(f"{DEMO_COUNTY}001{200 + n}" for n in range(4))
MATTERS: Final = (
    {"text": "楼道里燃气味很重，怀疑泄漏", "category": "03.001"},
    {"text": "自来水管爆裂，路面积水", "category": "01.001"},
    {"text": "路灯不亮，晚上看不清路", "category": "02.003"},
    {"text": "垃圾堆了三天没有人清运", "category": "04.001"},
)
TRY_AGAIN_SECONDS: Final = 0.2
RETRIED: Final = frozenset({429, 500, 502, 503, 504})


class Crowd:
    """Sends reports until told to stop and keeps what was promised: a case id for each key."""

    def __init__(self, door: Door, *, prefix: str | None = None) -> None:
        self._door = door
        self._prefix = prefix or uuid.uuid4().hex
        self.promised: dict[str, uuid.UUID] = {}
        self.tries = 0
        self.signed: set[str] = set()

    async def report(self, number: int) -> uuid.UUID:
        """Send one report until it is accepted and return its case id."""
        key = f"{self._prefix}-{number}"
        body = {"source": "resident", **MATTERS[number % len(MATTERS)], "area": VILLAGES[number % len(VILLAGES)]}
        answer = await self._insist(lambda: self._door.send(body, key), {201})
        self.promised[key] = uuid.UUID(answer.json()["case_id"])
        return self.promised[key]

    async def sign(self, case_id: str, order_id: str) -> None:
        """Sign an order; a second try may find it signed by the first, whose answer was lost."""
        await self._insist(lambda: self._door.act(case_id, "sign", order_id=order_id), {200, 409})
        self.signed.add(order_id)

    async def _insist(self, request: Any, wanted: set[int]) -> httpx.Response:
        async with asyncio.timeout(180):
            while True:
                self.tries += 1
                try:
                    answer: httpx.Response = await request()
                except httpx.TransportError:
                    await asyncio.sleep(TRY_AGAIN_SECONDS)
                    continue
                if answer.status_code in wanted:
                    return answer
                # A webhook can tell of an order before intake has folded it: the answer says so.
                early = answer.status_code == 422 and "may be here in a moment" in answer.text
                assert early or answer.status_code in RETRIED, answer.text
                await asyncio.sleep(TRY_AGAIN_SECONDS)


@asynccontextmanager
async def at_work(crowd: Crowd, sink: Sink, *, senders: int, pause: float) -> AsyncIterator[asyncio.Semaphore]:
    """The crowd sends, and signs every second order that its webhook brings, until the block ends.

    Yields the reports it may still send: released as the block goes on, so that a slow machine is
    not flooded while it waits.
    """
    numbers = itertools.count()
    ended = asyncio.Event()
    allowed = asyncio.Semaphore(0)

    async def send() -> None:
        while not ended.is_set():
            await allowed.acquire()
            if not ended.is_set():
                await crowd.report(next(numbers))
                await asyncio.sleep(pause)

    async def sign() -> None:
        seen: set[str] = set()
        while not ended.is_set():
            for delivery, body in list(sink.bodies.items()):
                told = body["data"]
                if delivery not in seen and told["order_id"] and uuid.UUID(told["order_id"]).int % 2 == 0:
                    await crowd.sign(told["case_id"], told["order_id"])
                seen.add(delivery)
            await asyncio.sleep(0.1)

    tasks = [asyncio.create_task(send()) for _ in range(senders)] + [asyncio.create_task(sign())]
    try:
        yield allowed
    finally:
        ended.set()
        for _ in range(senders):
            allowed.release()
        await asyncio.gather(*tasks)
