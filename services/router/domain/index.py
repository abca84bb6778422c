"""The rules of a playbook indexed, so that a case costs what its candidates cost and not what all rules do."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Final, NamedTuple, cast

from services.router.domain.almanac import Slot
from services.router.domain.conditions import Criterion
from services.router.domain.facts import Facts
from services.router.domain.senses import Senses
from services.router.domain.walk import CONDITIONS, SHADOWS, Compiled, Match, Missed, Walk, closest, nearly
from shared.events.order import Condition

PAIRS_AT_MOST: Final = 256
"""A rule of more categories times areas is found by its categories alone, and its areas are tried."""
REMEMBERED: Final = 50_000
"""Pairs of category and area (and words that find rules) whose candidates are kept at most."""
SETS: Final = 10_000
"""Different sets of candidates kept at most; most pairs share theirs with others."""

SLOT: Final = "slot"
"""The sight of time: number 0, for rules with dates need it though no condition asks."""

Values = tuple[Hashable, ...]
Seen = dict[int, Hashable]
"""The value of each sight."""


class Trial(NamedTuple):
    """One criterion to try: on the value of which sight."""

    sight: int
    test: Callable[[Any], bool]
    criterion: Criterion


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A rule that may hold, with those of its criteria that finding it has not settled."""

    compiled: Compiled
    trials: tuple[Trial, ...]
    sights: tuple[int, ...]
    """Which sight each of all its criteria looks at."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Candidates:
    """Rules that may hold for cases of some category and area, in order, and what they look at.

    Equal to itself alone, so that it costs nothing to be part of a key.
    """

    rules: tuple[Candidate, ...]
    sights: tuple[int, ...]
    looks: tuple[Callable[[Facts], Hashable], ...]
    """What gives the value of each of `sights`."""
    dated: bool
    """Whether a rule among them has a first or a last day; then the slot is one of the sights."""


class Sighting(NamedTuple):
    """All that the rules can tell of one case: two cases with equal sightings fare alike."""

    candidates: Candidates
    values: Values


class Index:
    """Finds the rules that may hold for a case, and walks through them."""

    def __init__(self, rules: Sequence[Compiled], senses: Senses) -> None:
        """File every rule under what it is anchored to."""
        self._senses = senses
        self._by_pair: defaultdict[tuple[str | None, str | None], list[int]] = defaultdict(list)
        self._by_word: defaultdict[str, list[int]] = defaultdict(list)
        self._by_tag: defaultdict[str, list[int]] = defaultdict(list)
        self._sights: dict[str, int] = {SLOT: 0}
        self._looks: list[Callable[[Facts], Hashable]] = [senses.slot]
        self._candidates = [self._candidate(rule, self._file(number, rule)) for number, rule in enumerate(rules)]
        self._area_digits = sorted({len(area) for _, area in self._by_pair if area is not None})
        self._finest = max(self._area_digits, default=0)
        self._words, self._tags = frozenset(self._by_word), frozenset(self._by_tag)
        self._remembered: dict[tuple[str, str, frozenset[str], frozenset[str]], Candidates] = {}
        self._sets: dict[tuple[int, ...], Candidates] = {}

    def sight(self, facts: Facts) -> Sighting:
        """Return the candidates for a case, with the values that they look at."""
        candidates = self._found(facts)
        return Sighting(candidates, tuple([look(facts) for look in candidates.looks]))

    def walk(self, sighting: Sighting) -> Walk:
        """Try the candidates in order: the same as `plain_walk` through all rules."""
        candidates = sighting.candidates
        seen = dict(zip(candidates.sights, sighting.values, strict=True))
        matches: list[Match] = []
        shadows: list[Match] = []
        near: list[Missed] = []
        era = cast("Slot", seen[0]).era if candidates.dated else None
        for candidate in candidates.rules:
            compiled = candidate.compiled
            if era is not None and not compiled.eras[0] <= era < compiled.eras[1]:
                continue
            failed = _first_two_failures(candidate.trials, seen)
            if not failed:
                match = Match(rule=compiled.rule, conditions=_told(candidate, seen))
                (shadows if compiled.in_shadow else matches).append(match)
                if not compiled.in_shadow and not compiled.rule.goes_on:
                    break
            elif len(failed) == 1 and nearly(compiled, failed[0].criterion):
                one = failed[0]
                near.append(Missed(len(compiled.criteria), compiled.order, compiled, one.criterion, seen[one.sight]))
        return Walk(matches=tuple(matches), near_misses=closest(near), shadows=tuple(shadows[:SHADOWS]))

    def _file(self, number: int, compiled: Compiled) -> frozenset[int]:
        """Put one rule under its keys; return which of its criteria hold for whatever is found there."""
        asked = {criterion.field: nth for nth, criterion in enumerate(compiled.criteria)}
        # Of several conditions on one field, of groups and rule, the innermost finds it; the others are tried.
        whens = (*compiled.rule.around, compiled.rule.when)
        categories = next((when.categories for when in reversed(whens) if when.categories), ())
        areas = next((when.areas for when in reversed(whens) if when.areas), ())
        words = next((when.words for when in reversed(whens) if when.words), ())
        tags = next((when.tags for when in reversed(whens) if when.tags), ())
        if categories or areas:
            if len(categories) * len(areas) > PAIRS_AT_MOST:
                areas = ()
            for pair in product(dict.fromkeys(categories or (None,)), dict.fromkeys(areas or (None,))):
                self._by_pair[pair].append(number)
            return frozenset(asked[name] for name, used in (("category", categories), ("area", areas)) if used)
        if words:
            for word in {word.casefold() for word in words}:
                self._by_word[word].append(number)
            return frozenset({asked["text"]})
        if tags:
            for tag in set(tags):
                self._by_tag[tag].append(number)
            return frozenset({asked["tags"]})
        self._by_pair[None, None].append(number)
        return frozenset()

    def _found(self, facts: Facts) -> Candidates:
        words = self._senses.words(facts) & self._words if self._words else self._words
        tags = self._tags.intersection(facts.case.tags) if self._tags else self._tags
        key = (facts.case.category, facts.case.area[: self._finest], words, tags)
        known = self._remembered.get(key)
        if known is None:
            # Emptied when full: what is seen often is back at once, and nothing has to be kept in order.
            if len(self._remembered) >= REMEMBERED:
                self._remembered.clear()
            known = self._remembered[key] = self._gathered(key)
        return known

    def _gathered(self, key: tuple[str, str, frozenset[str], frozenset[str]]) -> Candidates:
        category, area, words, tags = key
        found = {number for pair in self._pairs(category, area) for number in self._by_pair.get(pair, ())}
        found.update(number for word in words for number in self._by_word[word])
        found.update(number for tag in tags for number in self._by_tag[tag])
        numbers = tuple(sorted(found))
        known = self._sets.get(numbers)
        if known is None:
            if len(self._sets) >= SETS:
                self._sets.clear()
            known = self._sets[numbers] = self._put_together(numbers)
        return known

    def _put_together(self, numbers: tuple[int, ...]) -> Candidates:
        rules = tuple(self._candidates[number] for number in numbers)
        wanted: dict[int, set[str]] = {}
        for candidate in rules:
            for sight, criterion in zip(candidate.sights, candidate.compiled.criteria, strict=True):
                wanted.setdefault(sight, set()).update(criterion.wanted or ())
        dated = any(candidate.compiled.dated for candidate in rules)
        if dated:
            wanted.setdefault(0, set())
        looks = tuple(_narrowed(self._looks[sight], words) for sight, words in wanted.items())
        return Candidates(rules=rules, sights=tuple(wanted), looks=looks, dated=dated)

    def _candidate(self, compiled: Compiled, settled: frozenset[int]) -> Candidate:
        sights = tuple(self._sight(criterion) for criterion in compiled.criteria)
        trials = tuple(
            Trial(sights[nth], criterion.test, criterion)
            for nth, criterion in enumerate(compiled.criteria)
            if nth not in settled
        )
        return Candidate(compiled=compiled, trials=trials, sights=sights)

    def _sight(self, criterion: Criterion) -> int:
        """Return the number of what `criterion` looks at; criteria that look at the same share it."""
        number = self._sights.setdefault(criterion.sight, len(self._looks))
        if number == len(self._looks):
            self._looks.append(criterion.look)
        return number

    def _pairs(self, category: str, area: str) -> Iterator[tuple[str | None, str | None]]:
        categories = [None, *(above.code for above in self._senses.playbook.category_line(category))]
        areas = [None, *(area[:digits] for digits in self._area_digits if digits <= len(area))]
        return iter(product(categories, areas))


def _narrowed(look: Callable[[Facts], Hashable], wanted: set[str]) -> Callable[[Facts], Hashable]:
    """Return the look without what none of the candidates wants: words that only other rules ask for."""
    if not wanted:
        return look
    of_set, these = cast("Callable[[Facts], frozenset[str]]", look), frozenset(wanted)
    return lambda facts: of_set(facts) & these


def _first_two_failures(trials: tuple[Trial, ...], seen: Seen) -> list[Trial]:
    """Return up to two criteria that fail: none is a match, one a near miss, two end the search."""
    failed: list[Trial] = []
    for trial in trials:
        if not trial.test(seen[trial.sight]):
            failed.append(trial)
            if len(failed) > 1:
                break
    return failed


def _told(candidate: Candidate, seen: Seen) -> tuple[Condition, ...]:
    told = zip(candidate.compiled.criteria[:CONDITIONS], candidate.sights, strict=False)
    return tuple(criterion.told_of(seen[sight], held=True) for criterion, sight in told)
