"""Scikit-learn's own way from texts to scores in bulk: what ours must agree with, and what benches put beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

from shared.learning import counting
from shared.learning.features import features
from shared.learning.training import Example


def plainly_fitted(examples: Sequence[Example]) -> tuple[Any, Any]:
    """A vectoriser and a scorer of these examples alone."""
    many = len(examples) >= counting.MANY
    vectoriser = TfidfVectorizer(
        analyzer=features, sublinear_tf=True, min_df=3 if many else 1, max_features=counting.FEATURES
    )
    rows = vectoriser.fit_transform([one.text for one in examples])
    scorer = LinearSVC(C=counting.STRENGTH if many else counting.STRENGTH_OF_FEW, random_state=0)
    return vectoriser, scorer.fit(rows, np.array([one.category for one in examples]))
