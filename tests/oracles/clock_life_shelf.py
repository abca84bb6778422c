"""The service's clocks of one case without a database: what a fold keeps of it, and what the timers make of it."""

from __future__ import annotations

from collections.abc import Collection, Coroutine, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from msgspec.structs import replace

from services.escalation.domain.chain import RunningClock, after_saying, judge
from services.escalation.domain.clocks import Stop
from services.escalation.domain.facts import Facts
from services.escalation.domain.lateness import stopped_late
from services.escalation.handlers.settling import changes_of
from services.escalation.ports import Changes, Folding, KnownCase
from shared.events.envelope import Event
from shared.playbook.model import Playbook
from shared.runtime.delivery import Record

MINUTE = timedelta(minutes=1)
RECORD = Record("t", 0, 0, None, None, (), 0)


class Shelf:
    """Folds batches of events and fires what is due, as the handlers do, for one case."""

    def __init__(self, book: Playbook, begins: datetime) -> None:
        self._book, self._begins = book, begins
        self.facts: Facts | None = None
        self.clocks: dict[UUID, RunningClock] = {}
        self.stops: dict[UUID, Stop | None] = {}

    def of(self, area: str) -> Playbook:
        return self._book

    async def running(self, clock_ids: Collection[UUID]) -> Mapping[UUID, RunningClock]:
        return {clock_id: self.clocks[clock_id] for clock_id in clock_ids}

    def fold(self, events: Sequence[Event[Any]]) -> None:
        case_id = events[0].data.case.case_id
        known = {} if self.facts is None else {case_id: self._known(self.facts)}
        told = {case_id: [(RECORD, event) for event in events]}
        work = changes_of(known, told, self, cast("Folding", self))
        changes = _ended(work)
        self.facts = changes.cases[0].facts
        assert changes.cases[0].waiting_for is None, changes.cases[0].waiting_for
        for begun in changes.started:
            self.clocks[begun.clock.shown.clock_id] = begun.clock
            self._stop(begun.clock.shown.clock_id, begun.stop)
        for one in changes.moved:
            self.clocks[one.clock.shown.clock_id] = one.clock
        for clock_id, stop in changes.stopped.items():
            self._stop(clock_id, stop)

    def fire(self, now: datetime) -> None:
        """Let the timers come by; a clock has at most a few things to say at once."""
        for clock_id, stop in self.stops.items():
            for _ in range(9):
                clock = self.clocks[clock_id]
                if stop is not None or clock.next_at is None or clock.next_at > now:
                    break
                self.clocks[clock_id] = after_saying(clock, judge(clock, now=now))

    def shown(self, orders: Mapping[UUID, int]) -> list[tuple[object, ...]]:
        """Every clock, as the paper shows it."""
        return sorted(self._shown(clock, self.stops[clock_id], orders) for clock_id, clock in self.clocks.items())

    def _shown(self, clock: RunningClock, stop: Stop | None, orders: Mapping[UUID, int]) -> tuple[object, ...]:
        order = None if clock.shown.order_id is None else orders[clock.shown.order_id]
        still = clock.still
        due = self._minute(clock.shown.due_at)
        end: object = due if still is None else (self._minute(still.since), still.left // MINUTE)
        if stop is not None and not clock.breached:
            end = ""
        return (
            str(clock.shown.kind), str(order), self._minute(clock.shown.started_at),
            str(stop.outcome) if stop else "running", self._minute(stop.at) if stop else None, str(end), clock.breached
        )  # fmt: skip

    def _minute(self, at: datetime) -> int:
        minutes, rest = divmod(at - self._begins, MINUTE)
        assert not rest, at
        return minutes

    def _known(self, facts: Facts) -> KnownCase:
        moves = {clock_id: clock.moves for clock_id, clock in self.clocks.items() if clock.moves}
        return KnownCase(facts=facts, partition=0, traceparent=None, clocks=self.stops, moves=moves)

    def _stop(self, clock_id: UUID, stop: Stop | None) -> None:
        clock = self.clocks[clock_id]
        self.stops[clock_id] = stop
        if stop is not None and stopped_late(clock, stop):
            self.clocks[clock_id] = replace(clock, breached=True)


def _ended(work: Coroutine[Any, Any, Changes]) -> Changes:
    """What it returns; it waits for nothing."""
    try:
        work.send(None)
    except StopIteration as done:
        return cast("Changes", done.value)
    raise AssertionError("the shelf has everything at hand")
