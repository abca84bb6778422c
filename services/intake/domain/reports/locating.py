"""Where a report belongs: by area code, by a point in a grid cell, by both when they agree, or by the words it uses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

import numpy as np
import shapely

from services.intake.domain.reports.place_names import PlaceNames
from shared.events.parts import Place
from shared.playbook.model import Cell, Neighbour, Playbook
from shared.vocabulary import COUNTY_DIGITS, GRID_DIGITS, TOWN_DIGITS, VILLAGE_DIGITS, Refused, covers

NEAR_ONES: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """The finest area known, and in words how it was found; ``guessed`` when words alone said so."""

    area: str
    why: str
    guessed: bool = False


class Outside(Refused):
    """The point lies in no cell of the county; ``allowed`` names its neighbours and their telephones."""


class CellMap:
    """The grid cells of one playbook, ready to be asked for a point.

    Exact by the polygons as drawn, borders included: on a shared edge or corner the smallest code counts.
    """

    def __init__(self, cells: Sequence[Cell]) -> None:
        ordered = sorted(cells, key=lambda cell: cell.code)
        self._codes = tuple(cell.code for cell in ordered)
        self._known = frozenset(self._codes)
        self._tree = shapely.STRtree([shapely.Polygon(cell.polygon) for cell in ordered])

    def __contains__(self, code: str) -> bool:
        return code in self._known

    def cell_at(self, place: Place) -> str | None:
        """The cell that holds the point, None when none does; on a shared edge the smallest code."""
        hits = self._tree.query(shapely.Point(place.lon, place.lat), predicate="intersects")
        return self._codes[hits.min()] if len(hits) else None

    def cells_at(self, places: Sequence[Place]) -> list[str | None]:
        """The cell of each of many points, as `cell_at` says it, in one pass."""
        if not places:
            return []
        points = shapely.points([(place.lon, place.lat) for place in places])
        asked, hits = self._tree.query(points, predicate="intersects")
        none = len(self._codes)
        # Cells are kept in the order of their codes: the smallest index is the smallest code.
        smallest = np.full(len(places), none)
        np.minimum.at(smallest, asked, hits)
        return [None if hit == none else self._codes[hit] for hit in smallest.tolist()]


def zones_by_area(playbook: Playbook, cells: CellMap) -> dict[str, str]:
    """The smallest area that holds each zone, by the middle of each of its polygons; none of it inside: left out."""
    found: dict[str, str] = {}
    for zone in playbook.zones.values():
        middles = [shapely.Polygon(ring).representative_point() for ring in zone.polygons]
        codes = [code for code in cells.cells_at([Place(lon=one.x, lat=one.y) for one in middles]) if code is not None]
        if codes:
            found[zone.id] = _common(codes)
    return found


class CountyMap:
    """All that one playbook knows of places: its cells, and the names that texts use."""

    def __init__(self, playbook: Playbook) -> None:
        self.cells = CellMap(playbook.cells)
        self.names = PlaceNames(playbook, zones_by_area(playbook, self.cells))


def locate(
    area: str | None, place: Place | None, *, playbook: Playbook, county: CountyMap, text: str = "", at: str = ""
) -> Placed:
    """The area of a report that says ``area``, ``place`` or both; both must agree, the finer one counts.

    Without either, the places that ``text`` names inside ``at``, marked as a guess.

    Raises:
        Outside: the point lies outside the county.
        Refused: nothing says where, the code is not in the playbook, or the two name different areas.
    """
    if area is not None:
        _must_be_known(area, playbook, county.cells)
    if place is not None:
        return _by_point(area, place, playbook, county.cells)
    if area is None:
        return _by_words(text, at or playbook.county, playbook, county.names)
    return Placed(area=area, why=f"报告给出区划 {area} {_name(area, playbook)} / the report names the area")


def _by_point(area: str | None, place: Place, playbook: Playbook, cells: CellMap) -> Placed:
    cell = cells.cell_at(place)
    if cell is None:
        raise Outside(
            f"the point lies outside {playbook.name.zh} ({playbook.county})",
            field="place",
            allowed=[
                f"a WGS-84 point inside {playbook.name.zh}",
                *(_reached(neighbour) for neighbour in playbook.policy.neighbours),
            ],
        )
    if area is not None and not covers(area, cell):
        raise Refused(
            f"area {area} does not hold the point: it lies in {cell}",
            field="area",
            allowed=[cell, "leave out area or place"],
        )
    return Placed(area=cell, why=f"坐标落在网格 {cell} {_name(cell, playbook)} / the point lies in this grid cell")


def _by_words(text: str, at: str, playbook: Playbook, names: PlaceNames) -> Placed:
    named = names.find(text, within=at)
    if named is None:
        raise Refused(
            "say where: neither area nor place is given, and the text names no place that is known",
            field="area",
            allowed=_one_or_other(playbook),
        )
    said = "、".join(named.words)
    why = (
        f"推测:文中地名「{said}」在 {named.area} {_name(named.area, playbook)} / a guess by the place names in the text"
    )
    return Placed(area=named.area, why=why, guessed=True)


def _must_be_known(area: str, playbook: Playbook, cells: CellMap) -> None:
    if area in playbook.areas or (len(area) == GRID_DIGITS and area in cells):
        return
    raise Refused(
        f"area {area} is not in the playbook of {playbook.name.zh} ({playbook.county})",
        field="area",
        allowed=get_close_matches(area, playbook.areas, n=NEAR_ONES, cutoff=0.8) or [playbook.county],
    )


def _one_or_other(playbook: Playbook) -> list[str]:
    return [
        f"area: a code of {playbook.name.zh} ({playbook.county}…)",
        "place: {lon, lat} in WGS-84 degrees",
        f"text: the name of a town or village of {playbook.name.zh}",
    ]


def _reached(neighbour: Neighbour) -> str:
    phone = f", {neighbour.phone}" if neighbour.phone else ""
    return f"{neighbour.name.zh} ({neighbour.county}{phone}) for a point there"


def _common(codes: Sequence[str]) -> str:
    starts = ({code[:digits] for code in codes} for digits in (VILLAGE_DIGITS, TOWN_DIGITS))
    return next((found.pop() for found in starts if len(found) == 1), codes[0][:COUNTY_DIGITS])


def _name(area: str, playbook: Playbook) -> str:
    line = playbook.area_line(area)
    return "".join(part.name.zh for part in reversed(line[:2]))
