"""A fast and strict reader of opened cases: msgspec structs made from the events' own dataclasses, bounds included.

What this reads, the ordinary decoder reads alike; what it cannot read goes to the ordinary decoder, which
says why. It is stricter than that one where they differ (no text for a number), and laxer in one thing: the
patterns of codes cost as much as all the rest, so `Opened` is told of them by other means (see there).
"""

import types
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec
from annotated_types import Ge, Le, MaxLen, MinLen

from shared.events.case import CaseOpened
from shared.events.parts import CaseView
from shared.vocabulary import Aware, Pattern

AREA_DIGITS: Final = (6, 9, 12, 15)
PLAIN: Final = (str, int, float, bool, UUID, datetime, type(None))


class Opened:
    """An opened case as far as routing looks at it; `raw` is the case's JSON as it came."""

    __slots__ = ("case", "raw", "text")

    def __init__(self, value: bytes) -> None:
        """Read the value of a record.

        Its area is one by its form; county, category and case id have to be compared with known ones. The case
        id stays text: making a UUID and text of it again costs as much as a third of all the rest.

        Raises:
            ValueError: it is none, or has to be read by the ordinary decoder.
        """
        outer: Any = _outer.decode(value)
        self.raw: bytes = bytes(outer.case)
        case: Any = _case.decode(self.raw)
        self.text: str = outer.text
        self.case = case
        area = case.area
        if len(area) not in AREA_DIGITS or not (area.isascii() and area.isdigit()):
            raise ValueError("no area code")


@cache
def struct_of(kind: type, **otherwise: type) -> type[msgspec.Struct]:
    """Return the struct that reads the dataclass `kind`; fields named in `otherwise` as what that says."""
    hints = get_type_hints(kind, include_extras=True)
    members = [_member(one, otherwise.get(one.name) or _read_as(hints[one.name])) for one in fields(kind)]
    return msgspec.defstruct(kind.__name__, members, kw_only=True, frozen=True, gc=False)


def _member(one: Field[Any], read_as: object) -> tuple[str, Any] | tuple[str, Any, Any]:
    if one.default is not MISSING:
        return (one.name, read_as, one.default)
    return (one.name, read_as)


def _read_as(hint: Any) -> Any:  # noqa: ANN401  types as values have no type of their own
    """Return the type that msgspec reads in place of `hint`."""
    origin = get_origin(hint)
    if origin is Annotated:
        inner, *said = get_args(hint)
        bounds = [_bound(one) for one in said if not isinstance(one, Pattern)]
        return Annotated[_read_as(inner), *bounds] if bounds else _read_as(inner)
    if origin is tuple:
        return tuple.__class_getitem__((_read_as(get_args(hint)[0]), ...))
    if origin in (Union, types.UnionType):
        return Union[tuple(_read_as(one) for one in get_args(hint))]  # noqa: UP007  of a tuple
    if is_dataclass(hint) and isinstance(hint, type):
        return struct_of(hint)
    if origin is Literal or hint in PLAIN or (isinstance(hint, type) and issubclass(hint, Enum)):
        return hint
    raise TypeError(f"no narrow reading of {hint!r}: teach services/router/narrow.py its kind")


def _bound(said: object) -> msgspec.Meta:
    match said:
        case MaxLen(max_length=int(most)):
            return msgspec.Meta(max_length=most)
        case MinLen(min_length=int(least)):
            return msgspec.Meta(min_length=least)
        case Ge(ge=(int() | float()) as lowest):
            return msgspec.Meta(ge=lowest)
        case Le(le=(int() | float()) as highest):
            return msgspec.Meta(le=highest)
        case Aware():
            return msgspec.Meta(tz=True)
        case _:
            raise TypeError(f"no narrow reading of the bound {said!r}: teach services/router/narrow.py")


_outer: Final = msgspec.json.Decoder(struct_of(CaseOpened, case=msgspec.Raw))
_case: Final = msgspec.json.Decoder(struct_of(CaseView, case_id=str))
