"""A city's own table of time limits, read line by line into limits of a county's categories; nothing is guessed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum, unique
from itertools import pairwise
from typing import TYPE_CHECKING, Final, TypeAlias

from shared.playbook.model import Limit, LimitUnit
from shared.playbook.near import meant

if TYPE_CHECKING:
    from cli.csv_records import Record
    from shared.playbook.model import Category, Playbook


@unique
class HourMeans(StrEnum):
    """What a bare 小时 is."""

    WORKING = "working"
    CONTINUOUS = "continuous"
    URGENT = "urgent"
    """紧急工作时, which runs on like continuous hours."""


@unique
class DayMeans(StrEnum):
    """What a bare 天 or 日 is."""

    WORKING = "working"
    NATURAL = "natural"


COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "item": ("item_name", "小类名称", "小类", "名称"),
    "filing": ("filing_condition", "立案条件"),
    "limit": ("time_limit_text", "处置时限", "办理时限", "时限"),
    "basis": ("basis", "依据", "法律依据"),
    "category": ("category", "类别编码"),
    "condition": ("condition", "情形编码"),
}
"""Columns by the names that tables have for them."""
NEEDED: Final = ("item", "filing", "limit")

UNITS: Final = ("紧急工作时", "紧急工作日", "工作小时", "工作时", "工作日", "自然日", "小时", "天", "日", "分钟")
_SAID: Final = {
    "紧急工作时": LimitUnit.CONTINUOUS_HOUR,
    "紧急工作日": LimitUnit.NATURAL_DAY,
    "工作小时": LimitUnit.WORKING_HOUR,
    "工作时": LimitUnit.WORKING_HOUR,
    "工作日": LimitUnit.WORKING_DAY,
    "自然日": LimitUnit.NATURAL_DAY,
    "分钟": LimitUnit.CONTINUOUS_MINUTE,
}
_PART: Final = re.compile(rf"(\d+(?:\.\d+)?)个?({'|'.join(UNITS)})(?:以?内)?")
_BEFORE: Final = re.compile(r"(?:不超过|≤|<=|限时?|在)?")
_MOST: Final = 10_000
"""The largest amount of a limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What the table's bare words mean, and how long a working day is in which it counts together."""

    hour: HourMeans
    day: DayMeans
    working_day_hours: float = 8.0

    def unit(self, word: str) -> LimitUnit:
        """The unit that ``word`` names."""
        if word == "小时":
            working = self.hour is HourMeans.WORKING
            return LimitUnit.WORKING_HOUR if working else LimitUnit.CONTINUOUS_HOUR
        if word in ("天", "日"):
            return LimitUnit.WORKING_DAY if self.day is DayMeans.WORKING else LimitUnit.NATURAL_DAY
        return _SAID[word]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """A line that gives no limit: where, why, and what is allowed there."""

    line: int
    field: str
    why: str
    allowed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TableLimit:
    """The limit of one category, in one condition or in any, and the lines that it stands on."""

    category: str
    condition: str | None
    limit: Limit
    source: str
    lines: tuple[int, ...]


@dataclass(slots=True, kw_only=True)
class TableRead:
    """What came of a whole table; each of its lines stands in exactly one of the three."""

    limits: list[TableLimit] = field(default_factory=list["TableLimit"])
    unread: list[Unread] = field(default_factory=list[Unread])
    foreign: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    """Names of matters that the county's tree does not have, with their lines."""


_Key: TypeAlias = tuple[str, str | None]


def names_of(columns: Iterable[str]) -> dict[str, str]:
    """The table's own name of each column that is read, by ours."""
    there = [name for name in columns if name]
    known = {ours: next((one for one in theirs if one in there), None) for ours, theirs in COLUMNS.items()}
    return {ours: theirs for ours, theirs in known.items() if theirs is not None}


def read_table(
    records: Iterable[Record], names: Mapping[str, str], *, playbook: Playbook, meaning: Meaning
) -> TableRead:
    """Read every line; one that cannot be read keeps no other away."""
    read = TableRead()
    found = dict[_Key, list[tuple[int, Limit, str]]]()
    for record in records:
        told = _line(record, names, playbook=playbook, meaning=meaning)
        match told:
            case Unread():
                read.unread.append(told)
            case str():
                read.foreign.setdefault(told, []).append(record.line)
            case (key, limit, source):
                found.setdefault(key, []).append((record.line, limit, source))
    for key, rows in found.items():
        _settle(read, key, rows)
    read.unread.sort(key=lambda one: one.line)
    return read


def _settle(read: TableRead, key: _Key, rows: list[tuple[int, Limit, str]]) -> None:
    """Lines on one matter must say the same; else none of them is taken, for either could be the wrong one."""
    category, condition = key
    lines = tuple(line for line, _, _ in rows)
    if len({limit for _, limit, _ in rows}) == 1:
        _, limit, source = rows[0]
        read.limits.append(TableLimit(category=category, condition=condition, limit=limit, source=source, lines=lines))
        return
    matter = f"{category} {condition or 'in any condition'}"
    for line, limit, _ in rows:
        others = ", ".join(str(other) for other in lines if other != line)
        why = f"{limit.amount:g} {limit.unit.value} for {matter}, and line {others} says otherwise"
        allowed = "one limit for one condition: give the category conditions that tell the lines apart, or name it"
        read.unread.append(Unread(line=line, field="condition", why=why, allowed=allowed))


def _line(
    record: Record, names: Mapping[str, str], *, playbook: Playbook, meaning: Meaning
) -> Unread | str | tuple[_Key, Limit, str]:
    """The limit of one line; a name when the county has no such category."""
    if record.broken is not None:
        return Unread(line=record.line, field="", why=record.broken, allowed="a line of CSV")
    cells = {ours: " ".join((record.row.get(theirs) or "").split()) for ours, theirs in names.items()}
    limit = limit_of(cells["limit"], meaning)
    if isinstance(limit, str):
        return Unread(
            line=record.line, field=names["limit"], why=limit, allowed=f"a number and one of {'、'.join(UNITS)}"
        )
    category = _category(cells, playbook)
    if isinstance(category, Unread | str):
        return category if isinstance(category, str) else _at(category, record.line, names)
    condition = _condition(cells, category, playbook)
    if isinstance(condition, Unread):
        return _at(condition, record.line, names)
    said = "，".join(filter(None, (cells["item"], cells["filing"], cells["limit"])))
    return (category.code, condition), limit, "：".join(filter(None, (cells.get("basis"), said)))


def _at(unread: Unread, line: int, names: Mapping[str, str]) -> Unread:
    return Unread(line=line, field=names.get(unread.field, unread.field), why=unread.why, allowed=unread.allowed)


def limit_of(cell: str, meaning: Meaning) -> Limit | str:
    """The limit that a cell says, or why it says none.

    ``1天12小时`` is counted together where both count alike; words behind it (``2紧急工作时制止``) say what must be
    done by then. Words before it are a limit for some cases alone, and two that are not joined are two limits.
    """
    text = unicodedata.normalize("NFKC", "".join(cell.split()))
    parts = list(_PART.finditer(text))
    if not parts:
        return f"{cell!r} names no time" if text else "it is empty"
    before = text[: parts[0].start()]
    if not _BEFORE.fullmatch(before):
        return f"{cell!r} holds only for {before!r}"
    if any(one.end() != other.start() for one, other in pairwise(parts)):
        return f"{cell!r} names more than one limit"
    if re.search(r"\d", text[parts[-1].end() :]):
        return f"{cell!r} goes on with another figure"
    limit = _together([(float(one[1]), meaning.unit(one[2])) for one in parts], meaning)
    if limit is None:
        return f"{cell!r} counts in working time and in continuous time at once"
    return limit if 0 < limit.amount <= _MOST else f"{cell!r} is no time above 0 and up to {_MOST}"


def _together(parts: list[tuple[float, LimitUnit]], meaning: Meaning) -> Limit | None:
    if len(parts) == 1:
        return Limit(amount=parts[0][0], unit=parts[0][1])
    working = {LimitUnit.WORKING_HOUR: 1.0, LimitUnit.WORKING_DAY: meaning.working_day_hours}
    running = {LimitUnit.CONTINUOUS_MINUTE: 1.0, LimitUnit.CONTINUOUS_HOUR: 60.0, LimitUnit.NATURAL_DAY: 1440.0}
    units = {unit for _, unit in parts}
    if units <= working.keys():
        return Limit(amount=sum(amount * working[unit] for amount, unit in parts), unit=LimitUnit.WORKING_HOUR)
    if units <= running.keys():
        return Limit(amount=sum(amount * running[unit] for amount, unit in parts), unit=LimitUnit.CONTINUOUS_MINUTE)
    return None


def _category(cells: Mapping[str, str], playbook: Playbook) -> Category | Unread | str:
    """The category that a line names, by its code or by exactly its name or one of its words."""
    named = cells.get("category")
    if named:
        if named in playbook.categories:
            return playbook.categories[named]
        return f"{named} {cells['item']}".strip()
    item = cells["item"]
    if not item:
        return Unread(line=0, field="item", why="it is empty", allowed="the name of a matter")
    by_name = [one for one in playbook.categories.values() if item == one.name.zh]
    fitting = by_name or [one for one in playbook.categories.values() if item in one.words]
    if len(fitting) > 1:
        codes = ", ".join(one.code for one in fitting)
        return Unread(
            line=0, field="item", why=f"{item!r} is a word of {codes}", allowed="a column category with one of them"
        )
    return fitting[0] if fitting else item


def _condition(cells: Mapping[str, str], category: Category, playbook: Playbook) -> str | Unread | None:
    """The condition that a line is for; None where its category has none."""
    known = {one.code: one for line in playbook.category_line(category.code) for one in line.conditions}
    named, text = cells.get("condition"), cells["filing"]
    if named:
        why = f"{category.code} has no condition {named!r}{meant(named, known)}"
        return named if named in known else Unread(line=0, field="condition", why=why, allowed=_or_none(known))
    if not known:
        return None
    exact = [code for code, one in known.items() if one.name.zh == text]
    fitting = exact or [code for code, one in known.items() if any(word in text for word in (one.name.zh, *one.words))]
    if len(fitting) == 1:
        return fitting[0]
    what = f"may be {' or '.join(fitting)}" if fitting else "is none of its conditions"
    allowed = f"a column condition with one of {_or_none(known)}"
    return Unread(line=0, field="filing", why=f"{text!r} of {category.code} {what}", allowed=allowed)


def _or_none(known: Iterable[str]) -> str:
    return ", ".join(known) or "none"


def told(read: TableRead) -> Iterator[str]:
    """What did not become a limit, line by line, then the names that the county does not have."""
    for one in read.unread:
        where = f" {one.field}:" if one.field else ""
        yield f"line {one.line}:{where} {one.why}; allowed: {one.allowed}"
    for name, lines in read.foreign.items():
        yield f"not in the county's tree: {name} (line {', '.join(map(str, lines))})"
