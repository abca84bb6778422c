"""A trained model as arrays, and what it thinks of a text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from shared.learning.features import features, is_word

Floats: TypeAlias = NDArray[np.float32]
LIKELIEST: Final = 5
WORDS: Final = 4
EXPLAINED: Final = 2
"""Of the likeliest so many are told with their words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Likely:
    """A category, its calibrated probability, and the words of the text that spoke for it most."""

    category: str
    share: float
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TextModel:
    """TF-IDF over `features` and one linear scorer a category, its scores turned into probabilities.

    ``idf`` has one row a feature, ``weights`` one row a feature and one column a category, ``intercept`` one entry
    a category. ``temperature`` divides the scores before the softmax: fitted on texts that the model had not seen.
    ``examples`` and ``macro_f1`` say what it was trained on and what cross-validation gave (-1 when too few).
    """

    county: str
    categories: tuple[str, ...]
    vocabulary: tuple[str, ...]
    idf: Floats
    weights: Floats
    intercept: Floats
    temperature: float
    trained_at: str
    examples: int
    macro_f1: float = -1.0
    rows: dict[str, int] = field(init=False, repr=False, compare=False)
    readable: NDArray[np.bool_] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the vocabulary; frozen otherwise."""
        object.__setattr__(self, "rows", {feature: row for row, feature in enumerate(self.vocabulary)})
        object.__setattr__(self, "readable", np.array([is_word(one) for one in self.vocabulary], dtype=np.bool_))

    def likeliest(self, text: str, most: int = LIKELIEST) -> tuple[Likely, ...]:
        """The ``most`` likeliest categories, likeliest first; nothing when the text holds no feature that is known."""
        rows, values = self._counted(text)
        if len(rows) == 0:
            return ()
        weights = self.weights[rows]
        shares = softmax((values @ weights + self.intercept) / self.temperature)
        best = np.argsort(-shares, kind="stable")[:most]
        return tuple(
            Likely(
                category=self.categories[one],
                share=float(shares[one]),
                words=self._speaking(rows, weights[:, one] * values) if place < EXPLAINED else (),
            )
            for place, one in enumerate(best.tolist())
        )

    def _counted(self, text: str) -> tuple[NDArray[np.intp], Floats]:
        """The rows of the text's features and their weights: sublinear term frequency by idf, of length 1."""
        counts = Counter(map(self.rows.get, features(text)))
        counts.pop(None, None)
        rows = np.fromiter(counts, dtype=np.intp, count=len(counts))
        times = as_floats(1.0 + np.log(np.fromiter(counts.values(), dtype=np.float32, count=len(counts))))
        values = times * self.idf[rows]
        length = float(np.linalg.norm(values)) or 1.0
        return rows, values / np.float32(length)

    def _speaking(self, rows: NDArray[np.intp], parts: Floats) -> tuple[str, ...]:
        speaking = np.flatnonzero(self.readable[rows] & (parts > 0))
        by_weight = speaking[np.argsort(-parts[speaking], kind="stable")[:WORDS]]
        return tuple(self.vocabulary[row] for row in rows[by_weight].tolist())


def softmax(scores: Floats) -> Floats:
    """Shares of 1 along the last axis."""
    raised = np.exp(scores - scores.max(axis=-1, keepdims=True))
    shares: Floats = raised / raised.sum(axis=-1, keepdims=True)
    return shares


def as_floats(values: Sequence[float] | NDArray[np.float64]) -> Floats:
    """``values`` in the width that models are kept in."""
    return np.asarray(values, dtype=np.float32)
