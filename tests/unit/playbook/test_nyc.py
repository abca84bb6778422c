"""The second playbook, made from public requests; skipped where these do not lie beside the project."""

import csv
import os
from datetime import date
from pathlib import Path

import pytest
import shapely

from shared.playbook.check import check
from tests.e2e.nyc_playbook import nyc_playbook

SHARED = Path(os.environ.get("WHISTLE_SHARED", Path(__file__).parents[4] / "shared"))
REQUESTS = SHARED / "data" / "nyc311" / "requests.csv"

pytestmark = pytest.mark.skipif(not REQUESTS.exists(), reason="the public requests do not lie beside the project")


def test_the_boroughs_make_a_sound_playbook() -> None:
    playbook = nyc_playbook(REQUESTS)
    assert check(playbook, today=date(2026, 11, 21)) == ()
    assert playbook.digest == nyc_playbook(REQUESTS).digest


def test_every_request_with_coordinates_lies_in_one_cell() -> None:
    cells = nyc_playbook(REQUESTS).cells
    tree = shapely.STRtree([shapely.Polygon(cell.polygon) for cell in cells])
    with REQUESTS.open(encoding="utf-8", newline="") as lines:
        points = [shapely.Point(float(row["lon"]), float(row["lat"])) for row in csv.DictReader(lines) if row["lat"]]
    found, _ = tree.query(points, predicate="within")
    assert list(found) == list(range(len(points)))
