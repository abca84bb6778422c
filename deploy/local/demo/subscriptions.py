"""The demo's webhook subscriptions: made for its own receiver, removed at the end, and what each is owed."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from types import TracebackType
from typing import Final, Self

import httpx

from deploy.local.demo.sink import Inbox, Sink
from shared.events.case import CaseOpened
from shared.events.envelope import Event, Payload
from shared.events.order import OrderIssued, OrderWithdrawn
from shared.events.sla import ClockEscalated

DESCRIPTION: Final = "receiver of whistle demo"
COMMANDS: Final = "orders-and-escalations"
SEAT: Final = "county-seat-cases"
TOLD: Final[Mapping[str, tuple[type[Payload], ...]]] = {
    COMMANDS: (OrderIssued, OrderWithdrawn, ClockEscalated),
    SEAT: (CaseOpened,),
}
TYPES: Final[Mapping[str, list[str]]] = {
    COMMANDS: ["whistle.order", "whistle.sla.escalated.v1"],
    SEAT: ["whistle.case.opened.v1"],
}


class Subscriptions:
    """Two subscriptions with one filter each: what moves people in the whole county, new cases of one town."""

    def __init__(self, notifier: httpx.AsyncClient, sink: Sink, *, county: str) -> None:
        self._notifier = notifier
        self._sink = sink
        self._areas = {COMMANDS: county, SEAT: f"{county}001"}
        self._ids: list[str] = []

    async def __aenter__(self) -> Self:
        await self._remove_old()
        for name, area in self._areas.items():
            response = await self._notifier.post(
                "/v1/subscriptions",
                json={
                    "url": self._sink.url(name),
                    "description": DESCRIPTION,
                    "area": area,
                    "type": TYPES[name],
                },
            )
            response.raise_for_status()
            made = response.json()
            self._ids.append(made["subscription"]["subscription_id"])
            self._sink.inboxes[name] = Inbox(secret=made["secret"])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for subscription_id in self._ids:
            try:
                await self._notifier.delete(f"/v1/subscriptions/{subscription_id}")
            except httpx.HTTPError:
                # The next demo on this data removes it; until then its deliveries fail and say why.
                return

    @property
    def inboxes(self) -> Mapping[str, Inbox]:
        """What each subscription has received."""
        return self._sink.inboxes

    async def received(self) -> Mapping[str, AbstractSet[str]]:
        """What each subscription has received so far: ids of events."""
        return {name: inbox.events for name, inbox in self._sink.inboxes.items()}

    def owed(self, name: str, events: Mapping[str, Event[Payload]]) -> AbstractSet[str]:
        """Return which of ``events`` the subscription ``name`` must be told."""
        return {
            event_id
            for event_id, event in events.items()
            if isinstance(event.data, TOLD[name]) and _area(event).startswith(self._areas[name])
        }

    async def _remove_old(self) -> None:
        """Remove those of a demo that was killed: their receiver is gone."""
        response = await self._notifier.get("/v1/subscriptions", params={"limit": 200})
        response.raise_for_status()
        for one in response.json()["subscriptions"]:
            if one["description"] == DESCRIPTION:
                await self._notifier.delete(f"/v1/subscriptions/{one['subscription_id']}")


def _area(event: Event[Payload]) -> str:
    case = getattr(event.data, "case", None)
    return "" if case is None else str(case.area)
