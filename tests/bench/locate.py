"""Points to cells and names in texts, one thread, by processor time: beside shapely's index, a point at a time."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Final

import shapely

from deploy.local.demo.messages import read_messages
from services.intake.domain.reports.locating import CellMap, CountyMap
from shared.events.parts import Place
from shared.playbook.load import load
from shared.playbook.model import Cell
from tests.bench.table import Row

SIDE: Final = 71
"""Cells a side: 5,041 in all."""
CORNERS: Final = 16
POINTS: Final = 100_000
YUNLU: Final = Path("playbooks/yunlu")


async def bench() -> Sequence[Row]:
    """Locate points in bulk and one by one, and look for places in the demo's messages."""
    return await asyncio.to_thread(_rows)


def _rows() -> Sequence[Row]:
    cells = made_cells()
    county, chance = CellMap(cells), random.Random(5)
    places = [Place(lon=chance.uniform(0, SIDE), lat=chance.uniform(0, SIDE)) for _ in range(POINTS)]
    tree = shapely.STRtree([shapely.Polygon(cell.polygon) for cell in cells])
    bare = _rate(lambda: [tree.query(shapely.Point(one.lon, one.lat), predicate="intersects") for one in places])
    bulk = _rate(lambda: county.cells_at(places))
    single = _rate(lambda: [county.cell_at(one) for one in places])
    names = CountyMap(load(YUNLU, today=date(2026, 11, 21))).names
    texts = [message.text for message in read_messages()] * 50
    found = _rate(lambda: [names.find(text, within="990101") for text in texts], of=len(texts))
    about = f"{len(cells):,} polygons of {CORNERS} corners"
    return [
        Row(what="points in bulk", figure=bulk, unit="points/s", beside=bare, more=about),
        Row(what="points one by one", figure=single, unit="points/s", beside=bare, more=about),
        Row(what="texts looked through for places", figure=found, unit="texts/s", more="211 villages, 12 towns"),
    ]


def made_cells() -> list[Cell]:
    """A square of cells with as many corners as real ones, side by side without a gap."""
    return [_cell(column, row) for column in range(SIDE) for row in range(SIDE)]


def _cell(column: int, row: int) -> Cell:
    step = CORNERS // 4
    along = [n / step for n in range(step)]
    ring = [
        *((column + n, row) for n in along),
        *((column + 1, row + n) for n in along),
        *((column + 1 - n, row + 1) for n in along),
        *((column, row + 1 - n) for n in along),
        (column, row),
    ]
    village = f"990101001{(column * SIDE + row) // 10:03d}"
    polygon = tuple((float(lon), float(lat)) for lon, lat in ring)
    return Cell(code=f"{village}{(column * SIDE + row) % 10:03d}", village=village, polygon=polygon)


def _rate(work: Callable[[], object], *, of: int = POINTS) -> float:
    """The better of two rounds, by processor time."""
    rates = []
    for _ in range(2):
        began = time.process_time()
        work()
        rates.append(of / (time.process_time() - began))
    return max(rates)
