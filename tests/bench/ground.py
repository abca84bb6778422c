"""What the benches stand on: a real platform of their own, topics full of events, and stop-watches."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final

import psutil
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.local.keys import DEMO_COUNTY, county_bearers
from deploy.local.platform import Options, Platform
from deploy.local.progress import Quiet
from shared.events.codec import Message, encode
from shared.events.topics import CASE_PARTITIONS
from shared.runtime.delivery import Publisher
from tests.bench.table import Row
from tests.fakes.router import a_case, event, opened
from tests.platform import data_folder

AT_ONCE: Final = 2000


@asynccontextmanager
async def ground(*services: str) -> AsyncIterator[Platform]:
    """Kafka, PostgreSQL and these services; started and stopped off the loop."""
    with data_folder("bench") as data:
        options = Options(
            data=data,
            services=services,
            bearers=county_bearers(DEMO_COUNTY),
            environment={
                "WHISTLE_CANARY_COUNTY": "off",
                # What a bench asks for is how fast it can be, not how fast one key may be.
                "WHISTLE_RATE_KEY": "off",
                "WHISTLE_RATE_SOURCE": "off",
            },
            known_ports=False,
        )
        system = Platform(options, Quiet())
        await asyncio.to_thread(system.start)
        try:
            yield system
        finally:
            await asyncio.to_thread(system.stop)


async def make_topics(bootstrap: str, *names: str, partitions: int = CASE_PARTITIONS) -> None:
    """Make topics that only this bench knows."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, num_partitions=partitions, replication_factor=1) for name in names])
    finally:
        await admin.close()


async def fill(bootstrap: str, messages: Sequence[Message]) -> None:
    """Publish the messages and return when all are acknowledged."""
    publisher = Publisher(bootstrap, client_id="filler")
    for start in range(0, len(messages), AT_ONCE):
        await publisher.publish(messages[start : start + AT_ONCE])
    await publisher.stop()


def cases(count: int, *, area: str = "990101101200", category: str = "05.001") -> Iterator[Message]:
    """Opening events of so many different cases, as intake writes them."""
    for _ in range(count):
        yield encode(event(opened(a_case(area, category, case_id=uuid.uuid4())), id=uuid.uuid4()))


class Watch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._began = time.perf_counter()

    def rate(self, count: int) -> float:
        """So many in the time since."""
        return count / (time.perf_counter() - self._began)


class Spent:
    """Processor time of each part of a system, its children's and theirs that have ended too, since it was made.

    Other work on the machine makes a rate lower and this hardly higher.
    """

    def __init__(self, system: Platform) -> None:
        self._processes = {name: psutil.Process(pid) for name, pid in system.pids().items()}
        self._before = {name: _busy(process) for name, process in self._processes.items()}

    def seconds(self) -> dict[str, float]:
        """Seconds by part."""
        return {name: _busy(process) - self._before[name] for name, process in self._processes.items()}

    def rows(self, count: int, each: str, *, most: int | None = None) -> list[Row]:
        """A row a part, the dearest first: microseconds for each of so many."""
        ranked = sorted(self.seconds().items(), key=lambda item: -item[1])[:most]
        return [
            Row(what=f"  processor time {each}: {name}", figure=seconds / count * 1e6, unit="µs")
            for name, seconds in ranked
        ]


def _busy(process: psutil.Process) -> float:
    """Seconds of a process and of all that it started; one that ends meanwhile counts with its parent."""
    total = 0.0
    for one in (process, *process.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            times = one.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


async def until(condition: Callable[[], bool] | Callable[[], Awaitable[bool]], *, seconds: float = 300) -> None:
    """Return as soon as the condition holds."""
    async with asyncio.timeout(seconds):
        while True:
            answer = condition()
            if await answer if isinstance(answer, Awaitable) else answer:
                return
            await asyncio.sleep(0.005)


def quantile(values: Sequence[float], part: float) -> float:
    """The value below which that part of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]
