"""Named polygons that rules may ask for: what lies round schools, and what the river's law protects."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from playbooks.generator.geometry import DIGITS, Point
from playbooks.generator.places import CENTRE, RADIUS, CellPlan

SCHOOLS: Final = (
    "990101001001", "990101001003", "990101002001", "990101101200", "990101104200", "990101108200",
)  # fmt: skip
"""Villages with a school in their first cell."""
ROUND_A_SCHOOL: Final = 0.0025
"""Degrees from the gate to each side, some 250 m."""
RIVER_BEND: Final = 0.045
RIVER_WIDTH: Final = 0.008
RIVER_STEPS: Final = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class ZonePlan:
    """One zone: its names and its rings."""

    id: str
    zh: str
    en: str
    rings: Sequence[Sequence[Point]]


def make_zones(cells: Sequence[CellPlan]) -> tuple[ZonePlan, ...]:
    """Return the zones of the county whose cells these are."""
    first = {cell.village: cell for cell in reversed(cells)}
    schools = [_square(_middle(first[village].ring)) for village in SCHOOLS]
    return (
        ZonePlan(id="schools", zh="学校周边", en="Around schools", rings=schools),
        ZonePlan(id="river", zh="云溪河管理范围", en="Yunxi River zone", rings=[_river()]),
    )


def _middle(ring: Sequence[Point]) -> Point:
    corners = ring[:-1]
    return sum(x for x, _ in corners) / len(corners), sum(y for _, y in corners) / len(corners)


def _square(middle: Point) -> list[Point]:
    x, y = middle
    corners = ((-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1))
    return [_rounded((x + dx * ROUND_A_SCHOOL, y + dy * ROUND_A_SCHOOL)) for dx, dy in corners]


def _river() -> list[Point]:
    """Return a band that winds from west to east through the county."""
    bends = [step / RIVER_STEPS for step in range(RIVER_STEPS + 1)]
    line = [
        (CENTRE[0] + RADIUS * (2 * part - 1), CENTRE[1] + RIVER_BEND * math.sin(2.5 * math.pi * part)) for part in bends
    ]
    south = [_rounded((x, y - RIVER_WIDTH / 2)) for x, y in line]
    north = [_rounded((x, y + RIVER_WIDTH / 2)) for x, y in reversed(line)]
    return [*south, *north, south[0]]


def _rounded(point: Point) -> Point:
    return round(point[0], DIGITS), round(point[1], DIGITS)
