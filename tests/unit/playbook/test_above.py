"""Who stands above the holder of an order, by hand."""

import pytest

from shared.events.parts import Target
from shared.playbook.above import desk_above
from shared.vocabulary import Level, TargetKind
from tests.fakes.small_county import (
    COUNTY,
    EAST,
    EAST_VILLAGE,
    GAS_BUREAU,
    WEST,
    WEST_CELLS,
    WEST_VILLAGE,
    small_county,
)


def desk(area: str) -> Target:
    return Target(kind=TargetKind.DESK, id=area)


DEPARTMENT = Target(kind=TargetKind.DEPARTMENT, id=GAS_BUREAU)
A_VILLAGE_SINCE_MERGED = "990101001099"


@pytest.mark.parametrize(
    ("target", "level", "area", "above"),
    (
        (desk(WEST_VILLAGE), Level.VILLAGE, WEST_CELLS[0], WEST),
        (desk(WEST), Level.TOWN, WEST_CELLS[0], COUNTY),
        (desk(COUNTY), Level.COUNTY, WEST_CELLS[0], None),
        (DEPARTMENT, Level.VILLAGE, WEST_CELLS[0], WEST_VILLAGE),
        (DEPARTMENT, Level.TOWN, WEST_CELLS[0], WEST),
        (DEPARTMENT, Level.COUNTY, WEST_CELLS[0], COUNTY),
        # Town East's village has no desk of its own: the next that exists stands above.
        (DEPARTMENT, Level.VILLAGE, EAST_VILLAGE, EAST),
        (desk(A_VILLAGE_SINCE_MERGED), Level.VILLAGE, WEST, WEST),
    ),
)
def test_above_a_department_stands_its_own_levels_desk_and_above_a_desk_the_next(
    target: Target, level: Level, area: str, above: str | None
) -> None:
    found = desk_above(small_county(), target, level=level, area=area)
    assert (None if found is None else found.code) == above
