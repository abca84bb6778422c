"""Is PostgreSQL there? Asked beside the work, so that a probe answers at once from what was last heard."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from shared.runtime.postgres import OUTAGES

if TYPE_CHECKING:
    from shared.runtime.postgres import Pool

EVERY: Final = timedelta(seconds=2)
ANSWER: Final = timedelta(seconds=3)


class PostgresWatch:
    """Asks PostgreSQL every two seconds whether it is there."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.complaint: str | None = "not asked yet"

    async def run(self) -> None:
        """Ask until cancelled."""
        while True:
            self.complaint = await self.ask()
            await asyncio.sleep(EVERY.total_seconds())

    async def ask(self) -> str | None:
        """What is the matter with PostgreSQL; None when it answers."""
        try:
            async with self._pool.acquire(timeout=ANSWER.total_seconds()) as connection:
                await connection.fetchval("SELECT 1", timeout=ANSWER.total_seconds())
        except OUTAGES as error:
            return f"PostgreSQL does not answer: {type(error).__name__}"
        return None
