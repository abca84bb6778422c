"""Changes of mode in the audit: read by area, and compared with what the rows say now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.intake.domain.auditing import MODES, Flaw

if TYPE_CHECKING:
    from shared.runtime.postgres import Connection

_OTHER_THAN_NOTED: Final = """
    SELECT m.change_id, last.kind IS NULL AS unnoted
    FROM mode_change m LEFT JOIN LATERAL (
        SELECT a.kind, a.digest FROM audit a
        WHERE a.subject = m.change_id AND a.version = 0 AND starts_with(a.kind, $1)
        ORDER BY a.entry DESC LIMIT 1) AS last ON true
    WHERE CASE WHEN last.kind IS NULL
        -- Nothing is asked of those whose entries were dropped by rule.
        THEN m.proposed_at > coalesce(
            (SELECT max(b.sealed_at) FROM audit_dropped JOIN audit_block b USING (block)), '-infinity')
        ELSE last.kind <> $1::text || m.state OR last.digest <> sha256(convert_to(m.change::text, 'UTF8')) END
    ORDER BY m.proposed_at LIMIT 1
"""
_OTHER_THAN_ENTERED: Final = """
    WITH entered AS (
        -- In the order of the entries: transactions take the county's lock, and then write, in another than they begin.
        SELECT DISTINCT ON (m.area) m.area, m.mode, m.change_id FROM mode_change m CROSS JOIN LATERAL (
            SELECT a.entry FROM audit a
            WHERE a.subject = m.change_id AND a.version = 0 AND a.kind = $1::text || 'in_force' AND a.origin <> 'before'
            ORDER BY a.entry DESC LIMIT 1) AS step
        ORDER BY m.area, step.entry DESC)
    SELECT area FROM entered e FULL JOIN mode_in_force f USING (area)
    WHERE CASE WHEN e.change_id IS NULL
        THEN NOT EXISTS (SELECT FROM mode_change m
            WHERE m.change_id = f.change_id AND m.area = f.area AND m.mode = f.mode AND m.state = 'in_force')
        ELSE f.change_id IS DISTINCT FROM e.change_id OR f.mode IS DISTINCT FROM e.mode END
    ORDER BY area LIMIT 1
"""


async def modes_flaw(connection: Connection) -> Flaw | None:
    """The first change of mode that is not what its last entry says, or has none; or a mode that nobody entered."""
    row = await connection.fetchrow(_OTHER_THAN_NOTED, MODES)
    if row is not None:
        words = "has no entry" if row["unnoted"] else "was changed: its last entry says otherwise"
        return Flaw(block=0, entry=None, words=f"change of mode {row['change_id']} {words}")
    area = await connection.fetchval(_OTHER_THAN_ENTERED, MODES)
    if area is not None:
        return Flaw(block=0, entry=None, words=f"the mode of {area} is not the one that was entered last")
    return None
