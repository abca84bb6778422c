"""What routing comes to for one case, reduced to what a comparison asks for: who, by which rule, with what settings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from services.router.domain.decision import Decision, Demanded
from shared.vocabulary import OrderReason, OrderRole, Severity

KEPT: Final = 100_000
"""Decisions remembered by identity before the memory is emptied."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One order: in which role, to whom, by which rule, or why without one."""

    role: OrderRole
    who: str
    """`department/gas` or `desk/990101001`."""
    rule: str
    """The rule's id, or else the reason: `unrouted`, `ruling`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one playbook makes of a case; the lead stands first among the orders."""

    orders: tuple[Given, ...]
    reason: OrderReason
    severity: Severity | None
    """What rules set it to; None when they left it."""
    settings: tuple[str, ...]
    """All that rules set: `severity II`, `tag flood`, `mode flood-II`, `clocks urgent`, `matter old-house`."""
    shadows: tuple[str, ...]

    @property
    def lead(self) -> Given:
        """Who leads; every case has exactly one."""
        return self.orders[0]

    @property
    def unrouted(self) -> bool:
        """Whether no rule gave it a lead."""
        return self.reason is OrderReason.UNROUTED

    @property
    def ruling(self) -> bool:
        """Whether the duty is unclear or contested, so that a desk must rule."""
        return self.reason is OrderReason.RULING

    def holders(self) -> frozenset[str]:
        """Everybody who has an order."""
        return frozenset(order.who for order in self.orders)


class Outcomes:
    """Decisions as outcomes, one object for all that are equal: they are then compared by identity."""

    def __init__(self) -> None:
        """Begin with an empty memory."""
        self._by_decision: dict[int, tuple[Decision, Outcome]] = {}
        self._equal: dict[Outcome, Outcome] = {}

    def of(self, decision: Decision) -> Outcome:
        """Return the outcome of `decision`; the same object for every decision that comes to the same."""
        # The router remembers decisions, so the same object comes again and again; the pair keeps its id taken.
        known = self._by_decision.get(id(decision))
        if known is not None:
            return known[1]
        if len(self._by_decision) >= KEPT:
            self._by_decision.clear()
        outcome = _outcome(decision)
        outcome = self._equal.setdefault(outcome, outcome)
        self._by_decision[id(decision)] = decision, outcome
        return outcome


def _outcome(decision: Decision) -> Outcome:
    orders = sorted(decision.orders, key=lambda order: order.role is not OrderRole.LEAD)
    lead = orders[0]
    return Outcome(
        orders=tuple(_given(order) for order in orders),
        reason=lead.reason,
        severity=lead.sets.severity if lead.sets is not None else None,
        settings=tuple(_settings(lead, orders)),
        shadows=tuple(match.rule_id for match in lead.explanation.shadows),
    )


def _settings(lead: Demanded, orders: Sequence[Demanded]) -> Iterator[str]:
    if lead.sets is not None and lead.sets.severity is not None:
        yield f"severity {lead.sets.severity.name}"
    if lead.sets is not None:
        yield from (f"tag {tag}" for tag in sorted(lead.sets.tags))
    if lead.sets is not None and lead.sets.mode is not None:
        yield f"mode {lead.sets.mode}"
    yield from sorted({f"clocks {order.clock_profile}" for order in orders if order.clock_profile})
    if lead.matter is not None:
        yield f"matter {lead.matter.id}"


def _given(order: Demanded) -> Given:
    rule = order.explanation.rule_id or order.reason.value
    return Given(role=order.role, who=f"{order.target.kind}/{order.target.id}", rule=rule)
