"""What the handlers need from outside."""

from typing import Protocol

from services.router.domain.rulebook import Rulebook
from shared.events.parts import CaseView


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
