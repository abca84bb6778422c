"""Areas, grid cells, zones and departments: one tree, nothing outside it, shapes with an inside."""

import itertools
from collections.abc import Iterator

from shared.playbook.check.finding import Finding
from shared.playbook.model import Area, Playbook, Ring
from shared.playbook.near import meant, nearest
from shared.vocabulary import COUNTY_DIGITS, GRID_DIGITS, Level, level_of


def check_areas(playbook: Playbook) -> Iterator[Finding]:
    """The county is there with a desk, and every area hangs under it by its code."""
    county = playbook.areas.get(playbook.county)
    if county is None:
        yield Finding(part="playbook", path=("county",), problem=f"no area {playbook.county}", needs=("areas",))
    elif not county.desk:
        yield Finding(
            part="areas", item=county.code, path=("desk",), problem="the county must have a desk", allowed=("true",)
        )
    for code, area in playbook.areas.items():
        yield from (
            Finding(part="areas", item=code, path=("code",), problem=problem, needs=("playbook",))
            for problem in _wrong_with(area, playbook)
        )


def check_cells(playbook: Playbook) -> Iterator[Finding]:
    """Every cell lies in a known village, has its own code and a closed ring with an inside."""
    seen: set[str] = set()
    villages = _villages(playbook)
    for index, cell in enumerate(playbook.cells):
        if cell.code in seen:
            yield _cell(index, "code", f"cell {cell.code} stands twice")
        seen.add(cell.code)
        if len(cell.code) != GRID_DIGITS or not cell.code.startswith(cell.village):
            yield _cell(index, "code", f"{cell.code} does not begin with its village {cell.village}")
        village = playbook.areas.get(cell.village)
        if village is None or village.level is not Level.VILLAGE:
            yield Finding(
                part="cells",
                item=index,
                path=("properties", "village"),
                problem=f"no village {cell.village!r}{meant(cell.village, villages)}",
                allowed=nearest(cell.village, villages),
                needs=("areas",),
            )
        if (problem := _wrong_ring(cell.polygon)) is not None:
            yield _cell(index, "polygon", problem)


def check_zones(playbook: Playbook) -> Iterator[Finding]:
    """Every ring of a zone is closed and has an inside; zones may overlap."""
    for name, zone in playbook.zones.items():
        for ring in zone.polygons:
            if (problem := _wrong_ring(ring)) is not None:
                yield Finding(part="zones", item=name, path=("geometry", "coordinates"), problem=problem)
        if not zone.polygons:
            yield Finding(part="zones", item=name, path=("geometry",), problem="the zone has no polygon")


def check_departments(playbook: Playbook) -> Iterator[Finding]:
    """Every department sits in a known area and has its level."""
    for code, department in playbook.departments.items():
        if department.area not in playbook.areas:
            yield Finding(
                part="departments",
                item=code,
                path=("area",),
                problem=f"no area {department.area!r}{meant(department.area, playbook.areas)}",
                allowed=nearest(department.area, playbook.areas),
                needs=("areas",),
            )
        if department.level is not level_of(department.area):
            yield Finding(
                part="departments",
                item=code,
                path=("level",),
                problem=f"{department.level} is not the level of its area",
            )


def _wrong_with(area: Area, playbook: Playbook) -> Iterator[str]:
    if not area.code.startswith(playbook.county):
        yield f"{area.code} is not in the county {playbook.county}"
    if area.level is not level_of(area.code):
        yield f"{area.level} is not the level of {area.code}"
    if area.parent != (area.code[:-3] if len(area.code) > COUNTY_DIGITS else None):
        yield f"{area.parent} is not above {area.code}"
    elif area.parent is not None and area.parent not in playbook.areas:
        yield f"the area above it, {area.parent}, is missing"


def _villages(playbook: Playbook) -> tuple[str, ...]:
    return tuple(code for code, area in playbook.areas.items() if area.level is Level.VILLAGE)


def _wrong_ring(ring: Ring) -> str | None:
    if ring[0] != ring[-1]:
        return "the ring is not closed: its last point must be its first"
    if _doubled_area(ring) == 0:
        return "the ring encloses nothing"
    return None


def _doubled_area(ring: Ring) -> float:
    """Shoelace formula; the sign tells the direction."""
    pairs = itertools.pairwise(ring)
    return sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairs)


def _cell(index: int, field: str, problem: str) -> Finding:
    path = ("geometry", "coordinates") if field == "polygon" else ("properties", field)
    return Finding(part="cells", item=index, path=path, problem=problem)
