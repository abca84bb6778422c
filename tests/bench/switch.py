"""A county of 60,000 duties and 5,000 cells: files read, a record made ready, switched to while cases are routed."""

from __future__ import annotations

import asyncio
import csv
import json
import shutil
import tempfile
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import psutil

from services.router.domain.rulebook import Rulebook
from services.router.handlers import route_batch
from services.router.rulebooks import ShelvedRulebooks
from shared.events.codec import Message, encode
from shared.playbook.check import check
from shared.playbook.load import load
from shared.playbook.model import Playbook
from shared.playbook.record import packed, sealed, to_message, unpacked
from shared.playbook.shelf import PlaybookShelf
from shared.runtime.clock import utc_now
from shared.runtime.delivery import Record
from tests.bench.table import Row
from tests.fakes.router import a_case, event, opened

SOURCE: Final = Path("playbooks/yunlu")
DUTIES: Final = 60_000
CELLS_A_VILLAGE: Final = 24
BATCH: Final = 20
QUIET_SECONDS: Final = 3.0
SWITCHES: Final = 3
MIB: Final = 2**20


async def bench() -> Sequence[Row]:
    """Load, make ready, switch; seconds are wall time, for that is what a person and a case wait."""
    with tempfile.TemporaryDirectory() as folder:
        large = Path(folder) / "large"
        await asyncio.to_thread(_write, large)
        loading, playbook = _timed(lambda: load(large, today=utc_now().date()))
    message = to_message(playbook, published_at=utc_now())
    steps = list(_steps(message))
    quiet, switching, routed, mib = await _routing(playbook)
    size = f"{len(playbook.duties)} duties, {len(playbook.cells)} cells"
    return [
        Row(what=f"files → playbook, checked: {size}", figure=loading, unit="s"),
        *(Row(what=f"record → {what}", figure=seconds, unit="s") for what, seconds in steps),
        Row(what="record → ready rulebook, in all", figure=sum(seconds for _, seconds in steps), unit="s"),
        Row(what="longest pause of the loop, routing alone", figure=quiet * 1000, unit="ms"),
        Row(what=f"longest pause of the loop, {SWITCHES} switches while routing", figure=switching * 1000, unit="ms"),
        Row(what="cases routed a second while it switches", figure=routed, unit="cases/s"),
        Row(what="memory that two versions take at their peak", figure=mib, unit="MiB"),
    ]


def _steps(message: Message) -> Iterator[tuple[str, float]]:
    envelope, record = _timed(lambda: packed(message.value, message.headers))
    yield "envelope and digest judged", envelope
    content, playbook = _timed(lambda: unpacked(record))
    yield "content read", content
    checking, findings = _timed(lambda: check(playbook))
    assert not findings
    yield "checked", checking
    compiling, _ = _timed(lambda: Rulebook(playbook))
    yield "compiled", compiling


async def _routing(playbook: Playbook) -> tuple[float, float, float, float]:
    """Route without a stop and switch meanwhile: longest pauses without and with, cases a second, memory at most."""
    shelf = PlaybookShelf()
    rulebooks = ShelvedRulebooks(shelf, patience=timedelta(seconds=5))
    before = _mib()
    await shelf.receive(_record(playbook, 0))
    records = [_case(number) for number in range(BATCH)]
    switches = [_record(sealed(replace(playbook, version=f"switch {number}")), number) for number in range(SWITCHES)]
    await route_batch(records, rulebooks=rulebooks.in_force(), now=utc_now())
    pulse, count = _Pulse(), [0]
    tasks = [asyncio.create_task(pulse.run()), asyncio.create_task(_route(records, rulebooks, count))]
    await asyncio.sleep(QUIET_SECONDS)
    quiet, pulse.longest, count[0] = pulse.longest, 0.0, 0
    began, most = time.perf_counter(), 0.0
    for number, record in enumerate(switches):
        await shelf.receive(record)
        most = max(most, _mib())
        assert shelf.of(playbook.county).version == f"switch {number}"
    rate = count[0] / (time.perf_counter() - began)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    return quiet, pulse.longest, rate, most - before


async def _route(records: Sequence[Record], rulebooks: ShelvedRulebooks, count: list[int]) -> None:
    while True:
        routed = await route_batch(records, rulebooks=rulebooks.in_force(), now=utc_now())
        count[0] += len({message.key for message in routed.messages})
        # A real loop waits for Kafka here.
        await asyncio.sleep(0)


class _Pulse:
    """Beats every few milliseconds and notes the longest time between two beats."""

    def __init__(self) -> None:
        self.longest = 0.0

    async def run(self) -> None:
        last = time.perf_counter()
        while True:
            await asyncio.sleep(0.002)
            now = time.perf_counter()
            self.longest, last = max(self.longest, now - last), now


def _case(number: int) -> Record:
    message = encode(event(opened(a_case("990101101200", "05.001", case_id=uuid.uuid4())), id=uuid.uuid4()))
    return Record(message.topic, 0, number, message.key, message.value, message.headers, 0)


def _record(playbook: Playbook, offset: int) -> Record:
    message = to_message(playbook, published_at=utc_now())
    return Record(message.topic, 0, offset, message.key, message.value, message.headers, 0)


def _timed(work: Any) -> tuple[float, Any]:
    began = time.perf_counter()
    made = work()
    return time.perf_counter() - began, made


def _mib() -> float:
    return float(psutil.Process().memory_info().rss) / MIB


def _write(folder: Path) -> None:
    """The demo county grown to the size of a large one: each village with more cells and duties of its own."""
    shutil.copytree(SOURCE, folder)
    villages = _write_cells(folder / "cells.geojson")
    _write_duties(folder / "duties.csv", villages, list(_departments_by_town(folder)))


def _write_cells(file: Path) -> list[str]:
    by_village: defaultdict[str, list[Any]] = defaultdict(list)
    for feature in json.loads(file.read_text(encoding="utf-8"))["features"]:
        by_village[feature["properties"]["village"]].append(feature["geometry"]["coordinates"][0])
    features = [
        {
            "type": "Feature",
            "properties": {"code": f"{village}{number + 1:03}", "village": village},
            "geometry": {"type": "Polygon", "coordinates": [_shifted(rings, number)]},
        }
        for village, rings in by_village.items()
        for number in range(CELLS_A_VILLAGE)
    ]
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return list(by_village)


def _shifted(rings: Sequence[Sequence[Sequence[float]]], number: int) -> list[list[float]]:
    east = 3 * (number // len(rings))
    return [[lon + east, lat] for lon, lat in rings[number % len(rings)]]


def _departments_by_town(folder: Path) -> Iterator[tuple[str, str]]:
    with (folder / "departments.csv").open(encoding="utf-8") as file:
        yield from ((row["area"], row["id"]) for row in csv.DictReader(file))


def _write_duties(file: Path, villages: Sequence[str], departments: Sequence[tuple[str, str]]) -> None:
    with file.open(encoding="utf-8") as old:
        rows = list(csv.DictReader(old))
    head, known = list(rows[0]), {(row["department"], row["category"], row["area"], row["power"]) for row in rows}
    categories = sorted({row["category"] for row in rows})
    with file.open("a", encoding="utf-8", newline="") as new:
        writer = csv.DictWriter(new, head, lineterminator="\n", extrasaction="ignore")
        for row in _made(villages, departments, categories):
            if tuple(row.values()) not in known and len(known) < DUTIES:
                known.add((row["department"], row["category"], row["area"], row["power"]))
                writer.writerow(row)


def _made(
    villages: Sequence[str], departments: Sequence[tuple[str, str]], categories: Sequence[str]
) -> Iterator[dict[str, str]]:
    for power in ("handle", "assist", "report"):
        for village in villages:
            near = [department for area, department in departments if area == village[:9]]
            for department in near:
                for category in categories:
                    yield {"department": department, "category": category, "area": village, "power": power}
