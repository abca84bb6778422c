"""What becomes of a limit that is held, goes on and is put off, as one would keep it on paper.

Source: domain.md's semantics (a pause stores what remains; a breach is for ever) and docs/decisions/0023. Written
from those, not from the service; all figures are whole microseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from services.escalation.domain.moves import MoveKind
from tests.oracles.clock_minutes import Count


class Paper:
    """One limit of ``whole`` from ``start``, counted by ``count``, with thresholds at ``fractions`` of it."""

    def __init__(self, count: Count, start: int, whole: int, fractions: Sequence[Fraction] = ()) -> None:
        self._count = count
        self._fractions = fractions
        self.whole = whole
        self.left = whole
        self._since = start
        self.due = count.later(start, whole)
        self.held_since: int | None = None
        self.thresholds = [self._threshold(fraction, start) for fraction in fractions]

    def move(self, kind: MoveKind, at: int, to: int | None) -> None:
        """Write down what happens at an instant; whoever is late by then stays so, and nothing happens any more."""
        if self.held_since is None and at >= self.due:
            return
        if kind is MoveKind.HOLD and self.held_since is None:
            self._settle(at)
            self.held_since = at
        elif kind is MoveKind.GO and self.held_since is not None:
            self._go_on(at, self.held_since)
        elif kind is MoveKind.EXTEND and to is not None:
            self._extend(at, to)

    def remains(self, at: int) -> int:
        """What is left at an instant, nothing when all has passed."""
        if self.held_since is not None:
            return self.left
        return 0 if at >= self.due else max(self.left - self._count.passed(self._since, at), 0)

    def _settle(self, at: int) -> None:
        self.left = self.remains(at)
        self._since = at

    def _go_on(self, at: int, held_since: int) -> None:
        self._since, self.held_since = at, None
        self.due = self._count.later(at, self.left)
        self.thresholds = [
            before if before <= held_since else self._threshold(fraction, at)
            for fraction, before in zip(self._fractions, self.thresholds, strict=True)
        ]

    def _extend(self, at: int, to: int) -> None:
        more = self._count.passed(at, to) - self.remains(at)
        if more < 0 or (self.held_since is None and to <= self.due):
            return
        self.whole += more
        if self.held_since is not None:
            self.left += more
            return
        self._settle(at)
        self.left += more
        self.due = to
        self.thresholds = [self._threshold(fraction, at) for fraction in self._fractions]

    def _threshold(self, fraction: Fraction, at: int) -> int:
        behind = self.whole - round(self.whole * fraction)
        return self._count.later(at, self.left - behind)
