"""What a case must be for a rule to hold."""

from dataclasses import dataclass
from datetime import time
from enum import StrEnum, unique

from shared.playbook.model.places import Settlement
from shared.vocabulary import Severity, Source


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
