"""The fields of a case that an expression may name: each with its kind, its meaning and its value."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone, tzinfo
from types import MappingProxyType
from typing import Final

from shared.events.parts import CaseView
from shared.vocabulary import Level, Purpose, Source

INT: Final = "int"
DOUBLE: Final = "double"
STRING: Final = "string"
BOOL: Final = "bool"
TIMESTAMP: Final = "timestamp"
DURATION: Final = "duration"

Value = str | int | bool | list[str] | datetime


def list_of(kind: str) -> str:
    """Return the kind of a list whose items have `kind`."""
    return f"list({kind})"


def item_of(kind: str) -> str | None:
    """Return the kind of the items of a list; None when `kind` is no list."""
    return kind.removeprefix("list(").removesuffix(")") if kind.startswith("list(") else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """What an expression is asked about: a case as its event tells it, at the instant of the decision."""

    case: CaseView
    text: str
    """Title and text, case-folded."""
    at: datetime
    zone: tzinfo
    """The county's: clock times in expressions are local."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field: what it holds and where it comes from; `words` are all values it can have."""

    kind: str
    what: str
    of: Callable[[Asking], Value]
    words: tuple[str, ...] = ()


def _local(at: datetime, zone: tzinfo) -> datetime:
    # The engine knows fixed offsets only, no named zones; and its getHours() follows the offset.
    local = at.astimezone(zone)
    offset = local.utcoffset()
    return local if offset is None else local.astimezone(timezone(offset))


FIELDS: Final[Mapping[str, Field]] = MappingProxyType(
    {
        "severity": Field(kind=INT, what="1 (I red) to 4 (IV blue)", of=lambda a: int(a.case.severity)),
        "category": Field(kind=STRING, what="the category's code", of=lambda a: a.case.category),
        "condition": Field(
            kind=STRING, what='the condition of its category, "" without one', of=lambda a: a.case.condition or ""
        ),
        "area": Field(kind=STRING, what="the finest area code known", of=lambda a: a.case.area),
        "county": Field(kind=STRING, what="the county's code", of=lambda a: a.case.county),
        "level": Field(
            kind=STRING,
            what="the level that has the case in hand",
            of=lambda a: a.case.level.value,
            words=tuple(each.value for each in Level),
        ),
        "source": Field(
            kind=STRING,
            what="where the report came from",
            of=lambda a: a.case.source.value,
            words=tuple(each.value for each in Source),
        ),
        "tags": Field(kind=list_of(STRING), what="the case's tags", of=lambda a: list(a.case.tags)),
        "text": Field(kind=STRING, what="title and text, in lower case", of=lambda a: a.text),
        "reports": Field(kind=INT, what="how many reports the case stands for", of=lambda a: a.case.reports),
        "reopened": Field(kind=INT, what="how often it was reopened", of=lambda a: a.case.reopened),
        "returns": Field(kind=INT, what="how many orders were given back", of=lambda a: len(a.case.returns)),
        "earlier": Field(
            kind=INT,
            what="earlier cases of the category in the village, of 90 days, 16 at most",
            of=lambda a: len(a.case.earlier),
        ),
        "purpose": Field(
            kind=STRING,
            what="what the case is for",
            of=lambda a: a.case.purpose.value,
            words=tuple(each.value for each in Purpose),
        ),
        "mode": Field(kind=STRING, what="id of the mode in force, or normal", of=lambda a: a.case.mode),
        "opened_at": Field(
            kind=TIMESTAMP, what="when the case was opened, local", of=lambda a: _local(a.case.opened_at, a.zone)
        ),
        "at": Field(kind=TIMESTAMP, what="the instant of the decision, local", of=lambda a: _local(a.at, a.zone)),
    }
)


def values_of(fields: Iterable[str], asking: Asking) -> dict[str, Value]:
    """Return the values of those `fields`, for `Expression.answer`."""
    return {name: FIELDS[name].of(asking) for name in fields}
