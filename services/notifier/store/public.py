"""What is read without a key: a report by its code's digest, and the public list of requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from services.notifier.domain.fold import CaseRead
from services.notifier.domain.open311 import MOST_REQUESTS, UNREAD
from services.notifier.domain.summary import CaseSummary
from services.notifier.domain.tracking import How, Link, Step, path, told_to
from services.notifier.store.filters import Where, dotted
from services.notifier.store.read_side import ACQUIRE_SECONDS, read_case
from services.notifier.store.rows import value_of
from shared.vocabulary import CaseState

if TYPE_CHECKING:
    import asyncpg

    from shared.runtime.postgres import Connection, Pool

LINKS_MOST: Final = 50
STEPS_MOST: Final = 500
HOPS_MOST: Final = 5
"""A case that was merged into one that was merged: so often at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """Where a report has come to. ``steps`` are told to its reporter, ``of_case`` are all of the case it is part of.

    ``watch`` is the case whose next fact may change this: the newest one it was linked to, known here yet or not.
    """

    read: CaseRead
    opened_at: datetime
    merged: bool
    steps: Sequence[Step]
    of_case: Sequence[Step]
    watch: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestQuery:
    """Requests of ``area`` that came from ``start`` to ``end``; ``codes`` are categories, a parent for its children."""

    area: str
    start: datetime
    end: datetime
    codes: tuple[str, ...]
    states: frozenset[CaseState]


class PostgresPublic:
    """Reads what ``PostgresReadSide`` wrote, for the public."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def followed(self, digest: str) -> Followed | None:
        """Return where the report with this code has come to; None when no such code is known."""
        async with (
            self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            rows = await connection.fetch(_LINKS, digest, LINKS_MOST)
            links = [_link(row) for row in rows]
            way = [(link, read) for link in path(links) if (read := await read_case(connection, link.case_id))]
            if not way:
                return None
            way = await _to_the_master(connection, way)
            steps = [await _steps(connection, link.case_id) for link, _ in way]
        read = way[-1][1]
        own = {link.event_id for link in links}
        unknown = path(links)[-1].case_id
        return Followed(
            read=read,
            opened_at=links[0].since,
            merged=way[-1][0].how is How.JOINED,
            steps=told_to([link for link, _ in way], steps, own=own),
            of_case=steps[-1],
            watch=read.view.case_id if any(link.case_id == unknown for link, _ in way) else unknown,
        )

    async def listed(self, query: RequestQuery) -> Sequence[CaseSummary]:
        """Return the newest that may stand in public, at most 1000."""
        where = Where(MOST_REQUESTS)
        where.add("starts_with(area, {})", query.area)
        where.add("opened_at >= {}", query.start)
        where.add("opened_at <= {}", query.end)
        where.add("state = ANY({}::text[])", sorted(state.value for state in query.states - UNREAD))
        if query.codes:
            where.add(dotted("category"), list(query.codes))
        return await self._summaries(where)

    async def requests(self, area: str, case_ids: Sequence[UUID]) -> Sequence[CaseSummary]:
        """Return those of these cases that lie in ``area`` and may stand in public."""
        if not case_ids:
            return []
        where = Where(MOST_REQUESTS)
        where.add("starts_with(area, {})", area)
        where.add("case_id = ANY({}::uuid[])", list(case_ids))
        return await self._summaries(where)

    async def _summaries(self, where: Where) -> Sequence[CaseSummary]:
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
            rows = await connection.fetch(
                "SELECT summary FROM case_view WHERE purpose = 'real' AND NOT secret"  # noqa: S608  conditions are constants
                f" AND {where.sql} ORDER BY opened_at DESC, case_id DESC LIMIT $1",
                *where.parameters,
            )
        return [value_of(CaseSummary, row["summary"]) for row in rows]


async def _to_the_master(connection: Connection, way: list[tuple[Link, CaseRead]]) -> list[tuple[Link, CaseRead]]:
    """Go on to the case that the last one was merged into; its own facts may say so a moment later."""
    for _ in range(HOPS_MOST):
        link, read = way[-1]
        master = read.view.master
        if read.view.state is not CaseState.MERGED or master is None:
            return way
        known = await read_case(connection, master)
        if known is None or any(known.view.case_id == one.view.case_id for _, one in way):
            return way
        further = Link(
            digest=link.digest,
            event_id=link.event_id,
            case_id=master,
            report_id=link.report_id,
            how=How.JOINED,
            since=read.updated_at,
        )
        way = [*way, (further, known)]
    return way


async def _steps(connection: Connection, case_id: UUID) -> list[Step]:
    rows = await connection.fetch(_STEPS, case_id, STEPS_MOST)
    return [value_of(Step, row["public"]) for row in rows]


def _link(row: asyncpg.Record) -> Link:
    return Link(
        digest=row["digest"],
        event_id=row["event_id"],
        case_id=row["case_id"],
        report_id=row["report_id"],
        how=How(row["how"]),
        since=row["since"],
    )


_LINKS: Final = """
    SELECT digest, event_id, case_id, report_id, how, since FROM tracked WHERE digest = $1
    ORDER BY since, event_id LIMIT $2
"""
_STEPS: Final = """
    SELECT public FROM timeline WHERE case_id = $1 AND public IS NOT NULL
    ORDER BY sequence, rank, at, event_id LIMIT $2
"""
