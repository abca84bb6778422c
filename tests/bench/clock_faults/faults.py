"""What is done to replicas and engines, and undone."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from deploy.local.processes import Keeper
from tests.bench.clock_faults.ground import Ground, Replica

HOUR_SECONDS: Final = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """How long each thing stays broken, in seconds."""

    freeze: float = 120
    broker: float = 300
    database: float = 120
    clock: float = 40
    third: float = 20
    calm: float = 5
    session: float = 25


SHORT: Final = Times(freeze=12, broker=15, database=10, clock=12, third=8, calm=3, session=6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Doing:
    """What a fault may use; ``turn`` counts the faults of its kind, so that each comes in all its forms."""

    ground: Ground
    times: Times
    chance: random.Random
    turn: int


async def kill(doing: Doing) -> str:
    """SIGKILL to one, to both at once, or to one again while it starts."""
    one = doing.ground.replicas[doing.chance.randrange(2)]
    match doing.turn % 3:
        case 0:
            await one.signal(signal.SIGKILL)
            return f"SIGKILL {one.name}"
        case 1:
            await asyncio.gather(*(replica.signal(signal.SIGKILL) for replica in doing.ground.replicas[:2]))
            return "SIGKILL both"
        case _:
            await one.signal(signal.SIGKILL)
            await asyncio.sleep(doing.chance.uniform(1, 4))
            await one.signal(signal.SIGKILL)
            return f"SIGKILL {one.name}, and again while it starts"


async def freeze(doing: Doing) -> str:
    """SIGSTOP, and SIGCONT when others have long taken over."""
    one = doing.ground.replicas[doing.turn % 2]
    await one.signal(signal.SIGSTOP)
    await asyncio.sleep(doing.times.freeze)
    await one.signal(signal.SIGCONT)
    return f"{one.name} frozen {doing.times.freeze:g} s"


async def broker(doing: Doing) -> str:
    """Kafka away; half of the times a replica dies meanwhile and must start without it."""
    return await _away(doing, "Kafka", doing.ground.kafka, doing.times.broker, doing.ground.replicas[0])


async def database(doing: Doing) -> str:
    """PostgreSQL away; half of the times a replica dies meanwhile and must start without it."""
    return await _away(doing, "PostgreSQL", doing.ground.postgres, doing.times.database, doing.ground.replicas[1])


async def _away(doing: Doing, name: str, engine: Keeper, seconds: float, dying: Replica) -> str:
    await asyncio.to_thread(engine.stop)
    await asyncio.sleep(seconds / 2)
    dies = doing.turn % 2 == 1
    if dies:
        await dying.signal(signal.SIGKILL)
    await asyncio.sleep(seconds / 2)
    await asyncio.to_thread(engine.start)
    return f"{name} away {seconds:g} s" + (", one killed meanwhile" if dies else "")


async def clock(doing: Doing) -> str:
    """One host an hour ahead, or an hour behind."""
    one = doing.ground.replicas[doing.turn % 2]
    wrong = (1 if doing.turn % 2 == 0 else -1) * HOUR_SECONDS
    await one.stop()
    await one.start(ahead_seconds=wrong)
    await one.ready()
    await asyncio.sleep(doing.times.clock)
    await one.stop()
    await one.start()
    return f"clock of {one.name} {wrong:+d} s"


async def replicas(doing: Doing) -> str:
    """A third replica comes and goes, with a goodbye or without."""
    third, polite = doing.ground.replicas[2], doing.turn % 2 == 0
    await third.start()
    await third.ready()
    await asyncio.sleep(doing.times.third)
    if not polite:
        await third.signal(signal.SIGSTOP)
        await third.signal(signal.SIGKILL)
    await third.stop()
    return "a third comes and " + ("goes" if polite else "is killed")


FAULTS: Final[Mapping[str, Callable[[Doing], Awaitable[str]]]] = {
    "kill": kill,
    "freeze": freeze,
    "broker": broker,
    "database": database,
    "clock": clock,
    "replicas": replicas,
}
DECK: Final = ("kill",) * 8 + ("freeze",) * 3 + ("broker",) * 2 + ("database",) * 2 + ("clock",) * 3 + ("replicas",) * 2


def drawn(rounds: int, *, only: frozenset[str], chance: random.Random) -> list[str]:
    """So many faults in random order, in the proportions of the deck; of every kind one before any comes twice.

    Raises:
        ValueError: ``only`` names what there is not.
    """
    if unknown := only - FAULTS.keys():
        raise ValueError(f"no fault {', '.join(sorted(unknown))}; there are {', '.join(FAULTS)}")
    deck = [name for name in DECK if not only or name in only]
    first = list(dict.fromkeys(deck))
    rest = list(deck)
    for name in first:
        rest.remove(name)
    chance.shuffle(first)
    chance.shuffle(rest)
    chosen = [*first, *rest]
    while len(chosen) < rounds:
        chosen += chance.sample(deck, len(deck))
    chosen = chosen[:rounds]
    chance.shuffle(chosen)
    return chosen
