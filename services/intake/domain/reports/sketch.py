"""A county as a form draws it: its villages in outline, small enough for a slow line."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import shapely

from shared.playbook.model import Playbook, Text
from shared.vocabulary import COUNTY_DIGITS, TOWN_DIGITS, VILLAGE_DIGITS

WIDTH: Final = 1000
"""Of the drawing, in its own units: fine enough for a finger on a telephone."""
COARSE: Final = 1.2
"""How far, in these units, a border may be drawn from where it runs; who chooses by it is placed by the exact one."""
LITTLE: Final = 0.001
"""Degrees at least, for a county that is drawn as a point."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """One village; ``path`` is the data of an SVG path."""

    code: str
    name: Text
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sketch:
    """The drawing: x = (lon - west) · per_lon, y = (north - lat) · per_lat, in units of which it is ``width`` wide."""

    west: float
    north: float
    per_lon: float
    per_lat: float
    width: int
    height: int
    villages: tuple[Outline, ...]


def sketch(playbook: Playbook) -> Sketch:
    """Draw the villages of ``playbook``; one without cells has no outline and can be chosen by name alone.

    Neighbours share their borders in the drawing too: no gap and no overlap comes of making it coarse.
    """
    cells = defaultdict[str, list[shapely.Polygon]](list)
    for cell in playbook.cells:
        cells[cell.village].append(shapely.Polygon(cell.polygon))
    whole = {village: shapely.union_all(cells[village]) for village in sorted(cells)}
    west, south, east, north = shapely.total_bounds(list(whole.values())) if whole else (0.0, 0.0, 0.0, 0.0)
    # A degree of longitude is shorter by the cosine of the latitude: what is square there is square here.
    per_lon = WIDTH / max(east - west, LITTLE)
    per_lat = per_lon / max(math.cos(math.radians((south + north) / 2)), LITTLE)
    rough = shapely.coverage_simplify(list(whole.values()), COARSE / per_lon) if whole else []
    to_units = (float(west), float(north), per_lon, per_lat)
    return Sketch(
        west=float(west),
        north=float(north),
        per_lon=per_lon,
        per_lat=per_lat,
        width=WIDTH,
        height=math.ceil((north - south) * per_lat),
        villages=tuple(
            Outline(code=code, name=_name(playbook, code), path=_path(shape, to_units))
            for code, shape in zip(whole, rough, strict=True)
        ),
    )


def named_areas(playbook: Playbook, digits: int) -> tuple[tuple[str, Text], ...]:
    """The areas whose codes have so many digits, by code: 9 for towns, 12 for villages."""
    if digits not in (COUNTY_DIGITS, TOWN_DIGITS, VILLAGE_DIGITS):
        raise ValueError(f"no areas have codes of {digits} digits")
    return tuple((code, area.name) for code, area in sorted(playbook.areas.items()) if len(code) == digits)


def _name(playbook: Playbook, code: str) -> Text:
    area = playbook.areas.get(code)
    return Text(zh=code, en=code) if area is None else area.name


def _path(shape: shapely.Geometry, to_units: tuple[float, float, float, float]) -> str:
    parts = [part for part in shapely.get_parts(shape) if isinstance(part, shapely.Polygon)]
    return "".join(_ring(part.exterior.coords, to_units) for part in parts)


def _ring(points: Sequence[tuple[float, ...]], to_units: tuple[float, float, float, float]) -> str:
    west, north, per_lon, per_lat = to_units
    drawn = [f"{(lon - west) * per_lon:.0f} {(north - lat) * per_lat:.0f}" for lon, lat, *_ in points]
    return f"M{'L'.join(dict.fromkeys(drawn))}Z"
