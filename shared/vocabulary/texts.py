"""What an edge enforces on a field, without pydantic in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_Handler = Callable[[object], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression that an edge enforces on a text field.

    Pydantic reads it through its own protocol, so that this module and every domain that uses it
    stay free of pydantic.
    """

    regex: str

    def __get_pydantic_core_schema__(self, source: object, handler: _Handler) -> dict[str, Any]:
        schema = handler(source)
        schema["pattern"] = self.regex
        return schema


@dataclass(frozen=True, slots=True)
class Aware:
    """A time stamp that must carry its offset; a naive one is refused at the edge."""

    def __get_pydantic_core_schema__(self, source: object, handler: _Handler) -> dict[str, Any]:
        schema = handler(source)
        schema["tz_constraint"] = "aware"
        return schema
