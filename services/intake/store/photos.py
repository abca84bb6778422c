"""Which photos are on their way, and which no report shows, in PostgreSQL, schema ``intake``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from asyncpg import Record

    from shared.runtime.postgres import Pool

ACQUIRE_SECONDS: Final = 3.0
ON_ITS_WAY: Final = timedelta(minutes=15)
"""From when a photo is noted until the report that shows it is kept: five times as long as its storage may take."""


# A photo that nobody has noted is noted as of long ago, so that there is a row to hold.
_HELD: Final = """
    INSERT INTO photo_upload AS known (photo_id, at)
    SELECT photo_id, '-infinity' FROM unnest($1::text[]) AS held (photo_id) ORDER BY photo_id
    ON CONFLICT (photo_id) DO UPDATE SET at = known.at
"""
_ARRIVED: Final = """
    SELECT photo_id FROM photo_upload
    WHERE photo_id = ANY($1::text[]) AND at < clock_timestamp() - $2::interval
        AND NOT EXISTS (SELECT FROM report_photo shown WHERE shown.photo_id = photo_upload.photo_id)
"""
_LET_GO: Final = "DELETE FROM photo_upload WHERE photo_id = ANY($1::text[]) AND at < clock_timestamp() - $2::interval"
_UNSHOWN: Final = """
    SELECT photo_id FROM unnest($1::text[]) AS asked (photo_id)
    WHERE NOT EXISTS (SELECT FROM report_photo shown WHERE shown.photo_id = asked.photo_id) ORDER BY photo_id
"""


class PostgresPhotos:
    """See ``custody.PhotoBook``.

    A picture is named by its bytes, so the same one may come again while it is being removed. Whoever keeps it notes
    that first, and whoever removes it holds the note meanwhile: the one waits for the other and keeps it anew, or
    the other finds the note and leaves it.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def note(self, photo_ids: Sequence[str]) -> None:
        """See ``custody.PhotoBook.note``; in one order, so that two uploads cannot lock each other out."""
        await self._pool.execute(
            """
            INSERT INTO photo_upload (photo_id, at)
            SELECT photo_id, clock_timestamp() FROM unnest($1::text[]) AS new (photo_id) ORDER BY photo_id
            ON CONFLICT (photo_id) DO UPDATE SET at = clock_timestamp()
            """,
            sorted(set(photo_ids)),
        )

    @asynccontextmanager
    async def unshown(self, photo_ids: Sequence[str]) -> AsyncIterator[Sequence[str]]:
        """See ``custody.PhotoBook.unshown``."""
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
            # Most are shown, and nobody is held up for those.
            candidates = _ids(await connection.fetch(_UNSHOWN, list(photo_ids)))
            if not candidates:
                yield ()
                return
            async with connection.transaction():
                await connection.execute(_HELD, candidates)
                # Asked again: this statement sees what the one before was held up by.
                yield _ids(await connection.fetch(_ARRIVED, candidates, ON_ITS_WAY))
                await connection.execute(_LET_GO, candidates, ON_ITS_WAY)

    async def forget(self, *, most: int) -> int:
        """See ``custody.PhotoBook.forget``."""
        done = await self._pool.execute(
            """
            DELETE FROM photo_upload WHERE photo_id IN (
                SELECT photo_id FROM photo_upload WHERE at < clock_timestamp() - $1::interval
                LIMIT $2 FOR UPDATE SKIP LOCKED)
            """,
            ON_ITS_WAY,
            most,
        )
        return int(done.rpartition(" ")[2])


def _ids(rows: Sequence[Record]) -> list[str]:
    return [row["photo_id"] for row in rows]
