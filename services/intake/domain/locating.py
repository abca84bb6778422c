"""Where a report belongs: by area code, by a point in a grid cell, or by both when they agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

import shapely

from shared.events.parts import Place
from shared.playbook.model import Cell, Playbook
from shared.vocabulary import GRID_DIGITS, Refused, covers

NEAR_ONES: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """The finest area known, and in words how it was found."""

    area: str
    why: str


class CellMap:
    """The grid cells of one playbook, ready to be asked for a point."""

    def __init__(self, cells: Sequence[Cell]) -> None:
        self._codes = tuple(cell.code for cell in cells)
        self._known = frozenset(self._codes)
        self._tree = shapely.STRtree([shapely.Polygon(cell.polygon) for cell in cells])

    def __contains__(self, code: str) -> bool:
        return code in self._known

    def cell_at(self, place: Place) -> str | None:
        """The cell that holds the point, None when none does; on a shared edge the smallest code."""
        hits = self._tree.query(shapely.Point(place.lon, place.lat), predicate="intersects")
        return min((self._codes[hit] for hit in hits), default=None)


def locate(area: str | None, place: Place | None, *, playbook: Playbook, cells: CellMap) -> Placed:
    """The area of a report that says ``area``, ``place`` or both; both must agree, the finer one counts.

    Raises:
        Refused: neither is given, the code is not in the playbook, the point lies outside the
            county, or the two name different areas.
    """
    if area is not None:
        _must_be_known(area, playbook, cells)
    if place is None:
        if area is None:
            raise Refused("say where: neither area nor place is given", field="area", allowed=_one_or_other(playbook))
        return Placed(area=area, why=f"报告给出区划 {area} {_name(area, playbook)} / the report names the area")
    cell = cells.cell_at(place)
    if cell is None:
        raise Refused(
            f"the point lies outside {playbook.name.zh} ({playbook.county})",
            field="place",
            allowed=[f"a WGS-84 point inside {playbook.name.zh}"],
        )
    if area is not None and not covers(area, cell):
        raise Refused(
            f"area {area} does not hold the point: it lies in {cell}",
            field="area",
            allowed=[cell, "leave out area or place"],
        )
    return Placed(area=cell, why=f"坐标落在网格 {cell} {_name(cell, playbook)} / the point lies in this grid cell")


def _must_be_known(area: str, playbook: Playbook, cells: CellMap) -> None:
    if area in playbook.areas or (len(area) == GRID_DIGITS and area in cells):
        return
    raise Refused(
        f"area {area} is not in the playbook of {playbook.name.zh} ({playbook.county})",
        field="area",
        allowed=get_close_matches(area, playbook.areas, n=NEAR_ONES, cutoff=0.8) or [playbook.county],
    )


def _one_or_other(playbook: Playbook) -> list[str]:
    return [f"area: a code of {playbook.name.zh} ({playbook.county}…)", "place: {lon, lat} in WGS-84 degrees"]


def _name(area: str, playbook: Playbook) -> str:
    line = playbook.area_line(area)
    return "".join(part.name.zh for part in reversed(line[:2]))
