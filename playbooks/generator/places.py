"""Towns, villages and grid cells: one scatter of points, one diagram, names and codes."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from playbooks.generator.geometry import Point, drawn, nearest, scattered, voronoi
from playbooks.generator.names import KINDS_EN, TOWNS, village_names

COUNTY: Final = "990101"
SEED: Final = 20261121
VILLAGES: Final = 211
CENTRE: Final[Point] = (106.42, 27.18)
RADIUS: Final = 0.26
"""Degrees: the county is some 55 km across."""
CELLS_A_VILLAGE: Final = (2, 4)
MANY_VILLAGES: Final = 14
TOWN_CENTRE: Final = 0.075
"""Degrees round the county seat in which villages are communities (社区)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaPlan:
    """One row of areas.csv."""

    code: str
    zh: str
    en: str
    kind: str
    desk: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CellPlan:
    """One grid cell: code, village and closed ring."""

    code: str
    village: str
    ring: Sequence[Point]


@dataclass(frozen=True, slots=True, kw_only=True)
class County:
    """Everything on the map."""

    areas: Sequence[AreaPlan]
    cells: Sequence[CellPlan]


def make_county() -> County:
    """Return the county; the same one every time."""
    rng = random.Random(SEED)
    outline = _outline(rng)
    towns = sorted(scattered(rng, outline, len(TOWNS)), key=lambda site: math.dist(site, CENTRE))
    villages = scattered(rng, outline, VILLAGES)
    home = [nearest(village, towns) for village in villages]
    names = village_names(rng, VILLAGES)
    areas = [AreaPlan(code=COUNTY, zh="云麓县", en="Yunlu County", kind="县")]
    codes: dict[int, str] = {}
    for town, (digits, place) in enumerate(TOWNS):
        code = COUNTY + digits
        areas.append(
            AreaPlan(code=code, zh=place.zh + place.kind, en=f"{place.en} {KINDS_EN[place.kind]}", kind=place.kind)
        )
        members = [index for index, of in enumerate(home) if of == town]
        for index, area in _village_areas(code, members, villages, names):
            codes[index] = area.code
            areas.append(area)
    return County(areas=areas, cells=_cells(rng, outline, villages, codes))


def _outline(rng: random.Random) -> list[Point]:
    first, second = rng.uniform(0, math.tau), rng.uniform(0, math.tau)
    turns = [math.tau * step / 36 for step in range(36)]
    return [
        (
            CENTRE[0] + RADIUS * 1.15 * math.cos(turn) * (1 + 0.08 * math.sin(3 * turn + first)),
            CENTRE[1] + RADIUS * math.sin(turn) * (1 + 0.07 * math.sin(2 * turn + second)),
        )
        for turn in turns
    ]


def _village_areas(
    town: str, members: Sequence[int], villages: Sequence[Point], names: Sequence[tuple[str, str]]
) -> list[tuple[int, AreaPlan]]:
    """Number a town's communities from 001 and its villages from 200, as GB/T 10114 does.

    The last village of a town with many has no desk yet: its town's desk answers.
    """
    areas: list[tuple[int, AreaPlan]] = []
    numbers = {"社区": 1, "村": 200}
    for index in members:
        kind = "社区" if math.dist(villages[index], CENTRE) < TOWN_CENTRE else "村"
        zh, en = names[index]
        code = f"{town}{numbers[kind]:03}"
        numbers[kind] += 1
        desk = not (index == members[-1] and len(members) > MANY_VILLAGES)
        areas.append((index, AreaPlan(code=code, zh=zh + kind, en=f"{en} {KINDS_EN[kind]}", kind=kind, desk=desk)))
    return areas


def _cells(
    rng: random.Random, outline: Sequence[Point], villages: Sequence[Point], codes: dict[int, str]
) -> list[CellPlan]:
    sites: list[Point] = []
    owners: list[int] = []
    for index, village in enumerate(villages):
        gap = min(math.dist(village, other) for other in villages if other != village)
        count, turn = rng.randint(*CELLS_A_VILLAGE), rng.uniform(0, math.tau)
        for step in range(count):
            angle = turn + math.tau * step / count
            # Inside half the gap to the next village, so that no cell falls into a neighbour.
            sites.append((village[0] + 0.3 * gap * math.cos(angle), village[1] + 0.3 * gap * math.sin(angle)))
            owners.append(index)
    numbers = dict.fromkeys(codes, 0)
    cells: list[CellPlan] = []
    for owner, corners in zip(owners, voronoi(outline, sites), strict=True):
        numbers[owner] += 1
        village_code = codes[owner]
        cells.append(CellPlan(code=f"{village_code}{numbers[owner]:03}", village=village_code, ring=drawn(corners)))
    return sorted(cells, key=lambda cell: cell.code)
