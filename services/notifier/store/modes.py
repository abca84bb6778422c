"""The modes in force, and what each change did; scopes hold for the cases that are counted too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from services.notifier.domain.audience import Scope
from services.notifier.domain.settling import Settled
from services.notifier.store.filters import Where, within
from services.notifier.store.read_side import ACQUIRE_SECONDS
from services.notifier.store.rows import value_of
from shared.events.mode import ModeChanged
from shared.vocabulary import NORMAL, county_of

if TYPE_CHECKING:
    import asyncpg

    from shared.runtime.postgres import Connection, Pool

IN_FORCE_MOST: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class ModePage:
    """Where a page begins: after the change of this moment."""

    changed_at: datetime
    change_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeRead:
    """One change, and how many of the cases that the reader may see it touched, by what became of them."""

    change: ModeChanged
    settled: Mapping[Settled, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeList:
    """What is in force, the smallest areas last, and one page of what changed, newest first."""

    in_force: Sequence[ModeRead]
    history: Sequence[ModeRead]
    more: bool


class PostgresModes:
    """Reads what ``PostgresReadSide`` wrote."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def find(self, scope: Scope, *, area: str | None, after: ModePage | None, most: int) -> ModeList:
        """The modes of ``area`` (None: the scope's own), of what holds it and of what lies inside."""
        here = area or scope.area
        async with (
            self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            newest = await connection.fetch(_IN_FORCE, here, county_of(here), NORMAL, IN_FORCE_MOST)
            where = Where(here, county_of(here), most + 1)
            if after is not None:
                where.add("(changed_at, change_id) < ({}, {}::uuid)", after.changed_at, after.change_id)
            changes = await connection.fetch(
                f"SELECT body FROM mode_change WHERE {_AROUND} AND {where.sql}"  # noqa: S608  conditions are constants
                " ORDER BY changed_at DESC, change_id DESC LIMIT $3",
                *where.parameters,
            )
            in_force, history = _read(newest), _read(changes[:most])
            counts = await _counts(connection, scope, {one.change_id for one in (*in_force, *history)})
        return ModeList(
            in_force=[ModeRead(change=one, settled=counts.get(one.change_id, {})) for one in in_force],
            history=[ModeRead(change=one, settled=counts.get(one.change_id, {})) for one in history],
            more=len(changes) > most,
        )


# Areas nest by prefix, all within one county; the county's index range is what is looked through.
_AROUND: Final = "starts_with(area, $2) AND (starts_with(area, $1) OR starts_with($1, area))"
_IN_FORCE: Final = """
    SELECT body FROM (
        SELECT DISTINCT ON (area) area, body FROM mode_change
        WHERE starts_with(area, $2) AND (starts_with(area, $1) OR starts_with($1, area))
        ORDER BY area, changed_at DESC, change_id DESC) AS newest
    WHERE body ->> 'mode' <> $3 ORDER BY area LIMIT $4
"""


def _read(rows: Sequence[asyncpg.Record]) -> list[ModeChanged]:
    return [value_of(ModeChanged, row["body"]) for row in rows]


async def _counts(connection: Connection, scope: Scope, change_ids: set[UUID]) -> dict[UUID, dict[Settled, int]]:
    where = Where(list(change_ids))
    within(where, scope)
    rows = await connection.fetch(
        "SELECT change_id, outcome, count(*) AS n FROM mode_settled JOIN case_view USING (case_id)"  # noqa: S608
        f" WHERE change_id = ANY($1) AND {where.sql} GROUP BY 1, 2",
        *where.parameters,
    )
    counts: dict[UUID, dict[Settled, int]] = {}
    for row in rows:
        counts.setdefault(row["change_id"], {})[Settled(row["outcome"])] = row["n"]
    return counts
