"""The counts of a comparison: how many cases go from whom to whom, and how much everybody gets, before and after."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from cli.simulation.outcome import Given, Outcome
from shared.vocabulary import Severity

EXAMPLES: Final = 3
"""Cases named of each group."""
GRAVE: Final = Severity.II
"""A case of this severity or a graver one that moves must be allowed to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What is otherwise for a case: cases of which the same is otherwise are told together.

    The leads are those of before and after, or None when it is the same one.
    """

    lead_before: Given | None
    lead_after: Given | None
    lost: frozenset[Given]
    """Orders beside the lead's that are not given any more."""
    gained: frozenset[Given]
    sets_before: tuple[str, ...]
    """Severity, tags, mode, clocks and matter by rules; both empty when they are alike."""
    sets_after: tuple[str, ...]
    moved: bool
    """Another leads, or somebody who had an order has none."""


@dataclass(slots=True, kw_only=True)
class Count:
    """How many cases, how many of them of severity I or II, and a few of each to look at."""

    cases: int = 0
    grave: int = 0
    examples: list[str] = field(default_factory=list)
    grave_examples: list[str] = field(default_factory=list)

    def add(self, case_id: UUID, *, grave: bool) -> None:
        """Count one case."""
        self.cases += 1
        self.grave += grave
        if len(self.examples) < EXAMPLES:
            self.examples.append(str(case_id))
        if grave and len(self.grave_examples) < EXAMPLES:
            self.grave_examples.append(str(case_id))

    def merge(self, other: Count) -> None:
        """Take the cases of ``other`` in."""
        self.cases += other.cases
        self.grave += other.grave
        self.examples = [*self.examples, *other.examples][:EXAMPLES]
        self.grave_examples = [*self.grave_examples, *other.grave_examples][:EXAMPLES]


@dataclass(slots=True, kw_only=True)
class _Pair:
    before: Outcome
    after: Outcome
    difference: Difference | None
    count: Count = field(default_factory=Count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Orders of one desk or department, before and after."""

    who: str
    before: int
    after: int
    lead_before: int
    lead_after: int

    @property
    def change(self) -> int:
        """How many more, or fewer when negative."""
        return self.after - self.before


class Tally:
    """Counts cases by their two outcomes; memory follows the number of different pairs, not of cases."""

    def __init__(self) -> None:
        """Begin at zero."""
        self._pairs: dict[tuple[int, int], _Pair] = {}

    def add(self, before: Outcome, after: Outcome, *, severity: int, case_id: UUID) -> None:
        """Count one case; outcomes must be the interned ones of `Outcomes`."""
        pair = self._pairs.get((id(before), id(after)))
        if pair is None:
            difference = None if before is after else _difference(before, after)
            pair = self._pairs[id(before), id(after)] = _Pair(before=before, after=after, difference=difference)
        pair.count.add(case_id, grave=_gravest(severity, before, after) <= GRAVE)

    @property
    def cases(self) -> int:
        """All cases counted."""
        return sum(pair.count.cases for pair in self._pairs.values())

    def changes(self) -> Sequence[tuple[Difference, Count]]:
        """Return what is otherwise and for how many cases: what moves first, then the gravest, then the largest."""
        found: dict[Difference, Count] = {}
        for pair in self._pairs.values():
            if pair.difference is not None:
                found.setdefault(pair.difference, Count()).merge(pair.count)
        return sorted(found.items(), key=lambda told: (not told[0].moved, -told[1].grave, -told[1].cases))

    @property
    def moved(self) -> int:
        """Cases that move."""
        return sum(count.cases for difference, count in self.changes() if difference.moved)

    @property
    def changed(self) -> int:
        """Cases of which anything changes, those that move included."""
        return sum(count.cases for _, count in self.changes())

    @property
    def grave_moved(self) -> int:
        """Cases of severity I or II that move."""
        return sum(count.grave for difference, count in self.changes() if difference.moved)

    def unrouted(self) -> tuple[int, int]:
        """Cases that no rule gave a lead, before and after."""
        return self._count("unrouted")

    def rulings(self) -> tuple[int, int]:
        """Cases whose duty is unclear or contested, before and after."""
        return self._count("ruling")

    def loads(self) -> tuple[Load, ...]:
        """Return everybody's orders before and after, the largest change first."""
        counts: dict[str, Counter[str]] = {}
        for pair in self._pairs.values():
            for when, outcome in (("before", pair.before), ("after", pair.after)):
                for order in outcome.orders:
                    count = counts.setdefault(order.who, Counter())
                    count[when] += pair.count.cases
                    count[f"lead_{when}"] += pair.count.cases if order is outcome.lead else 0
        loads = (
            Load(
                who=who,
                before=count["before"],
                after=count["after"],
                lead_before=count["lead_before"],
                lead_after=count["lead_after"],
            )
            for who, count in counts.items()
        )
        return tuple(sorted(loads, key=lambda load: (-abs(load.change), -load.after, load.who)))

    def shadows(self) -> Mapping[str, tuple[int, int]]:
        """How often each shadow rule would have acted, before and after."""
        found: dict[str, list[int]] = {}
        for pair in self._pairs.values():
            for place, outcome in enumerate((pair.before, pair.after)):
                for rule in outcome.shadows:
                    found.setdefault(rule, [0, 0])[place] += pair.count.cases
        return {rule: (before, after) for rule, (before, after) in sorted(found.items())}

    def _count(self, which: str) -> tuple[int, int]:
        pairs = self._pairs.values()
        before = sum(pair.count.cases for pair in pairs if getattr(pair.before, which))
        return before, sum(pair.count.cases for pair in pairs if getattr(pair.after, which))


def _difference(before: Outcome, after: Outcome) -> Difference | None:
    """What people see of it; a rule that asks the same of the same people under another id is no difference."""
    same_lead = before.lead.who == after.lead.who and before.reason is after.reason
    same_sets = before.settings == after.settings
    difference = Difference(
        lead_before=None if same_lead else before.lead,
        lead_after=None if same_lead else after.lead,
        lost=_missing(before, after),
        gained=_missing(after, before),
        sets_before=() if same_sets else before.settings,
        sets_after=() if same_sets else after.settings,
        moved=before.lead.who != after.lead.who or not before.holders() <= after.holders(),
    )
    nothing = same_lead and same_sets and not difference.lost and not difference.gained
    return None if nothing else difference


def _missing(here: Outcome, there: Outcome) -> frozenset[Given]:
    """The orders beside the lead's that ``there`` does not give, in this role, to this one."""
    given = {(order.role, order.who) for order in there.orders}
    return frozenset(order for order in here.orders[1:] if (order.role, order.who) not in given)


def _gravest(severity: int, before: Outcome, after: Outcome) -> int:
    return min(severity, before.severity or severity, after.severity or severity)
