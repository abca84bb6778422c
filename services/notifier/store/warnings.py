"""Early warnings kept as their newest event leaves them, and put into the feed once each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from services.notifier.domain.audience import Scope
from services.notifier.domain.warnings import facets_of, line_of, read_of
from services.notifier.ports import Unstorable
from services.notifier.store.read_side import ACQUIRE_SECONDS, FEED_LOCK, NEVER_STORABLE
from services.notifier.store.rows import text_of, value_of
from shared.events.envelope import Event
from shared.events.warning import EarlyWarning, WarningEvent

if TYPE_CHECKING:
    from shared.runtime.postgres import Connection, Pool

LISTED_MOST: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class WarningRow:
    """A warning as it stands; ``raised_at`` None while the event that raised it has not been read."""

    warning: EarlyWarning
    raised_at: datetime | None
    ended_at: datetime | None
    opens_case: bool


class PostgresWarnings:
    """The warnings of the read side, written and read."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def keep(self, events: Sequence[Event[WarningEvent]]) -> None:
        """Keep events in one transaction; a repeat changes nothing and is told to nobody.

        Raises:
            Unstorable: when the database will never take one of them; nothing has changed then.
        """
        try:
            async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection, connection.transaction():
                fresh = [event for event in events if await _keep(connection, event)]
                if fresh:
                    await _publish(connection, fresh)
        except NEVER_STORABLE as error:
            raise Unstorable(f"{type(error).__name__}: {error}") from error

    async def find(self, scope: Scope, *, area: str | None, ended: bool) -> Sequence[WarningRow]:
        """Those of ``area`` (None: the scope's own) and inside it that stand, with ``ended`` all; newest first.

        A department sees none: they concern no order.
        """
        if scope.department is not None:
            return []
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
            rows = await connection.fetch(
                """SELECT body, raised_at, ended_at, opens_case FROM early_warning
                    WHERE starts_with(area, $1) AND starts_with(area, $2) AND (ended_at IS NULL OR $3)
                    ORDER BY raised_at DESC NULLS LAST, warning_id LIMIT $4""",
                scope.area,
                area or scope.area,
                ended,
                LISTED_MOST,
            )
        return [
            WarningRow(
                warning=value_of(EarlyWarning, row["body"]),
                raised_at=row["raised_at"],
                ended_at=row["ended_at"],
                opens_case=row["opens_case"],
            )
            for row in rows
        ]


async def _keep(connection: Connection, event: Event[WarningEvent]) -> bool:
    """Fold one event; return whether it says something new."""
    read = read_of(event)
    row = await connection.fetchval(
        """INSERT INTO early_warning AS w (warning_id, area, version, raised_at, ended_at, opens_case, body)
           VALUES ($1, $2, $3, $4, $5, $6, $7::json)
           ON CONFLICT (warning_id) DO UPDATE SET area = excluded.area, version = excluded.version,
                  raised_at = coalesce(w.raised_at, excluded.raised_at),
                  ended_at = excluded.ended_at, opens_case = w.opens_case OR excluded.opens_case, body = excluded.body
            WHERE w.version < excluded.version
           RETURNING warning_id""",
        read.warning.warning_id,
        read.warning.area,
        read.version,
        read.raised_at,
        read.ended_at,
        read.opens_case,
        text_of(read.warning),
    )
    return row is not None


async def _publish(connection: Connection, events: Sequence[Event[WarningEvent]]) -> None:
    """Append to the feed, under the lock that orders it; nothing may follow but the commit."""
    await connection.execute("SELECT pg_advisory_xact_lock($1)", FEED_LOCK)
    for event in events:
        facets = facets_of(event)
        await connection.execute(
            """INSERT INTO feed (event_id, case_id, type, area, level, category, severity, departments, purpose, mode,
                                 data)
               VALUES ($1, $2, $3, $4, $5, $6, $7, '{}', $8, $9, $10) ON CONFLICT (event_id) DO NOTHING""",
            event.id,
            facets.case_id,
            facets.type,
            facets.area,
            facets.level,
            facets.category,
            int(facets.severity),
            facets.purpose,
            facets.mode,
            text_of(line_of(event)),
        )
    await connection.execute("SELECT pg_notify('notifier_feed', '')")
