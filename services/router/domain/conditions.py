"""The conditions of a rule, each as a criterion that can say what it wanted and what it found."""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from services.router.domain.almanac import in_words, window_holds
from services.router.domain.expressions import expressed
from services.router.domain.facts import Facts
from services.router.domain.senses import Senses, whens_of
from shared.events.order import Condition
from shared.playbook.model import Playbook, Repeat, Rule, TimeWindow, When
from shared.vocabulary import covers

LONGEST: Final = 500
"""Characters of an expected or actual value that an event may carry."""
GRADES: Final = ("", "I", "II", "III", "IV")


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One condition, ready to try.

    `look` takes from a case the one value that it depends on; `test` and `show` depend on that value
    alone, so that two cases with the same values fare alike. Criteria with one `sight` look at the same.
    Of a value that is a set, those in `wanted` alone count.
    """

    field: str
    operator: str
    expected: str
    sight: str
    look: Callable[[Facts], Hashable]
    test: Callable[[Any], bool]
    show: Callable[[Any], str]
    wanted: frozenset[str] | None = None

    def holds(self, facts: Facts) -> bool:
        """Say whether the condition holds for a case."""
        return self.test(self.look(facts))

    def told(self, facts: Facts, *, held: bool) -> Condition:
        """Return the condition as it goes into an explanation."""
        return self.told_of(self.look(facts), held=held)

    def told_of(self, seen: object, *, held: bool) -> Condition:
        """Return the condition as it goes into an explanation, of the value seen."""
        return Condition(
            field=self.field,
            operator=self.operator,
            expected=self.expected[:LONGEST],
            actual=self.show(seen)[:LONGEST],
            held=held,
        )


def criteria_of(rule: Rule, senses: Senses) -> tuple[Criterion, ...]:
    """Return the criteria of `rule`, its groups' first, in each the cheapest first; none means that every case fits."""
    return tuple(criterion for when in whens_of(rule) for criterion in asked_by(when, senses))


def asked_by(when: When, senses: Senses) -> tuple[Criterion, ...]:
    """Return the criteria of one set of conditions."""
    return tuple(_criteria(when, senses))


def _criteria(when: When, senses: Senses) -> Iterator[Criterion]:
    if when.severity_at_least is not None:
        yield _severity(int(when.severity_at_least))
    if when.sources:
        yield _source(frozenset(when.sources))
    if when.modes:
        yield _modes(when.modes, senses.playbook)
    if when.categories:
        yield _category(when.categories, senses)
    if when.areas:
        yield _area(when.areas, senses)
    if when.tags:
        yield _tags(when.tags)
    if when.reports_at_least is not None:
        yield _reports(when.reports_at_least)
    yield from _looking_further(when, senses)


def _looking_further(when: When, senses: Senses) -> Iterator[Criterion]:
    if when.settlements:
        yield _settlement(frozenset(when.settlements), senses)
    if when.words:
        yield _words(when.words, senses)
    if when.zones:
        yield _zones(when.zones, senses)
    if when.repeat is not None:
        yield _repeat(when.repeat)
    if when.windows:
        yield _windows(when.windows, senses)
    if when.expression is not None:
        yield _expression(when.expression, senses)


def _severity(limit: int) -> Criterion:
    return Criterion(
        field="severity",
        operator="at least",
        expected=GRADES[limit],
        sight="severity",
        look=lambda facts: facts.case.severity,
        # Grade I is the gravest, so at least means a number no greater.
        test=lambda severity: bool(severity <= limit),
        show=lambda severity: GRADES[severity],
    )


def _source(sources: frozenset[str]) -> Criterion:
    return Criterion(
        field="source",
        operator="one of",
        expected=", ".join(sorted(sources)),
        sight="source",
        look=lambda facts: facts.case.source,
        test=sources.__contains__,
        show=str,
    )


def _modes(modes: tuple[str, ...], playbook: Playbook) -> Criterion:
    def named(mode: str) -> str:
        known = playbook.modes.get(mode)
        return f"{mode} {known.title.zh}" if known is not None else mode

    return Criterion(
        field="mode",
        operator="one of",
        expected=", ".join(map(named, modes)),
        sight="mode",
        look=lambda facts: facts.case.mode,
        test=frozenset(modes).__contains__,
        show=named,
    )


def _category(codes: tuple[str, ...], senses: Senses) -> Criterion:
    below = senses.under(codes)
    playbook = senses.playbook
    return Criterion(
        field="category",
        operator="is or is under",
        expected=", ".join(_category_name(code, playbook) for code in codes),
        sight="category",
        look=lambda facts: facts.case.category,
        test=below.__contains__,
        show=lambda category: _category_name(category, playbook),
    )


def _area(codes: tuple[str, ...], senses: Senses) -> Criterion:
    # As fine as the rule tells: two villages of a town are alike to a rule about towns.
    digits = max(map(len, codes))
    return Criterion(
        field="area",
        operator="inside",
        expected=", ".join(_area_name(code, senses.playbook) for code in codes),
        sight=f"area of {digits} digits",
        look=lambda facts: facts.case.area[:digits],
        test=lambda area: any(covers(code, area) for code in codes),
        show=lambda area: _area_name(area, senses.playbook),
    )


def _tags(tags: tuple[str, ...]) -> Criterion:
    wanted = frozenset(tags)
    return Criterion(
        field="tags",
        operator="any of",
        expected=", ".join(tags),
        sight="tags",
        look=lambda facts: frozenset(facts.case.tags),
        test=lambda there: not wanted.isdisjoint(there),
        show=lambda there: _those(tags, there),
        wanted=wanted,
    )


def _reports(least: int) -> Criterion:
    return Criterion(
        field="reports",
        operator="at least",
        expected=str(least),
        sight="reports",
        look=lambda facts: facts.case.reports,
        test=lambda reports: bool(reports >= least),
        show=str,
    )


def _settlement(wanted: frozenset[str], senses: Senses) -> Criterion:
    return Criterion(
        field="settlement",
        operator="one of",
        expected=", ".join(sorted(wanted)),
        sight="settlement",
        look=senses.settlement,
        test=wanted.__contains__,
        show=lambda settlement: settlement or "not said",
    )


def _words(words: tuple[str, ...], senses: Senses) -> Criterion:
    wanted = tuple(dict.fromkeys(word.casefold() for word in words))
    any_of = frozenset(wanted)
    return Criterion(
        field="text",
        operator="contains any of",
        expected=", ".join(words),
        sight="words",
        look=senses.words,
        test=lambda found: not any_of.isdisjoint(found),
        show=lambda found: _those(wanted, found),
        wanted=any_of,
    )


def _zones(zones: tuple[str, ...], senses: Senses) -> Criterion:
    known = senses.playbook.zones

    def named(zone: str) -> str:
        return f"{zone} {known[zone].name.zh}" if zone in known else zone

    return Criterion(
        field="zone",
        operator="in one of",
        expected=", ".join(map(named, zones)),
        sight="zones",
        look=senses.zones,
        test=lambda holding: not holding.isdisjoint(zones),
        show=lambda holding: _those(zones, holding, named=named),
        wanted=frozenset(zones),
    )


def _repeat(repeat: Repeat) -> Criterion:
    span = timedelta(hours=repeat.hours)

    def count(facts: Facts) -> int:
        opened = facts.case.opened_at
        return sum(opened - span <= earlier <= opened for earlier in facts.case.earlier)

    return Criterion(
        field="earlier",
        operator=f"at least, within {repeat.hours:g} h",
        expected=str(repeat.times),
        sight=f"earlier within {repeat.hours!r} h",
        look=count,
        test=lambda times: bool(times >= repeat.times),
        show=str,
    )


def _windows(windows: tuple[TimeWindow, ...], senses: Senses) -> Criterion:
    return Criterion(
        field="time",
        operator="in one of",
        expected="; ".join(map(in_words, windows)),
        sight="slot",
        look=senses.slot,
        test=lambda slot: any(window_holds(window, slot) for window in windows),
        show=lambda slot: str(slot.in_words()),
    )


def _expression(expression: str, senses: Senses) -> Criterion:
    compiled = expressed(expression, senses.almanac.zone)
    return Criterion(
        field="when",
        operator="is true",
        expected=expression,
        sight=f"cel {expression}",
        look=compiled.look,
        test=compiled.holds,
        show=compiled.show,
    )


def _those(asked: tuple[str, ...], there: frozenset[str], *, named: Callable[[str], str] = str) -> str:
    return ", ".join(named(one) for one in asked if one in there) or "none of them"


def _category_name(code: str, playbook: Playbook) -> str:
    category = playbook.categories.get(code)
    return f"{code} {category.name.zh}" if category else code


def _area_name(code: str, playbook: Playbook) -> str:
    line = playbook.area_line(code)
    return f"{code} {line[0].name.zh}" if line else code
