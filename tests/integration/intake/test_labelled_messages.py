"""How well the model tells apart first-level classes of citizens' messages that lie beside the project.

They state no licence: read here, never printed, never kept.
"""

from __future__ import annotations

import csv
import os
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest
from sklearn.metrics import f1_score

from shared.learning.training import Example, cross_validate, train

FOLDER: Final = Path(os.environ.get("WHISTLE_SHARED", Path(__file__).parents[4] / "shared")) / "data/tipdm_labelled"
TOKENS: Final = FOLDER / "tokens_9210.csv"
RAW: Final = FOLDER / "messages_gold.csv"

pytestmark = [
    pytest.mark.skipif(not (TOKENS.exists() and RAW.exists()), reason=f"{FOLDER} does not lie beside the project"),
    pytest.mark.slow,
]


def rows(file: Path) -> list[dict[str, str]]:
    csv.field_size_limit(1 << 24)
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def joined() -> dict[str, Example]:
    """The messages that are there as words alone, as one text each, by their number."""
    return {row["seg_row"]: Example(text=row["tokens"].replace(" ", ""), category=row["label"]) for row in rows(TOKENS)}


def raw() -> dict[str, Example]:
    """The messages that are there in their own words, by the same number."""
    return {
        row["seg_row"]: Example(text=f"{row['subject']}\n{row['detail']}", category=row["label"]) for row in rows(RAW)
    }


def test_seven_classes_are_told_apart_in_messages_that_the_model_has_not_seen() -> None:
    """Macro-F1 by cross-validation of five folds over all public messages; equal texts are in one fold."""
    scores = cross_validate(list(joined().values()))
    assert scores is not None
    assert len(scores.by_category) == 7
    assert scores.examples > 6000
    assert scores.macro_f1 >= 0.90
    assert min(f1 for f1, _ in scores.by_category.values()) >= 0.84


def test_messages_in_their_own_words_are_told_apart_by_what_others_taught() -> None:
    """Trained on every public message but these, judged on these as they were written; sure guesses are right."""
    texts = raw()
    others = [example for number, example in joined().items() if number not in texts]
    model = train(others, county="990101", at=datetime(2026, 11, 21, tzinfo=UTC))
    judged = [(example.category, model.likeliest(example.text)[0]) for example in texts.values()]
    found = f1_score([right for right, _ in judged], [one.category for _, one in judged], average="macro")
    assert len(judged) > 500
    assert found >= 0.84
    assert max(Counter(right for right, _ in judged).values()) < len(judged) * 0.4, "no class alone would do"
