"""`when:` of a rule, of a group of rules and of a mode: what a case must be."""

import re
from datetime import time
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema

from shared.playbook import model
from shared.playbook.expression.compiled import LONGEST
from shared.playbook.files.rows import Grade, Row, Slug, Weekday, Words, read_weekdays, refused
from shared.playbook.model import DayKind, Settlement
from shared.vocabulary import AreaCode, CategoryCode, Source

_WITHIN: Final = re.compile(r"([1-9][0-9]{0,3})([hd])")
_HOURS: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])")
LONGEST_REPEAT_HOURS: Final = 90 * 24
"""A case remembers the earlier ones of 90 days, 16 at most (`CaseView.earlier`)."""
MOST_REPEATS: Final = 16


def _within(value: object) -> object:
    """Read `48h` or `7d` as hours."""
    allowed = f"hours or days up to {LONGEST_REPEAT_HOURS // 24}d, such as 48h or 7d"
    found = _WITHIN.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise refused("within", f"{value!r} is no stretch of time", allowed)
    hours = int(found[1]) * (24 if found[2] == "d" else 1)
    if hours > LONGEST_REPEAT_HOURS:
        raise refused("within", f"{value!r} is longer than cases are remembered", allowed)
    return float(hours)


def _hours(value: object) -> object:
    """Read `22:00-06:00` as when it opens and closes."""
    found = _HOURS.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise refused("hours", f"{value!r} are no hours", "such as 08:00-18:00; 22:00-06:00 ends on the next day")
    return time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4]))


class RepeatNode(Row):
    """Earlier cases of the same category in the same village."""

    times: Annotated[int, Field(ge=1, le=MOST_REPEATS)]
    """At least so many before this one."""
    within: Annotated[float, BeforeValidator(_within, json_schema_input_type=str)]
    """Hours or days, such as 48h or 7d."""

    def value(self) -> model.Repeat:
        return model.Repeat(times=self.times, hours=self.within)


class WindowNode(Row):
    """A recurring stretch of the county's local time."""

    weekdays: Annotated[
        tuple[Weekday, ...],
        BeforeValidator(read_weekdays, json_schema_input_type=str | int | list[int]),
        Field(max_length=7),
    ] = ()
    """ISO, 1 Monday to 7 Sunday, such as 1-5 or 1 3 6."""
    hours: Annotated[tuple[time, time], BeforeValidator(_hours, json_schema_input_type=str)] | None = None
    """Such as 08:00-18:00; 22:00-06:00 ends on the next day."""
    days: DayKind | None = None

    @model_validator(mode="after")
    def _asks_something(self) -> "WindowNode":
        if not self.weekdays and self.hours is None and self.days is None:
            raise refused("window", "the window asks nothing", "weekdays, hours or days")
        return self

    def value(self) -> model.TimeWindow:
        opens, closes = self.hours or (None, None)
        return model.TimeWindow(weekdays=self.weekdays, opens=opens, closes=closes, days=self.days)


class WhenNode(Row):
    """What a case must be: within one field any value is enough, all fields that ask must hold."""

    area: tuple[AreaCode, ...] = ()
    """Area codes; each covers everything inside it."""
    zone: tuple[Slug, ...] = ()
    """Ids of zones.geojson; the case's point lies in one of them."""
    settlement: tuple[Settlement, ...] = ()
    category: tuple[CategoryCode, ...] = ()
    """Category codes; each covers its children."""
    source: tuple[Source, ...] = ()
    severity_at_least: Grade | None = None
    """III means III, II or I."""
    tags: Words = ()
    words: Words = ()
    """Any of these stands in title or text, upper and lower case alike."""
    reports_at_least: Annotated[int, Field(ge=2, le=1_000_000)] | None = None
    repeat: RepeatNode | None = None
    time: Annotated[tuple[WindowNode, ...], Field(max_length=32)] = ()
    """The instant of the decision lies in one of these windows, county time."""
    mode: tuple[Slug, ...] = ()
    """Ids of modes.yaml, or normal."""
    expression: Annotated[str, Field(min_length=1, max_length=LONGEST)] | None = None
    """CEL over the case's fields, such as `reports >= 3 && severity <= 2`."""

    @model_validator(mode="before")
    @classmethod
    def _an_expression_alone(cls, value: object) -> object:
        """Read `when: reports >= 3` as `when: {expression: reports >= 3}`."""
        return {"expression": value} if isinstance(value, str) else value

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        alone = {"type": "string", "maxLength": LONGEST, "description": "A CEL expression by itself."}
        return {"anyOf": [handler.resolve_ref_schema(handler(core_schema)), alone]}

    def value(self) -> model.When:
        return model.When(
            areas=self.area,
            zones=self.zone,
            settlements=self.settlement,
            categories=self.category,
            sources=self.source,
            severity_at_least=self.severity_at_least,
            tags=self.tags,
            words=self.words,
            reports_at_least=self.reports_at_least,
            repeat=self.repeat.value() if self.repeat is not None else None,
            windows=tuple(window.value() for window in self.time),
            modes=self.mode,
            expression=self.expression,
        )
