"""All that a decision about a new case depends on, as one value: cases with equal signatures get equal decisions."""

from collections.abc import Hashable
from typing import Final

from services.router.domain.decision import Decision
from services.router.domain.facts import Facts
from services.router.domain.rulebook import Rulebook
from shared.playbook.model import CaseField, FieldTarget, Playbook
from shared.vocabulary import VILLAGE_DIGITS

SHOWN_BY: Final = (CaseField.TAG, CaseField.CONDITION, CaseField.SOURCE)
"""Fields of a case that may name a department and that nothing else of a signature need hold."""


class Signer:
    """Signs cases for one rulebook."""

    def __init__(self, book: Rulebook) -> None:
        """Look once at what its targets and its roster depend on."""
        self._book = book
        fields = _fields_of(book.playbook)
        self._tags, self._condition, self._source = (field in fields for field in SHOWN_BY)
        self._digits = 15 if CaseField.AREA in fields else VILLAGE_DIGITS
        self._roster = not book.directory.roster.is_empty

    def signature(self, facts: Facts) -> Hashable | None:
        """Return the signature of a case; None for one that was given back, which nobody else is like.

        It holds what the candidates among the rules look at, and what choosing departments and officers
        depends on besides: the village, the slot of time when there is a roster, the fields that name somebody.
        """
        if facts.refusing:
            return None
        case = facts.case
        candidates, values = self._book.sight(facts)
        return (
            candidates,
            values,
            case.area[: self._digits],
            self._book.senses.slot(facts) if self._roster else None,
            case.tags if self._tags else None,
            case.condition if self._condition else None,
            case.source if self._source else None,
        )


def is_repeatable(decision: Decision) -> bool:
    """Say whether a decision fits every case with its signature as it stands: it holds nothing of the one case."""
    plain = all(
        order.sets is None and order.matter is None and order.step is None and order.whistle is None
        for order in decision.orders
    )
    return plain and bool(decision.orders) and not decision.withdrawals and decision.unsaid is None


def _fields_of(playbook: Playbook) -> frozenset[CaseField]:
    targets = [
        target for rule in playbook.rules for demand in rule.demands for target in (demand.target, *demand.backups)
    ]
    return frozenset(target.of for target in targets if isinstance(target, FieldTarget))
