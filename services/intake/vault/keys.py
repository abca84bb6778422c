"""Data keys in PostgreSQL, wrapped; what unwraps them never comes here."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, Protocol
from uuid import UUID

if TYPE_CHECKING:
    from asyncpg import Record

    from shared.runtime.postgres import Pool

SEAL: Final = "seal"
PERSON: Final = "person"
_MAKING: Final = 1684109433
"""The advisory lock of whoever makes keys; the number is the ASCII of ``dakey``, cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataKey:
    """A wrapped key: ``wrapped_by`` names the key that wraps it, ``county`` is empty for the key of persons."""

    key_id: UUID
    county: str
    use: str
    made_at: datetime
    wrapped: bytes
    wrapped_by: str


class DataKeyBook(Protocol):
    """Where wrapped data keys lie."""

    async def make(self, keys: Sequence[DataKey], *, unless_after: datetime) -> None:
        """Keep each key, unless its county has one made after then already; one of persons, unless there is one."""

    async def newest(self, counties: Collection[str]) -> Sequence[DataKey]:
        """The newest sealing key of each county that has one, and the key of persons."""

    async def key(self, key_id: UUID) -> DataKey | None:
        """The key of that id."""

    async def wrapped_otherwise(self, than: str, *, most: int) -> Sequence[DataKey]:
        """At most so many keys that another key than ``than`` wraps."""

    async def rewrap(self, before: DataKey, wrapped: bytes, wrapped_by: str) -> None:
        """Wrap a key anew, unless it is no longer as it was ``before``."""


class PostgresDataKeys:
    """See ``DataKeyBook``."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def make(self, keys: Sequence[DataKey], *, unless_after: datetime) -> None:
        """See ``DataKeyBook.make``; one replica at a time."""
        async with self._pool.acquire(timeout=3) as connection, connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1)", _MAKING)
            await connection.executemany(
                """
                INSERT INTO data_key (key_id, county, use, made_at, wrapped, wrapped_by)
                SELECT $1::uuid, $2::text, $3::text, $4::timestamptz, $5::bytea, $6::text
                WHERE NOT EXISTS (
                    SELECT FROM data_key WHERE county = $2 AND use = $3 AND (use = 'person' OR made_at > $7))
                """,
                [
                    (one.key_id, one.county, one.use, one.made_at, one.wrapped, one.wrapped_by, unless_after)
                    for one in keys
                ],
            )

    async def newest(self, counties: Collection[str]) -> Sequence[DataKey]:
        """See ``DataKeyBook.newest``."""
        rows = await self._pool.fetch(
            """
            SELECT found.* FROM unnest($1::text[]) AS asked (county) CROSS JOIN LATERAL (
                SELECT key_id, county, use, made_at, wrapped, wrapped_by FROM data_key
                WHERE county = asked.county AND use = 'seal' ORDER BY made_at DESC LIMIT 1) AS found
            UNION ALL
            SELECT key_id, county, use, made_at, wrapped, wrapped_by FROM data_key WHERE use = 'person'
            """,
            list(counties),
        )
        return [_key(row) for row in rows]

    async def key(self, key_id: UUID) -> DataKey | None:
        """See ``DataKeyBook.key``."""
        row = await self._pool.fetchrow(
            "SELECT key_id, county, use, made_at, wrapped, wrapped_by FROM data_key WHERE key_id = $1", key_id
        )
        return None if row is None else _key(row)

    async def wrapped_otherwise(self, than: str, *, most: int) -> Sequence[DataKey]:
        """See ``DataKeyBook.wrapped_otherwise``."""
        rows = await self._pool.fetch(
            """
            SELECT key_id, county, use, made_at, wrapped, wrapped_by FROM data_key
            WHERE wrapped_by <> $1 ORDER BY key_id LIMIT $2
            """,
            than,
            most,
        )
        return [_key(row) for row in rows]

    async def rewrap(self, before: DataKey, wrapped: bytes, wrapped_by: str) -> None:
        """See ``DataKeyBook.rewrap``."""
        await self._pool.execute(
            "UPDATE data_key SET wrapped = $3, wrapped_by = $4 WHERE key_id = $1 AND wrapped = $2",
            before.key_id,
            before.wrapped,
            wrapped,
            wrapped_by,
        )


def _key(row: Record) -> DataKey:
    return DataKey(**dict(row))
