"""`cases.yaml`: cases with the orders that a county expects for them, beside the rules that decide so."""

import re
from datetime import datetime
from typing import Annotated, Final

from pydantic import BeforeValidator, Field

from shared.playbook.files.places import Latitude, Longitude
from shared.playbook.files.rows import Grade, Row, Slug, Word, Words, refused
from shared.vocabulary import NORMAL, AreaCode, CategoryCode, Purpose, Source

_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)?")
_AGO: Final = re.compile(r"([1-9][0-9]{0,3})([hd])")


def _instant(value: object) -> object:
    """Read an instant written in quotes; without an offset it is the county's local time."""
    found = isinstance(value, str) and _INSTANT.fullmatch(value)
    try:
        return datetime.fromisoformat(value) if found else _no_instant(value)  # type: ignore[arg-type]
    except ValueError:
        return _no_instant(value)


def _no_instant(value: object) -> object:
    # YAML turns a bare one into UTC without saying so: hence the quotes.
    raise refused("at", f"{value!r} is no instant", 'in quotes, such as "2026-11-21T22:30" or with an offset')


def _ago(value: object) -> object:
    """Read `36h` or `3d` as hours."""
    found = _AGO.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise refused("earlier", f"{value!r} is no time ago", "hours or days, such as 36h or 3d")
    return float(int(found[1]) * (24 if found[2] == "d" else 1))


Instant = Annotated[datetime, BeforeValidator(_instant, json_schema_input_type=str)]
Ago = Annotated[float, BeforeValidator(_ago, json_schema_input_type=str)]
Who = Slug
"""A department's id, or the code of an area for its desk."""
Whos = Annotated[tuple[Who, ...], Field(max_length=64)]


class PointNode(Row):
    """Where the case is, WGS-84 degrees."""

    lon: Longitude
    lat: Latitude


class CaseNode(Row):
    """A case as its report brings it; severity comes from the category where it says nothing."""

    area: AreaCode
    category: CategoryCode
    source: Source = Source.HOTLINE
    severity: Grade | None = None
    title: Annotated[str, Field(min_length=1, max_length=80)] = "case"
    text: Annotated[str, Field(max_length=8000)] = ""
    tags: Annotated[Words, Field(max_length=32)] = ()
    condition: Slug | None = None
    point: PointNode | None = None
    reports: Annotated[int, Field(ge=1)] = 1
    earlier: Annotated[tuple[Ago, ...], Field(max_length=16)] = ()
    """How long before it earlier cases of its category in its village were opened."""
    mode: Slug = NORMAL
    purpose: Purpose = Purpose.REAL
    returned_by: Whos = ()
    at: Instant | None = None
    """When it is decided; without it at noon of the next Wednesday that is a workday."""


class ExpectNode(Row):
    """What must come of it; what is not named is not looked at."""

    rule: Slug | None = None
    """The rule by which the lead got the case."""
    lead: Who | None = None
    assist: Whos | None = None
    """All who assist, in any order; an empty list says that nobody does. So with `oversee`."""
    oversee: Whos | None = None
    unrouted: bool | None = None
    ruling: bool | None = None
    severity: Grade | None = None
    tags: Annotated[tuple[Word, ...], Field(max_length=32)] | None = None
    """Tags that rules add."""
    clock_profile: Slug | None = None
    mode: Slug | None = None
    matter: Slug | None = None
    shadows: Annotated[tuple[Slug, ...], Field(max_length=8)] | None = None
    """Rules in shadow that would have acted."""


class WorkedCaseNode(Row):
    """One case with what must come of it."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    case: CaseNode
    expect: ExpectNode


class CasesFile(Row):
    """`cases.yaml`."""

    cases: tuple[WorkedCaseNode, ...]
