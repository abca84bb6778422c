"""A deadline's steps in words, Chinese and English, for a person to check by hand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final

from services.escalation.domain.calendar import DayKind
from services.escalation.domain.deadline import Counted, Deadline, Terms, days_of
from shared.playbook.model import Limit, LimitUnit

_FEASTS: Final = {
    "元旦": "New Year's Day",
    "春节": "Spring Festival",
    "清明节": "Tomb-sweeping Day",
    "劳动节": "Labour Day",
    "端午节": "Dragon Boat Festival",
    "中秋节": "Mid-autumn Festival",
    "国庆节": "National Day",
}
"""The feasts of the State Council's notices; any other is called in English what the county calls it."""
LONGEST: Final = 1200
"""The router quotes this beside its own words in a note of at most 2000 characters."""
SHOWN_STEPS: Final = 10
SHOWN_ENDS: Final = 3

_UNITS: Final = {
    LimitUnit.CONTINUOUS_MINUTE: ("分钟（连续）", "continuous minutes"),
    LimitUnit.CONTINUOUS_HOUR: ("紧急工作时（连续）", "continuous hours"),
    LimitUnit.WORKING_HOUR: ("工作时", "working hours"),
    LimitUnit.WORKING_DAY: ("工作日", "working days"),
    LimitUnit.NATURAL_DAY: ("自然日", "natural days"),
}
_WEEKDAYS: Final = (
    ("一", "Mon"),
    ("二", "Tue"),
    ("三", "Wed"),
    ("四", "Thu"),
    ("五", "Fri"),
    ("六", "Sat"),
    ("日", "Sun"),
)
_TO_THE_MINUTE: Final = len("2026-11-23 09:00")
_TO_THE_SECOND: Final = len("2026-11-23 09:00:00")
_KINDS: Final = {
    DayKind.WEEKEND: ("休息日", "weekend"),
    DayKind.HOLIDAY: ("节假日", "holiday"),
    DayKind.MAKEUP: ("调休上班", "make-up workday"),
    DayKind.WORKDAY: ("工作日", "workday"),
}


def limit_in_words(limit: Limit) -> str:
    """A limit as people say it, ``4 工作时 (4 working hours)``."""
    zh, en = _UNITS[limit.unit]
    return f"{limit.amount:g} {zh} ({limit.amount:g} {en})"


def unit_in_words(limit: str) -> LimitUnit:
    """The unit of a limit as ``limit_in_words`` says it; continuous time for any other words.

    For clocks of an earlier release, which say their limit in words alone.
    """
    found = (unit for unit, (zh, en) in _UNITS.items() if f" {zh} (" in limit and limit.endswith(f" {en})"))
    return next(found, LimitUnit.CONTINUOUS_HOUR)


BY_DATE: Final = "限期答复 (reply by the date given)"
"""The limit of a clock that a person set by a date."""


def by_date(found: Deadline, *, terms: Terms) -> str:
    """How a deadline came about that a person set."""
    began, due = _moments(found.started_at, terms), _moments(found.due_at, terms)
    return f"起 {began[0]}；限期 {due[0]}（{terms.zone.key}） | from {began[1]}; by {due[1]} ({terms.zone.key})"


def went_on(since: datetime, found: Deadline, *, terms: Terms) -> tuple[str, str]:
    """What a clock that stood still ``since`` an instant has left, and how it goes on, in both languages."""
    stood, on, due = (_moments(at, terms) for at in (since, found.started_at, found.due_at))
    left = _length(found.amount)
    return (
        f"{stood[0]} 停计，余 {left}；{on[0]} 续计，止 {due[0]}",
        f"held {stood[1]} with {left} left; on again {on[1]}, due {due[1]}",
    )


def put_off(found: Deadline, *, terms: Terms) -> tuple[str, str]:
    """To when a clock was put off, and when that was granted."""
    granted, due = _moments(found.started_at, terms), _moments(found.due_at, terms)
    return f"{granted[0]} 准予延期，止 {due[0]}", f"extended {granted[1]}, due {due[1]}"


def arithmetic(found: Deadline, limit: Limit, *, terms: Terms, taken: timedelta = timedelta()) -> str:
    """Start, limit, what each day gave, what was skipped and why, and the end, in county time; a long one shortened."""
    steps = steps_in_words(found, limit, terms=terms, taken=taken, most=SHOWN_STEPS)
    zh, en = (separator.join(one) for separator, one in zip(("；", "; "), zip(*steps, strict=True), strict=True))
    return f"{zh} | {en}"[:LONGEST]


def steps_in_words(
    found: Deadline, limit: Limit, *, terms: Terms, taken: timedelta = timedelta(), most: int | None = None
) -> list[tuple[str, str]]:
    """Each step of a deadline in both languages; of more days than ``most`` those in the middle are summed up."""
    began, due = _moments(found.started_at, terms), _moments(found.due_at, terms)
    zh, en = _UNITS[limit.unit]
    steps = [(f"起 {began[0]}", f"from {began[1]}"), (f"限 {limit.amount:g} {zh}", f"limit {limit.amount:g} {en}")]
    if taken:
        used, left = _length(taken), _length(found.amount)
        steps.append((f"此前已用 {used}，余 {left}", f"{used} taken before, {left} left"))
    if terms.speed > 1:
        length, speed = _length(found.amount), f"{terms.speed:g}"
        en = f"drill at {speed} times the speed: {length} of continuous time"
        steps.append((f"演练加速 {speed} 倍，连续计时 {length}", en))
    days = list(days_of(found, limit.unit, terms=terms))
    whole = most is None or _number_of_steps(days) <= most
    steps.extend(_steps(days, terms) if whole else _shortened(days, terms))
    steps.append((f"止 {due[0]}（{terms.zone.key}）", f"due {due[1]} ({terms.zone.key})"))
    return steps


def _number_of_steps(days: Sequence[Counted]) -> int:
    # Without the words: a long limit has hundreds of days, of which a few are shown.
    return sum(1 if shut else sum(1 for _ in run) for shut, run in groupby(days, key=_shut))


def _steps(days: Sequence[Counted], terms: Terms) -> Iterable[tuple[str, str]]:
    # A run of days that are shut for one reason is one step; an open day is a step of its own.
    for shut, run in groupby(days, key=_shut):
        group = list(run)
        if shut is None:
            yield from (_worked(counted, terms) for counted in group)
        else:
            yield _skipped(shut, group)


def _shut(counted: Counted) -> tuple[DayKind, str] | None:
    return None if counted.amount else (counted.day.kind, counted.day.name)


def _worked(counted: Counted, terms: Terms) -> tuple[str, str]:
    zone = terms.zone
    pieces = [f"{opens.astimezone(zone):%H:%M}–{ends.astimezone(zone):%H:%M}" for opens, ends in counted.day.stretches]
    day, during = f"{counted.day.date:%m-%d}", ", ".join(pieces)
    makeup = counted.day.kind is DayKind.MAKEUP
    zh, en = _KINDS[DayKind.MAKEUP] if makeup else ("", "")
    length = _length(counted.amount)
    return f"{day} {zh}{during} 计 {length}", f"{day} {en}{' ' if makeup else ''}{during} gives {length}"


def _skipped(shut: tuple[DayKind, str], days: Sequence[Counted]) -> tuple[str, str]:
    kind, name = shut
    first, last = days[0].day.date, days[-1].day.date
    when = f"{first:%m-%d}" if first == last else f"{first:%m-%d}–{last:%m-%d}"
    if kind in (DayKind.WORKDAY, DayKind.MAKEUP):
        return f"{when} 已过下班", f"{when} after closing"
    zh, en = _KINDS[kind]
    return f"跳过 {when}（{name or zh}）", f"skipped {when} ({_FEASTS.get(name, name) or en})"


def _shortened(days: Sequence[Counted], terms: Terms) -> list[tuple[str, str]]:
    """The days at both ends in full, the feasts between them by name, the rest as a sum."""
    middle = days[SHOWN_ENDS:-SHOWN_ENDS]
    open_days = [counted for counted in middle if counted.amount]
    total = _length(sum((counted.amount for counted in open_days), timedelta()))
    shut = len(middle) - len(open_days)
    feasts = [counted for counted in middle if not counted.amount and counted.day.kind is DayKind.HOLIDAY]
    return [
        *_steps(days[:SHOWN_ENDS], terms),
        (
            f"其间 {len(open_days)} 个开放日计 {total}，不计 {shut} 天",
            f"between them {len(open_days)} open days give {total}, {shut} days are shut",
        ),
        *_steps(feasts, terms),
        *_steps(days[-SHOWN_ENDS:], terms),
    ]


def _moments(at: datetime, terms: Terms) -> tuple[str, str]:
    local = at.astimezone(terms.zone)
    # Cut out of the ISO form, which costs a third of a format: every clock says two or more of them.
    shown = local.isoformat(" ")[: _TO_THE_SECOND if local.second or terms.speed > 1 else _TO_THE_MINUTE]
    zh, en = _WEEKDAYS[local.weekday()]
    return f"{shown} 周{zh}", f"{en} {shown}"


def _length(amount: timedelta) -> str:
    minutes, seconds = divmod(round(amount.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{count}{unit}" for count, unit in ((hours, "h"), (minutes, "m"), (seconds, "s")) if count]
    return "".join(parts) or "0s"
