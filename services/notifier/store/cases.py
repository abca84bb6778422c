"""Cases as lists, one by one, and counted; each answer is of one moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from services.notifier.domain.audience import Filter, Scope
from services.notifier.domain.fold import CaseRead
from services.notifier.domain.summary import CaseSummary, summarise
from services.notifier.domain.timeline import Entry
from services.notifier.domain.waiting import Waiting
from services.notifier.store.filters import Where, asked_for, within
from services.notifier.store.read_side import ACQUIRE_SECONDS, read_case
from services.notifier.store.rows import value_of
from shared.vocabulary import CASE_ENDED, CaseState, Level, covers

if TYPE_CHECKING:
    from shared.runtime.postgres import Connection, Pool


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Where a page begins: after the case with this moment (opened, or due) in the list's order."""

    at: datetime
    case_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseQuery:
    """What a list asks for; ``late_at`` keeps cases with a clock due by then, ``words`` those whose title has them."""

    scope: Scope
    asked: Filter
    states: frozenset[CaseState] = frozenset()
    waits: frozenset[Waiting] = frozenset()
    late_at: datetime | None = None
    words: str | None = None
    due_first: bool = False
    """Order by the most pressing clock instead of newest first; cases without one are left out."""
    after: Page | None = None
    most: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseList:
    """One page; ``position`` is the feed's at the same moment, to stream on from without a gap."""

    cases: Sequence[CaseSummary]
    more: bool
    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseStory:
    """All there is about one case."""

    read: CaseRead
    timeline: Sequence[Entry]
    position: int

    @property
    def summary(self) -> CaseSummary:
        """The case in one line."""
        return summarise(self.read)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many of what, within one scope."""

    cases: Mapping[str, int]
    severities: Mapping[str, int]
    orders: Mapping[str, int]
    standing_orders: Mapping[str, int]
    escalations: Mapping[str, int]
    open_clocks: int
    late_clocks: int
    late_cases: int
    deliveries: Mapping[str, int]
    waits: Mapping[str, int]
    position: int


class PostgresCases:
    """Reads what ``PostgresReadSide`` wrote."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def find(self, query: CaseQuery) -> CaseList:
        """Return one page of cases."""
        where = Where(query.most + 1)
        within(where, query.scope)
        asked_for(where, query.asked)
        if query.states:
            where.add("state = ANY({}::text[])", [state.value for state in query.states])
        if query.waits:
            where.add("waits && {}::text[]", sorted(query.waits))
        if query.late_at is not None:
            where.add("due_at <= {}", query.late_at)
        if query.words:
            where.add("title ILIKE {}", f"%{_literal(query.words)}%")
        if query.after is not None:
            further = (
                "(due_at, case_id) > ({}, {}::uuid)" if query.due_first else "(opened_at, case_id) < ({}, {}::uuid)"
            )
            where.add(further, query.after.at, query.after.case_id)
        order = "due_at, case_id" if query.due_first else "opened_at DESC, case_id DESC"
        if query.due_first:
            where.add("due_at IS NOT NULL")
        async with (
            self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            rows = await connection.fetch(
                f"SELECT summary FROM case_view WHERE {where.sql} ORDER BY {order} LIMIT $1",  # noqa: S608  conditions are constants
                *where.parameters,
            )
            position = await _position(connection)
        cases = [value_of(CaseSummary, row["summary"]) for row in rows[: query.most]]
        return CaseList(cases=cases, more=len(rows) > query.most, position=position)

    async def story(self, case_id: UUID, scope: Scope, *, most: int) -> CaseStory | None:
        """Return one case with at most ``most`` lines of its timeline, or None when ``scope`` may not see it.

        A department gets its own orders and clocks, and the lines that concern it.
        """
        async with (
            self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            read = await read_case(connection, case_id)
            if read is None or not _may_see(scope, read):
                return None
            rows = await connection.fetch(_TIMELINE, case_id, scope.department, most)
            position = await _position(connection)
        return CaseStory(read=read, timeline=[value_of(Entry, row["entry"]) for row in rows], position=position)

    async def counts(self, scope: Scope, *, now: datetime) -> Counts:
        """Count what ``scope`` may see."""
        async with (
            self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            return await _counts(connection, scope, now)


async def _position(connection: Connection) -> int:
    position: int = await connection.fetchval(
        "SELECT greatest(position, (SELECT max(position) FROM feed)) FROM feed_floor"
    )
    return position


def _may_see(scope: Scope, read: CaseRead) -> bool:
    if not covers(scope.area, read.view.area):
        return False
    return scope.department is None or scope.department in read.departments


def _literal(words: str) -> str:
    return words.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")


_TIMELINE: Final = """
    SELECT entry FROM timeline
    WHERE case_id = $1 AND ($2::text IS NULL OR departments @> ARRAY[$2::text])
    ORDER BY sequence, rank, at, event_id LIMIT $3
"""


_ENDED: Final = f"ARRAY[{', '.join(repr(state.value) for state in sorted(CASE_ENDED))}]"


async def _counts(connection: Connection, scope: Scope, now: datetime) -> Counts:
    where = Where()
    within(where, scope)
    seen = f"SELECT case_id FROM case_view WHERE {where.sql}"  # noqa: S608  conditions are constants

    async def by(sql: str) -> dict[str, int]:
        return {str(row[0]): row[1] for row in await connection.fetch(sql, *where.parameters)}

    late = Where(*where.parameters)
    late.add("due_at <= {}", now)
    clocks = await connection.fetchrow(
        f"SELECT count(*) AS open, count(*) FILTER (WHERE {late.sql}) AS late"  # noqa: S608
        f" FROM case_clock WHERE open AND case_id IN ({seen})",
        *late.parameters,
    )
    assert clocks is not None  # noqa: S101  an aggregate has one row
    late_cases = await connection.fetchval(
        f"SELECT count(*) FROM case_view WHERE {where.sql} AND {late.sql}",  # noqa: S608
        *late.parameters,
    )
    owned = Where(scope.area)
    if scope.department is not None:
        owned.add("s.department = {}", scope.department)
    return Counts(
        cases=_all(CaseState, await by(f"SELECT state, count(*) FROM case_view WHERE {where.sql} GROUP BY 1")),  # noqa: S608
        severities=await by(
            f"SELECT severity, count(*) FROM case_view WHERE {where.sql} AND state <> ALL({_ENDED}) GROUP BY 1"  # noqa: S608
        ),
        orders=_all(Level, await by(f"SELECT level, count(*) FROM case_order WHERE case_id IN ({seen}) GROUP BY 1")),  # noqa: S608
        standing_orders=await by(
            f"SELECT state, count(*) FROM case_order WHERE case_id IN ({seen}) GROUP BY 1"  # noqa: S608
        ),
        escalations=_all(
            Level,
            await by(
                "SELECT escalated_to, count(*) FROM case_clock"  # noqa: S608
                f" WHERE escalated_to IS NOT NULL AND case_id IN ({seen}) GROUP BY 1"
            ),
        ),
        open_clocks=clocks["open"],
        late_clocks=clocks["late"],
        late_cases=late_cases,
        waits=_all(
            Waiting,
            await by(
                "SELECT waited, count(*) FROM case_view, unnest(waits) AS waited"  # noqa: S608
                f" WHERE waits <> '{{}}' AND {where.sql} GROUP BY 1"
            ),
        ),
        deliveries={
            row[0]: row[1]
            for row in await connection.fetch(
                "SELECT d.state, count(*) FROM delivery AS d JOIN subscription AS s USING (subscription_id)"  # noqa: S608
                f" WHERE starts_with(s.owner_area, $1) AND {owned.sql} GROUP BY 1",
                *owned.parameters,
            )
        },
        position=await _position(connection),
    )


def _all(kind: type[CaseState | Level | Waiting], counted: Mapping[str, int]) -> dict[str, int]:
    """Zero for what there is none of, so that a reader need not know the codes."""
    return {code.value: counted.get(code.value, 0) for code in kind}
