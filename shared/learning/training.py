"""A model from examples: scikit-learn's TF-IDF and linear support vectors, calibrated on what it has not seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import StratifiedGroupKFold

from shared.learning.counting import count
from shared.learning.model import Floats, TextModel, as_floats, softmax
from shared.vocabulary import Refused

FOLDS: Final = 5
TEMPERATURES: Final = tuple(0.05 * 1.15**step for step in range(24))
MOST: Final = 500_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A text and the category that it is about, named by a person."""

    text: str
    category: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """What cross-validation gave; ``by_category`` is each category's F1 and how many examples it has."""

    accuracy: float
    macro_f1: float
    examples: int
    by_category: dict[str, tuple[float, int]]
    temperature: float


def train(
    examples: Sequence[Example],
    *,
    county: str,
    at: datetime,
    also: Sequence[Example] = (),
    scores: Scores | None = None,
) -> TextModel:
    """A model of all ``examples`` and of what else there is to learn from, such as a playbook's words.

    ``scores`` of `cross_validate` over the same ones calibrate it.

    Raises:
        Refused: fewer than two categories, no words, or more examples than `MOST`.
    """
    _must_teach(examples)
    all_of_them = [*examples, *also]
    counted = count([one.text for one in all_of_them])
    learned = counted.learn(np.arange(len(all_of_them)), np.array([one.category for one in all_of_them]))
    return TextModel(
        county=county,
        categories=tuple(str(name) for name in learned.categories),
        vocabulary=tuple(str(one) for one in counted.names[learned.columns]),
        idf=as_floats(learned.weigher.idf_),
        weights=as_floats(learned.weights.T),
        intercept=as_floats(learned.intercepts),
        temperature=scores.temperature if scores is not None else 1.0,
        trained_at=at.isoformat(),
        examples=len(examples),
        macro_f1=scores.macro_f1 if scores is not None else -1.0,
    )


def cross_validate(examples: Sequence[Example], *, also: Sequence[Example] = (), folds: int = FOLDS) -> Scores | None:
    """Scores of examples each judged by a model that has seen none of its fold; equal texts are in one fold.

    What stands in ``also`` teaches in every fold and is never judged. Categories with fewer examples than folds
    teach but are not scored. None when fewer than two are left.

    Raises:
        Refused: no text holds any words.
    """
    scored = _scorable(examples, folds)
    if len({one.category for one in scored}) < 2:  # noqa: PLR2004  one category is always right
        return None
    names = np.array([one.category for one in scored])
    found, chosen, margins = _judged(scored, names, also, folds)
    each = np.unique(names)
    by_category = f1_score(names, chosen, average=None, labels=each, zero_division=0)
    counts = Counter(names.tolist())
    return Scores(
        accuracy=float(accuracy_score(names, chosen)),
        macro_f1=float(by_category.mean()),
        examples=len(scored),
        by_category={str(name): (float(f1), counts[name]) for name, f1 in zip(each, by_category, strict=True)},
        temperature=_temperature(margins, found),
    )


def _judged(
    examples: Sequence[Example], names: NDArray[Any], also: Sequence[Example], folds: int
) -> tuple[NDArray[np.intp], NDArray[Any], list[tuple[Floats, NDArray[np.intp]]]]:
    """For each text the place of its category in its fold's model (-1: not there), the choice, and all scores."""
    groups = np.unique([_bare(one.text) for one in examples], return_inverse=True)[1]
    counted = count([one.text for one in (*examples, *also)])
    beside = np.arange(len(examples), len(examples) + len(also))
    taught = np.array([one.category for one in (*examples, *also)])
    right = np.full(len(examples), -1, dtype=np.intp)
    chosen = names.astype(object)
    margins: list[tuple[Floats, NDArray[np.intp]]] = []
    splits = StratifiedGroupKFold(folds, shuffle=True, random_state=0).split(names, names, groups)
    for learn, judge in splits:
        rows = np.concatenate([learn, beside])
        learned = counted.learn(rows, taught[rows])
        scores = as_floats(learned.scores(counted, judge))
        places = {name: place for place, name in enumerate(learned.categories)}
        right[judge] = [places.get(name, -1) for name in names[judge]]
        chosen[judge] = learned.categories[scores.argmax(axis=1)]
        margins.append((scores, judge))
    return right, chosen, margins


def _temperature(margins: Sequence[tuple[Floats, NDArray[np.intp]]], right: NDArray[np.intp]) -> float:
    """The temperature under which the right answers were likeliest as a whole (temperature scaling)."""

    def surprise(temperature: float) -> float:
        whole = 0.0
        for scores, judged in margins:
            known = right[judged] >= 0
            shares = softmax(scores[known] / np.float32(temperature))
            picked = shares[np.arange(len(shares)), right[judged][known]]
            whole -= float(np.log(np.maximum(picked, 1e-9)).sum())
        return whole

    return min(TEMPERATURES, key=surprise)


def _scorable(examples: Sequence[Example], folds: int) -> list[Example]:
    counts = Counter(one.category for one in {(e.category, _bare(e.text)): e for e in examples}.values())
    return [one for one in examples if counts[one.category] >= folds]


def _bare(text: str) -> str:
    """The text without its blanks: two that differ in these alone are one."""
    return "".join(text.split())


def _must_teach(examples: Sequence[Example]) -> None:
    if len({one.category for one in examples}) < 2:  # noqa: PLR2004  nothing to tell apart
        raise Refused(
            f"{len(examples)} examples of fewer than two categories teach nothing",
            field="history",
            allowed=["examples of two or more categories"],
        )
    if len(examples) > MOST:
        raise Refused(f"{len(examples)} examples are too many", field="history", allowed=[f"up to {MOST}"])
