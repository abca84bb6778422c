"""Who did it when nobody asked by hand: the services themselves, as events name them."""

from __future__ import annotations

from typing import Final

from shared.events.parts import Actor
from shared.vocabulary import ActorKind

SYSTEM: Final = Actor(kind=ActorKind.SYSTEM, id="intake", name="哨令")
ROUTER: Final = Actor(kind=ActorKind.SYSTEM, id="router", name="哨令")
ESCALATION: Final = Actor(kind=ActorKind.SYSTEM, id="escalation", name="哨令")
