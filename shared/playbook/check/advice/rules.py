"""Rules that can never act, and rules that may both hold: proved from their conditions, without any case."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from shared.playbook.check.advice.advice import Advice, Subject, Weight
from shared.playbook.check.advice.asked import Asked, Terrain, asked_of, both, implies, impossible
from shared.playbook.model import Playbook, Rule, RuleState, Target
from shared.vocabulary import OrderRole

PAIRS: Final = 2_000_000
"""Pairs of rules compared at most; ten thousand rules of a county need fewer, for they differ in category."""
NAMES_TOLD: Final = 8
"""Rules named in one note on overlaps; the rest is counted."""

_WHYS: Final[Mapping[str, str]] = {
    "area": "no place lies in all the areas that it and its groups ask for",
    "category": "no category of the tree is under all those that it and its groups ask for",
    "source": "it and its groups ask for sources that exclude one another",
    "mode": "it and its groups ask for modes that exclude one another",
    "time": "no moment lies in all its time windows and those of its groups",
    "settlement": "none of its areas is settled as it asks",
    "repeat": "it asks for more earlier cases than a case event tells",
    "zone": "the zones that it and its groups ask for lie apart",
    "valid": "its last day is past, or lies before its first",
}


@dataclass(slots=True)
class _Enders:
    """Rules met so far that end the walk, by the categories that they take."""

    everywhere: list[int] = field(default_factory=list)
    by_category: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    def add(self, index: int, asked: Asked) -> None:
        if asked.categories is None:
            self.everywhere.append(index)
        for code in asked.categories or ():
            self.by_category[code].append(index)

    def near(self, asked: Asked) -> Sequence[int]:
        """Those that share a category with ``asked``, in the order of the file."""
        codes = self.by_category if asked.categories is None else asked.categories
        found = set(self.everywhere).union(*(self.by_category.get(code, ()) for code in codes))
        return sorted(found)


def advise_rules(playbook: Playbook, *, today: date) -> Iterator[Advice]:
    """Yield rules that can never match, those behind one that takes all of theirs, and overlaps, from ``today`` on."""
    terrain = Terrain(playbook)
    asked = [asked_of(rule, terrain, today=today) for rule in playbook.rules]
    enders = _Enders()
    overlaps: defaultdict[int, list[int]] = defaultdict(list)
    compared = 0
    for index, rule in enumerate(playbook.rules):
        if rule.state is RuleState.OFF:
            continue
        empty = impossible(asked[index], terrain)
        if empty is not None:
            yield _never(index, rule, empty)
            continue
        before = enders.near(asked[index]) if compared <= PAIRS else ()
        if compared <= PAIRS < compared + len(before):
            yield _not_compared(index, rule)
        compared += len(before)
        meeting = [one for one in before if impossible(both(asked[one], asked[index]), terrain) is None]
        covering = next((one for one in meeting if implies(asked[index], asked[one], terrain)), None)
        if covering is not None:
            yield _shadowed(index, rule, covering, playbook.rules[covering])
        elif rule.state is RuleState.ACTIVE and not rule.goes_on:
            enders.add(index, asked[index])
            for one in meeting:
                # The special before the general is how rules are written: nothing to say about that.
                special = implies(asked[one], asked[index], terrain)
                if not special and _lead(playbook.rules[one]) != _lead(rule):
                    overlaps[one].append(index)
    for first, behind in overlaps.items():
        yield _overlaps(first, behind, both(asked[first], asked[behind[0]]), rules=playbook.rules)


def _lead(rule: Rule) -> Target | None:
    return next((demand.target for demand in rule.demands if demand.role is OrderRole.LEAD), None)


def _never(index: int, rule: Rule, empty: str) -> Advice:
    dated = empty == "valid"
    return Advice(
        subject=Subject.DATES if dated else Subject.NEVER_MATCHES,
        weight=Weight.MISTAKE,
        part="rules",
        item=index,
        path=("valid",) if dated else ("when",),
        what=f"rule {rule.id!r} can never match" + (f" any more: it ended on {rule.valid_until}" if dated else ""),
        why=_WHYS[empty],
        mend="give it a later `until`, or take the rule out" if dated else f"change its {empty}, or take the rule out",
    )


def _shadowed(index: int, rule: Rule, other: int, first: Rule) -> Advice:
    silent = "is counted" if rule.state is RuleState.SHADOW else "acts"
    return Advice(
        subject=Subject.SHADOWED,
        weight=Weight.MISTAKE,
        part="rules",
        item=index,
        what=f"rule {rule.id!r} never {silent}: {first.id!r} before it takes every case that it asks for",
        why=f"{first.id!r} ends the walk, and all that {rule.id!r} asks for is also what {first.id!r} asks for",
        mend=f"move it before {first.id!r}, or give {first.id!r} `continue: true`, or take {rule.id!r} out",
        other=other,
    )


def _overlaps(first: int, behind: Sequence[int], shared: Asked, *, rules: Sequence[Rule]) -> Advice:
    winner = rules[first].id
    named = ", ".join(repr(rules[index].id) for index in behind[:NAMES_TOLD])
    rest = f" and {len(behind) - NAMES_TOLD} more" if len(behind) > NAMES_TOLD else ""
    return Advice(
        subject=Subject.OVERLAPS,
        weight=Weight.NOTE,
        part="rules",
        item=first,
        what=f"rule {winner!r} may hold together with {named}{rest} behind it, which would ask another lead",
        why=f"it stands first and ends the walk, so it wins; such a case: {_such(shared)}",
        mend=f"if one of those should win, move it before {winner!r}; else nothing",
        other=behind[0],
    )


def _such(asked: Asked) -> str:
    """Describe a case of this kind in few words."""
    area = min(asked.areas, key=lambda code: (len(code), code))
    parts = [f"area {area}"]
    if asked.categories is not None:
        parts.append(f"category {min(asked.categories, key=lambda code: (len(code), code))}")
    if len(asked.sources) == 1:
        parts.append(f"source {next(iter(asked.sources)).value}")
    parts += [f"the word {min(words)!r}" for words in asked.words]
    parts += [f"the tag {min(tags)!r}" for tags in asked.tags]
    parts += [f"in zone {min(zones)!r}" for zones in asked.zones]
    if asked.modes is not None:
        parts.append(f"mode {min(asked.modes)}")
    parts += [f"where {expression}" for expression in sorted(asked.expressions)]
    return ", ".join(parts)


def _not_compared(index: int, rule: Rule) -> Advice:
    return Advice(
        subject=Subject.NOT_COMPARED,
        weight=Weight.LOOK,
        part="rules",
        item=index,
        what=f"the rules behind {rule.id!r} were not compared with those before them",
        why=f"more than {PAIRS} pairs of rules share a category",
        mend="give rules categories, so that fewer of them can meet",
    )
