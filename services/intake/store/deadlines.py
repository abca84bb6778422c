"""Deadlines of orders and the ends of holds in PostgreSQL, schema ``intake``."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from services.intake.deadline_ports import Deadline
from services.intake.ports import Change
from shared.events.case import CaseClosed, CaseHung, CaseMerged, CasePaused, CaseRefused, CaseResumed
from shared.vocabulary import CASE_ENDED, ClockKind

if TYPE_CHECKING:
    from shared.runtime.postgres import Connection

_HOLDS: Final = (CasePaused, CaseHung, CaseResumed)
_ENDS: Final = (CaseClosed, CaseRefused, CaseMerged)


class PostgresDeadlines:
    """See ``ports.DeadlineBook``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def of(self, case_id: UUID, order_id: UUID) -> datetime | None:
        """See ``ports.DeadlineBook.of``."""
        found: datetime | None = await self._connection.fetchval(
            "SELECT due_at FROM order_deadline WHERE case_id = $1 AND order_id = $2 AND clock = $3",
            case_id,
            order_id,
            ClockKind.HANDLE,
        )
        return found

    async def run(self, deadlines: Sequence[Deadline]) -> None:
        """See ``ports.DeadlineBook.run``; a case that is over keeps none."""
        if not deadlines:
            return
        rows = sorted(deadlines, key=lambda one: (one.case_id, one.order_id))
        await self._connection.execute(
            """
            INSERT INTO order_deadline (case_id, order_id, clock, due_at)
            SELECT new.case_id, new.order_id, $4, new.due_at
            FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) AS new (case_id, order_id, due_at)
                JOIN case_snapshot USING (case_id)
            WHERE NOT case_snapshot.closed
            ON CONFLICT (case_id, order_id, clock) DO UPDATE SET due_at = EXCLUDED.due_at
            """,
            [one.case_id for one in rows],
            [one.order_id for one in rows],
            [one.due_at for one in rows],
            ClockKind.HANDLE,
        )

    async def stop(self, orders: Collection[tuple[UUID, UUID]]) -> None:
        """See ``ports.DeadlineBook.stop``."""
        if not orders:
            return
        pairs = sorted(orders)
        await self._connection.execute(
            """
            DELETE FROM order_deadline USING unnest($1::uuid[], $2::uuid[]) AS gone (case_id, order_id)
            WHERE order_deadline.case_id = gone.case_id AND order_deadline.order_id = gone.order_id AND clock = $3
            """,
            [case_id for case_id, _ in pairs],
            [order_id for _, order_id in pairs],
            ClockKind.HANDLE,
        )

    async def take_due(self, *, now: datetime, most: int) -> Sequence[UUID]:
        """See ``ports.DeadlineBook.take_due``; the cases themselves are locked, as every action locks them."""
        rows = await self._connection.fetch(
            """
            SELECT case_id FROM hold_end JOIN case_snapshot USING (case_id) WHERE until <= $1
            ORDER BY until LIMIT $2 FOR UPDATE OF case_snapshot SKIP LOCKED
            """,
            now,
            most,
        )
        return [row["case_id"] for row in rows]

    async def forget_holds(self, case_ids: Collection[UUID]) -> None:
        """See ``ports.DeadlineBook.forget_holds``."""
        await self._connection.execute("DELETE FROM hold_end WHERE case_id = ANY($1::uuid[])", sorted(case_ids))

    async def follow(self, changes: Sequence[Change]) -> None:
        """Keep the end of each hold that these changes begin, and nothing of a case that they end."""
        over = {
            change.case.view.case_id
            for change in changes
            if change.case.view.state in CASE_ENDED and any(isinstance(event.data, _ENDS) for event in change.events)
        }
        if over:
            await self._connection.execute("DELETE FROM order_deadline WHERE case_id = ANY($1::uuid[])", sorted(over))
        held = {
            change.case.view.case_id: None if change.case.view.held is None else change.case.view.held.until
            for change in changes
            if change.case.view.case_id in over or any(isinstance(event.data, _HOLDS) for event in change.events)
        }
        if held:
            await self._hold(held)

    async def _hold(self, ends: Mapping[UUID, datetime | None]) -> None:
        await self.forget_holds(ends)
        dated = sorted((case_id, until) for case_id, until in ends.items() if until is not None)
        if dated:
            await self._connection.execute(
                "INSERT INTO hold_end (case_id, until) SELECT * FROM unnest($1::uuid[], $2::timestamptz[])",
                [case_id for case_id, _ in dated],
                [until for _, until in dated],
            )
