"""Many reports to intake: bounded concurrency, patience with outages, and a tally of what became of each."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import httpx

from cli import client
from cli.trouble import Trouble

FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 10.0
AWAY: Final = frozenset({429, 502, 503, 504})
REASONS_KEPT: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One report on its way, or the reason why the row never became one."""

    number: int
    name: str
    report: Mapping[str, Any]
    idempotency_key: str
    occurred_at: datetime | None = None
    broken: str | None = None


@dataclass(slots=True, kw_only=True)
class Tally:
    """What became of the rows."""

    accepted: int = 0
    repeated: int = 0
    refused: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    examples: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Rows that have their answer."""
        return self.accepted + self.repeated + self.refused

    def refuse(self, number: int, reason: str) -> None:
        """Count a refused row; rare reasons beyond a bound are counted together."""
        self.refused += 1
        kept = reason if reason in self.reasons or len(self.reasons) < REASONS_KEPT else "other reasons"
        self.reasons[kept] += 1
        self.examples[kept] = min(number, self.examples.get(kept, number))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast: ``speed`` follows the rows' own times (1 = as it was), ``rate`` is rows a second; neither = at once."""

    speed: float | None = None
    rate: float | None = None

    def delay(self, index: int, moment: datetime | None, first: datetime | None) -> float:
        """Seconds after the start at which the row ``index`` is due."""
        if self.speed is not None and moment is not None and first is not None:
            return max(0.0, (moment - first).total_seconds() / self.speed)
        return index / self.rate if self.rate else 0.0


Answered = Callable[[Outgoing, str | None], None]
"""Called with each row that has its answer, and the reason when it was refused."""


class Sender:
    """Sends rows with ``concurrency`` requests at a time; an answer that can change is asked for again."""

    def __init__(
        self, http: httpx.AsyncClient, *, concurrency: int, patience_seconds: float, answered: Answered
    ) -> None:
        self._http = http
        self._concurrency = concurrency
        self._patience_seconds = patience_seconds
        self._answered = answered
        self.tally = Tally()

    async def send_all(self, rows: AsyncIterator[Outgoing]) -> Tally:
        """Send every row.

        Raises:
            Trouble: when intake stays away longer than the patience, or the key is not good.
        """
        waiting: asyncio.Queue[Outgoing | None] = asyncio.Queue(self._concurrency * 2)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._concurrency):
                    group.create_task(self._work(waiting))
                async for row in rows:
                    await waiting.put(row)
                for _ in range(self._concurrency):
                    await waiting.put(None)
        except BaseExceptionGroup as group_error:
            # Workers fail for one cause; the first one tells it.
            raise group_error.exceptions[0] from None
        return self.tally

    async def _work(self, waiting: asyncio.Queue[Outgoing | None]) -> None:
        while (row := await waiting.get()) is not None:
            reason = row.broken or await self._send(row)
            if reason is not None:
                self.tally.refuse(row.number, reason)
            self._answered(row, reason)

    async def _send(self, row: Outgoing) -> str | None:
        """Send one row until it has its answer; return the reason when it is refused."""
        began, pause = time.monotonic(), FIRST_PAUSE_SECONDS
        while True:
            try:
                response = await self._http.post(
                    "/v1/reports", json=row.report, headers={"idempotency-key": row.idempotency_key}
                )
            except httpx.TransportError as error:
                trouble = client.unreachable(str(self._http.base_url), error)
            else:
                if response.status_code not in AWAY:
                    return self._count(response)
                trouble = client.trouble_of(response)
                pause = max(pause, _retry_after(response))
            if time.monotonic() - began + pause > self._patience_seconds:
                raise trouble
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    def _count(self, response: httpx.Response) -> str | None:
        if response.is_success:
            if response.headers.get("idempotent-replayed") == "true":
                self.tally.repeated += 1
            else:
                self.tally.accepted += 1
            return None
        if response.status_code in {401, 404, 405} or response.is_server_error:
            raise client.trouble_of(response)
        problem = client.problem_of(response)
        return f"{response.status_code} {client.reasons_of(problem)[0]}"


def _retry_after(response: httpx.Response) -> float:
    text = response.headers.get("retry-after", "")
    return min(float(text), LONGEST_PAUSE_SECONDS) if text.isdecimal() else 0.0


def stopped(trouble: Trouble, done: int) -> Trouble:
    """``trouble`` with the word that nothing is lost."""
    return Trouble(
        f"Stopped after {done} rows: {trouble.what}",
        why=trouble.why,
        mend=f"{trouble.mend}; then run the same command again: rows that are there already make no second case",
    )
