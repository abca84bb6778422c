"""Areas, grid cells and departments: one tree, nothing outside it."""

from collections.abc import Iterator

from shared.playbook.check.finding import Finding
from shared.playbook.model import Area, Cell, Playbook
from shared.playbook.near import nearest
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
                problem=f"no village {cell.village!r}",
                allowed=nearest(cell.village, _villages(playbook)),
                needs=("areas",),
            )
        yield from _ring(index, cell)


def check_departments(playbook: Playbook) -> Iterator[Finding]:
    """Every department sits in a known area and has its level."""
    for code, department in playbook.departments.items():
        if department.area not in playbook.areas:
            yield Finding(
                part="departments",
                item=code,
                path=("area",),
                problem=f"no area {department.area!r}",
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


def _ring(index: int, cell: Cell) -> Iterator[Finding]:
    if cell.polygon[0] != cell.polygon[-1]:
        yield _cell(index, "polygon", "the ring is not closed: its last point must be its first")
    elif _doubled_area(cell) == 0:
        yield _cell(index, "polygon", "the ring encloses nothing")


def _doubled_area(cell: Cell) -> float:
    """Shoelace formula; the sign tells the direction."""
    pairs = zip(cell.polygon, cell.polygon[1:], strict=False)
    return sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairs)


def _cell(index: int, field: str, problem: str) -> Finding:
    path = ("geometry", "coordinates") if field == "polygon" else ("properties", field)
    return Finding(part="cells", item=index, path=path, problem=problem)
