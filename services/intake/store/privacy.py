"""Whose reports are whose, and their removal, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from services.intake.custody import KeptReport, Looked, Unsealed
from services.intake.store.audit import note
from shared.vocabulary import CaseState

if TYPE_CHECKING:
    from asyncpg import Record

    from shared.runtime.postgres import Pool

ACQUIRE_SECONDS: Final = 3.0
_KEPT: Final = """
    SELECT r.report_id, r.case_id, r.source, r.text, r.received_at, c.area, c.state,
        coalesce(c.category, '') AS category,
        c.snapshot #>> '{view,county}' AS county,
        CASE c.snapshot #>> '{view,lead,kind}' WHEN 'department' THEN c.snapshot #>> '{view,lead,id}' END AS leads,
        coalesce(p.secret, (c.snapshot #>> '{view,secret}')::boolean, false) AS secret, p.sealed,
        (SELECT count(*) FROM report_photo f WHERE f.report_id = r.report_id)::integer AS photos
    FROM report r JOIN case_snapshot c USING (case_id) LEFT JOIN reporter p USING (report_id)
"""


_ORPHANS: Final = """
    SELECT DISTINCT photo_id FROM unnest($1::text[]) AS gone (photo_id)
    WHERE NOT EXISTS (SELECT FROM report_photo kept WHERE kept.photo_id = gone.photo_id)
"""


class PostgresPersons:
    """See ``custody.PersonBook``."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def area_of(self, case_id: UUID) -> str | None:
        """See ``custody.PersonBook.area_of``."""
        area: str | None = await self._pool.fetchval("SELECT area FROM case_snapshot WHERE case_id = $1", case_id)
        return area

    async def report(self, report_id: UUID) -> KeptReport | None:
        """See ``custody.PersonBook.report``."""
        row = await self._pool.fetchrow(f"{_KEPT} WHERE r.report_id = $1", report_id)
        return None if row is None else _kept(row)

    async def of_person(self, person: bytes, *, area: str, most: int) -> Sequence[KeptReport]:
        """See ``custody.PersonBook.of_person``."""
        rows = await self._pool.fetch(
            f"{_KEPT} WHERE p.person = $1 AND starts_with(c.area, $2) ORDER BY r.received_at, r.report_id LIMIT $3",
            person,
            area,
            most,
        )
        return [_kept(row) for row in rows]

    async def outlived(
        self, *, county: str, before: datetime, after: tuple[datetime, UUID], most: int
    ) -> Sequence[tuple[datetime, UUID, bool]]:
        """See ``custody.PersonBook.outlived``; looks at so many rows and no more, whatever it finds."""
        rows = await self._pool.fetch(
            """
            SELECT p.received_at, p.report_id,
                c.closed AND c.updated_at < $2 AND starts_with(c.area, $1) AS outlived
            FROM (SELECT report_id, received_at FROM reporter
                WHERE received_at < $2 AND (received_at, report_id) > ($3, $4)
                ORDER BY received_at, report_id LIMIT $5) AS p
            JOIN report r USING (report_id) JOIN case_snapshot c USING (case_id)
            ORDER BY p.received_at, p.report_id
            """,
            county,
            before,
            *after,
            most,
        )
        return [(row["received_at"], row["report_id"], row["outlived"]) for row in rows]

    async def erase(self, report_ids: Sequence[UUID], *, text: str, looks: Sequence[Looked]) -> Sequence[str]:
        """See ``custody.PersonBook.erase``."""
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection, connection.transaction():
            await connection.execute("DELETE FROM reporter WHERE report_id = ANY($1::uuid[])", report_ids)
            await connection.execute("UPDATE report SET text = $2 WHERE report_id = ANY($1::uuid[])", report_ids, text)
            # What new reports are compared with is made of this one's words too.
            await connection.execute(
                """
                DELETE FROM case_profile
                WHERE case_id IN (SELECT case_id FROM report WHERE report_id = ANY($1::uuid[]))
                """,
                report_ids,
            )
            photos = await connection.fetch(
                "DELETE FROM report_photo WHERE report_id = ANY($1::uuid[]) RETURNING photo_id", report_ids
            )
            orphans = await connection.fetch(_ORPHANS, [row["photo_id"] for row in photos])
            await note(connection, looks)
            return [row["photo_id"] for row in orphans]

    async def remove_photos(
        self, *, county: str, before: datetime, most: int, looks: Callable[[int], Sequence[Looked]]
    ) -> tuple[int, Sequence[str]]:
        """See ``custody.PersonBook.remove_photos``."""
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection, connection.transaction():
            gone = await connection.fetch(
                """
                DELETE FROM report_photo WHERE (report_id, position) IN (
                    SELECT f.report_id, f.position
                    FROM report_photo f JOIN report r USING (report_id) JOIN case_snapshot c USING (case_id)
                    WHERE c.closed AND c.updated_at < $2 AND starts_with(c.area, $1) LIMIT $3)
                RETURNING photo_id
                """,
                county,
                before,
                most,
            )
            if not gone:
                return 0, ()
            orphans = await connection.fetch(_ORPHANS, [row["photo_id"] for row in gone])
            await note(connection, looks(len(gone)))
            return len(gone), [row["photo_id"] for row in orphans]

    async def forget_client_keys(self, *, before: datetime, most: int) -> int:
        """See ``custody.PersonBook.forget_client_keys``."""
        removed = await self._pool.fetchval(
            """
            WITH old AS (
                DELETE FROM client_key WHERE ctid = ANY(ARRAY(
                    SELECT ctid FROM client_key WHERE at < $1 LIMIT $2)) RETURNING 1)
            SELECT count(*) FROM old
            """,
            before,
            most,
        )
        return int(removed or 0)

    async def unsealed(self, *, after: UUID, most: int) -> Sequence[Unsealed]:
        """See ``custody.PersonBook.unsealed``."""
        rows = await self._pool.fetch(
            """
            SELECT p.report_id, c.snapshot #>> '{view,county}' AS county, p.sealed
            FROM reporter p JOIN report r USING (report_id) JOIN case_snapshot c USING (case_id)
            WHERE get_byte(p.sealed, 0) <> 1 AND p.report_id > $1 ORDER BY p.report_id LIMIT $2
            """,
            after,
            most,
        )
        return [Unsealed(**dict(row)) for row in rows]

    async def reseal(self, rows: Sequence[tuple[Unsealed, bytes, bytes | None]]) -> int:
        """See ``custody.PersonBook.reseal``."""
        done = await self._pool.fetch(
            """
            UPDATE reporter p SET sealed = new.sealed, person = coalesce(p.person, new.person),
                received_at = least(p.received_at, r.received_at)
            FROM unnest($1::uuid[], $2::bytea[], $3::bytea[], $4::bytea[]) AS new (report_id, before, sealed, person)
                JOIN report r USING (report_id)
            WHERE p.report_id = new.report_id AND p.sealed = new.before
            RETURNING p.report_id
            """,
            [one.report_id for one, _, _ in rows],
            [one.sealed for one, _, _ in rows],
            [sealed for _, sealed, _ in rows],
            [person for _, _, person in rows],
        )
        return len(done)


def _kept(row: Record) -> KeptReport:
    return KeptReport(**{**dict(row), "state": CaseState(row["state"])})
