"""What the handlers need from outside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from services.router.domain.decision import Decision
from services.router.domain.facts import Facts
from services.router.domain.rulebook import Rulebook
from services.router.domain.tally import Tally
from shared.events.case import CaseOpened
from shared.events.codec import Message
from shared.events.envelope import Event, Payload
from shared.events.order import OrderEvent
from shared.events.parts import CaseView
from shared.runtime.delivery import Record


class Switch(Protocol):
    """Where another version of a playbook comes into force."""

    def in_force(self) -> "Rulebooks":
        """Return the rulebooks in force at this moment: one batch takes them once and asks nothing else.

        So a new version comes into force between two batches, and all records of one batch see one set of playbooks.
        """


class Rulebooks(Protocol):
    """The compiled playbooks of one moment."""

    async def of(self, case: CaseView) -> Rulebook:
        """Return the rulebook under which `case` is routed: its own version while known, else the one in force.

        Of `case` only county and playbook are looked at. Waits a bounded time for a county whose playbook
        has not come yet.

        Raises:
            Refused: no playbook is in force for the county of the case; the reason says what to do.
        """


class Found(Protocol):
    """A decision taken before that fits a record, too."""

    @property
    def tally(self) -> Tally:
        """What it counts as."""

    def messages(self, traceparent: str | None = None) -> Sequence[Message]:
        """Return its orders for this record, as the ordinary way writes them; its own trace goes on without another."""


class Shortcut(Protocol):
    """Decisions remembered, as one batch may use them."""

    def find(self, record: Record, headers: Mapping[str, bytes]) -> Found | None:
        """Return the decision that fits `record`; None when the ordinary way has to say."""

    def learn(self, taken: "Taken") -> None:
        """Remember what the ordinary way decided about an opened case, when it can be repeated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A decision as the ordinary way took it about an opened case, and wrote it."""

    cause: Event[Payload]
    opened: CaseOpened
    facts: Facts
    book: Rulebook
    decision: Decision
    orders: Sequence[Event[OrderEvent]]
    messages: Sequence[Message]
