"""Faults in random order while clocks run out; after each, sets of ids are compared.

    python -m tests.bench clock-faults --rounds 20 [--only kill,freeze] [--seed 7] [--short] [--no-chains]

Two replicas of escalation as static members on a real Kafka and a real PostgreSQL of their own. The exit status is 0
when every effect was fired exactly once and none early, 1 when not.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import sys
import time
import uuid
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import uvloop
from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.local.playbooks import put_into_force
from shared.events.codec import encode
from shared.events.envelope import Event
from shared.events.topics import CASE, ORDER
from shared.playbook.record import sealed
from shared.runtime.clock import utc_now
from shared.runtime.delivery import Publisher, PublishFailed
from tests.bench.clock_faults.account import Said, Verdict, Window, compared
from tests.bench.clock_faults.faults import FAULTS, SHORT, Doing, Times, drawn
from tests.bench.clock_faults.ground import Ground, ground
from tests.bench.clock_faults.load import Load, playbook
from tests.platform import data_folder

AT_ONCE: Final = 500
MOST_UNSENT: Final = 200_000
PATIENCE_SECONDS: Final = 180.0
LAST_CLOCK_SECONDS: Final = 75.0
ON_ITS_WAY: Final = timedelta(seconds=2)
"""What came due so long before a fault may not have been said when it came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """One run; ``rate`` is cases a second."""

    rounds: int = 20
    only: frozenset[str] = frozenset()
    seed: int = 1
    times: Times = field(default_factory=Times)
    rate: float = 8.0
    chains: bool = True


class Feed:
    """Tells Kafka what comes to pass; while Kafka is away it is kept in order, as an outbox would."""

    def __init__(self, load: Load, bootstrap: str) -> None:
        self._load = load
        self._publisher = Publisher(bootstrap, client_id="feeder")
        self._unsent: deque[Event[Any]] = deque()
        self._ending = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin."""
        self._tasks = [asyncio.create_task(self._tell()), asyncio.create_task(self._send())]

    async def end(self) -> None:
        """No new cases; return when the last fact is in Kafka."""
        self._load.rate = 0
        async with asyncio.timeout(LAST_CLOCK_SECONDS + PATIENCE_SECONDS):
            while self._load.waits or self._unsent:  # noqa: ASYNC110  two tasks empty it
                await asyncio.sleep(0.2)
        await self.stop()

    async def stop(self) -> None:
        """End at once; raises what a task ended with."""
        self._ending.set()
        await asyncio.gather(*self._tasks)
        await self._publisher.stop()

    async def _tell(self) -> None:
        while not self._ending.is_set():
            self._unsent += self._load.until(utc_now())
            if len(self._unsent) > MOST_UNSENT:
                raise RuntimeError(f"more than {MOST_UNSENT} facts wait for Kafka: lower --rate")
            await asyncio.sleep(0.05)

    async def _send(self) -> None:
        while not self._ending.is_set():
            events = [self._unsent[number] for number in range(min(AT_ONCE, len(self._unsent)))]
            if not events:
                await asyncio.sleep(0.02)
                continue
            try:
                await self._publisher.publish([encode(event) for event in events])
            except PublishFailed:
                await asyncio.sleep(0.5)
                continue
            self._load.kept([event.id for event in events], utc_now())
            for _ in events:
                self._unsent.popleft()


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One fault and what came of it."""

    what: str
    seconds: float
    caught_up: float | None
    """Seconds from the end of the fault until everything was folded and said; None when it never was."""
    verdict: Verdict


async def run(options: Options) -> bool:
    """Run all rounds, print a line each, and return whether everything was as it must be."""
    chance = random.Random(options.seed)
    deck = drawn(options.rounds, only=options.only, chance=chance)
    load = Load(chance=random.Random(options.seed), rate=options.rate, chains=options.chains, run=uuid.uuid4().hex[:8])
    with data_folder("clock-faults") as folder:
        async with ground(folder, session_seconds=options.times.session) as place:
            await asyncio.to_thread(put_into_force, place.bootstrap, sealed(playbook(chains=options.chains)))
            two = place.replicas[:2]
            await asyncio.gather(*(replica.start() for replica in two))
            await asyncio.gather(*(replica.ready() for replica in two))
            feed, said = Feed(load, place.bootstrap), Said(place.bootstrap)
            feed.start()
            turns, broken, rounds = Counter[str](), list[Window](), list[Round]()
            for name in deck:
                doing = Doing(ground=place, times=options.times, chance=chance, turn=turns[name])
                turns[name] += 1
                rounds.append(await _one_round(name, doing, load=load, said=said, broken=broken))
                print(_line(len(rounds), rounds[-1], load), flush=True)
                if not rounds[-1].verdict.is_clean:
                    print("\n".join(f"      {one}" for one in rounds[-1].verdict.complaints()), flush=True)
            await feed.end()
            wrong = await _at_the_end(place, load, said, broken)
            lives = ", ".join(f"{replica.name}: {replica.lives} starts" for replica in place.replicas)
            for replica in place.replicas:
                _ends_by_itself(replica.log)
    print(lives)
    print("\n".join(wrong) or f"seed {options.seed}: every effect once, none lost, none doubled, none early")
    return not wrong


async def _one_round(name: str, doing: Doing, *, load: Load, said: Said, broken: list[Window]) -> Round:
    await asyncio.sleep(doing.times.calm)
    began, since = time.monotonic(), utc_now() - ON_ITS_WAY
    what = await FAULTS[name](doing)
    healed = time.monotonic()
    await asyncio.gather(*(replica.ready() for replica in doing.ground.replicas[:2]))
    healed_at = utc_now()
    caught_up = await _caught_up(doing.ground, load, said, since=since, healed_at=healed_at, broken=broken)
    broken.append(Window(since=since, until=utc_now()))
    if caught_up is not None:
        caught_up -= healed
    await asyncio.sleep(doing.times.calm)
    await said.read_on()
    verdict = compared(load.plans, load.stops, said, upto=healed_at, broken=broken)
    return Round(what=what, seconds=time.monotonic() - began, caught_up=caught_up, verdict=verdict)


async def _caught_up(
    place: Ground, load: Load, said: Said, *, since: datetime, healed_at: datetime, broken: Sequence[Window]
) -> float | None:
    """When everything due up to ``healed_at`` was said, by the monotonic clock."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        await said.read_on()
        windows = [*broken, Window(since=since, until=utc_now())]
        lost = compared(load.plans, load.stops, said, upto=healed_at, broken=windows).lost
        # What an earlier round lost does not come any more.
        if not any(plan.at >= since for plan in lost):
            return time.monotonic()
        await asyncio.sleep(0.5)
    return None


async def _at_the_end(place: Ground, load: Load, said: Said, broken: Sequence[Window]) -> list[str]:
    """Everything that is not as it must be, when every clock has run out."""
    deadline = time.monotonic() + PATIENCE_SECONDS + LAST_CLOCK_SECONDS
    while True:
        await said.read_on()
        upto = max(plan.at for plan in load.plans)
        verdict = compared(load.plans, load.stops, said, upto=upto, broken=broken)
        done = upto < utc_now() and not verdict.lost and await place.ledger() == await _ends(place.bootstrap)
        if done or time.monotonic() > deadline:
            break
        await asyncio.sleep(1)
    wrong = list(verdict.complaints())
    found = await place.kept()
    wanted = {"cases": len(load.cases), "clocks": 2 * len(load.cases), "stopped": load.acted}
    if found != wanted:
        wrong.append(f"the database holds {found}, the log {wanted}")
    if (folded := await place.ledger()) != (kept := await _ends(place.bootstrap)):
        wrong.append(f"{folded} records are folded of {kept}")
    if not_once := sum(1 for number in said.begun.values() if number != 1) + abs(len(said.begun) - wanted["clocks"]):
        wrong.append(f"{not_once} clocks did not start exactly once")
    print(
        f"{len(load.cases):,} cases, {load.facts:,} facts, {verdict.fired:,} effects of {len(load.plans):,} planned; "
        f"{verdict.one_notice:,} notices said as one, {verdict.overtaken:,} no longer needed, "
        f"{verdict.repeats:,} sent again with the same bytes, {verdict.worst_late:.1f} s the latest outside faults"
    )
    return wrong


async def _ends(bootstrap: str) -> int:
    places = [TopicPartition(topic.name, n) for topic in (CASE, *ORDER.values()) for n in range(topic.partitions)]
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap) as consumer:
        return sum((await consumer.end_offsets(places)).values())


def _line(number: int, done: Round, load: Load) -> str:
    verdict = done.verdict
    caught_up = "never" if done.caught_up is None else f"{done.caught_up:5.1f} s"
    return (
        f"{number:3d}  {done.what:<46} {done.seconds:6.0f} s, whole again after {caught_up}; so far "
        f"{len(load.cases):6d} cases, {verdict.fired:7d} fired, {len(verdict.lost)} lost, "
        f"{len(verdict.doubled)} doubled, {len(verdict.early)} early, "
        f"{len(verdict.unexpected)} unexpected, {verdict.repeats} sent again"
    )


def _ends_by_itself(log: Path) -> None:
    """Print why a replica ended by itself: each is looked at, though none of it is a loss."""
    told = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    for line in told:
        if "room.ended" in line or "loop.stands_still" in line:
            print(f"  {log.stem}: {line.strip()[:400]}")


def main(arguments: Sequence[str]) -> int:
    """Read the options and run."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench clock-faults",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--only", default="", help=f"of {', '.join(FAULTS)}, with commas; default: all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=8.0, help="cases a second")
    parser.add_argument("--short", action="store_true", help="every fault for seconds in place of minutes")
    parser.add_argument("--no-chains", action="store_true", help="limits alone, without a chain")
    given = parser.parse_args(arguments)
    options = Options(
        rounds=given.rounds,
        only=frozenset(filter(None, given.only.split(","))),
        seed=given.seed,
        times=SHORT if given.short else Times(),
        rate=given.rate,
        chains=not given.no_chains,
    )
    # While Kafka is away its client says so many times a second, and the table would drown.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return 0 if runner.run(run(options)) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
