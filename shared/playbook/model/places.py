"""Areas, grid cells, zones and departments."""

from dataclasses import dataclass
from enum import StrEnum, unique
from typing import TypeAlias

from shared.playbook.model.texts import Text
from shared.vocabulary import AreaCode, Level


@unique
class Settlement(StrEnum):
    """How a place is settled (城乡分类); rules may ask for it."""

    URBAN = "urban"
    RURAL = "rural"


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """One administrative area: county (6 digits), town (9) or village (12)."""

    code: AreaCode
    name: Text
    level: Level
    parent: AreaCode | None
    kind: str
    """What the place calls itself: 县, 镇, 乡, 街道, 村, 社区."""
    desk: bool = True
    """False where the area has no desk of its own; the next area above then answers."""
    settlement: Settlement | None = None
    """None asks the area above."""


Ring: TypeAlias = tuple[tuple[float, float], ...]
"""(longitude, latitude) in WGS-84 degrees, closed: the first point is also the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One grid cell (网格), 15 digits, inside one village; cells do not overlap."""

    code: AreaCode
    village: AreaCode
    polygon: Ring


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """A named polygon that rules may ask for (学校周边, 河道管理范围); zones may overlap and cross areas."""

    id: str
    name: Text
    polygons: tuple[Ring, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Department:
    """Who does the work: a county bureau, or a town's own station (`area` is where it sits)."""

    id: str
    name: Text
    level: Level
    area: AreaCode
