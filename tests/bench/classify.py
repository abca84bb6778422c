"""What texts are about, one thread, by processor time: words, learned model and both, beside scikit-learn in bulk."""

from __future__ import annotations

import asyncio
import csv
import statistics
import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from deploy.local.demo.messages import read_messages
from services.intake.domain.reading.classifying import classify
from services.intake.domain.reading.guessing import Opinion
from shared.learning.model import TextModel
from shared.learning.training import Example, train
from shared.playbook.load import load
from tests.bench.table import Row
from tests.fakes.plain_learning import plainly_fitted

YUNLU: Final = Path("playbooks/yunlu")
ROUNDS: Final = 20


async def bench() -> Sequence[Row]:
    """Classify the demo's messages by the demo county's playbook and a model of its shipped messages."""
    return await asyncio.to_thread(_rows)


def _rows() -> Sequence[Row]:
    playbook = load(YUNLU, today=date(2026, 11, 21))
    with (YUNLU / "messages.csv").open(encoding="utf-8", newline="") as lines:
        examples = [Example(text=row["text"], category=row["category"]) for row in csv.DictReader(lines)]
    model = train(examples, county=playbook.county, at=datetime(2026, 11, 21, tzinfo=UTC))
    texts = [message.text for message in read_messages()] * ROUNDS
    vectoriser, scorer = plainly_fitted(examples)
    bare = _rate(lambda: scorer.predict(vectoriser.transform(texts)), of=len(texts))
    words = _rate(lambda: [classify(None, text, playbook=playbook) for text in texts], of=len(texts))
    learned = _rate(lambda: [model.likeliest(text) for text in texts], of=len(texts))
    whole = _rate(
        lambda: [classify(None, text, playbook=playbook, opinion=_opinion(model, text)) for text in texts],
        of=len(texts),
    )
    single = [_seconds(lambda text=text: model.likeliest(text)) for text in texts]  # type: ignore[misc]
    p99 = statistics.quantiles(single, n=100)[98] * 1000
    about = f"{len(model.vocabulary):,} features, {len(model.categories)} categories"
    return [
        Row(what="model, with words and second guess", figure=learned, unit="texts/s", beside=bare, more=about),
        Row(what="playbook's words", figure=words, unit="texts/s", more=f"{len(playbook.categories)} categories"),
        Row(what="both, as intake does", figure=whole, unit="texts/s", beside=bare),
        Row(what="one text by the model, p99", figure=p99, unit="ms"),
    ]


def _opinion(model: TextModel, text: str) -> Opinion:
    likely = model.likeliest(text)
    return Opinion(
        shares={one.category: one.share for one in likely}, words={one.category: one.words for one in likely}
    )


def _rate(work: Callable[[], object], *, of: int) -> float:
    """The better of two rounds, by processor time."""
    return of / min(_seconds(work, time.process_time) for _ in range(2))


def _seconds(work: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    began = clock()
    work()
    return clock() - began
