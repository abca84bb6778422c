"""Areas (行政区划) and the three levels of command."""

from __future__ import annotations

import re
from enum import StrEnum, unique
from typing import Annotated, Final

from shared.vocabulary.refusals import Refused
from shared.vocabulary.texts import Pattern

COUNTY_DIGITS: Final = 6

TOWN_DIGITS: Final = 9

VILLAGE_DIGITS: Final = 12

GRID_DIGITS: Final = 15

AREA_PATTERN: Final = r"^[0-9]{6}([0-9]{3}([0-9]{3}([0-9]{3})?)?)?$"

AreaCode = Annotated[str, Pattern(AREA_PATTERN)]
"""County 6 digits (GB/T 2260), town 9, village 12 (GB/T 10114); a grid cell has 15."""


@unique
class Level(StrEnum):
    """The three levels of command, lowest first."""

    VILLAGE = "village"
    TOWN = "town"
    COUNTY = "county"

    @property
    def above(self) -> Level:
        """The next level up.

        Raises:
            Refused: at the county, which has nobody above.
        """
        match self:
            case Level.VILLAGE:
                return Level.TOWN
            case Level.TOWN:
                return Level.COUNTY
            case Level.COUNTY:
                raise Refused("the county has no level above", field="level")

    @property
    def digits(self) -> int:
        """How many digits of an area code name an area of this level."""
        return _DIGITS[self]


_DIGITS: Final = {Level.VILLAGE: VILLAGE_DIGITS, Level.TOWN: TOWN_DIGITS, Level.COUNTY: COUNTY_DIGITS}


def is_area(code: str) -> bool:
    """Say whether ``code`` has the form of an area code (6, 9, 12 or 15 digits)."""
    return re.fullmatch(AREA_PATTERN, code) is not None


def level_of(code: str) -> Level:
    """The level whose desk answers for the area ``code``; a grid cell belongs to its village.

    Raises:
        Refused: when ``code`` is no area code.
    """
    match len(code) if is_area(code) else 0:
        case 6:
            return Level.COUNTY
        case 9:
            return Level.TOWN
        case 12 | 15:
            return Level.VILLAGE
        case _:
            raise Refused(f"{code!r} is no area code", field="area", allowed=["6, 9, 12 or 15 digits"])


def at_level(code: str, level: Level) -> str:
    """The area of ``level`` that holds ``code``.

    Raises:
        Refused: when ``code`` is coarser than ``level`` (a county lies in no single village).
    """
    if len(code) < level.digits:
        raise Refused(
            f"area {code} lies in no single {level}", field="area", allowed=[f"{level.digits} digits or more"]
        )
    return code[: level.digits]


def county_of(code: str) -> str:
    """The county, six digits, that holds the area ``code``."""
    return code[:COUNTY_DIGITS]


def covers(outer: str, inner: str) -> bool:
    """Say whether area ``outer`` is ``inner`` or holds it; codes nest by prefix."""
    return inner.startswith(outer)
