"""The audit in PostgreSQL: written, sealed, read and checked. Triggers write facts (0009) and modes (0017)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from services.intake.custody import Checked, CountedAnew, Looked, Sealed
from services.intake.domain.auditing import MARK_BYTES, MODES, Block, Entry, Flaw, chain_flaw, entries_flaw, sealed
from services.intake.store.mode_audit import modes_flaw

if TYPE_CHECKING:
    from asyncpg import Record

    from shared.runtime.postgres import Connection, Pool

ENTRIES_A_BLOCK: Final = 1000
"""About: a block ends where a transaction does."""
ACQUIRE_SECONDS: Final = 3.0
_FIRST: Final = UUID(int=0)
_SEALING: Final = 1635083369
"""The advisory lock of whoever seals; the number is the ASCII of ``audi``."""
_FIELDS: Final = "entry, turn, at, kind, subject, version, event_id, who, key_id, why, origin, digest"
_OF_A: Final = ", ".join(f"a.{name}" for name in _FIELDS.split(", "))
_STANDS: Final = f"""
    CASE WHEN a.version > 0 THEN coalesce(e.event_id = a.event_id AND e.type = a.kind AND e.at = a.at
            AND e.origin = a.origin AND sha256(convert_to(e.data::text, 'UTF8')) = a.digest, false)
        -- A change of mode is as its last step has left it.
        WHEN starts_with(a.kind, '{MODES}') THEN m.change_id IS NOT NULL AND (
            a.digest = sha256(convert_to(m.change::text, 'UTF8')) AND a.kind = '{MODES}' || m.state
            OR EXISTS (SELECT FROM audit later WHERE later.subject = a.subject AND later.version = 0
                AND later.entry > a.entry AND starts_with(later.kind, '{MODES}')))
        ELSE true END
"""


async def note(connection: Connection, looks: Sequence[Looked]) -> None:
    """Write looks at personal data, and what was done to it, in the transaction that shows or does it."""
    await connection.executemany(
        """
        INSERT INTO audit (at, kind, subject, who, key_id, why, origin, digest)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        """,
        [(one.at, one.kind, one.subject, one.who, one.key_id, one.why, one.origin, one.digest) for one in looks],
    )


class PostgresAudit:
    """See ``custody.AuditBook``."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def note(self, looks: Sequence[Looked]) -> None:
        """See ``custody.AuditBook.note``."""
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection, connection.transaction():
            await note(connection, looks)

    async def seal(self, *, at: datetime, most: int = ENTRIES_A_BLOCK) -> Block | None:
        """See ``custody.AuditBook.seal``; one replica at a time, the others find nothing to do."""
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection, connection.transaction():
            if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", _SEALING):
                return None
            after = await _last(connection)
            # The horizon first: whatever lies below it was complete before the entries are looked at.
            horizon = int(await connection.fetchval("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"))
            if after is not None and horizon < after.to_turn:
                raise CountedAnew(
                    f"block {after.block} ends at transaction {after.to_turn}, the server is at {horizon}"
                )
            entries, to_turn = await _whole_turns(connection, after, horizon, most)
            if not entries:
                return None
            block = sealed(entries, after=after, to_turn=to_turn, at=at)
            await _keep(connection, block)
            return block

    async def state(self) -> Sealed:
        """See ``custody.AuditBook.state``; at most 10,000 that wait are counted."""
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
            head = await _last(connection)
            row = await connection.fetchrow(
                """
                SELECT count(*) AS waiting, coalesce(extract(epoch FROM clock_timestamp() - min(at)), 0) AS seconds
                FROM (SELECT at FROM audit WHERE turn >= $1 LIMIT 10000) AS waiting
                """,
                0 if head is None else head.to_turn,
            )
            assert row is not None  # noqa: S101  an aggregate always has its row
            return Sealed(head=head, waiting=row["waiting"], waiting_seconds=float(row["seconds"]))

    async def of_subject(self, subject: UUID, *, after: tuple[int, int], most: int) -> Sequence[Entry]:
        """See ``custody.AuditBook.of_subject``."""
        rows = await self._pool.fetch(
            f"""
            SELECT {_FIELDS} FROM audit WHERE subject = $1 AND (turn, entry) > ($2, $3)
            ORDER BY turn, entry LIMIT $4
            """,  # noqa: S608  a list of our own columns
            subject,
            *after,
            most,
        )
        return [_entry(row) for row in rows]

    async def of_modes(self, area: str, *, after: tuple[int, int], most: int) -> Sequence[Entry]:
        """See ``custody.AuditBook.of_modes``."""
        rows = await self._pool.fetch(
            f"""
            SELECT {_OF_A} FROM mode_change m JOIN audit a ON a.subject = m.change_id AND a.version = 0
            WHERE starts_with(m.area, $1) AND starts_with(a.kind, '{MODES}') AND (a.turn, a.entry) > ($2, $3)
            ORDER BY a.turn, a.entry LIMIT $4
            """,  # noqa: S608  a list of our own columns
            area,
            *after,
            most,
        )
        return [_entry(row) for row in rows]

    async def check(self, *, after: int, most: int) -> Checked:
        """See ``custody.AuditBook.check``; one block in memory at a time."""
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
            before = await _block(connection, after) if after else None
            if after and before is None:
                return _found(after, 0, b"", Flaw(block=after, entry=None, words=f"block {after} is missing"))
            flaw = None if after else await _outside(connection)
            looked, head = 0, b"" if before is None else before.head
            for _ in range(0 if flaw else most):
                block = await _next_block(connection, before)
                if block is None:
                    return _found(0 if before is None else before.block, looked, head, None)
                entries = await _entries(connection, block)
                looked += len(entries)
                flaw = chain_flaw(block, after=before) or entries_flaw(block, entries)
                if flaw is not None:
                    break
                before, head = block, block.head
            done = 0 if before is None else before.block
            return Checked(last=done, entries=looked, head=head, flaw=flaw, more=flaw is None)

    async def check_facts(self, *, after: UUID, most: int) -> tuple[UUID | None, Flaw | None]:
        """See ``custody.AuditBook.check_facts``."""
        if after == _FIRST:
            async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
                flaw = await modes_flaw(connection)
            if flaw is not None:
                return None, flaw
        rows = await self._pool.fetch(
            """
            WITH begun AS (
                -- Nothing is asked of facts from before the audit, nor of those whose entries were dropped by rule.
                SELECT greatest((SELECT min(at) FROM audit_begun), (SELECT max(b.sealed_at)
                    FROM audit_dropped JOIN audit_block b USING (block))) AS at
            ), page AS (SELECT case_id, version, snapshot #>> '{view,purpose}' AS purpose FROM case_snapshot
                WHERE case_id > $1 ORDER BY case_id LIMIT $2)
            SELECT page.case_id, page.version, count(e.version) AS facts, coalesce(max(e.version), 0) AS newest,
                count(*) FILTER (WHERE a.subject IS NULL AND e.at > (SELECT at FROM begun)
                    AND page.purpose IS DISTINCT FROM 'canary') AS unnoted
            FROM page LEFT JOIN case_event e USING (case_id)
                LEFT JOIN audit a ON a.subject = e.case_id AND a.version = e.version AND a.version > 0
            GROUP BY page.case_id, page.version ORDER BY page.case_id
            """,
            after,
            most,
        )
        for row in rows:
            if row["facts"] != row["version"] or row["newest"] != row["version"]:
                words = f"case {row['case_id']} stands at version {row['version']} and has {row['facts']} facts"
                return None, Flaw(block=0, entry=None, words=words)
            if row["unnoted"]:
                words = f"{row['unnoted']} facts of case {row['case_id']} have no entry"
                return None, Flaw(block=0, entry=None, words=words)
        return (rows[-1]["case_id"] if len(rows) == most else None), None

    async def drop(self, *, before: datetime, most: int, look: Looked) -> int:
        """See ``custody.AuditBook.drop``."""
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection, connection.transaction():
            blocks = await connection.fetch(
                """
                SELECT block, from_turn, to_turn FROM audit_block
                WHERE sealed_at < $1 AND block > coalesce((SELECT max(block) FROM audit_dropped), 0)
                ORDER BY block LIMIT $2
                """,
                before,
                most,
            )
            if not blocks:
                return 0
            await connection.execute("SET LOCAL whistle.audit_drop = 'on'")
            await connection.execute(
                "DELETE FROM audit WHERE turn >= $1 AND turn < $2", blocks[0]["from_turn"], blocks[-1]["to_turn"]
            )
            await connection.execute("SET LOCAL whistle.audit_drop = 'off'")
            await connection.executemany(
                "INSERT INTO audit_dropped (block) VALUES ($1)", [(row["block"],) for row in blocks]
            )
            await note(connection, [look])
            return len(blocks)


async def _whole_turns(connection: Connection, after: Block | None, horizon: int, most: int) -> tuple[list[Entry], int]:
    """The next entries, about ``most``, cut where a transaction ends; and the turn behind them."""
    begin = 0 if after is None else after.to_turn
    found = [_entry(row) for row in await _rows(connection, begin, horizon, most + 1)]
    if len(found) <= most:
        return found, horizon
    if found[-1].turn == found[0].turn:
        # One transaction has more than fit: it is taken whole, for a block never cuts one.
        return [_entry(row) for row in await _rows(connection, begin, found[0].turn + 1, None)], found[0].turn + 1
    return [one for one in found if one.turn < found[-1].turn], found[-1].turn


async def _rows(connection: Connection, begin: int, end: int, most: int | None) -> Sequence[Record]:
    return await connection.fetch(
        f"SELECT {_FIELDS} FROM audit WHERE turn >= $1 AND turn < $2 ORDER BY turn, entry LIMIT $3",  # noqa: S608
        begin,
        end,
        most,
    )


async def _entries(connection: Connection, block: Block) -> list[Entry]:
    """The entries that lie in a block's turns now, each with whether its fact still stands."""
    rows = await connection.fetch(
        f"""
        SELECT {_OF_A}, ({_STANDS}) AS stands
        FROM audit a LEFT JOIN case_event e ON a.version > 0 AND e.case_id = a.subject AND e.version = a.version
            LEFT JOIN mode_change m ON a.version = 0 AND m.change_id = a.subject
        WHERE a.turn >= $1 AND a.turn < $2 ORDER BY a.turn, a.entry LIMIT $3
        """,  # noqa: S608  a list of our own columns
        block.from_turn,
        block.to_turn,
        len(block.marks) // MARK_BYTES + 1,
    )
    return [_entry(row, stands=row["stands"]) for row in rows]


async def _outside(connection: Connection) -> Flaw | None:
    """An entry of a transaction that has not happened yet: it would never be sealed."""
    entry = await connection.fetchval(
        "SELECT entry FROM audit WHERE turn > pg_snapshot_xmax(pg_current_snapshot())::text::bigint LIMIT 1"
    )
    if entry is None:
        return None
    return Flaw(block=0, entry=entry, words=f"entry {entry} names a transaction that has not happened")


def _found(last: int, entries: int, head: bytes, flaw: Flaw | None) -> Checked:
    return Checked(last=last, entries=entries, head=head, flaw=flaw, more=False)


_BLOCK: Final = """
    SELECT b.block, b.from_turn, b.to_turn, b.marks, b.sealed_at, b.before, b.head, d.block IS NOT NULL AS dropped
    FROM audit_block b LEFT JOIN audit_dropped d USING (block)
"""


async def _last(connection: Connection) -> Block | None:
    return _as_block(await connection.fetchrow(f"{_BLOCK} ORDER BY b.block DESC LIMIT 1"))


async def _block(connection: Connection, number: int) -> Block | None:
    return _as_block(await connection.fetchrow(f"{_BLOCK} WHERE b.block = $1", number))


async def _next_block(connection: Connection, before: Block | None) -> Block | None:
    number = 0 if before is None else before.block
    return _as_block(await connection.fetchrow(f"{_BLOCK} WHERE b.block > $1 ORDER BY b.block LIMIT 1", number))


def _as_block(row: Record | None) -> Block | None:
    return None if row is None else Block(**dict(row))


def _entry(row: Record, *, stands: bool = True) -> Entry:
    return Entry(**{name: row[name] for name in _FIELDS.split(", ")}, stands=stands)


async def _keep(connection: Connection, block: Block) -> None:
    await connection.execute(
        """
        INSERT INTO audit_block (block, from_turn, to_turn, marks, sealed_at, before, head)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        """,
        block.block,
        block.from_turn,
        block.to_turn,
        block.marks,
        block.sealed_at,
        block.before,
        block.head,
    )
