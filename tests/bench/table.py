"""How a bench's figures are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure; ``beside`` is the same figure of the bare engine in the same run, ``more`` goes with it."""

    what: str
    figure: float
    unit: str
    beside: float | None = None
    more: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much a bench takes: so many events or its own number, the better of so many rounds, of whom.

    ``cases`` and ``seed`` are those of random comparisons.
    """

    events: int | None = None
    rounds: int = 2
    only: str = ""
    cases: int | None = None
    seed: int | None = None


def table(name: str, rows: Sequence[Row]) -> str:
    """Return the rows as an aligned table with each ratio to its bare engine."""
    width = max(len(row.what) for row in rows)
    lines = [
        f"{row.what:<{width}}  {row.figure:>12,.1f} {row.unit:<9} {_ratio(row):<24} {row.more}".rstrip() for row in rows
    ]
    return "\n".join([f"== {name}", *lines])


def _ratio(row: Row) -> str:
    return "" if row.beside is None else f"{row.figure / row.beside:.2f} of the bare engine"
