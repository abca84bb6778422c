"""Places that a text names: towns, villages and zones of the county, by their names and usual short forms.

Longest name first. A short form (云溪 for 云溪镇) of a town counts by itself; a village's of two characters only where
a group or house follows it or its town is named too, for many are everyday words. Names that several places bear are
told apart by the town beside them. What is found is a guess and says so; places that do not fit together give the
smallest area that holds them all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from shared.playbook.model import Area, Playbook
from shared.vocabulary import COUNTY_DIGITS, TOWN_DIGITS, VILLAGE_DIGITS, Level, covers

KINDS: Final = ("民族乡", "街道办事处", "街道", "居委会", "村委会", "社区", "镇", "乡", "村")
SHORTEST: Final = 2
SURE_LENGTH: Final = 3
"""A village's short form of so many characters is no everyday word."""
_HOUSE: Final = re.compile(r"[一二三四五六七八九十\d]{1,3}[组队社屯号]|村委|小学|卫生室|幼儿园|文化广场")


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A place that the text names: the area that holds it, and the words that said so."""

    area: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Name:
    text: str
    codes: tuple[str, ...]
    short: bool


class PlaceNames:
    """The names of one playbook's places, ready to be looked for."""

    def __init__(self, playbook: Playbook, zones: Mapping[str, str]) -> None:
        """Take in the areas of ``playbook``; ``zones`` says in which area each of its zones lies."""
        bearers: dict[tuple[str, bool], set[str]] = {}
        for name, short, code in _names(playbook, zones):
            bearers.setdefault((name, short), set()).add(code)
        self._by_start: dict[str, list[_Name]] = {}
        for (name, short), codes in bearers.items():
            # A whole name says it better than the short form of another place.
            if not (short and (name, False) in bearers):
                self._by_start.setdefault(name[:SHORTEST], []).append(_Name(name, tuple(sorted(codes)), short))
        for names in self._by_start.values():
            names.sort(key=lambda one: -len(one.text))

    def find(self, text: str, *, within: str) -> Named | None:
        """The smallest area inside ``within`` that holds every place that ``text`` names; None when it names none."""
        hits = [(name, end) for name, end in self._hits(text) if any(covers(within, code) for code in name.codes)]
        towns = {code[:TOWN_DIGITS] for name, _ in hits for code in name.codes if len(code) == TOWN_DIGITS}
        found: dict[str, str] = {}
        for name, end in hits:
            codes = _told_apart([code for code in name.codes if covers(within, code)], towns)
            area = _holding(codes)
            if len(area) > COUNTY_DIGITS and _counts(name, area, towns, text[end:]):
                found.setdefault(area, name.text)
        if not found:
            return None
        return Named(area=_holding(_finest(found)), words=tuple(found.values()))

    def _hits(self, text: str) -> Iterator[tuple[_Name, int]]:
        """Yield the names that stand in the text, the longest at each place, with where each ends."""
        at = 0
        while at < len(text) - 1:
            here = self._by_start.get(text[at : at + SHORTEST], ())
            name = next((one for one in here if text.startswith(one.text, at)), None)
            at += 1 if name is None else len(name.text)
            if name is not None:
                yield name, at


def _names(playbook: Playbook, zones: Mapping[str, str]) -> Iterator[tuple[str, bool, str]]:
    for area in playbook.areas.values():
        if area.level is not Level.COUNTY:
            yield area.name.zh, False, area.code
            if (short := _short(area)) is not None:
                yield short, True, area.code
    for zone_id, code in zones.items():
        name = playbook.zones[zone_id].name.zh
        if len(name) > SHORTEST and len(code) > COUNTY_DIGITS:
            yield name, False, code


def _short(area: Area) -> str | None:
    name = area.name.zh
    for kind in (area.kind, *KINDS):
        short = name.removesuffix(kind)
        if kind and short != name:
            return short if len(short) >= SHORTEST else None
    return None


def _told_apart(codes: Sequence[str], towns: set[str]) -> Sequence[str]:
    """Of several bearers of a name those in a town that is named too, if any."""
    near = [code for code in codes if code[:TOWN_DIGITS] in towns]
    return near or codes


def _counts(name: _Name, area: str, towns: set[str], after: str) -> bool:
    if not name.short or len(area) < VILLAGE_DIGITS or len(name.text) >= SURE_LENGTH:
        return True
    return area[:TOWN_DIGITS] in towns or _HOUSE.match(after) is not None


def _finest(areas: Iterable[str]) -> list[str]:
    """The areas without those that hold another of them."""
    each = list(areas)
    return [one for one in each if not any(other != one and covers(one, other) for other in each)]


def _holding(codes: Sequence[str]) -> str:
    """The smallest area that holds all of ``codes``."""
    for digits in (VILLAGE_DIGITS, TOWN_DIGITS, COUNTY_DIGITS):
        starts = {code[:digits] for code in codes}
        if len(starts) == 1 and len(start := starts.pop()) == digits:
            return start
    return codes[0][:COUNTY_DIGITS]
