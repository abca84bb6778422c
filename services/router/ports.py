"""What the handlers need from outside."""

from typing import Protocol

from services.router.domain.rulebook import Rulebook
from shared.events.parts import CaseView


class Rulebooks(Protocol):
    """The compiled playbooks."""

    async def of(self, case: CaseView) -> Rulebook:
        """Return the rulebook under which `case` is routed: its own version while known, else the one in force.

        Waits a bounded time for a county whose playbook has not come yet.

        Raises:
            Refused: no playbook is in force for the county of the case; the reason says what to do.
        """
