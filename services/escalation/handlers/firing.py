"""Time passes: due clocks say what they have to say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.escalation.domain.chain import (
    RunningClock,
    Verdict,
    Wait,
    Warn,
    announce,
    judge,
)
from services.escalation.ports import (
    Due,
    Fired,
    Horizon,
    Store,
)
from shared.events.codec import encode
from shared.events.envelope import Event, Payload


@dataclass(frozen=True, slots=True, kw_only=True)
class FireReport:
    """What one firing said, and how late each clock was, in seconds."""

    taken: int
    verdicts: Sequence[tuple[RunningClock, Verdict]]
    late_seconds: Sequence[float]


async def fire_due(*, store: Store, horizon: Horizon, most: int) -> FireReport:
    """Say what the due clocks have to say, at most ``most`` of them, in one transaction with the outbox.

    Time is the database's. A clock that a fold is stopping at this moment is left alone.
    """
    async with store.firing() as firing:
        now = await firing.now()
        due = await firing.due(horizon, now=now, most=most)
        if not due:
            return FireReport(taken=0, verdicts=(), late_seconds=())
        judged = [(one, judge(one.clock, now=now)) for one in due]
        await firing.write(
            [Fired(clock=after_saying(one.clock, verdict), at=now) for one, verdict in judged],
            [encode(event) for one, verdict in judged for event in _said(one, verdict, now)],
        )
    return FireReport(
        taken=len(due),
        verdicts=[(one.clock, verdict) for one, verdict in judged],
        late_seconds=[(now - one.clock.next_at).total_seconds() for one in due if one.clock.next_at is not None],
    )


def after_saying(clock: RunningClock, verdict: Verdict) -> RunningClock:
    match verdict:
        case Wait():
            return clock
        case Warn(passed=passed):
            return replace(clock, warnings_passed=passed)
        case _:
            return replace(clock, breached=True)


def _said(due: Due, verdict: Verdict, now: datetime) -> Iterable[Event[Payload]]:
    for event in announce(due.clock, verdict, view=due.view, now=now):
        yield replace(event, traceparent=due.traceparent)
