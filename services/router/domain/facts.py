"""What routing looks at: the case as the event tells it, and nothing else."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from shared.events.parts import CaseView, Target
from shared.vocabulary import TargetKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One case as routing sees it at an instant; `refusing` are those who gave an order of it back.

    `at` is when the event happened, not when it is read: a replay decides by the same calendar, roster
    and dates. `said` is title and report as they were written, `text` the same without case.
    """

    case: CaseView
    text: str
    refusing: frozenset[tuple[TargetKind, str]]
    at: datetime
    said: str

    @classmethod
    def of(cls, case: CaseView, text: str = "", *, at: datetime | None = None) -> Self:
        """Gather the facts of `case`; without `text` its title stands for it, without `at` its opening."""
        returned_by = frozenset((back.target.kind, back.target.id) for back in case.returns)
        said = f"{case.title}\n{text}"
        return cls(case=case, text=said.casefold(), refusing=returned_by, at=at or case.opened_at, said=said)

    def refused_by(self, target: Target) -> bool:
        """Say whether `target` gave this case back before."""
        return (target.kind, target.id) in self.refusing

    def refused_also_by(self, target: Target) -> Self:
        """Return the same facts with `target` among those who gave the case back."""
        return replace(self, refusing=self.refusing | {(target.kind, target.id)})
