"""What a rule asks of a case, as sets that can be compared: can it ever hold, does one cover another, can both hold.

Sound and not complete: "never" and "covers" are only said when they are proved, whatever a case looks
like; a CEL expression is opaque, and only the same text covers it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, TypeAlias, TypeVar

from shared.playbook.check.advice.windows import ANY_MOMENT, moments
from shared.playbook.model import Playbook, Repeat, Ring, Rule, Settlement, When
from shared.vocabulary import Severity, Source, covers

EARLIER_TOLD: Final = 16
"""Earlier cases that a case event tells at most (`CaseView.earlier`)."""
ALL_SOURCES: Final = frozenset(Source)
ItemT = TypeVar("ItemT")
Box: TypeAlias = tuple[float, float, float, float]
"""West, south, east, north."""


class Terrain:
    """The parts of a playbook that conditions refer to, ready to look up."""

    def __init__(self, playbook: Playbook) -> None:
        """Index once for all rules."""
        self.playbook = playbook
        self._below: dict[str, frozenset[str]] = {}
        self._boxes = {code: _box(zone.polygons) for code, zone in playbook.zones.items()}
        for code in playbook.categories:
            for above in playbook.category_line(code):
                self._below[above.code] = self._below.get(above.code, frozenset()) | {code}

    def under(self, categories: Iterable[str]) -> frozenset[str]:
        """Return the known categories that are or are under one of ``categories``."""
        return frozenset[str]().union(*(self._below.get(code, frozenset()) for code in categories))

    def settlements(self, areas: Iterable[str]) -> frozenset[Settlement | None]:
        """Return how places inside ``areas`` can be settled; None where nothing says so."""
        found: set[Settlement | None] = set()
        for code in areas:
            found.add(self._settled(code))
            found |= {self._settled(known) for known in self.playbook.areas if known.startswith(code)}
        return frozenset(found)

    def zones_may_meet(self, one: Iterable[str], other: Iterable[str]) -> bool:
        """Say whether a point can lie in a zone of each list; only boxes are compared."""
        others = [self._boxes[zone] for zone in other if zone in self._boxes]
        return any(
            here == there or _touch(here, there)
            for here in (self._boxes[zone] for zone in one if zone in self._boxes)
            for there in others
        )

    def _settled(self, code: str) -> Settlement | None:
        said = (area.settlement for area in self.playbook.area_line(code))
        return next((settlement for settlement in said if settlement is not None), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The conjunction of conditions: each field is what is left of all cases, an alternative a list."""

    areas: frozenset[str]
    """Codes; each covers everything inside it, none lies in another."""
    categories: frozenset[str] | None = None
    sources: frozenset[Source] = ALL_SOURCES
    severity: int = int(Severity.IV)
    modes: frozenset[str] | None = None
    settlements: frozenset[Settlement] | None = None
    tags: tuple[frozenset[str], ...] = ()
    words: tuple[frozenset[str], ...] = ()
    zones: tuple[frozenset[str], ...] = ()
    reports: int = 1
    repeats: tuple[Repeat, ...] = ()
    windows: int = ANY_MOMENT
    expressions: frozenset[str] = frozenset()
    begins: date | None = None
    ends: date | None = None


def asked_of(rule: Rule, terrain: Terrain, *, today: date) -> Asked:
    """Return what ``rule`` asks from ``today`` on, its groups' conditions included."""
    begins = today if rule.valid_from is None else max(rule.valid_from, today)
    asked = Asked(areas=frozenset({terrain.playbook.county}), begins=begins, ends=rule.valid_until)
    for when in (*rule.around, rule.when):
        asked = both(asked, _of(when, terrain))
    return asked


def both(one: Asked, other: Asked) -> Asked:
    """Return what a case must be for both."""
    return Asked(
        areas=_areas_in_both(one.areas, other.areas),
        categories=_in_both(one.categories, other.categories),
        sources=one.sources & other.sources,
        severity=min(one.severity, other.severity),
        modes=_in_both(one.modes, other.modes),
        settlements=_in_both(one.settlements, other.settlements),
        tags=one.tags + other.tags,
        words=one.words + other.words,
        zones=one.zones + other.zones,
        reports=max(one.reports, other.reports),
        repeats=one.repeats + other.repeats,
        windows=one.windows & other.windows,
        expressions=one.expressions | other.expressions,
        begins=max((day for day in (one.begins, other.begins) if day is not None), default=None),
        ends=min((day for day in (one.ends, other.ends) if day is not None), default=None),
    )


def impossible(asked: Asked, terrain: Terrain) -> str | None:
    """Return the field in which nothing is left, so that no case can be what is asked; None when one may."""
    empty = {
        "area": not asked.areas,
        "category": asked.categories is not None and not asked.categories,
        "source": not asked.sources,
        "mode": asked.modes is not None and not asked.modes,
        "time": not asked.windows,
        "settlement": asked.settlements is not None and asked.settlements.isdisjoint(terrain.settlements(asked.areas)),
        "repeat": any(repeat.times > EARLIER_TOLD for repeat in asked.repeats),
        "zone": any(
            not terrain.zones_may_meet(one, other)
            for place, one in enumerate(asked.zones)
            for other in asked.zones[place:]
        ),
        "valid": asked.begins is not None and asked.ends is not None and asked.ends < asked.begins,
    }
    return next((field for field, nothing in empty.items() if nothing), None)


def implies(narrow: Asked, wide: Asked, terrain: Terrain) -> bool:
    """Say whether every case that is what ``narrow`` asks is also what ``wide`` asks, for certain."""
    return (
        (wide.categories is None or (narrow.categories is not None and narrow.categories <= wide.categories))
        and all(any(covers(outer, inner) for outer in wide.areas) for inner in narrow.areas)
        and narrow.sources <= wide.sources
        and narrow.severity <= wide.severity
        and (wide.modes is None or (narrow.modes is not None and narrow.modes <= wide.modes))
        and narrow.reports >= wide.reports
        and narrow.expressions >= wide.expressions
        and all(any(mine <= theirs for mine in narrow.tags) for theirs in wide.tags)
        and all(any(mine <= theirs for mine in narrow.zones) for theirs in wide.zones)
        and all(any(_speak_for(mine, theirs) for mine in narrow.words) for theirs in wide.words)
        and all(any(_at_least(mine, theirs) for mine in narrow.repeats) for theirs in wide.repeats)
        and narrow.windows & ~wide.windows == 0
        and _dates_inside(narrow, wide)
        and _settled_inside(narrow, wide, terrain)
    )


def _of(when: When, terrain: Terrain) -> Asked:
    asked = Asked(areas=frozenset(when.areas or (terrain.playbook.county,)), windows=moments(when.windows))
    return replace(
        asked,
        categories=terrain.under(when.categories) if when.categories else None,
        sources=frozenset(when.sources) or ALL_SOURCES,
        severity=int(when.severity_at_least or Severity.IV),
        modes=frozenset(when.modes) or None,
        settlements=frozenset(when.settlements) or None,
        tags=(frozenset(when.tags),) if when.tags else (),
        words=(frozenset(word.casefold() for word in when.words),) if when.words else (),
        zones=(frozenset(when.zones),) if when.zones else (),
        reports=when.reports_at_least or 1,
        repeats=(when.repeat,) if when.repeat is not None and when.repeat.times > 0 else (),
        expressions=frozenset((when.expression.strip(),)) if when.expression else frozenset(),
    )


def _areas_in_both(one: frozenset[str], other: frozenset[str]) -> frozenset[str]:
    inner = {mine for mine in one if any(covers(theirs, mine) for theirs in other)}
    inner |= {theirs for theirs in other if any(covers(mine, theirs) for mine in one)}
    return frozenset(code for code in inner if not any(covers(outer, code) for outer in inner - {code}))


def _in_both(one: frozenset[ItemT] | None, other: frozenset[ItemT] | None) -> frozenset[ItemT] | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other


def _speak_for(narrow: frozenset[str], wide: frozenset[str]) -> bool:
    """Say whether a text with any word of ``narrow`` has one of ``wide`` in it too."""
    return all(any(word in longer for word in wide) for longer in narrow)


def _at_least(narrow: Repeat, wide: Repeat) -> bool:
    return narrow.times >= wide.times and narrow.hours <= wide.hours


def _dates_inside(narrow: Asked, wide: Asked) -> bool:
    begun = wide.begins is None or (narrow.begins is not None and wide.begins <= narrow.begins)
    return begun and (wide.ends is None or (narrow.ends is not None and narrow.ends <= wide.ends))


def _settled_inside(narrow: Asked, wide: Asked, terrain: Terrain) -> bool:
    if wide.settlements is None or (narrow.settlements is not None and narrow.settlements <= wide.settlements):
        return True
    possible = terrain.settlements(narrow.areas)
    left = possible if narrow.settlements is None else possible & narrow.settlements
    return left <= wide.settlements


def _box(polygons: Iterable[Ring]) -> Box:
    points = [point for ring in polygons for point in ring]
    lons, lats = [lon for lon, _ in points], [lat for _, lat in points]
    return min(lons), min(lats), max(lons), max(lats)


def _touch(one: Box, other: Box) -> bool:
    return one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3]
