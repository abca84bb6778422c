"""A process that starts with hundreds of counties: their records kept packed, beside each read whole and held."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import psutil

from deploy.local.playbooks import load_playbook
from shared.playbook.check import check
from shared.playbook.model import Playbook
from shared.playbook.record import from_record, to_message
from shared.playbook.shelf import IN_USE, PlaybookShelf
from shared.runtime.clock import utc_now
from tests.bench.table import Row
from tests.fakes.counties import moved

COUNTIES: Final = 300
FIRST: Final = 990101
MIB: Final = 2**20


class Record(msgspec.Struct):
    """A record of the playbook topic on a line of JSON."""

    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What a start cost: seconds of work, and how much the process grew; then with as many in use as are kept."""

    seconds: float
    mib: float
    mib_in_use: float = 0
    first_ms: float = 0
    again_ms: float = 0


async def bench() -> Sequence[Row]:
    """Start twice, each in a process of its own, for memory that was used once is not given back.

    Seconds are those of the processor: what else the machine does counts for neither side.
    """
    with tempfile.TemporaryDirectory() as folder:
        records = Path(folder) / "records.jsonl"
        await asyncio.to_thread(_write, records)
        whole, packed = await _alone(_whole, records), await _alone(_packed, records)
    return [
        Row(what=f"{COUNTIES} counties, each read whole: start", figure=whole.seconds, unit="s"),
        Row(what="records kept packed: start", figure=packed.seconds, unit="s", beside=whole.seconds),
        Row(what="each read whole: memory", figure=whole.mib, unit="MiB"),
        Row(what="records kept packed: memory", figure=packed.mib, unit="MiB", beside=whole.mib),
        Row(what=f"the same with {IN_USE} in use", figure=packed.mib_in_use, unit="MiB", beside=whole.mib),
        Row(what="first use of a county: read and checked", figure=packed.first_ms, unit="ms"),
        Row(what="use after others took its place: read", figure=packed.again_ms, unit="ms"),
    ]


async def _alone(start: Callable[[Path], Start], records: Path) -> Start:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as alone:
        return await asyncio.get_running_loop().run_in_executor(alone, start, records)


def _whole(records: Path) -> Start:
    before, spent = _mib(), 0.0
    held: list[Playbook] = []
    for record in _read(records):
        began = time.process_time()
        playbook = from_record(record.value, record.headers)
        findings = check(playbook)
        spent += time.process_time() - began
        held += [] if findings else [playbook]
    return Start(seconds=spent, mib=_mib() - before)


def _packed(records: Path) -> Start:
    return asyncio.run(_on_the_shelf(records))


async def _on_the_shelf(records: Path) -> Start:
    before, spent = _mib(), 0.0
    shelf = PlaybookShelf()
    for record in _read(records):
        began = time.process_time()
        await shelf.receive(record)
        spent += time.process_time() - began
    mib = _mib() - before
    used, others = shelf.counties[:IN_USE], shelf.counties[IN_USE : 2 * IN_USE]
    first_ms = _use(shelf, used)
    mib_in_use = _mib() - before
    _use(shelf, others)
    return Start(seconds=spent, mib=mib, mib_in_use=mib_in_use, first_ms=first_ms, again_ms=_use(shelf, used))


def _use(shelf: PlaybookShelf, counties: Sequence[str]) -> float:
    began = time.process_time()
    for county in counties:
        shelf.of(county)
    return (time.process_time() - began) * 1000 / len(counties)


def _write(records: Path) -> None:
    yunlu, now = load_playbook(), utc_now()
    with records.open("wb") as file:
        for number in range(COUNTIES):
            message = to_message(moved(yunlu, str(FIRST + number)), published_at=now)
            record = Record(key=message.key, value=message.value, headers=message.headers, offset=number)
            file.write(msgspec.json.encode(record) + b"\n")


def _read(records: Path) -> Iterator[Record]:
    with records.open("rb") as file:
        for line in file:
            yield msgspec.json.decode(line, type=Record)


def _mib() -> float:
    gc.collect()
    return float(psutil.Process().memory_info().rss) / MIB
