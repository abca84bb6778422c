"""One case from its opening on while nobody does anything: time passes, and every service decides as it would."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from cli.untouched.clocks import Clocks
from services.intake.domain.life.case import Case
from services.intake.domain.life.commands import Command, OpenCase
from services.intake.domain.life.evolve import evolve
from services.intake.domain.moves.decide import decide
from services.intake.domain.moves.heard import fold_of
from services.router.domain.answering import Answered, answer, text_of
from services.router.domain.facts import Facts
from services.router.domain.issuing import events_of
from services.router.domain.rulebook import Rulebook
from shared.events.case import CaseEvent
from shared.events.envelope import Event, derive_id
from shared.events.order import OrderEvent
from shared.events.sla import SlaEvent
from shared.playbook.model import Playbook

MOST: Final = 2000
"""Happenings of one walk at most; whoever wants more asks for a shorter time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One event on its topic, at the instant at which it came about."""

    at: datetime
    event: Event[Any]
    natural: bool = False
    """Its instant was counted in natural time, for the calendar does not know the year that it lies in."""


class Walk:
    """The case, and what its playbook makes of it."""

    def __init__(self, playbook: Playbook) -> None:
        """Compile `playbook`; whoever is on duty is read from its roster at each instant."""
        self._book = Rulebook(playbook)
        self._clocks = Clocks(playbook)
        self._case: Case | None = None
        self._waiting: deque[Event[Any]] = deque()
        self._repeats: set[Any] = set()

    def walk(self, opening: OpenCase, *, at: datetime, until: datetime) -> Iterator[Happening]:
        """Yield what happens from `at` on, in order, up to and including `until`; at most `MOST` events.

        Raises:
            Refused: intake would not open such a case.
            UnknownYear: a limit runs into a year without a calendar.
        """
        self._do(opening, at)
        left, now = MOST, at
        while left and now <= until:
            for event in self._settle(now):
                yield Happening(at=now, event=event, natural=self._clocks.in_natural_time(event))
                left -= 1
                if not left:
                    return
            if self._clocks.next_at is None:
                return
            now = max(self._clocks.next_at, now)
            if now <= until:
                self._waiting.extend(self._clocks.fire(now=now))

    def _settle(self, now: datetime) -> Iterator[Event[Any]]:
        """Everything on its way arrives, and what comes of it."""
        while self._waiting:
            event = self._waiting.popleft()
            if event.id in self._repeats:
                continue
            self._repeats.add(event.id)
            yield event
            self._arrives(event, now)

    def _arrives(self, event: Event[Any], now: datetime) -> None:
        if isinstance(event.data, OrderEvent | SlaEvent) and (fold := fold_of(event)) is not None:
            self._do(fold, now)
        if isinstance(event.data, Answered):
            happened = event.data
            facts = Facts.of(happened.case, text_of(happened), at=event.time)
            self._waiting.extend(events_of(answer(happened, facts, self._book), event, happened.case, now=now))
        if isinstance(event.data, CaseEvent | OrderEvent):
            self._waiting.extend(self._clocks.hear(event, now=now))

    def _do(self, command: Command, now: datetime) -> None:
        for event in decide(self._case, command, now):
            self._case = evolve(self._case, event, at=now)
            self._waiting.append(_told(event, now))


def _told(data: CaseEvent, now: datetime) -> Event[CaseEvent]:
    return Event(
        id=derive_id(data.case.case_id, f"{data.TYPE}:{data.case.version}"),
        source="/whistle/intake",
        subject=str(data.case.case_id),
        time=now,
        sequence=data.case.version,
        data=data,
    )
