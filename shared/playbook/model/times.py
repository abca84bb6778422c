"""Clocks, calendar and duty roster."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from enum import StrEnum, unique
from typing import Final

from shared.playbook.model.texts import Text
from shared.vocabulary import ClockKind, Level, Post, Severity, Source, WhenLate


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
    """紧急工作日, local tables' name for natural days (自然日): 24 continuous hours each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """An amount of time in one unit."""

    amount: float
    unit: LimitUnit


PRECEDENCE: Final = ("mode", "profile", "whistle", "category", "condition", "area", "severity", "case_source")
"""What a limit may ask of a case, the strongest first: of two limits that fit, the first of these in which they differ
decides, where the one that asks goes before the one that does not, and the deeper category or area before the wider.

Days of validity are none of them: two limits that ask for the same are never valid on one day (`check`).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockLimit:
    """The limit of one clock, for the cases that it asks for; None means any.

    Which of several that fit goes before the others stands at `PRECEDENCE`.
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
    """The rule that the figure is from, in words: what a late department is shown."""
    mode: str | None = None
    profile: str | None = None
    """Only for orders whose rule set this clock profile."""
    whistle: bool | None = None
    """True: only for orders of a whistle; False: only for others."""
    area: str | None = None
    """Only for cases inside of it."""
    case_source: Source | None = None
    """Only for cases that came this way."""
    valid_from: date | None = None
    """The first and the last day, local, on which a case must have been opened."""
    valid_until: date | None = None
    chain: str | None = None
    """The chain whose steps are taken beside the warnings and `when_late`."""

    @property
    def asks(self) -> tuple[object, ...]:
        """What it asks of a case, in the order of `PRECEDENCE`; equal ones are of equal rank."""
        return tuple(getattr(self, name) for name in PRECEDENCE)

    def holds_on(self, day: date) -> bool:
        """Say whether it is valid for a case opened on the local ``day``."""
        begun = self.valid_from is None or self.valid_from <= day
        return begun and (self.valid_until is None or day <= self.valid_until)


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


YEAR_SOON: Final = timedelta(days=60)
"""So long before the end of the last known year a county is warned; the notice on the next is out in November."""


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

    def known_until(self, today: date) -> date | None:
        """Return the last day that is known without a gap from `today` on; None when its own year is not known."""
        year = today.year
        if year not in self.years:
            return None
        while year + 1 in self.years:
            year += 1
        return date(year, 12, 31)

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


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptHours:
    """Working time of desks and departments that keep other hours than the county; its years are the county's.

    A department or a desk keeps the hours that name it, else those that name its level, else the county's.
    """

    id: str
    name: Text
    calendar: Calendar
    departments: tuple[str, ...] = ()
    desks: tuple[str, ...] = ()
    """Area codes; the desk of that very area."""
    levels: tuple[Level, ...] = ()


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
    post: Post = Post.OFFICER


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """The duty roster (值班表)."""

    officers: Mapping[str, Officer] = field(default_factory=dict[str, Officer])
    shifts: tuple[Shift, ...] = ()
