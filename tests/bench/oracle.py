"""The service's clock arithmetic against a pencil that walks minute by minute: how many random cases differ."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Final

from tests.bench.table import Row, Size
from tests.oracles.clock_cases import Sheet

CASES: Final = 100_000
EACH: Final = 5_000
SEED: Final = 20261122
SHOWN: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What one sheet came to."""

    cases: int
    differences: tuple[str, ...]
    unknown: int
    cpu_seconds: float


async def bench(size: Size) -> Sequence[Row]:
    """Compare so many cases, a calendar a sheet, and print every difference with what makes it again."""
    cases, seed = size.cases or CASES, SEED if size.seed is None else size.seed
    whole, rest = divmod(cases, EACH)
    takes = [*(EACH,) * whole, *((rest,) if rest else ())]
    print(f"seed {seed}, sheets 0 to {len(takes) - 1} of {EACH:,} cases", flush=True)
    done = await asyncio.to_thread(_all, seed, takes)
    for difference in [one for sheet in done for one in sheet.differences][:SHOWN]:
        print(difference, flush=True)
    compared = sum(one.cases for one in done)
    cpu = sum(one.cpu_seconds for one in done) / compared * 1e6
    unknown = sum(one.unknown for one in done)
    return [
        Row(what="cases compared", figure=compared, unit="cases", more=f"seed {seed}, {len(takes)} calendars"),
        Row(what="differences", figure=sum(len(one.differences) for one in done), unit="cases"),
        Row(what="ran into an unknown year, by both", figure=unknown, unit="cases"),
        Row(what="processor time, both of them", figure=cpu, unit="µs/case"),
    ]


def _all(seed: int, takes: Sequence[int]) -> list[Compared]:
    with ProcessPoolExecutor(max_workers=os.cpu_count(), mp_context=get_context("spawn")) as pool:
        return list(pool.map(_sheet, [seed] * len(takes), range(len(takes)), takes))


def _sheet(seed: int, number: int, cases: int) -> Compared:
    began = time.process_time()
    sheet = Sheet(seed, number)
    differences = tuple(str(one) for one in sheet.differences(cases))
    spent = time.process_time() - began
    return Compared(cases=cases, differences=differences, unknown=sheet.unknown, cpu_seconds=spent)
