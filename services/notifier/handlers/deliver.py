"""Due deliveries are sent, a bounded number at a time, and each outcome is written down with its reason."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from services.notifier.domain.delivery import Verdict, judge
from services.notifier.ports import Attempt, Claim, Deliveries, Sender

LEASE: Final = timedelta(seconds=60)
"""How long a worker has for one attempt and its record: well over the attempt's own limit of 15 s."""


@dataclass(slots=True, kw_only=True)
class Delivery:
    """One worker: what it may hold at a time, and what it holds."""

    deliveries: Deliveries
    sender: Sender
    clock: Callable[[], datetime]
    observe: Callable[[Attempt, Verdict], None] = lambda _attempt, _verdict: None
    lease: timedelta = LEASE
    most: int = 32
    most_each: int = 4
    failed: Callable[[BaseException], None] = lambda _error: None
    """Told of an outcome that could not be written down; the delivery is due again when its lease ends."""
    jitter: Callable[[], float] = random.random
    busy: Counter[UUID] = field(default_factory=Counter)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    freed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def room(self) -> int:
        """How many more deliveries this worker can take."""
        return self.most - len(self.tasks)


async def deliver_due(work: Delivery) -> int:
    """Claim what is due and there is room for, start sending it, and return how much it was."""
    if work.room <= 0:
        return 0
    claims = await work.deliveries.claim(
        now=work.clock(), lease=work.lease, most=work.room, most_each=work.most_each, busy=dict(work.busy)
    )
    for claim in claims:
        work.busy[claim.subscription_id] += 1
        task = asyncio.create_task(_deliver(work, claim), name=f"deliver {claim.delivery_id}")
        work.tasks.add(task)
        task.add_done_callback(lambda done, claim=claim: _free(work, claim, done))  # type: ignore[misc]  # a default binds the loop's value
    return len(claims)


async def _deliver(work: Delivery, claim: Claim) -> None:
    at, began = work.clock(), time.monotonic()
    answer = await work.sender.send(claim, now=at)
    attempt = Attempt(at=at, answer=answer, milliseconds=int((time.monotonic() - began) * 1000))
    verdict = judge(
        answer,
        attempt=claim.attempt,
        now=work.clock(),
        jitter=work.jitter(),
        longest_pause=claim.longest_pause,
    )
    # Not recorded = due again when the lease ends: the receiver drops the repeat by its webhook-id.
    if await work.deliveries.record(claim, attempt, verdict):
        work.observe(attempt, verdict)


def _free(work: Delivery, claim: Claim, task: asyncio.Task[None]) -> None:
    work.tasks.discard(task)
    work.busy[claim.subscription_id] -= 1
    if work.busy[claim.subscription_id] <= 0:
        del work.busy[claim.subscription_id]
    work.freed.set()
    if not task.cancelled() and (error := task.exception()) is not None:
        work.failed(error)
