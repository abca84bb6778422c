"""Time passes: due clocks say what they have to say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from services.escalation.domain.backlog import Saying, announced, due_of, is_backlog
from services.escalation.domain.chain import RunningClock
from services.escalation.domain.on_watch import Watch
from services.escalation.ports import (
    Due,
    Fired,
    Horizon,
    Playbooks,
    Store,
)
from shared.events.codec import Message, encode
from shared.playbook.model import Playbook
from shared.playbook.shelf import UnknownCounty


@dataclass(frozen=True, slots=True, kw_only=True)
class FireReport:
    """What one firing said, and by urgency how late each clock was, in seconds."""

    taken: int
    said: Sequence[Saying] = ()
    late_seconds: Sequence[tuple[int, float]] = ()


NOTHING = FireReport(taken=0)


async def fire_due(*, store: Store, playbooks: Playbooks, horizon: Horizon, most: int) -> FireReport:
    """Say what the due clocks have to say, the most urgent first, in one transaction with the outbox.

    At most ``most`` of them; behind an outage as many more of the same cases, so that a case is told of once. Time is
    the database's. A clock that a fold is stopping at this moment is left alone.
    """
    async with store.firing() as firing:
        now = await firing.now()
        due = await firing.due(horizon, now=now, most=most)
        if not due:
            return NOTHING
        found = {one.clock.shown.clock_id: due_of(one.clock, now=min(now, one.until)) for one in due}
        if any(is_backlog(said, now=now) for said in found.values()):
            more = await firing.beside(due, most=most)
            found |= {one.clock.shown.clock_id: due_of(one.clock, now=min(now, one.until)) for one in more}
            due = [*due, *more]
        await firing.write(*_written(due, found, playbooks, now))
    return FireReport(
        taken=len(due),
        said=[one for said in found.values() for one in said],
        late_seconds=[(one.urgency, _late(one, now)) for one in due],
    )


def _written(
    due: Sequence[Due], found: Mapping[UUID, tuple[Saying, ...]], playbooks: Playbooks, now: datetime
) -> tuple[list[Fired], list[Message]]:
    """What the clocks are afterwards, and their words case by case."""
    fired = [Fired(clock=_after(one, found[one.clock.shown.clock_id]), at=now) for one in due]
    cases: dict[UUID, list[Due]] = {}
    for one in due:
        cases.setdefault(one.clock.case_id, []).append(one)
    messages = list[Message]()
    for clocks in cases.values():
        first = clocks[0]
        said = [saying for one in clocks for saying in found[one.clock.shown.clock_id]]
        watch = Watch(playbook=_playbook(playbooks, first), at=now)
        events = announced(said, view=first.view, watch=watch)
        traced = first.traceparent is not None
        messages += [encode(replace(one, traceparent=first.traceparent) if traced else one) for one in events]
    return fired, messages


def _after(one: Due, said: tuple[Saying, ...]) -> RunningClock:
    return said[-1].after if said else one.clock


def _playbook(playbooks: Playbooks, due: Due) -> Playbook | None:
    """Who is on duty says the playbook in force; without one the step is taken all the same."""
    try:
        return playbooks.of(due.view.area)
    except UnknownCounty:
        return None


def _late(due: Due, now: datetime) -> float:
    at = due.clock.next_at
    return 0.0 if at is None else (now - at).total_seconds()
