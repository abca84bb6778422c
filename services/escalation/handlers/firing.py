"""Time passes: due clocks say what they have to say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.escalation.domain.backlog import Saying, announced, due_of, is_backlog
from services.escalation.domain.on_watch import Watch
from services.escalation.ports import (
    Due,
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

_Heard = tuple[Due, tuple[Saying, ...]]
"""A due clock and what it has to say."""


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
        heard = _heard(due, now)
        if any(is_backlog(said, now=now) for _, said in heard):
            heard += _heard(await firing.beside(due, most=most), now)
        fired = [said[-1].after if said else one.clock for one, said in heard]
        await firing.write(fired, _messages(heard, playbooks, now), at=now)
    return FireReport(
        taken=len(heard),
        said=[saying for _, said in heard for saying in said],
        late_seconds=[(one.urgency, _late(one, now)) for one, _ in heard],
    )


def _heard(due: Sequence[Due], now: datetime) -> list[_Heard]:
    return [(one, due_of(one.clock, now=min(now, one.until))) for one in due]


def _messages(heard: Sequence[_Heard], playbooks: Playbooks, now: datetime) -> list[Message]:
    """The words of the clocks, case by case."""
    cases: dict[UUID, tuple[Due, list[Saying]]] = {}
    for one, said in heard:
        cases.setdefault(one.clock.case_id, (one, []))[1].extend(said)
    watches = {county: _watch(county, playbooks, now) for county in {one.county for one, _ in heard}}
    return [
        encode(event)
        for first, said in cases.values()
        for event in announced(said, case=first.case, watch=watches[first.county])
    ]


def _watch(county: str, playbooks: Playbooks, now: datetime) -> Watch:
    """Who is on duty says the playbook in force; without one the step is taken all the same."""
    playbook: Playbook | None
    try:
        playbook = playbooks.of(county)
    except UnknownCounty:
        playbook = None
    return Watch(playbook=playbook, at=now)


def _late(due: Due, now: datetime) -> float:
    at = due.clock.next_at
    return 0.0 if at is None else (now - at).total_seconds()
