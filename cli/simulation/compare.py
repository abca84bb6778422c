"""Two playbooks side by side: each past case decided by both, and counted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from cli.simulation.deciding import Decider
from cli.simulation.history import Opening
from cli.simulation.outcome import Outcomes
from cli.simulation.tally import Tally
from services.router.domain.facts import Facts
from shared.playbook.model import Playbook


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumed:
    """What is taken for every case instead of its own: the instant of the decision, the mode in force."""

    at: datetime | None = None
    mode: str | None = None


class Comparison:
    """Decides cases by the playbook in force and by the draft."""

    def __init__(self, before: Playbook, after: Playbook, *, assumed: Assumed) -> None:
        """Compile both; a comparison of a million cases then holds only their counts."""
        self.before, self.after = before, after
        self.tally = Tally()
        self._assumed = assumed
        outcomes = Outcomes()
        self._deciders = Decider(before, outcomes), Decider(after, outcomes)

    def add(self, openings: Iterable[Opening]) -> None:
        """Decide and count each case."""
        before, after = self._deciders
        for opening in openings:
            facts = self._facts(opening)
            case = facts.case
            self.tally.add(before.outcome(facts), after.outcome(facts), severity=case.severity, case_id=case.case_id)

    def _facts(self, opening: Opening) -> Facts:
        case = opening.case
        if self._assumed.mode is not None:
            case = replace(case, mode=self._assumed.mode)
        return Facts.of(case, opening.text, at=self._assumed.at or case.opened_at)
