"""A playbook compiled for routing, once: its rules as criteria, its duty list as an index."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.router.domain.conditions import Criterion, criteria_of
from services.router.domain.facts import Facts
from services.router.domain.targets import Directory
from shared.events.order import Condition, NearMiss
from shared.events.parts import PlaybookRef
from shared.playbook.model import Playbook, Rule

NEAR_MISSES: Final = 3
"""Rules that all but matched, told with each order; the closest ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A rule that holds, with its conditions as they were found."""

    rule: Rule
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """What the ordered walk through the rules came to: matches in order, and near misses."""

    matches: tuple[Match, ...]
    near_misses: tuple[NearMiss, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """One rule with its criteria."""

    rule: Rule
    criteria: tuple[Criterion, ...]


class Rulebook:
    """Answers which rules hold for a case, and who that asks for."""

    def __init__(self, playbook: Playbook) -> None:
        """Compile `playbook`."""
        self.playbook = playbook
        self.ref = PlaybookRef(version=playbook.version, digest=playbook.digest)
        self.directory = Directory(playbook)
        self._rules = tuple(Compiled(rule=rule, criteria=criteria_of(rule, playbook)) for rule in playbook.rules)

    def walk(self, facts: Facts) -> Walk:
        """Try the rules in order; the first that holds and does not say `continue` ends the walk."""
        matches: list[Match] = []
        near: list[tuple[int, NearMiss]] = []
        for compiled in self._rules:
            failed = _first_two_failures(compiled.criteria, facts)
            if not failed:
                matches.append(_match(compiled, facts))
                if not compiled.rule.goes_on:
                    break
            elif len(failed) == 1 and len(compiled.criteria) > 1:
                near.append((len(compiled.criteria), _near_miss(compiled.rule, failed[0], facts)))
        # The more conditions held, the nearer it was; ties in the order of the rules.
        near.sort(key=lambda scored: -scored[0])
        closest = tuple(miss for _, miss in near[:NEAR_MISSES])
        return Walk(matches=tuple(matches), near_misses=closest)


def _first_two_failures(criteria: Sequence[Criterion], facts: Facts) -> list[Criterion]:
    """Return up to two criteria that fail: none is a match, one a near miss, two end the search."""
    failed: list[Criterion] = []
    for criterion in criteria:
        if not criterion.holds(facts):
            failed.append(criterion)
            if len(failed) > 1:
                break
    return failed


def _match(compiled: Compiled, facts: Facts) -> Match:
    told = tuple(criterion.told(facts, held=True) for criterion in compiled.criteria)
    return Match(rule=compiled.rule, conditions=told)


def _near_miss(rule: Rule, failed: Criterion, facts: Facts) -> NearMiss:
    return NearMiss(rule_id=rule.id, rule_title=rule.title.zh[:200], failed=failed.told(facts, held=False))
