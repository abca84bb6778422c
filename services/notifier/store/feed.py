"""The feed as readers see it: history from any kept position, what is new, and its bounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from services.notifier.domain.audience import Facets, Filter, Scope
from services.notifier.store.filters import Where, asked_for, heard_by, of_types
from services.notifier.store.read_side import ACQUIRE_SECONDS
from shared.vocabulary import Level, Purpose, Severity

if TYPE_CHECKING:
    import asyncpg

    from shared.runtime.postgres import Pool


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedRow:
    """One event of the feed; ``data`` is one line of JSON, ``circular`` another for those who may not see the case."""

    position: int
    facets: Facets
    data: str
    circular: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Everything at or before ``floor`` has been pruned; ``latest`` is the newest position there is."""

    floor: int
    latest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A page of the past; when ``floor`` lies beyond where it began, rows are missing from it."""

    rows: Sequence[FeedRow]
    floor: int


class PostgresFeed:
    """Reads the feed. A position that can be read has all smaller ones beside it: docs/decisions/0006."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def bounds(self) -> Bounds:
        """Return the floor and the newest position, of one moment."""
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
            row = await connection.fetchrow(_BOUNDS)
        assert row is not None  # noqa: S101  the table of the floor has exactly one row
        return Bounds(floor=row["floor"], latest=row["latest"])

    async def after(self, position: int, *, most: int) -> Sequence[FeedRow]:
        """Return the next rows after ``position``, whoever may see them."""
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
            rows = await connection.fetch(
                f"SELECT {_COLUMNS} FROM feed WHERE position > $1 ORDER BY position LIMIT $2",  # noqa: S608  a constant
                position,
                most,
            )
        return [_row(row) for row in rows]

    async def history(self, after: int, upto: int, *, scope: Scope, asked: Filter, most: int) -> History:
        """Return rows in (``after``, ``upto``] that ``scope`` may see and ``asked`` asks for, the oldest first.

        The floor is read after the rows: rows that were pruned meanwhile show in it.
        """
        where = Where(after, upto, most)
        heard_by(where, scope)
        asked_for(where, asked, circulars=True)
        of_types(where, asked)
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
            rows = await connection.fetch(
                f"SELECT {_COLUMNS} FROM feed WHERE position > $1 AND position <= $2 AND {where.sql}"  # noqa: S608  columns and conditions are constants
                " ORDER BY position LIMIT $3",
                *where.parameters,
            )
            floor = await connection.fetchval("SELECT position FROM feed_floor")
        return History(rows=tuple(_row(row) for row in rows), floor=floor)

    async def prune(self, before: datetime, *, most: int) -> int:
        """Remove at most ``most`` rows told before ``before``, the oldest first, and return how many."""
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection, connection.transaction():
            last = await connection.fetchval(
                """
                SELECT max(position) FROM (
                    SELECT position, told_at FROM feed ORDER BY position LIMIT $2) AS oldest
                WHERE told_at < $1
                """,
                before,
                most,
            )
            if last is None:
                return 0
            # The floor first: a reader that finds rows missing must find the floor raised.
            await connection.execute("UPDATE feed_floor SET position = greatest(position, $1)", last)
            gone: str = await connection.execute("DELETE FROM feed WHERE position <= $1", last)
            return int(gone.split()[1])


_COLUMNS: Final = "position, case_id, type, area, level, category, severity, departments, purpose, mode, data, circular"
_BOUNDS: Final = """
    SELECT floor.position AS floor, greatest(floor.position, (SELECT max(position) FROM feed)) AS latest
    FROM feed_floor AS floor
"""


def _row(row: asyncpg.Record) -> FeedRow:
    return FeedRow(
        position=row["position"],
        facets=Facets(
            case_id=row["case_id"],
            type=row["type"],
            area=row["area"],
            level=Level(row["level"]),
            category=row["category"],
            severity=Severity(row["severity"]),
            departments=frozenset(row["departments"]),
            purpose=Purpose(row["purpose"]),
            mode=row["mode"],
            circular=row["circular"] is not None,
        ),
        data=row["data"],
        circular=row["circular"],
    )
