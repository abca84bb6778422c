"""Due deliveries are sent a bounded number at a time, and nobody slow keeps others waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from services.notifier.domain.delivery import Answer, Answered, Verdict
from services.notifier.handlers import Delivery, deliver_due
from services.notifier.ports import Attempt, Claim

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


@dataclass(slots=True)
class Queue:
    """Hands out what waits, by the rules of the port."""

    waiting: list[Claim]
    recorded: list[tuple[Claim, Attempt, Verdict]] = field(default_factory=list)

    async def claim(
        self, *, now: datetime, lease: timedelta, most: int, most_each: int, busy: Mapping[UUID, int]
    ) -> Sequence[Claim]:
        held = dict(busy)
        taken: list[Claim] = []
        for claim in self.waiting:
            if len(taken) < most and held.get(claim.subscription_id, 0) < most_each:
                held[claim.subscription_id] = held.get(claim.subscription_id, 0) + 1
                taken.append(claim)
        self.waiting = [claim for claim in self.waiting if claim not in taken]
        return taken

    async def record(self, claim: Claim, attempt: Attempt, verdict: Verdict) -> bool:
        self.recorded.append((claim, attempt, verdict))
        return True


@dataclass(slots=True)
class Receiver:
    """Answers when it is let."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)
    now_open: int = 0
    most_open: int = 0

    async def send(self, claim: Claim, *, now: datetime) -> Answer:
        self.now_open += 1
        self.most_open = max(self.most_open, self.now_open)
        await self.gate.wait()
        self.now_open -= 1
        return Answered(status=200)


def claim(subscription: UUID) -> Claim:
    return Claim(
        delivery_id=uuid4(),
        lease=uuid4(),
        subscription_id=subscription,
        url="https://x",
        secrets=("whsec_AAAA",),
        body="{}",
        attempt=1,
        traceparent=None,
    )


async def test_a_worker_holds_no_more_than_it_may_in_all_and_of_one_subscription() -> None:
    slow, other = uuid4(), uuid4()
    queue = Queue([*(claim(slow) for _ in range(20)), claim(other)])
    receiver = Receiver()
    work = Delivery(deliveries=queue, sender=receiver, clock=lambda: NOW, most=8, most_each=3)
    assert await deliver_due(work) == 4
    assert await deliver_due(work) == 0
    await asyncio.sleep(0)
    assert (receiver.now_open, work.busy[slow], work.busy[other]) == (4, 3, 1)
    receiver.gate.set()
    while work.tasks:
        await asyncio.wait(set(work.tasks))
    assert not work.busy
    while await deliver_due(work):
        await asyncio.wait(set(work.tasks))
    assert len(queue.recorded) == 21
    assert receiver.most_open == 4


async def test_an_outcome_that_cannot_be_written_down_is_said() -> None:
    failures: list[BaseException] = []

    class Broken(Queue):
        async def record(self, claim: Claim, attempt: Attempt, verdict: Verdict) -> bool:
            raise OSError("PostgreSQL is away")

    receiver = Receiver()
    receiver.gate.set()
    work = Delivery(deliveries=Broken([claim(uuid4())]), sender=receiver, clock=lambda: NOW, failed=failures.append)
    assert await deliver_due(work) == 1
    await asyncio.wait(set(work.tasks))
    await asyncio.sleep(0)
    assert [str(error) for error in failures] == ["PostgreSQL is away"]
    assert not work.tasks
