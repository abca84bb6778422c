"""All that a decision about a new case depends on, as one value: cases with equal signatures get equal decisions."""

from collections.abc import Hashable, Iterator
from typing import Final

from services.router.domain.decision import Decision
from services.router.domain.facts import Facts
from services.router.domain.field_targets import named_by_field
from services.router.domain.index import Candidates
from services.router.domain.rulebook import Rulebook
from services.router.domain.targets import Ranked
from shared.events.parts import CaseView
from shared.playbook.model import DepartmentTarget, DeskTarget, DutyTarget, FieldTarget, Playbook
from shared.vocabulary import VILLAGE_DIGITS, OrderReason

REMEMBERED: Final = 50_000
"""Pairs of category and village whose ground is kept at most."""
BY_DESK: Final = frozenset({OrderReason.UNROUTED, OrderReason.RULING})
"""Orders for a desk that the area alone names; all others go to whom a rule names."""

Choices = tuple[tuple[Ranked, ...], ...]
"""Whom each target of the candidates comes to: two villages where these are the same are alike to them."""


class Ground:
    """Stands for equal choices; equal to itself alone, so that it costs nothing to be part of a key."""

    __slots__ = ()


class Signer:
    """Signs cases for one rulebook."""

    def __init__(self, book: Rulebook) -> None:
        """Look once at what choosing by its rules depends on."""
        self._book = book
        self._categories = frozenset(book.playbook.categories)
        self._by_field = tuple(_field_targets(book.playbook))
        self._roster = not book.directory.roster.is_empty
        self._grounds: dict[tuple[Candidates, str, str], Ground] = {}
        self._shared: dict[Choices, Ground] = {}

    def signature(self, facts: Facts) -> Hashable | None:
        """Return the signature of a case; None for one whose decision fits no other.

        That is a case given back, and one of a category that the playbook does not know. The signature holds what
        the candidates among the rules look at, whom their targets come to in its village, the slot of time
        when there is a roster, and whom a field of the case names. It does not hold the area itself: a
        decision that `depends_on_desk` fits cases of the same area only.
        """
        case = facts.case
        if facts.refusing or case.category not in self._categories:
            return None
        candidates, values = self._book.sight(facts)
        return (
            candidates,
            values,
            self._ground(candidates, case),
            self._book.senses.slot(facts) if self._roster else None,
            tuple([named_by_field(target, case, self._book.playbook) for target in self._by_field]),
        )

    def _ground(self, candidates: Candidates, case: CaseView) -> Ground:
        key = candidates, case.category, case.area[:VILLAGE_DIGITS]
        known = self._grounds.get(key)
        if known is None:
            if len(self._grounds) >= REMEMBERED:
                self._grounds.clear()
                self._shared.clear()
            found = tuple(self._book.directory.ranked(target, case) for target in dict.fromkeys(_named(candidates)))
            known = self._grounds[key] = self._shared.setdefault(found, Ground())
        return known


def is_repeatable(decision: Decision) -> bool:
    """Say whether a decision fits every case with its signature as it stands: it holds nothing of the one case."""
    plain = all(
        order.sets is None and order.matter is None and order.step is None and order.whistle is None
        for order in decision.orders
    )
    return plain and bool(decision.orders) and not decision.withdrawals and decision.unsaid is None


def depends_on_desk(decision: Decision) -> bool:
    """Say whether a decision asks a desk because of the case's area, and so fits cases of that area only."""
    return any(order.reason in BY_DESK for order in decision.orders)


def _named(candidates: Candidates) -> Iterator[DeskTarget | DepartmentTarget | DutyTarget]:
    rules = (candidate.compiled.rule for candidate in candidates.rules)
    targets = (target for rule in rules for demand in rule.demands for target in (demand.target, *demand.backups))
    return (target for target in targets if not isinstance(target, FieldTarget))


def _field_targets(playbook: Playbook) -> Iterator[FieldTarget]:
    demands = (demand for rule in playbook.rules for demand in rule.demands)
    targets = (target for demand in demands for target in (demand.target, *demand.backups))
    return (target for target in targets if isinstance(target, FieldTarget))
