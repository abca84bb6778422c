"""A second, small playbook made from public service requests: another shape of county than the one that ships.

Boroughs are towns, community boards villages, agencies departments, complaint types categories. The
ground is cut into squares; each belongs to the board with most requests in it.
"""

import csv
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import time
from math import floor
from pathlib import Path
from typing import Final

from shared.playbook.model import (
    Area,
    Calendar,
    Category,
    Cell,
    ClockLimit,
    Demand,
    Department,
    DeskTarget,
    Duty,
    DutyTarget,
    Limit,
    LimitUnit,
    Officer,
    Opening,
    Playbook,
    Policy,
    Power,
    Ring,
    Roster,
    Rule,
    Shift,
    Text,
    When,
    YearStatus,
)
from shared.playbook.record import sealed
from shared.vocabulary import ClockKind, Level, OrderRole, Severity, Source, WhenLate

NYC_COUNTY: Final = "990212"
SQUARE: Final = 0.02
"""Degrees; about 2 km."""
ORIGIN: Final = (-75.0000005, 40.0000005)
"""Half a digit off the data's six decimals, so that no request lies on a border."""

Row = dict[str, str]


def nyc_playbook(requests: Path) -> Playbook:
    """Return the playbook of the boroughs, agencies and complaint types in the file; always the same one."""
    with requests.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    boards = _boards(rows)
    categories = {category.code: category for category in _categories(rows)}
    agencies = {row["agency"]: row["agency_name"] for row in rows}
    return sealed(
        Playbook(
            county=NYC_COUNTY,
            name=_text("Boroughs"),
            version="1",
            digest="",
            timezone="America/New_York",
            speed=1.0,
            areas={area.code: area for area in _areas(boards)},
            cells=tuple(_cells(rows, boards)),
            departments={
                agency: Department(id=agency, name=_text(name), level=Level.COUNTY, area=NYC_COUNTY)
                for agency, name in sorted(agencies.items())
            },
            categories=categories,
            duties=tuple(
                Duty(department=agency, category=agency, area=NYC_COUNTY, power=Power.HANDLE)
                for agency in sorted(agencies)
            ),
            rules=RULES,
            clocks=CLOCKS,
            calendar=CALENDAR,
            roster=_roster(boards),
            policy=Policy(),
        )
    )


def _boards(rows: Sequence[Row]) -> dict[str, str]:
    """Return the code of each community board; its borough's code is the first nine digits."""
    by_borough: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows:
        by_borough[row["borough"]].add(row["community_board"])
    return {
        board: f"{NYC_COUNTY}{number:03}{place:03}"
        for number, (_, boards) in enumerate(sorted(by_borough.items()), start=1)
        for place, board in enumerate(sorted(boards), start=1)
    }


def _areas(boards: dict[str, str]) -> Iterator[Area]:
    yield Area(code=NYC_COUNTY, name=_text("Boroughs"), level=Level.COUNTY, parent=None, kind="city")
    boroughs = {code[:9]: board.split(" ", 1)[1] for board, code in boards.items()}
    for code, name in boroughs.items():
        yield Area(code=code, name=_text(name), level=Level.TOWN, parent=NYC_COUNTY, kind="borough")
    for name, code in boards.items():
        yield Area(code=code, name=_text(name), level=Level.VILLAGE, parent=code[:9], kind="board")


def _categories(rows: Sequence[Row]) -> Iterator[Category]:
    """An agency is a family; a complaint type belongs to the agency that gets most of it."""
    agency_of: dict[str, str] = {}
    for (complaint, agency), _ in Counter((row["complaint_type"], row["agency"]) for row in rows).most_common():
        agency_of.setdefault(complaint, agency)
    for agency in sorted({row["agency"] for row in rows}):
        yield _category(agency, f"{agency} matters", None)
        theirs = sorted(complaint for complaint, of in agency_of.items() if of == agency)
        for number, complaint in enumerate(theirs, start=1):
            yield _category(f"{agency}.{number:03}", complaint, agency)


def _category(code: str, name: str, parent: str | None) -> Category:
    words = (name,) if parent else ()
    return Category(code=code, name=_text(name), parent=parent, severity=Severity.IV, power=Power.HANDLE, words=words)


def _cells(rows: Sequence[Row], boards: dict[str, str]) -> Iterator[Cell]:
    asked: defaultdict[tuple[int, int], Counter[str]] = defaultdict(Counter)
    for row in rows:
        if row["lat"]:
            asked[_square(float(row["lon"]), float(row["lat"]))][row["community_board"]] += 1
    numbers: Counter[str] = Counter()
    for square, counts in sorted(asked.items()):
        village = boards[min(counts, key=lambda board: (-counts[board], board))]
        numbers[village] += 1
        yield Cell(code=f"{village}{numbers[village]:03}", village=village, polygon=_ring(*square))


def _square(lon: float, lat: float) -> tuple[int, int]:
    return floor((lon - ORIGIN[0]) / SQUARE), floor((lat - ORIGIN[1]) / SQUARE)


def _ring(column: int, row: int) -> Ring:
    west, east = (round(ORIGIN[0] + step * SQUARE, 7) for step in (column, column + 1))
    south, north = (round(ORIGIN[1] + step * SQUARE, 7) for step in (row, row + 1))
    return ((west, south), (east, south), (east, north), (west, north), (west, south))


def _roster(boards: dict[str, str]) -> Roster:
    desks = [NYC_COUNTY, *sorted({code[:9] for code in boards.values()}), *boards.values()]
    always = Officer(id="o1", name="Officer One", phone="000-0001")
    whole_week = tuple(range(1, 8))
    shifts = (
        Shift(owner=desk, weekdays=whole_week, opens=time(0), closes=time(0), officers=(always.id,)) for desk in desks
    )
    return Roster(officers={always.id: always}, shifts=tuple(shifts))


def _text(name: str) -> Text:
    return Text(zh=name, en=name)


def _limit(kind: ClockKind, amount: float, unit: LimitUnit, when_late: WhenLate) -> ClockLimit:
    return ClockLimit(
        id=kind.value,
        kind=kind,
        category=None,
        condition=None,
        severity=None,
        limit=Limit(amount=amount, unit=unit),
        warn_at=(0.8,),
        when_late=when_late,
        source="made for tests",
    )


CLOCKS: Final = (
    _limit(ClockKind.SIGN_IN, 30, LimitUnit.CONTINUOUS_MINUTE, WhenLate.TAKE_OVER),
    _limit(ClockKind.HANDLE, 3, LimitUnit.WORKING_DAY, WhenLate.OVERSEE),
)
RULES: Final = (
    Rule(
        id="grid-workers-settle-noise",
        version="1",
        title=_text("Noise that a grid worker reports"),
        when=When(categories=("NYPD",), sources=(Source.GRID,), words=("noise",)),
        demands=(Demand(role=OrderRole.LEAD, target=DeskTarget(level=Level.VILLAGE)),),
        because=_text("Small matters are settled by the board"),
    ),
    Rule(
        id="by-duty",
        version="1",
        title=_text("By the duty list"),
        when=When(),
        demands=(Demand(role=OrderRole.LEAD, target=DutyTarget()),),
        because=_text("The agency that has the duty leads"),
    ),
)
_DAY: Final = (Opening(opens=time(9), closes=time(17)),)
CALENDAR: Final = Calendar(
    weekly=dict.fromkeys(range(1, 6), _DAY),
    makeup_hours=_DAY,
    holidays={},
    makeup_days={},
    years=dict.fromkeys(range(2023, 2041), YearStatus.PROVISIONAL),
)
