"""A county's playbook as plain values: everything the county decides, in one immutable piece.

Pure: `load` makes these from files, `record` from and to a Kafka record; services only read them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from enum import StrEnum, unique
from typing import Literal, TypeAlias

from shared.vocabulary import (
    COUNTY_DIGITS,
    TOWN_DIGITS,
    VILLAGE_DIGITS,
    AreaCode,
    CategoryCode,
    ClockKind,
    Level,
    OrderRole,
    Severity,
    Source,
    WhenLate,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A name or sentence in both languages of the product."""

    zh: str
    en: str


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


Ring: TypeAlias = tuple[tuple[float, float], ...]
"""(longitude, latitude) in WGS-84 degrees, closed: the first point is also the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One grid cell (网格), 15 digits, inside one village; cells do not overlap."""

    code: AreaCode
    village: AreaCode
    polygon: Ring


@dataclass(frozen=True, slots=True, kw_only=True)
class Department:
    """Who does the work: a county bureau, or a town's own station (`area` is where it sits)."""

    id: str
    name: Text
    level: Level
    area: AreaCode


@unique
class Power(StrEnum):
    """What a department may do about a category in an area (权责清单)."""

    HANDLE = "handle"
    """处置: repair, clear, answer."""
    ENFORCE = "enforce"
    """执法: order, fine, seal, demolish."""
    ASSIST = "assist"
    """协助: comes along and helps, never leads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A state in which a category's matter is found (立案条件): limits differ by it."""

    code: str
    name: Text
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """One kind of matter; a node of a tree, where a parent stands for all its children."""

    code: CategoryCode
    name: Text
    parent: CategoryCode | None
    severity: Severity
    """What a case of this category is until somebody says otherwise."""
    power: Power
    """The power that the department in the lead must have."""
    words: tuple[str, ...] = ()
    """Words in a report that speak for this category."""
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """`department` answers for `category` and its children in `area` and all inside, with `power`."""

    department: str
    category: CategoryCode
    area: AreaCode
    power: Power


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskTarget:
    """The desk of `level` that covers the case's area."""

    level: Level
    by: Literal["desk"] = "desk"


@dataclass(frozen=True, slots=True, kw_only=True)
class DepartmentTarget:
    """One named department."""

    department: str
    by: Literal["department"] = "department"


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyTarget:
    """Whoever's duty it is: the lowest level with the duty and the power.

    `power` None asks for the power that the case's category demands.
    """

    power: Power | None = None
    by: Literal["duty"] = "duty"


Target: TypeAlias = DeskTarget | DepartmentTarget | DutyTarget


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """What a case must be for a rule to hold; an empty tuple or None asks nothing.

    Within one field any value is enough; all fields that ask must hold.
    """

    areas: tuple[str, ...] = ()
    """Area codes; each covers everything inside it."""
    categories: tuple[str, ...] = ()
    """Category codes; each covers its children."""
    sources: tuple[Source, ...] = ()
    severity_at_least: Severity | None = None
    tags: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    """Any of these stands in the case's text, upper and lower case alike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """One order that a rule asks for: in which role, and of whom."""

    role: OrderRole
    target: Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One routing rule; rules are tried in order and the first that holds ends the walk.

    With `goes_on` (`continue: true` in the file) the walk goes on after it and orders add up.
    """

    id: str
    name: Text
    when: When
    demands: tuple[Demand, ...]
    because: Text
    """Why the county decided so; shown with each order."""
    goes_on: bool = False


@unique
class LimitUnit(StrEnum):
    """How a limit is counted; local tables write 小时/天 for either, so a file must say which."""

    CONTINUOUS_MINUTE = "continuous_minute"
    CONTINUOUS_HOUR = "continuous_hour"
    """紧急工作时: through nights and holidays."""
    WORKING_HOUR = "working_hour"
    """工作时: only while the calendar is open."""
    WORKING_DAY = "working_day"
    """工作日: `Calendar.working_day_hours` working hours."""
    NATURAL_DAY = "natural_day"
    """紧急工作日: 24 continuous hours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """An amount of time in one unit."""

    amount: float
    unit: LimitUnit


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockLimit:
    """The limit of one clock, for the cases that its category, condition and severity name.

    None means any. Of several that fit, the deepest category wins, then a named condition, then a
    named severity.
    """

    id: str
    kind: ClockKind
    category: str | None
    condition: str | None
    severity: Severity | None
    limit: Limit
    warn_at: tuple[float, ...]
    """Fractions of the limit, rising, each in (0, 1); a warning fires once at each."""
    when_late: WhenLate
    source: str
    """Where the figure comes from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """One stretch of working time inside a day; `opens` < `closes`."""

    opens: time
    closes: time


@unique
class YearStatus(StrEnum):
    """How sure a calendar year is."""

    ANNOUNCED = "announced"
    """Holidays and make-up days stand in the State Council's notice."""
    PROVISIONAL = "provisional"
    """Weekly pattern and statutory holidays only; exchange of days is not announced yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Working time of the county, in the playbook's time zone; a year not in `years` is unknown."""

    weekly: Mapping[int, tuple[Opening, ...]]
    """ISO weekday (1 Monday … 7 Sunday) → openings in rising order; breaks lie between them."""
    makeup_hours: tuple[Opening, ...]
    """Openings of a weekend day on which one works (调休上班)."""
    holidays: Mapping[date, str]
    makeup_days: Mapping[date, str]
    years: Mapping[int, YearStatus]
    working_day_hours: float = 8.0

    def openings_on(self, day: date) -> tuple[Opening, ...]:
        """Return the working stretches of `day`.

        Raises:
            UnknownYear: the calendar does not know the year of `day`.
        """
        if day.year not in self.years:
            raise UnknownYear(day.year, known=tuple(self.years))
        if day in self.makeup_days:
            return self.makeup_hours
        if day in self.holidays:
            return ()
        return self.weekly.get(day.isoweekday(), ())


class UnknownYear(Exception):  # noqa: N818  named for the fact
    """A clock ran into a year for which the playbook has no calendar."""

    def __init__(self, year: int, *, known: tuple[int, ...]) -> None:
        """Say which year is missing and which are there."""
        super().__init__(f"the calendar does not know {year}; it knows {sorted(known)}")
        self.year = year


@dataclass(frozen=True, slots=True, kw_only=True)
class Officer:
    """A person on the roster; `phone` reaches the post, not a private line."""

    id: str
    name: str
    phone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """Who is on duty for `owner` on some weekdays; `officers` in the order they are called.

    `owner` is an area code (its desk) or a department id. `closes` at or before `opens` means the
    shift ends on the next day; both equal is a whole day.
    """

    owner: str
    weekdays: tuple[int, ...]
    opens: time
    closes: time
    officers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """The duty roster (值班表)."""

    officers: Mapping[str, Officer] = field(default_factory=dict[str, Officer])
    shifts: tuple[Shift, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Figures the state machine of a case asks the county for."""

    returns_allowed: int = 2
    """Returns of one case before the desk above decides for good (终审)."""
    reopen_hours: int = 72
    """Continuous hours after closing in which a case can be reopened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Playbook:
    """One whole, validated version of a county's playbook."""

    county: AreaCode
    name: Text
    version: str
    digest: str
    """SHA-256 of the canonical content, in hex (see `shared.playbook.digest`)."""
    timezone: str
    speed: float
    """1 in earnest; above 1, in drills and the demo, every limit runs as continuous time divided by it."""
    areas: Mapping[str, Area]
    cells: tuple[Cell, ...]
    departments: Mapping[str, Department]
    categories: Mapping[str, Category]
    duties: tuple[Duty, ...]
    rules: tuple[Rule, ...]
    clocks: tuple[ClockLimit, ...]
    calendar: Calendar
    roster: Roster
    policy: Policy

    def area_line(self, code: str) -> tuple[Area, ...]:
        """Return the areas that hold `code`, smallest first; a cell's line starts at its village."""
        return tuple(self._areas_from(code))

    def category_line(self, code: str) -> tuple[Category, ...]:
        """Return the category and its parents, most special first; empty when unknown."""
        return tuple(self._categories_from(code))

    def desk_area(self, code: str, *, at_least: Level) -> Area:
        """Return the smallest area holding `code`, of `at_least` that level, that has a desk.

        The county always has one (the loader checks it).
        """
        for area in self._areas_from(code):
            if area.desk and area.level.digits <= at_least.digits:
                return area
        return self.areas[self.county]

    def desk_name(self, code: str) -> Text:
        """Return what the desk of an area is called; a village's name is told with its town's."""
        here, *above = self.area_line(code)
        town = above[0].name if above and here.level is Level.VILLAGE else None
        return Text(
            zh=f"{town.zh if town else ''}{here.name.zh}指挥平台",
            en=f"{here.name.en}{f', {town.en}' if town else ''} desk",
        )

    def _areas_from(self, code: str) -> Iterator[Area]:
        here: str | None = next(
            (code[:n] for n in (VILLAGE_DIGITS, TOWN_DIGITS, COUNTY_DIGITS) if code[:n] in self.areas),
            None,
        )
        while here is not None:
            area = self.areas[here]
            yield area
            here = area.parent if area.parent is not None and len(area.parent) < len(here) else None

    def _categories_from(self, code: str) -> Iterator[Category]:
        here = self.categories.get(code)
        while here is not None:
            yield here
            parent = here.parent
            # Codes shorten on the way up; without this a broken record could walk in a circle.
            rises = parent is not None and len(parent) < len(here.code)
            here = self.categories.get(parent) if parent is not None and rises else None
