"""Rulings, gathered into proposals for the duty list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from services.notifier.domain.proposals import Proposal
from services.notifier.store.read_side import ACQUIRE_SECONDS

if TYPE_CHECKING:
    from shared.runtime.postgres import Pool

CASES_SHOWN: Final = 20


class PostgresRulings:
    """Reads what ``PostgresReadSide`` wrote."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def proposals(self, area: str, *, most: int) -> Sequence[Proposal]:
        """What was ruled in ``area`` and below it, the most often ruled first, at most ``most``."""
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
            rows = await connection.fetch(_PROPOSALS, area, most, CASES_SHOWN)
        return [
            Proposal(
                department=row["department"],
                category=row["category"],
                area=row["area"],
                count=row["count"],
                first_at=row["first_at"],
                last_at=row["last_at"],
                cases=tuple(row["cases"]),
            )
            for row in rows
        ]


_PROPOSALS: Final = """
    SELECT department, category, area, count(*) AS count, min(ruled_at) AS first_at, max(ruled_at) AS last_at,
        (array_agg(case_id ORDER BY ruled_at DESC))[:$3] AS cases
    FROM ruling WHERE starts_with(area, $1)
    GROUP BY department, category, area ORDER BY count(*) DESC, department, category, area LIMIT $2
"""
