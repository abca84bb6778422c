"""One playbook's decisions as outcomes, each taken once for all cases that its rules and lists cannot tell apart."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import Final

from cli.simulation.outcome import Outcome, Outcomes
from services.router.domain.facts import Facts
from services.router.domain.index import Candidates
from services.router.domain.routing import decided, route
from services.router.domain.rulebook import Rulebook
from shared.events.parts import CaseView
from shared.playbook.model import CaseField, FieldTarget, Playbook, Target
from shared.vocabulary import VILLAGE_DIGITS, OrderReason

REMEMBERED: Final = 200_000
"""Outcomes kept by what was seen of a case; emptied when full, what is seen often is back at once."""

_VALUES: Final[dict[CaseField, Callable[[CaseView], Hashable]]] = {
    CaseField.TAG: lambda case: case.tags,
    CaseField.CONDITION: lambda case: case.condition,
    CaseField.SOURCE: lambda case: case.source,
    CaseField.AREA: lambda case: case.area,
}


class Decider:
    """Decides cases as they were opened by one playbook.

    Two cases have the same outcome when the rules see the same in them, and whatever chooses among
    targets is the same too: the place, the category, the fields that a target goes by, and, where rules
    name backups, the slot of time of the roster.
    """

    def __init__(self, playbook: Playbook, outcomes: Outcomes) -> None:
        """Compile `playbook`; equal outcomes of all deciders that share `outcomes` are one object."""
        self._book = Rulebook(playbook)
        self._outcomes = outcomes
        fields = {target.of for target in _targets(playbook) if isinstance(target, FieldTarget)}
        self._values = tuple(look for field, look in _VALUES.items() if field in fields)
        self._timed = any(demand.backups for rule in playbook.rules for demand in rule.demands)
        self._known: dict[Hashable, tuple[Candidates, Outcome]] = {}

    def outcome(self, facts: Facts) -> Outcome:
        """Return what the playbook makes of a case."""
        case = facts.case
        if case.returns:
            return self._outcomes.of(route(facts, self._book))
        sighting = self._book.sight(facts)
        chosen_by = tuple([look(case) for look in self._values])
        slot = self._book.senses.slot(facts) if self._timed else None
        # By identity: the candidates of equal cases are one object while they are remembered, and it is kept here.
        key = (id(sighting.candidates), sighting.values, case.area[:VILLAGE_DIGITS], case.category, chosen_by, slot)
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            decision = decided(self._book.walk_of(sighting), facts, self._book, reason=OrderReason.RULE)
            known = self._known[key] = sighting.candidates, self._outcomes.of(decision)
        return known[1]


def _targets(playbook: Playbook) -> Iterator[Target]:
    for rule in playbook.rules:
        for demand in rule.demands:
            yield demand.target
            yield from demand.backups
    for matter in playbook.matters.values():
        yield from (step.target for step in matter.steps)
