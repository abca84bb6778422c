"""What the conditions of a rulebook look at, each seen once a case: words of the text, zones, the slot of time."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Protocol

from services.router.domain.almanac import Almanac, Slot
from services.router.domain.facts import Facts
from services.router.domain.zones import ZoneMap
from shared.finding import Hits, each_word
from shared.playbook.model import Playbook, Rule, RuleState, Settlement, When


class Words(Protocol):
    """Makes the finder of a set of words."""

    def __call__(self, words: Iterable[str], /) -> Hits:
        """Return what finds each of `words`, wherever it stands in a text."""


class Senses:
    """Looks at a case on behalf of all rules of one playbook."""

    def __init__(self, playbook: Playbook, *, finder: Words = each_word) -> None:
        """Gather what any rule that is not off, and any mode that routes anew, asks for."""
        whens = list(_whens(playbook))
        self.playbook = playbook
        self.almanac = Almanac(playbook)
        self._zones = ZoneMap(playbook.zones, wanted=(zone for when in whens for zone in when.zones))
        self._hits = finder({word.casefold() for when in whens for word in when.words})
        self._below: defaultdict[str, set[str]] = defaultdict(set)
        for code in playbook.categories:
            for above in playbook.category_line(code):
                self._below[above.code].add(code)

    def under(self, categories: Iterable[str]) -> frozenset[str]:
        """Return every category that is one of `categories` or stands under one: a case then costs one look-up."""
        return frozenset[str]().union(*(self._below.get(code, ()) for code in categories))

    def words(self, facts: Facts) -> frozenset[str]:
        """Return those of the words that any rule asks for which stand in the text."""
        return self._hits(facts.text)

    def zones(self, facts: Facts) -> frozenset[str]:
        """Return the zones, of those that any rule asks for, in which the case lies."""
        return self._zones.holding(facts.case.place)

    def slot(self, facts: Facts) -> Slot:
        """Return the slot of local time in which the event happened."""
        return self.almanac.slot(facts.at)

    def settlement(self, facts: Facts) -> Settlement | None:
        """Return how the place is settled; what an area does not say, the one above it does."""
        said = (area.settlement for area in self.playbook.area_line(facts.case.area))
        return next((settlement for settlement in said if settlement is not None), None)


def _whens(playbook: Playbook) -> Iterator[When]:
    for rule in playbook.rules:
        if rule.state is not RuleState.OFF:
            yield from whens_of(rule)
    yield from (mode.reroute for mode in playbook.modes.values() if mode.reroute is not None)


def whens_of(rule: Rule) -> tuple[When, ...]:
    """Return everything that a rule asks: of its groups, outermost first, then its own."""
    return (*rule.around, rule.when)
