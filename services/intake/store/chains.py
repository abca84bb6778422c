"""Chains of warnings in PostgreSQL, schema ``intake``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from services.intake.domain.sources.chains import Chain

if TYPE_CHECKING:
    from shared.runtime.postgres import Connection

FORGOTTEN: Final = timedelta(days=400)
"""A warning of which nobody has heard for so long would open a case anew."""
SWEPT: Final = 4
"""Forgotten names that go each time one is kept: more than come."""


class PostgresChains:
    """See ``ports.ChainBook``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def find(self, county: str, front: str, references: Sequence[str]) -> Chain | None:
        """See ``ports.ChainBook.find``."""
        row = await self._connection.fetchrow(
            """
            SELECT county, front, reference, case_id, round, firing, notes FROM alert_chain
            WHERE county = $1 AND front = $2 AND reference = ANY($3::text[])
            ORDER BY last_at DESC, round DESC, reference LIMIT 1
            """,
            county,
            front,
            list(references),
        )
        return None if row is None else Chain(**row)

    async def keep(self, chain: Chain, *, at: datetime) -> None:
        """See ``ports.ChainBook.keep``."""
        await self._connection.execute(
            """
            INSERT INTO alert_chain AS kept (county, front, reference, case_id, round, firing, notes, last_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
            ON CONFLICT (county, front, reference) DO UPDATE
            SET case_id = EXCLUDED.case_id, round = EXCLUDED.round, firing = EXCLUDED.firing,
                notes = EXCLUDED.notes, last_at = EXCLUDED.last_at
            WHERE kept.round <= EXCLUDED.round
            """,
            chain.county,
            chain.front,
            chain.reference,
            chain.case_id,
            chain.round,
            chain.firing,
            chain.notes,
            at,
        )
        await self._connection.execute(
            """
            UPDATE alert_chain SET firing = $4, notes = $5
            WHERE case_id = $1 AND front = $2 AND reference <> $3 AND (firing, notes) <> ($4, $5)
            """,
            chain.case_id,
            chain.front,
            chain.reference,
            chain.firing,
            chain.notes,
        )
        await self._connection.execute(
            """
            DELETE FROM alert_chain WHERE (county, front, reference) IN (
                SELECT county, front, reference FROM alert_chain WHERE last_at < $1
                ORDER BY last_at LIMIT $2 FOR UPDATE SKIP LOCKED)
            """,
            at - FORGOTTEN,
            SWEPT,
        )
