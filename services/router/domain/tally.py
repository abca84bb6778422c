"""What decisions came to, in figures."""

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple, Self

from services.router.domain.decision import Decision
from services.router.domain.left import Left

Labels = tuple[str, str, str]
"""Level, role and reason of an order."""


class Tally(NamedTuple):
    """One decision in figures: the labels of the orders issued, the levels of those taken back, shadows that held.

    `unsaid` says that nobody could be asked and no order tells why; `left` why nobody was to be asked.
    """

    issued: tuple[Labels, ...]
    withdrawn: tuple[str, ...]
    shadows: int
    unsaid: bool = False
    left: Left | None = None

    @classmethod
    def of(cls, decision: Decision) -> Self:
        """Return the figures of `decision`."""
        issued = tuple((order.level.value, order.role.value, order.reason.value) for order in decision.orders)
        withdrawn = tuple(withdrawal.order.level.value for withdrawal in decision.withdrawals)
        shadows = max((len(order.explanation.shadows) for order in decision.orders), default=0)
        return cls(issued, withdrawn, shadows, decision.unsaid is not None, decision.left)


@dataclass(slots=True, kw_only=True)
class Tallies:
    """Many decisions in figures; `remembered` counts those that were repeated and not taken anew."""

    issued: Counter[Labels] = field(default_factory=Counter)
    withdrawn: Counter[str] = field(default_factory=Counter)
    shadows: int = 0
    unsaid: int = 0
    left: Counter[Left] = field(default_factory=Counter)
    decided: int = 0
    remembered: int = 0

    def add(self, tally: Tally, *, remembered: bool) -> None:
        """Count one decision."""
        for labels in tally.issued:
            self.issued[labels] += 1
        for level in tally.withdrawn:
            self.withdrawn[level] += 1
        self.shadows += tally.shadows
        self.unsaid += tally.unsaid
        if tally.left is not None:
            self.left[tally.left] += 1
        self.remembered += remembered
        self.decided += not remembered
