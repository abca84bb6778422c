"""``whistle simulate``: so many past cases through the playbook in force and a draft, on one core.

    python -m tests.bench simulate --events 100000

Counted is what the command does of its own: decoding each case, deciding it by both playbooks, counting. The cases
are made beside it, a batch at a time, and not counted.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

import psutil

from cli.simulation.compare import Assumed, Comparison
from cli.simulation.history import opening_of
from shared.playbook.model import Playbook
from tests.bench.events_made import made_events
from tests.bench.rules_made import SEED, made_playbook
from tests.bench.table import Row, Size

EVENTS: Final = 1_000_000
RULES: Final = (25, 1_000)
BATCH: Final = 2_000
MIB: Final = 1024 * 1024


async def bench(size: Size) -> Sequence[Row]:
    """Simulate for each number of rules; the draft has as many others."""
    return [row for rules in RULES for row in simulated(size.events or EVENTS, rules)]


def simulated(events: int, rules: int) -> Iterator[Row]:
    """Yield seconds, rate and memory of one simulation."""
    before, after = made_playbook(rules), made_playbook(rules, seed=SEED + 1)
    gc.collect()
    memory = _mib()
    comparison = Comparison(before, after, assumed=Assumed())
    spent = sum(_replayed(batch, comparison) for batch in _batches(events, before))
    assert comparison.tally.cases == events
    what = f"{events:,} cases through two playbooks of {rules:,} rules"
    yield Row(what=what, figure=spent, unit="s of CPU")
    yield Row(what=f"  {comparison.tally.moved:,} of them move", figure=events / spent, unit="cases/s")
    yield Row(what="  memory for it, playbooks compiled", figure=_mib() - memory, unit="MiB")


def _replayed(batch: Sequence[bytes], comparison: Comparison) -> float:
    began = time.process_time()
    comparison.add([opening_of(value) for value in batch])
    return time.process_time() - began


def _batches(events: int, playbook: Playbook) -> Iterator[list[bytes]]:
    made = (message.value for message in made_events(events, playbook, topic="bench.cases"))
    while batch := list(islice(made, BATCH)):
        yield batch


def _mib() -> float:
    return float(psutil.Process().memory_info().rss) / MIB
