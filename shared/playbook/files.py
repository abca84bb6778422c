"""What stands in each file of a playbook's folder, row by row, and the values it becomes."""

from collections.abc import Iterator, Sequence
from datetime import date, time
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from shared.playbook import model
from shared.playbook.model import LimitUnit, Power, Text, YearStatus
from shared.vocabulary import (
    AreaCode,
    CategoryCode,
    ClockKind,
    Level,
    OrderRole,
    Pattern,
    Severity,
    Source,
    WhenLate,
    level_of,
)

SLUG: Final = r"^[0-9A-Za-z][0-9A-Za-z._-]{0,63}$"


def _severity(value: object) -> object:
    if isinstance(value, str) and value in Severity.__members__:
        return Severity[value]
    if isinstance(value, Severity):
        return value
    allowed = ", ".join(Severity.__members__)
    raise PydanticCustomError("severity", "{value} is no severity", {"value": repr(value), "allowed": allowed})


def _blanks(value: object) -> object:
    """Read a cell of several values separated by blanks."""
    return tuple(value.split()) if isinstance(value, str) else value


def _weekdays(value: object) -> object:
    """Read `1-5` or `1 3 6` (ISO, 1 Monday … 7 Sunday)."""
    if not isinstance(value, str):
        return value
    first, dash, last = value.partition("-")
    try:
        return tuple(range(int(first), int(last) + 1)) if dash else tuple(int(day) for day in value.split())
    except ValueError:
        raise PydanticCustomError(
            "weekdays", "{value} are no weekdays", {"value": repr(value), "allowed": "such as 1-5 or 1 3 6"}
        ) from None


Slug = Annotated[str, Pattern(SLUG)]
Name = Annotated[str, Field(min_length=1, max_length=120)]
Words = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=64)], ...], Field(max_length=200)]
Grade = Annotated[Severity, BeforeValidator(_severity)]
Weekday = Annotated[int, Field(ge=1, le=7)]


class Row(BaseModel):
    """A row or node of a file: no field that nobody reads, none changed after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Bilingual(Row):
    """A name or sentence in both languages."""

    zh: Annotated[str, Field(min_length=1, max_length=500)]
    en: Annotated[str, Field(min_length=1, max_length=500)]

    def value(self) -> Text:
        return Text(zh=self.zh, en=self.en)


class PolicyNode(Row):
    returns_allowed: Annotated[int, Field(ge=0, le=9)] = 2
    reopen_hours: Annotated[int, Field(ge=0, le=8760)] = 72

    def value(self) -> model.Policy:
        return model.Policy(returns_allowed=self.returns_allowed, reopen_hours=self.reopen_hours)


class PlaybookFile(Row):
    """`playbook.yaml`: who this is and which version."""

    county: Annotated[str, Pattern(r"^[0-9]{6}$")]
    name: Bilingual
    version: Annotated[str, Pattern(r"^[0-9A-Za-z][0-9A-Za-z._-]{0,31}$")]
    timezone: Name
    speed: Annotated[float, Field(ge=1, le=100_000)] = 1.0
    policy: PolicyNode = PolicyNode()


class AreaRow(Row):
    """`areas.csv`: level and parent follow from the code."""

    code: Annotated[str, Pattern(r"^[0-9]{6}([0-9]{3}([0-9]{3})?)?$")]
    zh: Name
    en: Name
    kind: Name
    desk: bool = True

    def value(self) -> model.Area:
        parent = self.code[:-3] if len(self.code) > Level.COUNTY.digits else None
        name = Text(zh=self.zh, en=self.en)
        level = level_of(self.code)
        return model.Area(code=self.code, name=name, level=level, parent=parent, kind=self.kind, desk=self.desk)


class CellProperties(Row):
    code: Annotated[str, Pattern(r"^[0-9]{15}$")]
    village: Annotated[str, Pattern(r"^[0-9]{12}$")]


Longitude = Annotated[float, Field(ge=-180, le=180)]
Latitude = Annotated[float, Field(ge=-90, le=90)]


class PolygonNode(Row):
    type: Annotated[str, Pattern("^Polygon$")]
    coordinates: Annotated[
        tuple[Annotated[tuple[tuple[Longitude, Latitude], ...], Field(min_length=4)], ...],
        Field(min_length=1, max_length=1),
    ]
    """One ring; a cell has no holes."""


class CellFeature(Row):
    """`cells.geojson`: one feature a grid cell."""

    type: Annotated[str, Pattern("^Feature$")]
    properties: CellProperties
    geometry: PolygonNode

    def value(self) -> model.Cell:
        cell = self.properties
        return model.Cell(code=cell.code, village=cell.village, polygon=self.geometry.coordinates[0])


class DepartmentRow(Row):
    """`departments.csv`: the level is that of the area where the department sits."""

    id: Slug
    zh: Name
    en: Name
    area: Annotated[str, Pattern(r"^[0-9]{6}([0-9]{3}([0-9]{3})?)?$")]

    def value(self) -> model.Department:
        name = Text(zh=self.zh, en=self.en)
        return model.Department(id=self.id, name=name, level=level_of(self.area), area=self.area)


class ConditionNode(Row):
    code: Slug
    zh: Name
    en: Name
    words: Words = ()

    def value(self) -> model.Condition:
        return model.Condition(code=self.code, name=Text(zh=self.zh, en=self.en), words=self.words)


class CategoryNode(Row):
    """`categories.yaml`: a tree; severity and power come from the parent where a child is silent."""

    code: CategoryCode
    zh: Name
    en: Name
    severity: Grade | None = None
    power: Power | None = None
    words: Words = ()
    conditions: tuple[ConditionNode, ...] = ()
    children: tuple["CategoryNode", ...] = ()


class CategoriesFile(Row):
    categories: Annotated[tuple[CategoryNode, ...], Field(min_length=1)]


class DutyRow(Row):
    """`duties.csv`: one department, category, area and power."""

    department: Slug
    category: CategoryCode
    area: AreaCode
    power: Power

    def value(self) -> model.Duty:
        return model.Duty(department=self.department, category=self.category, area=self.area, power=self.power)


class DeskNode(Row):
    desk: Level

    def value(self) -> model.Target:
        return model.DeskTarget(level=self.desk)


class DepartmentNode(Row):
    department: Slug

    def value(self) -> model.Target:
        return model.DepartmentTarget(department=self.department)


class DutyNode(Row):
    duty: Power | None
    """Empty (`duty:`) asks for the power that the case's category demands."""

    def value(self) -> model.Target:
        return model.DutyTarget(power=self.duty)


def _target(value: object) -> object:
    kinds: dict[str, type[Row]] = {"desk": DeskNode, "department": DepartmentNode, "duty": DutyNode}
    if isinstance(value, dict) and len(value) == 1 and next(iter(value)) in kinds:
        return kinds[next(iter(value))].model_validate(value)
    allowed = "{desk: village|town|county}, {department: <id>}, {duty: handle|enforce|assist} or {duty: }"
    raise PydanticCustomError("target", "no target", {"allowed": allowed})


TargetNode = Annotated[DeskNode | DepartmentNode | DutyNode, BeforeValidator(_target)]


class WhenNode(Row):
    area: tuple[AreaCode, ...] = ()
    category: tuple[CategoryCode, ...] = ()
    source: tuple[Source, ...] = ()
    severity_at_least: Grade | None = None
    tags: Words = ()
    words: Words = ()

    def value(self) -> model.When:
        return model.When(
            areas=self.area,
            categories=self.category,
            sources=self.source,
            severity_at_least=self.severity_at_least,
            tags=self.tags,
            words=self.words,
        )


class RuleNode(Row):
    """`rules.yaml`: one routing rule."""

    id: Slug
    version: Annotated[str, Field(min_length=1, max_length=32)] = "1"
    title: Bilingual
    when: WhenNode = WhenNode()
    lead: TargetNode | None = None
    assist: tuple[TargetNode, ...] = ()
    oversee: tuple[TargetNode, ...] = ()
    because: Bilingual
    goes_on: Annotated[bool, Field(alias="continue")] = False

    def value(self) -> model.Rule:
        return model.Rule(
            id=self.id,
            version=self.version,
            title=self.title.value(),
            when=self.when.value(),
            demands=tuple(self._demands()),
            because=self.because.value(),
            goes_on=self.goes_on,
        )

    def _demands(self) -> Iterator[model.Demand]:
        if self.lead is not None:
            yield model.Demand(role=OrderRole.LEAD, target=self.lead.value())
        for target in self.assist:
            yield model.Demand(role=OrderRole.ASSIST, target=target.value())
        for target in self.oversee:
            yield model.Demand(role=OrderRole.OVERSEE, target=target.value())


class RulesFile(Row):
    rules: Annotated[tuple[RuleNode, ...], Field(min_length=1)]


Fraction = Annotated[float, Field(gt=0, lt=1)]


class ClockRow(Row):
    """`clocks.csv`: one limit; an empty category, condition or severity means any."""

    id: Slug
    kind: ClockKind
    category: CategoryCode | None = None
    condition: Slug | None = None
    severity: Grade | None = None
    amount: Annotated[float, Field(gt=0, le=10_000)]
    unit: LimitUnit
    warn_at: Annotated[tuple[Fraction, ...], BeforeValidator(_blanks)] = ()
    when_late: WhenLate
    source: Annotated[str, Field(min_length=1, max_length=200)]

    def value(self) -> model.ClockLimit:
        return model.ClockLimit(
            id=self.id,
            kind=self.kind,
            category=self.category,
            condition=self.condition,
            severity=self.severity,
            limit=model.Limit(amount=self.amount, unit=self.unit),
            warn_at=self.warn_at,
            when_late=self.when_late,
            source=self.source,
        )


class OpeningNode(Row):
    opens: time
    closes: time

    def value(self) -> model.Opening:
        return model.Opening(opens=self.opens, closes=self.closes)


class CalendarFile(Row):
    """`calendar.yaml`: weekly hours, years, days off and make-up days."""

    working_day_hours: Annotated[float, Field(gt=0, le=24)] = 8.0
    weekly: dict[Weekday, tuple[OpeningNode, ...]]
    makeup_hours: tuple[OpeningNode, ...]
    years: Annotated[dict[int, YearStatus], Field(min_length=1)]
    holidays: dict[date, Name] = {}
    makeup_days: dict[date, Name] = {}

    def value(self) -> model.Calendar:
        return model.Calendar(
            weekly={day: _openings(nodes) for day, nodes in self.weekly.items()},
            makeup_hours=_openings(self.makeup_hours),
            holidays=self.holidays,
            makeup_days=self.makeup_days,
            years=self.years,
            working_day_hours=self.working_day_hours,
        )


def _openings(nodes: Sequence[OpeningNode]) -> tuple[model.Opening, ...]:
    return tuple(node.value() for node in nodes)


class OfficerRow(Row):
    """`officers.csv`: people on the roster."""

    id: Slug
    name: Name
    phone: Annotated[str, Pattern(r"^[0-9+][0-9 -]{2,30}$")]

    def value(self) -> model.Officer:
        return model.Officer(id=self.id, name=self.name, phone=self.phone)


class ShiftRow(Row):
    """`shifts.csv`: who is on duty when; officers separated by blanks, first called first."""

    owner: Slug
    weekdays: Annotated[tuple[Weekday, ...], BeforeValidator(_weekdays), Field(min_length=1)]
    opens: time
    closes: time
    officers: Annotated[tuple[Slug, ...], BeforeValidator(_blanks), Field(min_length=1)]

    def value(self) -> model.Shift:
        return model.Shift(
            owner=self.owner,
            weekdays=self.weekdays,
            opens=self.opens,
            closes=self.closes,
            officers=self.officers,
        )
