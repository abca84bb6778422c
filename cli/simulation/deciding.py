"""One playbook's decisions as outcomes, each taken once for all cases that its rules and lists cannot tell apart."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from itertools import count
from typing import Final

from cli.simulation.outcome import Outcome, Outcomes
from services.router.domain.facts import Facts
from services.router.domain.index import Candidates, Sighting
from services.router.domain.routing import decided, route
from services.router.domain.rulebook import Rulebook
from services.router.domain.targets import Ranked
from shared.events.parts import CaseView
from shared.playbook.model import CaseField, FieldTarget, Playbook, Rule, Target
from shared.vocabulary import VILLAGE_DIGITS, OrderReason

REMEMBERED: Final = 200_000
"""Outcomes kept by what was seen of a case, and places kept by whom they lead to; each emptied when full."""

_VALUES: Final[dict[CaseField, Callable[[CaseView], Hashable]]] = {
    CaseField.TAG: lambda case: case.tags,
    CaseField.CONDITION: lambda case: case.condition,
    CaseField.SOURCE: lambda case: case.source,
    CaseField.AREA: lambda case: case.area,
    CaseField.CATEGORY: lambda case: case.category,
}

Choices = tuple[tuple[Ranked, ...], ...]
"""Whom each target of the candidates comes to: two places where these are the same are alike to them."""


class Decider:
    """Decides cases as they were opened by one playbook.

    Two cases have the same outcome when the rules see the same in them, their targets come to the same
    people in both places, and what else chooses among targets is the same: the fields that a target goes
    by, and, where rules name backups, the slot of time of the roster. A case that goes to the desk of its
    area without a rule's word, or for a ruling, shares its outcome with those of its village alone.
    """

    def __init__(self, playbook: Playbook, outcomes: Outcomes) -> None:
        """Compile `playbook`; equal outcomes of all deciders that share `outcomes` are one object."""
        self._book = Rulebook(playbook)
        self._outcomes = outcomes
        fields = {target.of for target in _targets(playbook.rules, playbook) if isinstance(target, FieldTarget)}
        self._values = tuple(look for field, look in _VALUES.items() if field in fields)
        self._timed = any(demand.backups for rule in playbook.rules for demand in rule.demands)
        self._known: dict[Hashable, Outcome] = {}
        self._grounds: dict[tuple[Candidates, str, str], int] = {}
        self._alike: dict[tuple[Candidates, Choices], int] = {}
        self._numbers = count()

    def outcome(self, facts: Facts) -> Outcome:
        """Return what the playbook makes of a case."""
        case = facts.case
        if case.returns or case.category not in self._book.playbook.categories:
            return self._outcomes.of(route(facts, self._book))
        candidates, values = self._book.sight(facts)
        village = case.area[:VILLAGE_DIGITS]
        chosen_by = tuple([look(case) for look in self._values])
        slot = self._book.senses.slot(facts) if self._timed else None
        key = (candidates, values, self._ground(candidates, case, village), chosen_by, slot)
        known = self._known.get(key) or self._known.get((key, village))
        if known is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            walk = self._book.walk_of(Sighting(candidates, values))
            known = self._outcomes.of(decided(walk, facts, self._book, reason=OrderReason.RULE))
            self._known[(key, village) if known.unrouted or known.ruling else key] = known
        return known

    def _ground(self, candidates: Candidates, case: CaseView, village: str) -> int:
        """Return a number that stands for whom the targets of the candidates come to in this place."""
        key = candidates, case.category, village
        known = self._grounds.get(key)
        if known is None:
            if len(self._grounds) >= REMEMBERED:
                self._grounds.clear()
                self._alike.clear()
            rules = [candidate.compiled.rule for candidate in candidates.rules]
            targets = dict.fromkeys(
                target for target in _targets(rules, self._book.playbook) if not isinstance(target, FieldTarget)
            )
            found = tuple(self._book.directory.ranked(target, case) for target in targets)
            known = self._grounds[key] = self._alike.setdefault((candidates, found), next(self._numbers))
        return known


def _targets(rules: Iterable[Rule], playbook: Playbook) -> Iterator[Target]:
    """Everybody whom these rules and the matters that they open may ask."""
    for rule in rules:
        for demand in rule.demands:
            yield demand.target
            yield from demand.backups
        if rule.matter is not None:
            yield from (step.target for step in playbook.matters[rule.matter].steps)
