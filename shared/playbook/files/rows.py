"""What every row and node has in common: no unknown field, and the forms of ids, names, words and grades."""

import re
from typing import Annotated, ClassVar, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from shared.playbook.model import Text
from shared.vocabulary import Pattern, Severity

SLUG: Final = r"^[0-9A-Za-z][0-9A-Za-z._-]{0,63}$"
_WEEKDAYS: Final = re.compile(r"[1-7](-[1-7])?|[1-7]( +[1-7])*")


def refused(kind: str, problem: str, allowed: str) -> PydanticCustomError:
    """Return the error that says `problem` and what is `allowed` instead."""
    # Curly brackets of what was written would be read as places of the template.
    return PydanticCustomError(kind, "{problem}", {"problem": problem, "allowed": allowed})


def _severity(value: object) -> object:
    if isinstance(value, str) and value in Severity.__members__:
        return Severity[value]
    if isinstance(value, Severity):
        return value
    raise refused("severity", f"{value!r} is no severity", ", ".join(Severity.__members__))


def read_blanks(value: object) -> object:
    """Read a cell of several values separated by blanks."""
    return tuple(value.split()) if isinstance(value, str) else value


def read_weekdays(value: object) -> object:
    """Read `1-5` or `1 3 6` (ISO, 1 Monday … 7 Sunday); a list of them is read as it stands."""
    if isinstance(value, int) and not isinstance(value, bool):
        return (value,)
    if not isinstance(value, str):
        return value
    if not _WEEKDAYS.fullmatch(value.strip()):
        raise refused("weekdays", f"{value!r} are no weekdays", "1 (Monday) to 7 (Sunday), such as 1-5 or 1 3 6")
    first, dash, last = value.strip().partition("-")
    if dash and int(first) > int(last):
        raise refused("weekdays", f"{value!r} are no weekdays", f"{last}-{first}, or each day by itself")
    return tuple(range(int(first), int(last) + 1)) if dash else tuple(int(day) for day in value.split())


Slug = Annotated[str, Pattern(SLUG)]
Name = Annotated[str, Field(min_length=1, max_length=120)]
Word = Annotated[str, Field(min_length=1, max_length=64)]
Words = Annotated[tuple[Word, ...], Field(max_length=200)]
Grade = Annotated[
    Severity,
    BeforeValidator(_severity, json_schema_input_type=str),
    Field(json_schema_extra={"enum": [*Severity.__members__]}),
]
Weekday = Annotated[int, Field(ge=1, le=7)]
TownOrAbove = Annotated[str, Pattern(r"^[0-9]{6}([0-9]{3}([0-9]{3})?)?$")]
"""The code of a county, town or village: everything but a grid cell."""


class Row(BaseModel):
    """A row or node of a file: no field that nobody reads, none changed after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
    optional_columns: ClassVar[frozenset[str]] = frozenset()
    """Columns that a CSV file may leave out; every other must be there, though its cells may be empty."""


class Bilingual(Row):
    """A name or sentence in both languages."""

    zh: Annotated[str, Field(min_length=1, max_length=500)]
    en: Annotated[str, Field(min_length=1, max_length=500)]

    def value(self) -> Text:
        return Text(zh=self.zh, en=self.en)
