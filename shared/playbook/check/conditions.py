"""What `when:` asks of a case, in rules, groups of rules and modes: it names what exists, and reads."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from shared.playbook.check.finding import Finding, Path, unknown
from shared.playbook.expression import BadExpression, compiled
from shared.playbook.model import Playbook, When
from shared.vocabulary import NORMAL

Told = Callable[..., Finding]
"""A `Finding` of one item of one part, to be filled with path, problem, allowed and needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """The parts of a playbook that conditions refer to, gathered once."""

    playbook: Playbook
    modes: frozenset[str]
    settled: bool
    _tried: dict[str, BadExpression | None] = field(default_factory=dict[str, BadExpression | None])

    @classmethod
    def of(cls, playbook: Playbook) -> "Conditions":
        """Gather what conditions of `playbook` may name."""
        return cls(
            playbook=playbook,
            modes=frozenset({NORMAL, *playbook.modes}),
            settled=any(area.settlement is not None for area in playbook.areas.values()),
        )

    def check(self, when: When, at: Path, told: Told) -> Iterator[Finding]:
        """Yield what is wrong with `when`, which stands at the path `at` of an item."""
        named: tuple[tuple[str, Collection[str], Collection[str], str], ...] = (
            ("area", when.areas, self.playbook.areas, "areas"),
            ("zone", when.zones, self.playbook.zones, "zones"),
            ("category", when.categories, self.playbook.categories, "categories"),
            ("mode", when.modes, self.modes, "modes"),
        )
        for what, values, known, needs in named:
            for index, problem, allowed in unknown(values, known, what=what):
                yield told(path=(*at, what, index), problem=problem, allowed=allowed, needs=(needs,))
        if when.settlements and not self.settled:
            problem, allowed = "no area says how it is settled", ("a column settlement in areas.csv: urban, rural",)
            yield told(path=(*at, "settlement"), problem=problem, allowed=allowed, needs=("areas",))
        if when.expression is not None:
            yield from self._expression(when.expression, (*at, "expression"), told)

    def _expression(self, source: str, path: Path, told: Told) -> Iterator[Finding]:
        if source not in self._tried:
            self._tried[source] = self._wrong_in(source)
        bad = self._tried[source]
        if bad is not None:
            problem = f"{_place(source, bad.at)}: {bad.problem}"
            yield told(path=path, problem=problem, allowed=bad.allowed, needs=("categories", "modes"))

    def _wrong_in(self, source: str) -> BadExpression | None:
        known: Mapping[str, Collection[str]] = {
            "mode": self.modes,
            "category": self.playbook.categories,
            "county": (self.playbook.county,),
        }
        try:
            compiled(source, known)
        except BadExpression as bad:
            return bad
        return None


def told_of(part: str, item: str | int) -> Told:
    """Return what makes a finding of one item."""
    return partial(Finding, part=part, item=item)


def _place(source: str, at: int) -> str:
    """Say where in an expression `at` is, as an editor counts."""
    line = source.count("\n", 0, at) + 1
    column = at - (source.rfind("\n", 0, at) + 1) + 1
    return f"line {line}, column {column}" if "\n" in source.strip() else f"column {column}"
