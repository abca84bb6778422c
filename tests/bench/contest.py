"""Contenders over one input topic: each a process of its own, measured from outside, one after the other."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psutil
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

from deploy.local.services import ROOT, inherited
from shared.events.topics import CASE_PARTITIONS

WARM: Final = 0.25
"""The first part of the events is not counted: interpreters, compilers and caches get warm in it."""
LOOK_SECONDS: Final = 0.1
STILL_SECONDS: Final = 90.0
STOP_SECONDS: Final = 30.0
MIB: Final = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """How one is run, over how many events, and by what its progress is told.

    With ``one_for_one`` it is what lies on its output topics, else what its consumer group has committed.
    """

    name: str
    command: Sequence[str]
    events: int
    group: str
    outputs: Sequence[str]
    one_for_one: bool = True
    environment: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Of the events after the warm ones: how many a second, microseconds of processor each; and the most memory."""

    rate: float
    cpu_micros: float
    mib: float
    outputs_each: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """How far a contender was at a moment; ``cpu`` in seconds, ``mib`` the most so far."""

    at: float
    events: int
    cpu: float
    mib: float


class Failed(Exception):  # noqa: N818  named for what happened
    """A contender ended or stood still; the text has the end of its log."""


async def run(contender: Contender, bootstrap: str, topic: str, *, folder: Path) -> Score:
    """Run the contender over its events from the start of ``topic``; what it wrote is deleted afterwards.

    Raises: Failed when it ends by itself or makes no progress for a while.
    """
    log = folder / f"{contender.name.replace(' ', '-').replace('/', '-')}.log"
    async with _looking(bootstrap, contender, topic) as look:
        await look.rewind()
        try:
            with _process(contender, log) as process:
                return await _measured(contender, process, look, log=log)
        finally:
            # Each output is gigabytes: kept, a bench would fill the disk.
            await look.forget_outputs()


async def _measured(contender: Contender, process: psutil.Process, look: Look, *, log: Path) -> Score:
    start = await _reached(contender.events * WARM, process, look, log=log)
    end = await _reached(contender.events, process, look, log=log)
    counted = end.events - start.events
    return Score(
        rate=counted / (end.at - start.at),
        cpu_micros=(end.cpu - start.cpu) / counted * 1e6,
        mib=max(start.mib, end.mib),
        outputs_each=await look.outputs() / max(end.events, 1),
    )


async def _reached(wanted: float, process: psutil.Process, look: Look, *, log: Path) -> Moment:
    moved, last, most = time.perf_counter(), -1, 0.0
    while True:
        events, now = await look.events(), time.perf_counter()
        if events != last:
            moved, last = now, events
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE or now - moved > STILL_SECONDS:
            raise Failed(f"it stands at {last} of {wanted:.0f} events: {_tail(log)}")
        most = max(most, process.memory_info().rss / MIB)
        if events >= wanted:
            times = process.cpu_times()
            return Moment(at=now, events=events, cpu=times.user + times.system, mib=most)
        await asyncio.sleep(LOOK_SECONDS)


class Look:
    """Looks at one contender's offsets without being a member of its group."""

    def __init__(
        self, consumer: AIOKafkaConsumer, admin: AIOKafkaAdminClient, contender: Contender, topic: str
    ) -> None:
        self._consumer = consumer
        self._admin = admin
        self._contender = contender
        self._inputs = [TopicPartition(topic, number) for number in range(CASE_PARTITIONS)]
        self._outputs = [TopicPartition(name, n) for name in contender.outputs for n in range(CASE_PARTITIONS)]
        self._before = 0

    async def rewind(self) -> None:
        """Set the group back to the start and note what lies on the outputs already.

        Waits for the last member to go: a static one stays until its session ends.
        """
        self._before = await self._ends()
        async with asyncio.timeout(STILL_SECONDS):
            while True:
                try:
                    await self._consumer.commit(dict.fromkeys(self._inputs, 0))
                    return
                except KafkaError:
                    await asyncio.sleep(1)

    async def events(self) -> int:
        """How many events are done."""
        if self._contender.one_for_one:
            return await self.outputs()
        done = await self._admin.list_consumer_group_offsets(self._contender.group, partitions=self._inputs)
        return sum(max(0, place.offset) for place in done.values())

    async def outputs(self) -> int:
        """How many records were written since ``rewind``."""
        return await self._ends() - self._before

    async def forget_outputs(self) -> None:
        """Delete every record of the output topics."""
        ends = await self._consumer.end_offsets(self._outputs)
        await self._admin.delete_records({place: RecordsToDelete(before_offset=end) for place, end in ends.items()})

    async def _ends(self) -> int:
        return sum((await self._consumer.end_offsets(self._outputs)).values())


@asynccontextmanager
async def _looking(bootstrap: str, contender: Contender, topic: str) -> AsyncIterator[Look]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=contender.group, enable_auto_commit=False)
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await consumer.start()
    await admin.start()
    try:
        look = Look(consumer, admin, contender, topic)
        consumer.assign([TopicPartition(topic, number) for number in range(CASE_PARTITIONS)])
        yield look
    finally:
        await admin.close()
        await consumer.stop()


@contextmanager
def _process(contender: Contender, log: Path) -> Iterator[psutil.Process]:
    with log.open("wb") as out:
        process = psutil.Popen(
            list(contender.command),
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env={**inherited(), "PYTHONUNBUFFERED": "1", **contender.environment},
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except psutil.TimeoutExpired:
            process.kill()
            process.wait(STOP_SECONDS)


def _tail(log: Path, lines: int = 8) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
