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
    ModeKind,
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


@unique
class Power(StrEnum):
    """What a department may do about a category in an area (权责清单)."""

    REPORT = "report"
    """上报: finds it and tells, never leads."""
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
class EnforcementItem:
    """One matter of enforcement (执法事项目录): `department` may enforce `category` in `area`, on a legal basis."""

    code: str
    name: Text
    department: str
    category: CategoryCode
    area: AreaCode
    basis: str
    """The law and article that give the power."""


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


@unique
class CaseField(StrEnum):
    """A field of a case whose value can name a department."""

    TAG = "tag"
    CATEGORY = "category"
    CONDITION = "condition"
    SOURCE = "source"
    AREA = "area"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldTarget:
    """The department that a field of the case names: one rule instead of three hundred.

    A value counts when it starts with `prefix`, which is taken off. With a `table` the rest is looked
    up in it (for category and area the longest entry that covers it); without one it is the
    department's id itself. A value that names no department of the playbook chooses nobody.
    """

    of: CaseField
    prefix: str = ""
    table: Mapping[str, str] = field(default_factory=dict[str, str])
    by: Literal["field"] = "field"


Target: TypeAlias = DeskTarget | DepartmentTarget | DutyTarget | FieldTarget


@unique
class DayKind(StrEnum):
    """What a day is by the county's calendar."""

    WORKDAY = "workday"
    """The calendar is open on it, make-up days (调休) included."""
    DAY_OFF = "day_off"
    """It is not: weekends and holidays."""
    HOLIDAY = "holiday"
    """A named holiday of the calendar."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeWindow:
    """A recurring stretch of the county's local time; a part that is empty or None asks nothing.

    `closes` at or before `opens` means that it ends on the next day; weekday and kind of day are
    then those of the day on which it opened. Both equal is a whole day.
    """

    weekdays: tuple[int, ...] = ()
    """ISO, 1 Monday … 7 Sunday."""
    opens: time | None = None
    closes: time | None = None
    days: DayKind | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """At least `times` earlier cases of the same category in the same village within `hours` before this one."""

    times: int
    hours: float


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """What a case must be for a rule to hold; an empty tuple or None asks nothing.

    Within one field any value is enough; all fields that ask must hold.
    """

    areas: tuple[str, ...] = ()
    """Area codes; each covers everything inside it."""
    zones: tuple[str, ...] = ()
    """Ids of zones; the case's point lies in one of them. A case without a point lies in none."""
    settlements: tuple[Settlement, ...] = ()
    categories: tuple[str, ...] = ()
    """Category codes; each covers its children."""
    sources: tuple[Source, ...] = ()
    severity_at_least: Severity | None = None
    tags: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    """Any of these stands in the case's text, upper and lower case alike."""
    reports_at_least: int | None = None
    repeat: Repeat | None = None
    windows: tuple[TimeWindow, ...] = ()
    """The instant of the decision lies in one of them."""
    modes: tuple[str, ...] = ()
    """Ids of modes, `normal` among them; the case's mode is one of them."""
    expression: str | None = None
    """A CEL expression over the case's fields that must be true (`when:` in the file)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """One order that a rule asks for: in which role, and of whom.

    When the one chosen stands on the roster and nobody of it is on duty at that instant, `backups`
    are asked in order; when none of them is on duty either, the first chosen gets it all the same.
    """

    role: OrderRole
    target: Target
    backups: tuple[Target, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a rule changes on the case and its orders; None and empty change nothing."""

    severity: Severity | None = None
    tags: tuple[str, ...] = ()
    """Added to the case's own."""
    clock_profile: str | None = None
    """Limits of that profile go before those without one."""
    mode: str | None = None
    """The mode that intake enters for the case's area of the profile's level: a rule on warnings."""


@unique
class RuleState(StrEnum):
    """Whether a rule acts."""

    ACTIVE = "active"
    SHADOW = "shadow"
    """Counted and shown, never acted on; it does not end the walk."""
    OFF = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One routing rule; rules are tried in order and the first that holds ends the walk.

    With `goes_on` (`continue: true` in the file) the walk goes on after it and orders add up. A rule
    in groups holds when `around`, the conditions of its groups, outermost first, and its own `when`
    all hold.
    """

    id: str
    version: str
    title: Text
    when: When
    demands: tuple[Demand, ...]
    because: Text
    """Why the county decided so; shown with each order."""
    author: str = ""
    goes_on: bool = False
    around: tuple[When, ...] = ()
    groups: tuple[str, ...] = ()
    """Ids of the groups it stands in, outermost first."""
    state: RuleState = RuleState.ACTIVE
    valid_from: date | None = None
    """First day, local, on which it holds."""
    valid_until: date | None = None
    """Last day, local, on which it holds."""
    sets: Settings = Settings()
    matter: str | None = None
    """Id of the matter (一件事) whose steps are opened beside the lead."""

    def in_force_on(self, day: date) -> bool:
        """Say whether the rule's dates hold `day`; its state is another question."""
        begun = self.valid_from is None or self.valid_from <= day
        return begun and (self.valid_until is None or day <= self.valid_until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a matter: its order opens when every step in `after` is done or released."""

    id: str
    title: Text
    target: Target
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """A 一件事: one case as a graph of orders over departments, joined before the case resolves."""

    id: str
    title: Text
    steps: tuple[Step, ...]
    """No circle among their `after`."""


@unique
class Settle(StrEnum):
    """What becomes of orders that a mode brought, when it is left."""

    KEEP = "keep"
    """They run to their end."""
    WITHDRAW = "withdraw"
    """Those that nobody has signed are withdrawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Channels:
    """How a mode changes deliveries about its cases."""

    retry_at_most_seconds: int | None = None
    """The longest pause between two tries of a delivery."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """A named profile (平战转换) that overlays rules (`When.modes`), clocks (`ClockLimit.mode`) and channels.

    Normal is no profile: it is what holds where none is in force, and its id is `normal`. A drill's
    overlay holds for drill cases alone, so that a real report during a drill is handled in earnest.
    """

    id: str
    title: Text
    kind: ModeKind
    level: Level
    """The level whose areas it is entered for; what lies inside follows."""
    grade: Severity | None = None
    """Of an emergency: I to IV."""
    reroute: When | None = None
    """Open cases that are routed anew on entering; None reroutes none."""
    settle: Settle = Settle.KEEP
    channels: Channels = Channels()


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

    None means any. Of several that fit, a named mode wins, then a named profile, then whistle, then
    the deepest category, then a named condition, then a named severity.
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
    mode: str | None = None
    profile: str | None = None
    """Only for orders whose rule set this clock profile."""
    whistle: bool | None = None
    """True: only for orders of a whistle; False: only for others."""


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
    zones: Mapping[str, Zone] = field(default_factory=dict[str, Zone])
    enforcement: tuple[EnforcementItem, ...] = ()
    matters: Mapping[str, Matter] = field(default_factory=dict[str, Matter])
    modes: Mapping[str, Mode] = field(default_factory=dict[str, Mode])

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
