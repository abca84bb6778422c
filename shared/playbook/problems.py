"""What is wrong with a playbook, said so that its author finds the place and knows what to write."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.vocabulary import Refused

SHOWN = 12
"""Allowed values shown before the rest is only counted."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Problem:
    """One mistake: where it stands, what is wrong and what would be right."""

    file: str
    line: int
    """1 is the first line; 0 when the whole file is meant (missing, unreadable)."""
    field: str
    """Dotted path inside the file's item, such as `when.category.0`, or a column's name."""
    problem: str
    allowed: tuple[str, ...] = ()

    def __str__(self) -> str:
        """`rules.yaml:12: when.area.0: no area 990101999; allowed: …`."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        field = f" {self.field}:" if self.field else ""
        allowed = f"; allowed: {shortlist(self.allowed)}" if self.allowed else ""
        return f"{place}:{field} {self.problem}{allowed}"


class BadPlaybook(Refused):
    """A playbook that cannot come into force, with every problem found, not only the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        """Keep `problems` in reading order."""
        self.problems = tuple(sorted(problems))
        lines = "\n".join(str(problem) for problem in self.problems)
        super().__init__(f"{len(self.problems)} problem(s) in the playbook\n{lines}", field="playbook")


def shortlist(allowed: Sequence[str]) -> str:
    """Join `allowed` for a reader, the first `SHOWN` of them and a count of the rest."""
    rest = len(allowed) - SHOWN
    shown = ", ".join(allowed[:SHOWN])
    return f"{shown} and {rest} more" if rest > 0 else shown
