"""``python -m tests.bench [name …]``: rates and delays, each beside its bare engine in the same run.

Figures depend on the machine and on what else it does; the ratios are what is stable. Nothing here
passes or fails.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.metadata
import os
import platform
import sys
import traceback
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import uvloop

from shared.runtime.clock import utc_now
from tests.bench import (
    alike,
    auditor,
    batch,
    classify,
    clocks,
    custody,
    deadlines,
    faults,
    fire,
    fold,
    growth,
    intake,
    life,
    locate,
    loop,
    match,
    oracle,
    playbooks,
    relay,
    router,
    simulate,
    stream,
    switch,
)
from tests.bench.clock_faults import run as clock_faults
from tests.bench.table import Row, Size, table

SIZED: Final[dict[str, Callable[[Size], Awaitable[Sequence[Row]]]]] = {
    "router": router.bench,
    "match": match.bench,
    "simulate": simulate.bench,
    "oracle": oracle.bench,
}
PLAIN: Final[dict[str, Callable[[], Awaitable[Sequence[Row]]]]] = {
    "loop": loop.bench,
    "relay": relay.bench,
    "intake": intake.bench,
    "batch": batch.bench,
    "life": life.bench,
    "custody": custody.bench,
    "alike": alike.bench,
    "locate": locate.bench,
    "classify": classify.bench,
    "deadlines": deadlines.bench,
    "fold": fold.bench,
    "fire": fire.bench,
    "auditor": auditor.bench,
    "clocks": clocks.bench,
    "growth": growth.bench,
    "stream": stream.bench,
    "playbooks": playbooks.bench,
    "switch": switch.bench,
    "faults": faults.bench,
}
BENCHES: Final = (*SIZED, *PLAIN)
ON_REQUEST: Final = frozenset({"faults", "oracle", "clocks", "growth"})
"""Not among those that run when none is named: twenty rounds, and a million cases, take a quarter of an hour."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benches asked for, print each table as it is ready, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("name", nargs="*", help=f"of {', '.join(BENCHES)}; default: all but {', '.join(ON_REQUEST)}")
    parser.add_argument("--events", type=int, help="for router, match, simulate: how many; fewer for a quick look")
    parser.add_argument("--rounds", type=int, default=2, help="for router and match: the better of so many is shown")
    parser.add_argument("--only", default="", help="for router and match: contenders with this in their name")
    parser.add_argument("--cases", type=int, help="for oracle: how many are compared")
    parser.add_argument("--seed", type=int, help="for oracle: where its random cases begin")
    parser.epilog = "`clock-faults` is a command of its own: see `python -m tests.bench clock-faults --help`"
    if (words := list(sys.argv[1:] if arguments is None else arguments))[:1] == ["clock-faults"]:
        return clock_faults.main(words[1:])
    given = parser.parse_args(words)
    names = given.name or [name for name in BENCHES if name not in ON_REQUEST]
    if unknown := sorted(set(names) - set(BENCHES)):
        parser.error(f"no bench {', '.join(unknown)}; there are {', '.join(BENCHES)}")
    print(f"python -m tests.bench {' '.join(names)}\n{_machine()}")
    size = Size(events=given.events, rounds=given.rounds, only=given.only, cases=given.cases, seed=given.seed)
    return max(_shown(name, size) for name in names)


def _shown(name: str, size: Size) -> int:
    # One loop a bench, so that what a failed one leaves open cannot reach the next.
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            print(f"\n{table(name, runner.run(_run(name, size)))}", flush=True)
        except Exception:  # noqa: BLE001  shown, and the other benches go on
            print(f"\n== {name} failed\n{traceback.format_exc()}", flush=True)
            return 1
    return 0


async def _run(name: str, size: Size) -> Sequence[Row]:
    return await (SIZED[name](size) if name in SIZED else PLAIN[name]())


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = ", ".join(f"{average:.1f}" for average in os.getloadavg())
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("aiokafka", "faust-streaming"))
    return (
        f"{utc_now():%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.machine()}, "
        f"Python {platform.python_version()}, {versions}, load before {load}"
    )


if __name__ == "__main__":
    sys.exit(main())
