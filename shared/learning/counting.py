"""Texts as rows of counted features, and what scikit-learn makes of some of the rows.

Counting costs more than learning, and cross-validation learns six times from the same texts: they are counted once.
What a model of some rows is, is what scikit-learn's own TF-IDF makes of those texts alone; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.svm import LinearSVC

from shared.learning.features import features
from shared.vocabulary import Refused

FEATURES: Final = 60_000
MANY: Final = 3000
"""From so many examples on, features that stand in fewer than three of them are left out."""
STRENGTH: Final = 0.3
"""The regularisation (C): best by cross-validation of 0.1 to 1 on two collections of messages."""
STRENGTH_OF_FEW: Final = 1.0

Places: TypeAlias = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Counted:
    """How often each feature stands in each text: one row a text, one column a feature, in the order of their names."""

    counts: Any
    names: NDArray[np.str_]

    def learn(self, rows: Places, categories: NDArray[np.str_]) -> Learned:
        """What the texts at ``rows`` teach, of which ``categories`` says what each is about."""
        counts = self.counts[rows]
        many = len(rows) >= MANY
        columns = _worth_counting(counts, least=3 if many else 1)
        if len(columns) == 0:
            raise _nothing()
        weigher = TfidfTransformer(sublinear_tf=True)
        weighed = weigher.fit_transform(counts[:, columns])
        scorer = LinearSVC(C=STRENGTH if many else STRENGTH_OF_FEW, random_state=0).fit(weighed, categories)
        return Learned(columns=columns, weigher=weigher, scorer=scorer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """The columns that count, their weights, and a linear scorer of each category over them."""

    columns: Places
    weigher: Any
    scorer: Any

    @property
    def categories(self) -> NDArray[Any]:
        """The names of the categories, in the order of the scores."""
        found: NDArray[Any] = self.scorer.classes_
        return found

    @property
    def weights(self) -> NDArray[np.float64]:
        """One row a category; of two categories scikit-learn keeps one row, for the second against the first."""
        weights: NDArray[np.float64] = self.scorer.coef_
        return weights if len(weights) > 1 else np.vstack([-weights, weights])

    @property
    def intercepts(self) -> NDArray[np.float64]:
        """One entry a category."""
        intercepts: NDArray[np.float64] = self.scorer.intercept_
        return intercepts if len(intercepts) > 1 else np.concatenate([-intercepts, intercepts])

    def scores(self, counted: Counted, rows: Places) -> NDArray[np.float64]:
        """The score of each category for the texts at ``rows``, one row a text."""
        weighed = self.weigher.transform(counted.counts[rows][:, self.columns])
        scores: NDArray[np.float64] = np.asarray(weighed @ self.weights.T) + self.intercepts
        return scores


def count(texts: Sequence[str]) -> Counted:
    """Count the features of ``texts``.

    Raises:
        Refused: no text holds any.
    """
    counter = CountVectorizer(analyzer=features, dtype=np.float64)
    try:
        counts = counter.fit_transform(texts)
    except ValueError as error:
        raise _nothing() from error
    return Counted(counts, counter.get_feature_names_out())


def _worth_counting(counts: Any, *, least: int) -> Places:  # noqa: ANN401  scipy ships no types
    """The columns that stand in ``least`` texts; of more than `FEATURES` those that stand there most often."""
    texts = np.bincount(counts.indices, minlength=counts.shape[1])
    columns = np.flatnonzero(texts >= least)
    if len(columns) <= FEATURES:
        return columns
    often = np.asarray(counts.sum(axis=0)).ravel()
    return np.sort(columns[(-often[columns]).argsort()[:FEATURES]])


def _nothing() -> Refused:
    return Refused("no text holds words to learn from", field="history", allowed=["texts of words"])
