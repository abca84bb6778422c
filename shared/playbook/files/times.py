"""Clocks, calendar and roster: `clocks.csv`, `calendar.yaml`, `officers.csv`, `shifts.csv`."""

from collections.abc import Sequence
from datetime import date, time
from typing import Annotated

from pydantic import BeforeValidator, Field

from shared.playbook import model
from shared.playbook.files.rows import Grade, Name, Row, Slug, TownOrAbove, Weekday, read_blanks, read_weekdays
from shared.playbook.model import LimitUnit, YearStatus
from shared.vocabulary import CategoryCode, ClockKind, Level, Pattern, Post, Source, WhenLate

Fraction = Annotated[float, Field(gt=0, lt=1)]


class ClockRow(Row):
    """`clocks.csv`: one limit; where it asks for nothing (an empty category, area, mode …) any case will do."""

    optional_columns = frozenset(
        {"mode", "profile", "whistle", "area", "case_source", "valid_from", "valid_until", "chain"}
    )

    id: Slug
    kind: ClockKind
    category: CategoryCode | None = None
    condition: Slug | None = None
    severity: Grade | None = None
    amount: Annotated[float, Field(gt=0, le=10_000)]
    unit: LimitUnit
    warn_at: Annotated[tuple[Fraction, ...], BeforeValidator(read_blanks)] = ()
    when_late: WhenLate
    source: Annotated[str, Field(min_length=1, max_length=200)]
    mode: Slug | None = None
    profile: Slug | None = None
    whistle: bool | None = None
    area: TownOrAbove | None = None
    case_source: Source | None = None
    valid_from: date | None = None
    valid_until: date | None = None
    chain: Slug | None = None

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
            mode=self.mode,
            profile=self.profile,
            whistle=self.whistle,
            area=self.area,
            case_source=self.case_source,
            valid_from=self.valid_from,
            valid_until=self.valid_until,
            chain=self.chain,
        )


class OpeningNode(Row):
    """One stretch of working time inside a day."""

    opens: time
    closes: time

    def value(self) -> model.Opening:
        return model.Opening(opens=self.opens, closes=self.closes)


Weekly = dict[Weekday, tuple[OpeningNode, ...]]
DayHours = Annotated[float, Field(gt=0, le=24)]


class OtherHours(Row):
    """Who keeps other hours than the county, and which; what is left out is as the county has it."""

    id: Slug
    zh: Name
    en: Name
    departments: tuple[Slug, ...] = ()
    desks: tuple[Slug, ...] = ()
    levels: tuple[Level, ...] = ()
    weekly: Weekly
    makeup_hours: tuple[OpeningNode, ...] | None = None
    holidays: dict[date, Name] | None = None
    makeup_days: dict[date, Name] | None = None
    working_day_hours: DayHours | None = None

    def value(self, county: model.Calendar) -> model.KeptHours:
        return model.KeptHours(
            id=self.id,
            name=model.Text(zh=self.zh, en=self.en),
            departments=self.departments,
            desks=self.desks,
            levels=self.levels,
            calendar=model.Calendar(
                weekly={day: _openings(nodes) for day, nodes in self.weekly.items()},
                makeup_hours=county.makeup_hours if self.makeup_hours is None else _openings(self.makeup_hours),
                holidays=county.holidays if self.holidays is None else self.holidays,
                makeup_days=county.makeup_days if self.makeup_days is None else self.makeup_days,
                years=county.years,
                working_day_hours=self.working_day_hours or county.working_day_hours,
            ),
        )


class CalendarFile(Row):
    """`calendar.yaml`: weekly hours, years, days off and make-up days, and who keeps other hours."""

    working_day_hours: DayHours = 8.0
    weekly: Weekly
    makeup_hours: tuple[OpeningNode, ...]
    years: Annotated[dict[int, YearStatus], Field(min_length=1)]
    holidays: Annotated[dict[date, Name], Field(default_factory=dict)]
    makeup_days: Annotated[dict[date, Name], Field(default_factory=dict)]
    others: tuple[OtherHours, ...] = ()

    def value(self) -> model.Calendar:
        return model.Calendar(
            weekly={day: _openings(nodes) for day, nodes in self.weekly.items()},
            makeup_hours=_openings(self.makeup_hours),
            holidays=self.holidays,
            makeup_days=self.makeup_days,
            years=self.years,
            working_day_hours=self.working_day_hours,
        )

    def hours(self) -> tuple[model.KeptHours, ...]:
        """Return the other hours, each whole."""
        county = self.value()
        return tuple(other.value(county) for other in self.others)


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

    optional_columns = frozenset({"post"})

    owner: Slug
    weekdays: Annotated[tuple[Weekday, ...], BeforeValidator(read_weekdays), Field(min_length=1)]
    opens: time
    closes: time
    officers: Annotated[tuple[Slug, ...], BeforeValidator(read_blanks), Field(min_length=1)]
    post: Post = Post.OFFICER

    def value(self) -> model.Shift:
        return model.Shift(
            owner=self.owner,
            weekdays=self.weekdays,
            opens=self.opens,
            closes=self.closes,
            officers=self.officers,
            post=self.post,
        )
