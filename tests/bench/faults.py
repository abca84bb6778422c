"""Router replicas come and go in mid-stream, two by SIGKILL, one frozen and woken: nothing is lost, nothing doubled.

One round: 2 replicas, a third joins, one is frozen for longer than its session, another is killed, the frozen one
wakes, the third is killed; the one that slept carries on alone. Then everything that was fed is compared, as sets of
ids, with what routing it once on this machine comes to, and the group's commits are read from the broker's own log.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import httpx
from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.local.places import default_cache
from deploy.local.playbooks import load_playbook, put_into_force
from deploy.local.ports import free_port
from deploy.local.progress import Quiet
from deploy.local.servers import running_kafka
from services.router.domain.rulebook import Rulebook
from services.router.handlers import GROUP, route_batch
from shared.events.codec import Message, decode, encode
from shared.events.order import OrderIssued
from shared.events.topics import CASE, DEAD_LETTER, ORDER
from shared.playbook.model import Playbook
from shared.runtime.clock import utc_now
from shared.runtime.delivery import Partition, Publisher, Record
from shared.vocabulary import OrderRole
from tests.bench.audit import backward, between, commits
from tests.bench.table import Row
from tests.fakes.router import OneRulebook, a_case, event, opened
from tests.platform import data_folder

ROUNDS: Final = int(os.environ.get("WHISTLE_FAULT_ROUNDS", "20"))
SESSION_SECONDS: Final = float(os.environ.get("WHISTLE_FAULT_SESSION", "6"))
FREEZE_SECONDS: Final = float(os.environ.get("WHISTLE_FAULT_FREEZE", str(SESSION_SECONDS + 4)))
CASES_A_SECOND: Final = 100
AT_ONCE: Final = 10
PATIENCE_SECONDS: Final = 60.0
CATEGORIES: Final = ("03.001", "04.002", "05.001", "06.001", "12.003")


async def bench() -> Sequence[Row]:
    """So many rounds on one broker; what went wrong raises, and nothing did when a table comes."""
    with (
        data_folder("faults") as data,
        running_kafka(data, cache=default_cache(), progress=Quiet()) as (_, place),
    ):
        playbook = await asyncio.to_thread(load_playbook)
        await asyncio.to_thread(put_into_force, place.bootstrap, playbook)
        rounds = []
        async with replicas(place.bootstrap, data) as crew:
            for number in range(ROUNDS):
                rounds.append(await one_round(crew, playbook))
                print(f"   round {number + 1}: {rounds[-1]}", flush=True)
    return [
        Row(what=f"2 → 3 → 1 replicas, one frozen for {FREEZE_SECONDS:g} s", figure=len(rounds), unit="rounds"),
        Row(what="cases fed", figure=sum(one.cases for one in rounds), unit="cases"),
        Row(what="orders that are missing", figure=sum(one.missing for one in rounds), unit="orders"),
        Row(what="cases without one lead, or with two", figure=sum(one.not_one_lead for one in rounds), unit="cases"),
        Row(what="orders that nobody expects", figure=sum(one.unexpected for one in rounds), unit="orders"),
        Row(what="repeats of orders, dropped by their ids", figure=sum(one.repeats for one in rounds), unit="orders"),
        Row(what="commits that went back", figure=sum(one.backward for one in rounds), unit="commits"),
        Row(what="dead letters", figure=sum(one.dead_letters for one in rounds), unit="records"),
        Row(what="longest wait of a case for its lead", figure=max(one.longest_wait for one in rounds), unit="s"),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What came of one round; everything but cases, repeats and wait must be nothing."""

    cases: int
    missing: int
    unexpected: int
    not_one_lead: int
    repeats: int
    backward: int
    dead_letters: int
    longest_wait: float

    @property
    def is_clean(self) -> bool:
        """Whether nothing was lost, doubled, set aside or committed by somebody whose it was not."""
        return not (self.missing or self.unexpected or self.not_one_lead or self.backward or self.dead_letters)


class Replica:
    """One router process under a name that it keeps: a static member of the group."""

    def __init__(self, bootstrap: str, name: str, folder: Path) -> None:
        self._bootstrap = bootstrap
        self.name = name
        self.log = folder / f"{name}.log"
        self._ops = free_port()
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it and return when it has partitions."""
        environment = os.environ | {
            "WHISTLE_KAFKA": self._bootstrap,
            "WHISTLE_INSTANCE": self.name,
            "WHISTLE_OPS_PORT": str(self._ops),
            "WHISTLE_SESSION": f"PT{SESSION_SECONDS:g}S",
        }
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "services.router", env=environment, stdout=log, stderr=log
            )
        await self.ready()

    async def ready(self) -> None:
        """Return when it has partitions."""
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self._ops}") as client:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not await _is_ready(client):  # noqa: ASYNC110  another process has no event to wait for
                    await asyncio.sleep(0.1)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    async def kill(self) -> None:
        """End it without a goodbye."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        self._process = None

    @property
    def runs(self) -> bool:
        """Whether it has been started and not killed."""
        return self._process is not None and self._process.returncode is None


async def _is_ready(client: httpx.AsyncClient) -> bool:
    with suppress(httpx.HTTPError):
        return (await client.get("/readyz", timeout=2)).status_code == httpx.codes.OK
    return False


@dataclass(slots=True, kw_only=True)
class Crew:
    """The replicas of all rounds; the first is the one that is left of the round before."""

    bootstrap: str
    publisher: Publisher
    members: list[Replica]


@asynccontextmanager
async def replicas(bootstrap: str, folder: Path) -> AsyncIterator[Crew]:
    """Two routers at work."""
    publisher = Publisher(bootstrap, client_id="feeder")
    members = [Replica(bootstrap, f"router-{number}", folder) for number in range(3)]
    try:
        await asyncio.gather(*(member.start() for member in members[:2]))
        yield Crew(bootstrap=bootstrap, publisher=publisher, members=members)
    finally:
        for member in members:
            member.signal(signal.SIGCONT)
            await member.kill()
        await publisher.stop()


async def one_round(crew: Crew, playbook: Playbook) -> Round:
    """Feed cases while replicas join, freeze, die and wake; then compare."""
    sleeper, second, third = crew.members
    if not second.runs:
        await second.start()
    before = await ends(crew.bootstrap)
    feed = _Feed(crew.publisher)
    feeding = asyncio.create_task(feed.run())
    try:
        await feed.more(200)
        await third.start()
        await feed.more(200)
        sleeper.signal(signal.SIGSTOP)
        slept = time.monotonic()
        await feed.more(100)
        await second.kill()
        await asyncio.sleep(max(0.0, FREEZE_SECONDS - (time.monotonic() - slept)))
        sleeper.signal(signal.SIGCONT)
        await feed.more(200)
        await sleeper.ready()
        await third.kill()
        await feed.more(200)
    finally:
        sleeper.signal(signal.SIGCONT)
        feed.stop()
        await asyncio.wait([feeding])
    feeding.result()
    expected = await _expected(feed.fed, playbook)
    return await _compared(crew.bootstrap, before, feed, expected)


class _Feed:
    """Opened cases at an even pace, remembered with the moment at which each was acknowledged."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._stopped = False
        self.fed: list[Message] = []
        self.at: dict[UUID, float] = {}

    async def run(self) -> None:
        while not self._stopped:
            cases = [_case(len(self.fed) + number) for number in range(AT_ONCE)]
            await self._publisher.publish([message for _, message in cases])
            self.fed += [message for _, message in cases]
            self.at |= {case_id: time.time() for case_id, _ in cases}  # noqa: TID251  compared with the broker's clock
            await asyncio.sleep(AT_ONCE / CASES_A_SECOND)

    async def more(self, count: int) -> None:
        """Return when so many more have been fed."""
        goal = len(self.fed) + count
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(self.fed) < goal:  # noqa: ASYNC110  counted in batches
                await asyncio.sleep(0.05)

    def stop(self) -> None:
        """Feed no more."""
        self._stopped = True


def _case(number: int) -> tuple[UUID, Message]:
    case_id = uuid.uuid4()
    cause = event(opened(a_case(category=CATEGORIES[number % len(CATEGORIES)], case_id=case_id)), id=uuid.uuid4())
    return case_id, encode(cause)


async def _expected(fed: Sequence[Message], playbook: Playbook) -> dict[UUID, set[UUID]]:
    """The order events of each case when it is routed once, here."""
    book = OneRulebook(Rulebook(playbook))
    records = [Record(m.topic, 0, number, m.key, m.value, m.headers, 0) for number, m in enumerate(fed)]
    routed = await route_batch(records, rulebooks=book, now=utc_now())
    wanted: defaultdict[UUID, set[UUID]] = defaultdict(set)
    for message in routed.messages:
        told = decode(message.value, message.headers)
        wanted[UUID(told.subject)].add(told.id)
    return wanted


@dataclass(slots=True)
class _Seen:
    """Order events by case, how often each was written, and when its lead came first."""

    events: defaultdict[UUID, set[UUID]] = field(default_factory=lambda: defaultdict(set))
    leads: defaultdict[UUID, set[UUID]] = field(default_factory=lambda: defaultdict(set))
    written: Counter[UUID] = field(default_factory=Counter)
    led_at: dict[UUID, float] = field(default_factory=dict)

    def take(self, record: Any) -> None:
        told = decode(record.value, record.headers)
        case_id = UUID(told.subject)
        self.events[case_id].add(told.id)
        self.written[told.id] += 1
        if isinstance(told.data, OrderIssued) and told.data.order.role is OrderRole.LEAD:
            self.leads[case_id].add(told.data.order.order_id)
            self.led_at.setdefault(case_id, record.timestamp / 1000)


async def _compared(
    bootstrap: str, before: Mapping[TopicPartition, int], feed: _Feed, expected: Mapping[UUID, set[UUID]]
) -> Round:
    seen = _Seen()
    wanted = {one for ids in expected.values() for one in ids}
    orders: Mapping[TopicPartition, int] = {
        place: start for place, start in before.items() if place.topic != DEAD_LETTER.name
    }
    # Each look reads on from where the last one ended, until all is there or patience is over.
    deadline = time.monotonic() + PATIENCE_SECONDS
    while wanted - seen.written.keys() and time.monotonic() < deadline:
        orders = await _read_on(bootstrap, orders, seen)
    await settled(bootstrap)
    await _read_on(bootstrap, orders, seen)
    dead = sum(end - before[place] for place, end in (await ends(bootstrap)).items() if place.topic == DEAD_LETTER.name)
    return Round(
        cases=len(feed.fed),
        missing=len(wanted - seen.written.keys()),
        unexpected=len(seen.written.keys() - wanted),
        not_one_lead=sum(len(seen.leads[case_id]) != 1 for case_id in expected),
        repeats=sum(seen.written.values()) - len(seen.written),
        backward=sum(1 for _ in backward(await commits(bootstrap, GROUP))),
        dead_letters=dead,
        longest_wait=max(at - feed.at[case_id] for case_id, at in seen.led_at.items()),
    )


async def _read_on(bootstrap: str, starts: Mapping[TopicPartition, int], seen: _Seen) -> Mapping[TopicPartition, int]:
    upto = {place: end for place, end in (await ends(bootstrap)).items() if place in starts}
    async for record in between(bootstrap, starts, upto):
        seen.take(record)
    return upto


async def ends(bootstrap: str) -> dict[TopicPartition, int]:
    """The ends of the topics of orders and of dead letters."""
    topics = (*ORDER.values(), DEAD_LETTER)
    places = [TopicPartition(topic.name, number) for topic in topics for number in range(topic.partitions)]
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap) as consumer:
        found: dict[TopicPartition, int] = await consumer.end_offsets(places)
        return found


async def settled(bootstrap: str) -> None:
    """Return when the routers have committed all cases."""
    places = [TopicPartition(CASE.name, number) for number in range(CASE.partitions)]
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap) as consumer, asyncio.timeout(PATIENCE_SECONDS):
        ends_of_cases = {Partition(*place): end for place, end in (await consumer.end_offsets(places)).items()}
        while True:
            last = dict(await commits(bootstrap, GROUP))
            if all(last.get(place, 0) >= end for place, end in ends_of_cases.items()):
                return
            await asyncio.sleep(0.5)
