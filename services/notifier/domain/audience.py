"""Who may hear of an event, and who asked to: one decision for the stream, its history and webhooks."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from shared.vocabulary import NORMAL, Level, Purpose, Severity, county_of, covers


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a reader may see at all: an area with all below it, and for a department only what concerns it."""

    area: str
    department: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facets:
    """What scopes and filters ask of one event; ``departments`` are those it concerns."""

    case_id: UUID
    type: str
    area: str
    level: Level
    category: str
    severity: Severity
    departments: frozenset[str]
    purpose: Purpose = Purpose.REAL
    mode: str = NORMAL
    circular: bool = False
    """Whether every desk and department of the county hears that it happened (通报)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What a reader asks for: any value of a field is enough, all fields must hold; nothing asked = everything."""

    area: str | None = None
    levels: frozenset[Level] = frozenset()
    categories: frozenset[str] = frozenset()
    severities: frozenset[Severity] = frozenset()
    types: frozenset[str] = frozenset()
    departments: frozenset[str] = frozenset()
    case_id: UUID | None = None
    purposes: frozenset[Purpose] = frozenset()
    modes: frozenset[str] = frozenset()


def may_hear(scope: Scope, facets: Facets) -> bool:
    """Say whether ``facets`` lie within ``scope``."""
    if not covers(scope.area, facets.area):
        return False
    return scope.department is None or scope.department in facets.departments


def hears_of(scope: Scope, facets: Facets) -> bool:
    """Say whether ``facets`` are made known to ``scope`` as a thin fact, though it may not see the case."""
    return facets.circular and not may_hear(scope, facets) and county_of(scope.area) == county_of(facets.area)


def wants(asked: Filter, facets: Facets) -> bool:
    """Say whether ``asked`` asks for ``facets``; a category stands for its children, a type for what it begins.

    A circular concerns every department.
    """
    return (
        (asked.area is None or covers(asked.area, facets.area))
        and (asked.case_id is None or asked.case_id == facets.case_id)
        and (not asked.levels or facets.level in asked.levels)
        and (not asked.purposes or facets.purpose in asked.purposes)
        and (not asked.modes or facets.mode in asked.modes)
        and (not asked.severities or facets.severity in asked.severities)
        and (not asked.departments or facets.circular or not asked.departments.isdisjoint(facets.departments))
        and (not asked.categories or any(under(code, facets.category) for code in asked.categories))
        and (not asked.types or any(under(word, facets.type) for word in asked.types))
    )


def hears(scope: Scope, asked: Filter, facets: Facets) -> bool:
    """Say whether a reader hears an event, whole or as a circular: it may, and it asked to."""
    return (may_hear(scope, facets) or hears_of(scope, facets)) and wants(asked, facets)


def under(parent: str, code: str) -> bool:
    """Say whether dotted ``code`` is ``parent`` or lies under it."""
    return code == parent or code.startswith(f"{parent}.")
