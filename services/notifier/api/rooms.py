"""What the endpoints need, and who is asking."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
from fastapi import Depends, Request, Response

from services.notifier.channels.stream import Hub
from services.notifier.domain.audience import Scope
from services.notifier.handlers.subscribe import SubscribeDoors
from services.notifier.metrics import Metrics
from services.notifier.ports import County, Router
from services.notifier.store.cases import PostgresCases
from services.notifier.store.feed import PostgresFeed
from services.notifier.store.modes import PostgresModes
from services.notifier.store.public import PostgresPublic
from services.notifier.store.rulings import PostgresRulings
from services.notifier.store.subscriptions import PostgresSubscriptions
from services.notifier.store.warnings import PostgresWarnings
from shared.playbook.shelf import PlaybookShelf
from shared.runtime.auth import KeyRing, Principal
from shared.runtime.bearer import bearer
from shared.runtime.blobs import Blobs
from shared.vocabulary import Role

if TYPE_CHECKING:
    # The settings read the rates of this package's door.
    from services.notifier.settings import Settings

READERS: Final = (Role.DESK, Role.LEADER, Role.DEPARTMENT, Role.OPERATOR, Role.AUDITOR)
"""Who may read; a source sends reports and hears of them at its own desk."""
SUBSCRIBERS: Final = (Role.DESK, Role.LEADER, Role.DEPARTMENT, Role.OPERATOR)
"""Who may have events sent away; an auditor only reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """What the endpoints need; hung on the app."""

    settings: Settings
    keyring: KeyRing
    hub: Hub
    feed: PostgresFeed
    cases: PostgresCases
    subscriptions: PostgresSubscriptions
    subscribing: SubscribeDoors
    modes: PostgresModes
    rulings: PostgresRulings
    warnings: PostgresWarnings
    public: PostgresPublic
    blobs: Blobs | None
    """None where no place for photos is set."""
    router: Router | None
    """None where no router is set: what the rules would say cannot be asked."""
    shelf: PlaybookShelf
    county: County
    metrics: Metrics
    clock: Callable[[], datetime]


def rooms_of(request: Request) -> Rooms:
    """The rooms of the app that took ``request``."""
    rooms: Rooms = request.app.state.rooms
    return rooms


def scope_of(principal: Principal) -> Scope:
    """What a key may see: its area, and for a department's key only what concerns it."""
    return Scope(area=principal.area, department=principal.department)


def _keyring(request: Request) -> KeyRing:
    return rooms_of(request).keyring


InRooms = Annotated[Rooms, Depends(rooms_of)]
Reader = Annotated[Principal, Depends(bearer(_keyring, *READERS))]
Subscriber = Annotated[Principal, Depends(bearer(_keyring, *SUBSCRIBERS))]


def answer(value: Any, *, status: int = 200) -> Response:  # noqa: ANN401  any dataclass of the views
    """``value`` as JSON."""
    return Response(msgspec.json.encode(value), status_code=status, media_type="application/json")
