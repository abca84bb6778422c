"""How the service hears of a life: in half of all lives late, its topics mixed, and some of it twice."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from shared.events.envelope import Event
from shared.events.order import OrderIssued, OrderWithdrawn
from tests.oracles.clock_life_shelf import Shelf


class Delivery:
    """The topics between a story and the shelf."""

    def __init__(self, shelf: Shelf, *, mixed: bool) -> None:
        self._shelf = shelf
        self._mixed = mixed
        self._told = 0
        self._topics: dict[str, list[Event[Any]]] = {}
        self._seen: list[Event[Any]] = []

    def bring(self, events: Sequence[Event[Any]], chance: Random, *, drain: bool) -> bool:
        """Bring some of what is new in ``events``, or all with ``drain``; say whether the service now knows all."""
        fresh, self._told = events[self._told :], len(events)
        for event in fresh:
            self._topics.setdefault(_topic(event) if self._mixed else "one", []).append(event)
        if self._mixed:
            self._mix(chance, drain=drain)
        elif fresh:
            self._shelf.fold(fresh)
            self._topics["one"].clear()
        return not any(self._topics.values())

    def _mix(self, chance: Random, *, drain: bool) -> None:
        """Some topics go ahead of others; now and then a batch begins with what was seen before."""
        while waiting := [topic for topic, events in self._topics.items() if events]:
            if not drain and chance.random() < 0.5:
                return
            events = self._topics[waiting[chance.randrange(len(waiting))]]
            batch = [events.pop(0) for _ in range(chance.randrange(1, len(events) + 1))]
            again = chance.sample(self._seen, min(len(self._seen), 2)) if chance.random() < 0.2 else []
            self._seen = [*self._seen[-20:], *batch]
            self._shelf.fold([*again, *batch])


def _topic(event: Event[Any]) -> str:
    data = event.data
    return str(data.order.level) if isinstance(data, OrderIssued | OrderWithdrawn) else "case"
