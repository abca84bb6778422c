"""Playbooks with as many rules as a bench wants, drawn like a county's own: the same seed makes the same rules."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final, TypeVar

from deploy.local.playbooks import load_playbook
from shared.playbook.model import (
    Category,
    Demand,
    DepartmentTarget,
    DeskTarget,
    DutyTarget,
    Playbook,
    Rule,
    Text,
    When,
)
from shared.playbook.record import sealed
from shared.vocabulary import Level, OrderRole, Severity, Source

T = TypeVar("T")

SEED: Final = 990101
TAGS: Final = tuple(f"tag-{number:02}" for number in range(24))
"""Tags that both rules and events draw from."""
TRIES: Final = 50
"""Draws for each rule wanted, before a playbook too small for so many different ones is given up."""


def made_playbook(rules: int, *, seed: int = SEED) -> Playbook:
    """Return the demo county with so many rules instead of its own.

    Its watchers, which add orders to whatever follows, stay first, and its last rule stays last: everything else
    by the duty list. Between them nine rules of ten name a category and an area, the smaller area first; no
    two ask the same.
    """
    yunlu = load_playbook()
    watchers = [rule for rule in yunlu.rules if rule.goes_on and not rule.when.categories][:2]
    drawn = Draw(yunlu, random.Random(seed)).rules(rules - len(watchers) - 1)
    made = replace(yunlu, version=f"bench-{rules}", rules=(*watchers, *drawn, yunlu.rules[-1]))
    return sealed(made)


class Weights:
    """Zipf's weights over a list: few of its entries make most of the draws, and the order is the seed's."""

    def __init__(self, entries: Sequence[str], chance: random.Random, *, skew: float) -> None:
        self._entries = chance.sample(entries, len(entries))
        self._cumulative = [0.0]
        for rank in range(len(entries)):
            self._cumulative.append(self._cumulative[-1] + 1 / (rank + 1) ** skew)
        self._chance = chance

    def draw(self) -> str:
        """Return one entry."""
        return self._chance.choices(self._entries, cum_weights=self._cumulative[1:])[0]


class Draw:
    """Draws rules over one playbook's areas, categories and departments."""

    def __init__(self, playbook: Playbook, chance: random.Random) -> None:
        self._playbook = playbook
        self._chance = chance
        leaves = sorted(code for code, category in playbook.categories.items() if category.parent is not None)
        self._categories = Weights(leaves, chance, skew=0.8)
        self._towns = sorted(code for code, area in playbook.areas.items() if area.level is Level.TOWN)
        villages = sorted(code for code, area in playbook.areas.items() if area.level is Level.VILLAGE)
        self._villages = Weights(villages, chance, skew=0.5)
        self._departments = sorted(one.id for one in playbook.departments.values() if one.level is Level.COUNTY)

    def rules(self, count: int) -> list[Rule]:
        """Return so many different rules, the most special area first.

        Raises: ValueError when the playbook has not so many different ones in it.
        """
        kinds: dict[When, None] = {}
        for _ in range(count * TRIES):
            if len(kinds) == count:
                break
            kinds.setdefault(self._when())
        if len(kinds) < count:
            raise ValueError(f"only {len(kinds)} different rules were drawn, {count} are wanted")
        ordered = sorted(kinds, key=lambda when: (-_special(when), -_asked(when)))
        return [self._rule(number, when) for number, when in enumerate(ordered)]

    def _when(self) -> When:
        code = self._categories.draw()
        asked = When(
            areas=self._areas(),
            categories=self._family(code),
            words=self._words(code) if self._chance.random() < 0.3 else (),
            sources=tuple(sorted(self._some(list(Source), 3))) if self._chance.random() < 0.15 else (),
            severity_at_least=Severity(self._chance.randint(2, 4)) if self._chance.random() < 0.12 else None,
            tags=tuple(sorted(self._some(TAGS, 3))) if self._chance.random() < 0.08 else (),
        )
        # One in a hundred asks for no category: a standing order about a place or a source.
        return replace(asked, categories=()) if asked.areas and self._chance.random() < 0.01 else asked

    def _areas(self) -> tuple[str, ...]:
        draw = self._chance.random()
        if draw < 0.55:
            return (self._villages.draw(),)
        if draw < 0.85:
            return (self._chance.choice(self._towns),)
        return tuple(sorted(self._some(self._towns, 3))) if draw < 0.95 else ()

    def _family(self, code: str) -> tuple[str, ...]:
        draw = self._chance.random()
        if draw < 0.1:
            return (code[:2],)
        if draw < 0.25:
            siblings = sorted(other for other in self._playbook.categories if other[:2] == code[:2] and len(other) > 2)
            return tuple(sorted({code, *self._some(siblings, 2)}))
        return (code,)

    def _words(self, code: str) -> tuple[str, ...]:
        words = _words_of(self._playbook.categories[code], self._playbook.categories[code[:2]])
        return tuple(self._some(words, 5)) if words else ()

    def _some(self, entries: Sequence[T], most: int) -> list[T]:
        return self._chance.sample(entries, min(len(entries), self._chance.randint(1, most)))

    def _rule(self, number: int, when: When) -> Rule:
        places = "、".join(self._playbook.areas[code].name.zh for code in when.areas) or "全县"
        kinds = "、".join(self._playbook.categories[code].name.zh for code in when.categories) or "各类事项"
        return Rule(
            id=f"made-{number:05}",
            version="1",
            title=Text(zh=f"{places}{kinds}"[:60], en=f"Made rule {number} of the bench"),
            when=when,
            demands=tuple(self._demands()),
            because=Text(
                zh=f"{places}的{kinds}按本条办理", en="The bench's county decided so for this place and matter"
            ),
            author="bench",
        )

    def _demands(self) -> Iterator[Demand]:
        draw, department = self._chance.random(), self._chance.choice(self._departments)
        if draw < 0.5:
            yield Demand(role=OrderRole.LEAD, target=DutyTarget())
        elif draw < 0.8:
            yield Demand(role=OrderRole.LEAD, target=DepartmentTarget(department=department))
        else:
            yield Demand(role=OrderRole.LEAD, target=DeskTarget(level=self._chance.choice((Level.VILLAGE, Level.TOWN))))
        if self._chance.random() < 0.25:
            other = self._chance.choice(self._departments)
            yield Demand(role=OrderRole.ASSIST, target=DepartmentTarget(department=other))


def _special(when: When) -> int:
    return min((len(code) for code in when.areas), default=0)


def _asked(when: When) -> int:
    return sum(bool(part) for part in (when.categories, when.words, when.sources, when.severity_at_least, when.tags))


def _words_of(*categories: Category) -> list[str]:
    return [word for category in categories for word in category.words]
