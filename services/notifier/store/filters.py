"""Scopes and filters as SQL and as stored JSON; ``domain.audience`` says the same in Python."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from services.notifier.domain.audience import Filter, Scope
from shared.vocabulary import (
    COUNTY_DIGITS,
    GRID_DIGITS,
    TOWN_DIGITS,
    VILLAGE_DIGITS,
    Level,
    Purpose,
    Severity,
    county_of,
)

AREA_DIGITS: Final = (COUNTY_DIGITS, TOWN_DIGITS, VILLAGE_DIGITS, GRID_DIGITS)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFilter:
    """A filter as a subscription keeps it."""

    area: str | None = None
    levels: tuple[Level, ...] = ()
    categories: tuple[str, ...] = ()
    severities: tuple[Severity, ...] = ()
    types: tuple[str, ...] = ()
    departments: tuple[str, ...] = ()
    case_id: UUID | None = None
    purposes: tuple[Purpose, ...] = ()
    modes: tuple[str, ...] = ()

    @classmethod
    def of(cls, asked: Filter) -> StoredFilter:
        """Make ``asked`` storable."""
        return cls(
            area=asked.area,
            levels=tuple(sorted(asked.levels)),
            categories=tuple(sorted(asked.categories)),
            severities=tuple(sorted(asked.severities)),
            types=tuple(sorted(asked.types)),
            departments=tuple(sorted(asked.departments)),
            case_id=asked.case_id,
            purposes=tuple(sorted(asked.purposes)),
            modes=tuple(sorted(asked.modes)),
        )

    def filter(self) -> Filter:
        """Return the filter that was stored."""
        return Filter(
            area=self.area,
            levels=frozenset(self.levels),
            categories=frozenset(self.categories),
            severities=frozenset(self.severities),
            types=frozenset(self.types),
            departments=frozenset(self.departments),
            case_id=self.case_id,
            purposes=frozenset(self.purposes),
            modes=frozenset(self.modes),
        )

    @staticmethod
    def scope(area: str, department: str | None) -> Scope:
        """Return whose filter it is."""
        return Scope(area=area, department=department)


class Where:
    """The conditions of one query and their parameters, in step."""

    def __init__(self, *parameters: Any) -> None:  # noqa: ANN401  whatever PostgreSQL takes
        self.parameters: list[Any] = list(parameters)
        self._conditions: list[str] = []

    def add(self, condition: str, *values: Any) -> None:  # noqa: ANN401
        """Add a condition; each ``{}`` in it becomes the parameter of one of ``values``."""
        places = [f"${len(self.parameters) + number}" for number in range(1, len(values) + 1)]
        self.parameters.extend(values)
        self._conditions.append(condition.format(*places))

    @property
    def sql(self) -> str:
        """The conditions, joined; true when there are none."""
        return " AND ".join(self._conditions) or "true"


def within(where: Where, scope: Scope) -> None:
    """Keep what ``scope`` may see."""
    where.add("starts_with(area, {})", scope.area)
    if scope.department is not None:
        where.add("departments @> ARRAY[{}::text]", scope.department)


def heard_by(where: Where, scope: Scope) -> None:
    """Keep what ``scope`` hears of a feed: what it may see, and the circulars of its county."""
    seen = "starts_with(area, {})" if scope.department is None else "(starts_with(area, {}) AND departments @> {})"
    values = [scope.area] if scope.department is None else [scope.area, [scope.department]]
    where.add(f"({seen} OR (circular IS NOT NULL AND starts_with(area, {{}})))", *values, county_of(scope.area))


def asked_for(where: Where, asked: Filter, *, circulars: bool = False) -> None:
    """Keep what ``asked`` asks for, except its types, which only a feed has; its ``circulars`` concern everybody."""
    if asked.area is not None:
        where.add("starts_with(area, {})", asked.area)
    if asked.case_id is not None:
        where.add("case_id = {}", asked.case_id)
    if asked.levels:
        where.add("level = ANY({}::text[])", [level.value for level in asked.levels])
    if asked.severities:
        where.add("severity = ANY({}::smallint[])", [int(severity) for severity in asked.severities])
    if asked.purposes:
        where.add("purpose = ANY({}::text[])", sorted(asked.purposes))
    if asked.modes:
        where.add("mode = ANY({}::text[])", sorted(asked.modes))
    if asked.departments:
        concerned = "(departments && {}::text[] OR circular IS NOT NULL)" if circulars else "departments && {}::text[]"
        where.add(concerned, sorted(asked.departments))
    if asked.categories:
        where.add(dotted("category"), sorted(asked.categories))


def of_types(where: Where, asked: Filter) -> None:
    """Keep the types that ``asked`` asks for."""
    if asked.types:
        where.add(dotted("type"), sorted(asked.types))


def dotted(column: str) -> str:
    """The condition that ``column`` is one of the codes asked for, or lies under one."""
    # ``audience.under``: the code itself, or what begins with it and a dot.
    fits = f"{column} = asked OR starts_with({column}, asked || '.')"
    return f"EXISTS (SELECT 1 FROM unnest({{}}::text[]) AS asked WHERE {fits})"  # noqa: S608  column is a constant
