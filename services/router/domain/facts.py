"""What routing looks at: the case as the event tells it, and nothing else."""

from dataclasses import dataclass, replace
from typing import Self

from shared.events.parts import CaseView, Target
from shared.vocabulary import TargetKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One case as routing sees it; `refusing` are those who gave an order of it back."""

    case: CaseView
    text: str
    refusing: frozenset[tuple[TargetKind, str]]

    @classmethod
    def of(cls, case: CaseView, text: str = "") -> Self:
        """Gather the facts of `case`; without `text` its title stands for it."""
        returned_by = frozenset((back.target.kind, back.target.id) for back in case.returns)
        return cls(case=case, text=f"{case.title}\n{text}".casefold(), refusing=returned_by)

    def refused_by(self, target: Target) -> bool:
        """Say whether `target` gave this case back before."""
        return (target.kind, target.id) in self.refusing

    def refused_also_by(self, target: Target) -> Self:
        """Return the same facts with `target` among those who gave the case back."""
        return replace(self, refusing=self.refusing | {(target.kind, target.id)})
