"""The conditions of a rule, each as a criterion that can say what it wanted and what it found."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from services.router.domain.facts import Facts
from shared.events.order import Condition
from shared.playbook.model import Playbook, Rule
from shared.vocabulary import covers

LONGEST: Final = 500
"""Characters of an expected or actual value that an event may carry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One condition, ready to try: `holds` decides, `actual` shows the value it decided on."""

    field: str
    operator: str
    expected: str
    holds: Callable[[Facts], bool]
    actual: Callable[[Facts], str]

    def told(self, facts: Facts, *, held: bool) -> Condition:
        """Return the condition as it goes into an explanation."""
        return Condition(
            field=self.field,
            operator=self.operator,
            expected=self.expected[:LONGEST],
            actual=self.actual(facts)[:LONGEST],
            held=held,
        )


def criteria_of(rule: Rule, playbook: Playbook) -> tuple[Criterion, ...]:
    """Return the criteria of `rule`, cheapest first; none means that every case fits."""
    return tuple(_criteria(rule, playbook))


def _criteria(rule: Rule, playbook: Playbook) -> Iterator[Criterion]:
    when = rule.when
    if when.severity_at_least is not None:
        yield _severity(int(when.severity_at_least))
    if when.sources:
        yield _source(frozenset(when.sources))
    if when.categories:
        yield _category(when.categories, playbook)
    if when.areas:
        yield _area(when.areas, playbook)
    if when.tags:
        yield _tags(when.tags)
    if when.words:
        yield _words(when.words)


def _severity(limit: int) -> Criterion:
    grades = ("", "I", "II", "III", "IV")
    return Criterion(
        field="severity",
        operator="at least",
        expected=grades[limit],
        # Grade I is the gravest, so at least means a number no greater.
        holds=lambda facts: facts.case.severity <= limit,
        actual=lambda facts: grades[facts.case.severity],
    )


def _source(sources: frozenset[str]) -> Criterion:
    return Criterion(
        field="source",
        operator="one of",
        expected=", ".join(sorted(sources)),
        holds=lambda facts: facts.case.source in sources,
        actual=lambda facts: facts.case.source.value,
    )


def _category(codes: tuple[str, ...], playbook: Playbook) -> Criterion:
    wanted = frozenset(codes)
    # Every category under a wanted one, spelled out once: a case then costs one look-up.
    below = frozenset(
        code for code in playbook.categories if any(line.code in wanted for line in playbook.category_line(code))
    )
    return Criterion(
        field="category",
        operator="is or is under",
        expected=", ".join(_category_name(code, playbook) for code in codes),
        holds=lambda facts: facts.case.category in below,
        actual=lambda facts: _category_name(facts.case.category, playbook),
    )


def _area(codes: tuple[str, ...], playbook: Playbook) -> Criterion:
    return Criterion(
        field="area",
        operator="inside",
        expected=", ".join(_area_name(code, playbook) for code in codes),
        holds=lambda facts: any(covers(code, facts.case.area) for code in codes),
        actual=lambda facts: _area_name(facts.case.area, playbook),
    )


def _tags(tags: tuple[str, ...]) -> Criterion:
    wanted = frozenset(tags)
    return Criterion(
        field="tags",
        operator="any of",
        expected=", ".join(tags),
        holds=lambda facts: not wanted.isdisjoint(facts.case.tags),
        actual=lambda facts: ", ".join(facts.case.tags) or "none",
    )


def _words(words: tuple[str, ...]) -> Criterion:
    wanted = tuple(word.casefold() for word in words)
    return Criterion(
        field="text",
        operator="contains any of",
        expected=", ".join(words),
        holds=lambda facts: any(word in facts.text for word in wanted),
        actual=lambda facts: ", ".join(word for word in wanted if word in facts.text) or "none of them",
    )


def _category_name(code: str, playbook: Playbook) -> str:
    category = playbook.categories.get(code)
    return f"{code} {category.name.zh}" if category else code


def _area_name(code: str, playbook: Playbook) -> str:
    line = playbook.area_line(code)
    return f"{code} {line[0].name.zh}" if line else code
