"""What walking through the rules comes to, and the plain ordered walk: the meaning that the index must equal."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from services.router.domain.conditions import Criterion, criteria_of
from services.router.domain.facts import Facts
from services.router.domain.senses import Senses
from shared.events.order import Condition, NearMiss, ShadowMatch
from shared.playbook.model import Rule, RuleState

NEAR_MISSES: Final = 3
"""Rules that all but matched, told with each order; the closest ones."""
SHADOWS: Final = 8
"""Rules in shadow that are told with each order at most."""
CONDITIONS: Final = 32
"""Conditions of a rule that an explanation carries at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A rule that holds, with its conditions as they were found."""

    rule: Rule
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """What the ordered walk through the rules came to: matches in order, near misses, rules in shadow that hold."""

    matches: tuple[Match, ...]
    near_misses: tuple[NearMiss, ...]
    shadows: tuple[Match, ...] = ()
    would_have: tuple[ShadowMatch, ...] = ()
    """Whom the rules in shadow would have asked; the walk itself does not know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """One rule with its criteria, groups' included.

    `anchors` are the fields by which the rule is found: where the place, the matter or the mode is
    another, it is about something else and no near miss. `eras` are the first era of the almanac in
    which its dates hold and the first in which they no longer do.
    """

    rule: Rule
    order: int
    criteria: tuple[Criterion, ...]
    anchors: frozenset[str]
    eras: tuple[int, int]

    @property
    def in_shadow(self) -> bool:
        """Whether the rule is counted and shown only."""
        return self.rule.state is RuleState.SHADOW

    @property
    def dated(self) -> bool:
        """Whether the rule has a first or a last day."""
        return self.rule.valid_from is not None or self.rule.valid_until is not None


class Missed(NamedTuple):
    """A near miss before it is told: how many conditions it has, where it stands, what failed on which value."""

    conditions: int
    order: int
    compiled: Compiled
    failed: Criterion
    seen: object


def compiled_rules(rules: Sequence[Rule], senses: Senses) -> tuple[Compiled, ...]:
    """Return the rules that are not off, in order."""
    return tuple(_compiled(rule, order, senses) for order, rule in enumerate(rules) if rule.state is not RuleState.OFF)


def plain_walk(rules: Iterable[Compiled], facts: Facts, senses: Senses) -> Walk:
    """Try every rule in order; the first that holds and does not say `continue` ends the walk.

    A near miss is a rule before the end of the walk with more than one condition of which exactly one
    fails, and that one is none of its anchors. A rule in shadow ends nothing and is no near miss.
    """
    matches: list[Match] = []
    shadows: list[Match] = []
    near: list[Missed] = []
    for compiled in rules:
        if not compiled.rule.in_force_on(senses.almanac.local_day(facts.at)):
            continue
        failed = [criterion for criterion in compiled.criteria if not criterion.holds(facts)]
        if not failed:
            match = Match(rule=compiled.rule, conditions=_told(compiled, facts))
            (shadows if compiled.in_shadow else matches).append(match)
            if not compiled.in_shadow and not compiled.rule.goes_on:
                break
        elif len(failed) == 1 and nearly(compiled, failed[0]):
            near.append(Missed(len(compiled.criteria), compiled.order, compiled, failed[0], failed[0].look(facts)))
    return Walk(matches=tuple(matches), near_misses=closest(near), shadows=tuple(shadows[:SHADOWS]))


def nearly(compiled: Compiled, failed: Criterion) -> bool:
    """Say whether failing this one condition alone makes the rule a near miss."""
    return len(compiled.criteria) > 1 and failed.field not in compiled.anchors and not compiled.in_shadow


def closest(near: list[Missed]) -> tuple[NearMiss, ...]:
    """Tell the nearest of them: the more conditions held the nearer, ties in the order of the rules."""
    near.sort(key=lambda missed: (-missed.conditions, missed.order))
    return tuple(
        NearMiss(
            rule_id=missed.compiled.rule.id,
            rule_title=missed.compiled.rule.title.zh[:200],
            failed=missed.failed.told_of(missed.seen, held=False),
        )
        for missed in near[:NEAR_MISSES]
    )


def _compiled(rule: Rule, order: int, senses: Senses) -> Compiled:
    criteria = criteria_of(rule, senses)
    fields = {criterion.field for criterion in criteria}
    return Compiled(
        rule=rule,
        order=order,
        criteria=criteria,
        anchors=_anchors(fields) | {"mode"},
        eras=senses.almanac.era_of(rule),
    )


def _anchors(fields: set[str]) -> frozenset[str]:
    """Place and matter where the rule asks for them; else its words, else its tags."""
    for anchors in ({"category", "area"}, {"text"}, {"tags"}):
        if fields & anchors:
            return frozenset(anchors)
    return frozenset()


def _told(compiled: Compiled, facts: Facts) -> tuple[Condition, ...]:
    return tuple(criterion.told(facts, held=True) for criterion in compiled.criteria[:CONDITIONS])
