"""A county of two towns on a square grid, small enough to reckon with by hand.

Town 001 lies west of longitude 101, town 002 east of it; each has one village of two cells of one
degree, south and north of latitude 26.
"""

from datetime import time

from shared.playbook.model import (
    Area,
    Calendar,
    Category,
    Cell,
    ClockLimit,
    Condition,
    Demand,
    Department,
    DutyTarget,
    Limit,
    LimitUnit,
    Opening,
    Playbook,
    Policy,
    Power,
    Roster,
    Rule,
    Text,
    When,
    YearStatus,
)
from shared.vocabulary import ClockKind, Level, OrderRole, Severity, WhenLate

COUNTY = "990101"
WEST, EAST = "990101001", "990101002"
WEST_VILLAGE, EAST_VILLAGE = "990101001001", "990101002001"
WEST_CELLS = ("990101001001001", "990101001001002")
EAST_CELLS = ("990101002001001", "990101002001002")
GAS, GAS_LEAK, WATER, OTHER = "03", "03.001", "01", "99"
GAS_BUREAU = "gas-bureau"


def text(zh: str) -> Text:
    return Text(zh=zh, en=zh)


def square(west: float, south: float) -> tuple[tuple[float, float], ...]:
    return ((west, south), (west + 1, south), (west + 1, south + 1), (west, south + 1), (west, south))


def small_county(*, version: str = "1", policy: Policy | None = None) -> Playbook:
    return Playbook(
        county=COUNTY,
        name=text("小县"),
        version=version,
        digest=f"{version:0>64}",
        timezone="Asia/Shanghai",
        speed=1,
        areas={area.code: area for area in AREAS},
        cells=CELLS,
        departments={GAS_BUREAU: Department(id=GAS_BUREAU, name=text("燃气公司"), level=Level.COUNTY, area=COUNTY)},
        categories={category.code: category for category in CATEGORIES},
        duties=(),
        rules=(RULE,),
        clocks=(SIGN_IN,),
        calendar=CALENDAR,
        roster=Roster(),
        policy=policy or Policy(),
    )


AREAS = (
    Area(code=COUNTY, name=text("小县"), level=Level.COUNTY, parent=None, kind="县"),
    Area(code=WEST, name=text("西镇"), level=Level.TOWN, parent=COUNTY, kind="镇"),
    Area(code=EAST, name=text("东镇"), level=Level.TOWN, parent=COUNTY, kind="镇"),
    Area(code=WEST_VILLAGE, name=text("西村"), level=Level.VILLAGE, parent=WEST, kind="村"),
    Area(code=EAST_VILLAGE, name=text("东村"), level=Level.VILLAGE, parent=EAST, kind="村", desk=False),
)
CELLS = (
    Cell(code=WEST_CELLS[0], village=WEST_VILLAGE, polygon=square(100, 25)),
    Cell(code=WEST_CELLS[1], village=WEST_VILLAGE, polygon=square(100, 26)),
    Cell(code=EAST_CELLS[0], village=EAST_VILLAGE, polygon=square(101, 25)),
    Cell(code=EAST_CELLS[1], village=EAST_VILLAGE, polygon=square(101, 26)),
)
CATEGORIES = (
    Category(code=WATER, name=text("供水"), parent=None, severity=Severity.IV, power=Power.HANDLE, words=("自来水",)),
    Category(
        code="01.001",
        name=text("井盖异常"),
        parent=WATER,
        severity=Severity.III,
        power=Power.HANDLE,
        words=("井盖",),
        conditions=(
            Condition(code="missing", name=text("缺失"), words=("不见了", "缺失")),
            Condition(code="broken", name=text("破损"), words=("破损",)),
        ),
    ),
    Category(code=GAS, name=text("燃气"), parent=None, severity=Severity.III, power=Power.HANDLE, words=("燃气",)),
    Category(
        code=GAS_LEAK,
        name=text("燃气泄漏"),
        parent=GAS,
        severity=Severity.I,
        power=Power.HANDLE,
        words=("燃气味", "漏气", "Gas leak"),
    ),
    Category(code=OTHER, name=text("其他"), parent=None, severity=Severity.IV, power=Power.HANDLE),
)
RULE = Rule(
    id="r1",
    version="1",
    title=text("照权责"),
    when=When(),
    demands=(Demand(role=OrderRole.LEAD, target=DutyTarget()),),
    because=text("谁的职责谁办"),
)
SIGN_IN = ClockLimit(
    id="sign-in",
    kind=ClockKind.SIGN_IN,
    category=None,
    condition=None,
    severity=None,
    limit=Limit(amount=30, unit=LimitUnit.CONTINUOUS_MINUTE),
    warn_at=(0.8,),
    when_late=WhenLate.TAKE_OVER,
    source="made for tests",
)
_DAY = (Opening(opens=time(8), closes=time(12)), Opening(opens=time(14), closes=time(18)))
CALENDAR = Calendar(
    weekly=dict.fromkeys(range(1, 6), _DAY),
    makeup_hours=_DAY,
    holidays={},
    makeup_days={},
    years={2026: YearStatus.ANNOUNCED},
)
