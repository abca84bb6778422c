"""Every point of a real county whose place was reckoned elsewhere, and shared edges, come out as they should."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from typing import Final

import pytest

from services.intake.domain.reports.locating import CellMap
from shared.events.parts import Place
from shared.playbook.model import Cell
from shared.vocabulary import TOWN_DIGITS, VILLAGE_DIGITS

FOLDER: Final = Path(os.environ.get("WHISTLE_SHARED", Path(__file__).parents[4] / "shared")) / "data/county_500111_dazu"
CASES: Final = FOLDER / "locate_cases.csv"
GRIDS: Final = FOLDER / "grids_synthetic.geojson"

pytestmark = pytest.mark.skipif(not CASES.exists(), reason=f"{FOLDER} does not lie beside the project")


def cells() -> list[Cell]:
    """Grid cells by their outer rings."""
    features = json.loads(GRIDS.read_text(encoding="utf-8"))["features"]
    found = []
    for feature in features:
        code = next(str(value) for value in feature["properties"].values() if len(str(value)) == 15)
        shape = feature["geometry"]
        rings = [shape["coordinates"][0]] if shape["type"] == "Polygon" else [one[0] for one in shape["coordinates"]]
        found += [
            Cell(code=code, village=code[:VILLAGE_DIGITS], polygon=tuple((lon, lat) for lon, lat in ring))
            for ring in rings
        ]
    return found


def cases() -> list[dict[str, str]]:
    with CASES.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_every_point_lies_in_its_cell_village_and_town() -> None:
    listed = cases()
    found = CellMap(cells()).cells_at([Place(lon=float(row["lon"]), lat=float(row["lat"])) for row in listed])
    assert len(listed) == 790
    assert sum(not row["grid_code"] for row in listed) > 0, "some lie outside"
    for row, cell in zip(listed, found, strict=True):
        assert (cell or "") == row["grid_code"], row
        assert (cell or "")[:VILLAGE_DIGITS] == row["village_code"], row
        # There a town has the three digits of no village behind its own.
        assert (cell or "")[:TOWN_DIGITS] == row["town_code"][:TOWN_DIGITS], row


def test_every_corner_of_every_cell_goes_to_the_smallest_code_that_touches_it() -> None:
    made = cells()
    county = CellMap(made)
    corners: dict[tuple[float, float], str] = {}
    for cell in made:
        for corner in cell.polygon:
            corners[corner] = min(cell.code, corners.get(corner, cell.code))
    found = county.cells_at([Place(lon=lon, lat=lat) for lon, lat in corners])
    assert all(cell is not None and cell <= least for cell, least in zip(found, corners.values(), strict=True))
