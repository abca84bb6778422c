"""Random counties, rule sets and cases in which every kind of condition is used and often nearly holds."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeVar

from services.router.domain.facts import Facts
from shared.events.parts import Place, Return
from shared.playbook.model import (
    Area,
    CaseField,
    Category,
    DayKind,
    Demand,
    Department,
    DepartmentTarget,
    DeskTarget,
    Duty,
    DutyTarget,
    EnforcementItem,
    FieldTarget,
    Mode,
    Officer,
    Playbook,
    Power,
    Repeat,
    Ring,
    Roster,
    Rule,
    RuleState,
    Settings,
    Settlement,
    Shift,
    Target,
    TimeWindow,
    When,
    Zone,
)
from shared.vocabulary import NORMAL, Level, ModeKind, OrderRole, Severity, Source
from tests.fakes.router import a_case, department, desk, order_of
from tests.fakes.small_county import COUNTY, small_county, square, text

T = TypeVar("T")

TOWNS = (f"{COUNTY}001", f"{COUNTY}002", f"{COUNTY}003")
VILLAGES = tuple(f"{town}{number:03}" for town in TOWNS for number in (1, 2))
CELLS = tuple(f"{village}{number:03}" for village in VILLAGES[:3] for number in (1, 2))
KNOWN_AREAS = (COUNTY, *TOWNS, *VILLAGES)
CODES = ("01", "01.001", "01.002", "01.002.1", "02", "02.001", "03", "03.001", "03.002", "04")
DEPARTMENTS = ("d1", "d2", "d3", "t1", "t2")
WORDS = ("漏", "漏水", "水", "Gas", "gas leak", "路灯", "灯", "不亮", "人")
TAGS = ("mass", "dept:d1", "dept:d3", "b", "c")
MODES = (NORMAL, "flood-II", "drill")
EXPRESSIONS = (
    "reports >= 2",
    'source == "grid" || severity <= 2',
    '"mass" in tags && returns == 0',
    'text.contains("漏水")',
    "at.getHours() >= 18",
)
HOURS = (time(0), time(8), time(12), time(18), time(22))
FIRST = datetime(2026, 9, 28, tzinfo=UTC)
"""A week with a holiday and a make-up day in it begins here."""


class Maker:
    """Draws everything from one seeded source of chance."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)

    def playbook(self) -> Playbook:
        """A county with up to 24 rules."""
        county = small_county()
        calendar = replace(
            county.calendar, holidays={date(2026, 10, 1): "国庆节"}, makeup_days={date(2026, 10, 10): "调休"}
        )
        return replace(
            county,
            areas={code: self._area(code) for code in KNOWN_AREAS},
            cells=(),
            departments={name: self._department(name) for name in DEPARTMENTS},
            categories={code: _category(code) for code in CODES},
            duties=tuple(self._duty() for _ in range(self.chance.randrange(8))),
            enforcement=tuple(self._enforcement() for _ in range(self.chance.randrange(3))),
            zones={name: self._zone(name) for name in ("z1", "z2", "z3")},
            modes={name: _mode(name) for name in MODES[1:]},
            roster=self._roster(),
            calendar=calendar,
            rules=tuple(self._rule(number) for number in range(self.chance.randrange(1, 24))),
        )

    def facts(self) -> Facts:
        """A case at an instant; most fields are those that rules ask for."""
        returned_by = self.some((*map(department, DEPARTMENTS), *map(desk, KNOWN_AREAS)), 0.1)
        at = FIRST + timedelta(minutes=self.chance.randrange(20 * 24 * 60))
        area = self.chance.choice((*KNOWN_AREAS, *CELLS, f"{COUNTY}009"))
        case = a_case(
            area=area,
            category=self.chance.choice((*CODES, "77")),
            severity=self.chance.choice(tuple(Severity)),
            source=self.chance.choice(tuple(Source)),
            tags=self.some(TAGS, 0.2),
            condition=self.chance.choice((None, "d2", "x")),
            place=self._place(),
            reports=self.chance.choice((1, 1, 2, 5)),
            mode=self.chance.choice(MODES),
            returns=tuple(Return(order_id=order_of(one), target=one, reason="", at=at) for one in returned_by[:3]),
            opened_at=at,
            earlier=tuple(at - timedelta(hours=self.chance.randrange(96)) for _ in range(self.chance.randrange(4))),
        )
        return Facts.of(case, "，".join(self.some(WORDS, 0.2)))

    def some(self, of: Sequence[T], share: float) -> tuple[T, ...]:
        """Each of them with the chance `share`."""
        return tuple(one for one in of if self.chance.random() < share)

    def _rule(self, number: int) -> Rule:
        name = text(f"r{number}")
        return Rule(
            id=f"r{number}",
            version="1",
            title=name,
            because=name,
            when=self._when(),
            around=tuple(self._when() for _ in range(self.chance.choice((0, 0, 0, 1, 2)))),
            demands=tuple(self._demand() for _ in range(self.chance.randrange(1, 3))),
            goes_on=self.chance.random() < 0.6,
            state=self.chance.choice((*[RuleState.ACTIVE] * 8, RuleState.SHADOW, RuleState.OFF)),
            valid_from=self.rarely(self._day(), 0.1),
            valid_until=self.rarely(self._day(), 0.1),
            sets=Settings(
                severity=self.rarely(Severity.I, 0.1),
                tags=self.some(TAGS, 0.02),
                clock_profile=self.rarely("fast", 0.1),
            ),
        )

    def _when(self) -> When:
        pick = self.chance
        return When(
            areas=self.rarely(self._few((*KNOWN_AREAS, *CELLS)), 0.35) or (),
            categories=self.rarely(self._few(CODES), 0.5) or (),
            sources=self.rarely(self._few(tuple(Source)), 0.15) or (),
            severity_at_least=self.rarely(pick.choice(tuple(Severity)), 0.15),
            tags=self.rarely(self._few(TAGS), 0.15) or (),
            words=self.rarely(self._few(WORDS), 0.2) or (),
            zones=self.rarely(self._few(("z1", "z2", "z3")), 0.1) or (),
            settlements=self.rarely((pick.choice(tuple(Settlement)),), 0.1) or (),
            reports_at_least=self.rarely(pick.choice((1, 2, 3)), 0.1),
            repeat=self.rarely(Repeat(times=pick.choice((1, 2)), hours=pick.choice((24, 48.5))), 0.1),
            windows=self.rarely((self._window(),), 0.15) or (),
            modes=self.rarely(self._few(MODES), 0.15) or (),
            expression=self.rarely(pick.choice(EXPRESSIONS), 0.05),
        )

    def _few(self, of: Sequence[T]) -> tuple[T, ...]:
        return tuple(self.chance.sample(of, min(len(of), self.chance.choice((1, 1, 2, 3)))))

    def rarely(self, value: T, share: float) -> T | None:
        """The value with the chance `share`."""
        return value if self.chance.random() < share else None

    def _window(self) -> TimeWindow:
        return TimeWindow(
            weekdays=self.some((1, 2, 3, 4, 5, 6, 7), 0.3),
            opens=self.rarely(self.chance.choice(HOURS), 0.7),
            closes=self.rarely(self.chance.choice(HOURS), 0.7),
            days=self.rarely(self.chance.choice(tuple(DayKind)), 0.4),
        )

    def _demand(self) -> Demand:
        role = self.chance.choice((OrderRole.LEAD, OrderRole.LEAD, OrderRole.ASSIST, OrderRole.OVERSEE))
        return Demand(role=role, target=self._target(), backups=self.rarely((self._target(),), 0.2) or ())

    def _target(self) -> Target:
        prefix = FieldTarget(of=CaseField.TAG, prefix="dept:")
        by_condition = FieldTarget(of=CaseField.CONDITION)
        by_area = FieldTarget(of=CaseField.AREA, table={TOWNS[0]: "t1", VILLAGES[1]: "t2"})
        return self.chance.choice(
            (
                DeskTarget(level=self.chance.choice(tuple(Level))),
                DepartmentTarget(department=self.chance.choice(DEPARTMENTS)),
                DutyTarget(),
                DutyTarget(power=self.chance.choice(tuple(Power))),
                self.chance.choice((prefix, by_condition, by_area)),
            )
        )

    def _duty(self) -> Duty:
        power = self.chance.choice((Power.HANDLE, Power.HANDLE, Power.ASSIST))
        return Duty(department=self.chance.choice(DEPARTMENTS), category=self._code(), area=self._known(), power=power)

    def _enforcement(self) -> EnforcementItem:
        who = self.chance.choice(DEPARTMENTS)
        return EnforcementItem(
            code="e", name=text("执法"), department=who, category=self._code(), area=self._known(), basis="某法第一条"
        )

    def _roster(self) -> Roster:
        owners = self.some((*DEPARTMENTS, *KNOWN_AREAS), 0.3)
        shifts = tuple(
            Shift(
                owner=owner,
                weekdays=self.some((1, 2, 3, 4, 5, 6, 7), 0.7) or (1,),
                opens=self.chance.choice(HOURS),
                closes=self.chance.choice(HOURS),
                officers=(f"o-{owner}",),
            )
            for owner in owners
        )
        officers = {f"o-{owner}": Officer(id=f"o-{owner}", name="甲", phone="0") for owner in owners}
        return Roster(officers=officers, shifts=shifts)

    def _area(self, code: str) -> Area:
        level = {6: Level.COUNTY, 9: Level.TOWN, 12: Level.VILLAGE}[len(code)]
        return Area(
            code=code,
            name=text(f"区{code}"),
            level=level,
            parent=None if level is Level.COUNTY else code[:-3],
            kind="区",
            desk=level is Level.COUNTY or self.chance.random() < 0.8,
            settlement=self.chance.choice((None, None, *Settlement)),
        )

    def _department(self, name: str) -> Department:
        level, area = (Level.COUNTY, COUNTY) if name.startswith("d") else (Level.TOWN, TOWNS[int(name[1:]) - 1])
        return Department(id=name, name=text(f"部门{name}"), level=level, area=area)

    def _zone(self, name: str) -> Zone:
        rings = tuple(self._square() for _ in range(2))
        return Zone(id=name, name=text(name), polygons=rings)

    def _square(self) -> Ring:
        """Mostly a tenth of a degree wide; some so wide that they are in no net."""
        tenths = 10 if self.chance.random() < 0.8 else 1
        corner = square(self.chance.randrange(4), self.chance.randrange(4))
        return tuple((lon / tenths, lat / tenths) for lon, lat in corner)

    def _place(self) -> Place | None:
        lon, lat = (self.chance.randrange(0, 51) / 100 for _ in range(2))
        return self.rarely(Place(lon=lon, lat=lat), 0.7)

    def _code(self) -> str:
        return self.chance.choice(CODES)

    def _known(self) -> str:
        return self.chance.choice(KNOWN_AREAS)

    def _day(self) -> date:
        return FIRST.date() + timedelta(days=self.chance.randrange(20))


def _category(code: str) -> Category:
    parent = code.rpartition(".")[0] or None
    power = Power.ENFORCE if code == "02.001" else Power.HANDLE
    return Category(code=code, name=text(f"类{code}"), parent=parent, severity=Severity.IV, power=power)


def _mode(name: str) -> Mode:
    return Mode(id=name, title=text(name), kind=ModeKind.EMERGENCY, level=Level.TOWN)
