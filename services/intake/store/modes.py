"""The modes in force, their changes and the walks that settle them, in PostgreSQL, schema ``intake``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

import msgspec

from services.intake.domain.modes import ChangeState, InForce, ModeChange
from services.intake.ports import Settling
from shared.events.codec import encode
from shared.events.envelope import Event
from shared.events.mode import ModeChanged
from shared.events.parts import Actor
from shared.runtime.origin import current_origin
from shared.runtime.outbox import enqueue
from shared.vocabulary import COUNTY_DIGITS, TOWN_DIGITS, VILLAGE_DIGITS

if TYPE_CHECKING:
    from shared.runtime.postgres import Connection

LOCKS: Final = 1297040453
"""The class of the counties' advisory locks; ``opening_facts`` in the migrations takes them shared."""

_CHANGE: Final = msgspec.json.Decoder(ModeChange)
_ACTOR: Final = msgspec.json.Decoder(Actor)


class PostgresModes:
    """See ``ports.ModeBook``; ``wrote_events`` once something lies in the outbox."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.wrote_events = False

    async def hold(self, county: str) -> None:
        """See ``ports.ModeBook.hold``."""
        await self._connection.execute("SELECT pg_advisory_xact_lock($1, $2)", LOCKS, int(county))

    async def over(self, area: str) -> Sequence[InForce]:
        """See ``ports.ModeBook.over``."""
        rows = await self._connection.fetch(
            "SELECT area, mode, kind, grade, version FROM mode_in_force WHERE area = ANY($1::text[]) ORDER BY area",
            sorted({area[:digits] for digits in (COUNTY_DIGITS, TOWN_DIGITS, VILLAGE_DIGITS)} | {area}),
        )
        return [msgspec.convert(dict(row), InForce, strict=False) for row in rows]

    async def propose(self, change: ModeChange) -> None:
        """See ``ports.ModeBook.propose``."""
        await self._say_from_where()
        await self._connection.execute(
            """
            UPDATE mode_change SET state = $2,
                change = change || jsonb_build_object('state', $2::text, 'superseded_by', $3::text::jsonb)
            WHERE area = $1 AND state = 'proposed'
            """,
            change.area,
            ChangeState.SUPERSEDED,
            msgspec.json.encode(change.by).decode(),
        )
        await self._insert([change])

    async def ask(self, changes: Sequence[ModeChange]) -> None:
        """See ``ports.ModeBook.ask``."""
        if changes:
            await self._say_from_where()
            await self._insert(changes)

    async def asked(self, most: int) -> Sequence[ModeChange]:
        """See ``ports.ModeBook.asked``."""
        rows = await self._connection.fetch(
            """
            SELECT change::text AS change FROM mode_change WHERE state = 'ruled'
            ORDER BY proposed_at LIMIT $1 FOR UPDATE SKIP LOCKED
            """,
            most,
        )
        return [_CHANGE.decode(row["change"]) for row in rows]

    async def change(self, change_id: UUID) -> ModeChange | None:
        """See ``ports.ModeBook.change``."""
        found = await self._connection.fetchval(
            "SELECT change::text FROM mode_change WHERE change_id = $1 FOR UPDATE", change_id
        )
        return None if found is None else _CHANGE.decode(found)

    async def decide(self, change: ModeChange) -> None:
        """See ``ports.ModeBook.decide``."""
        await self._say_from_where()
        await self._connection.execute(
            "UPDATE mode_change SET state = $2, change = $3::text::jsonb WHERE change_id = $1",
            change.change_id,
            change.state,
            msgspec.json.encode(change).decode(),
        )

    async def enter(self, event: Event[ModeChanged]) -> None:
        """See ``ports.ModeBook.enter``."""
        changed = event.data
        await self._connection.execute(
            """
            INSERT INTO mode_in_force (area, mode, kind, grade, version, change_id, changed_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            ON CONFLICT (area) DO UPDATE SET mode = EXCLUDED.mode, kind = EXCLUDED.kind, grade = EXCLUDED.grade,
                version = EXCLUDED.version, change_id = EXCLUDED.change_id, changed_at = EXCLUDED.changed_at
            """,
            changed.area,
            changed.mode,
            changed.kind,
            None if changed.grade is None else int(changed.grade),
            event.sequence,
            changed.change_id,
            changed.changed_at,
        )
        await self._connection.execute(
            """
            INSERT INTO mode_settling (change_id, area, by_whom, reason, begun_at)
            VALUES ($1, $2, $3::text::jsonb, $4, $5)
            """,
            changed.change_id,
            changed.area,
            msgspec.json.encode(changed.by).decode(),
            changed.reason,
            changed.changed_at,
        )
        await enqueue(self._connection, [encode(event)])
        self.wrote_events = True

    async def take_settling(self) -> Settling | None:
        """See ``ports.ModeBook.take_settling``."""
        row = await self._connection.fetchrow(
            """
            UPDATE mode_settling SET leased_until = clock_timestamp() + interval '30 seconds'
            WHERE change_id = (
                SELECT change_id FROM mode_settling WHERE done_at IS NULL AND leased_until < clock_timestamp()
                ORDER BY begun_at LIMIT 1 FOR UPDATE SKIP LOCKED)
            RETURNING change_id, area, by_whom::text AS by_whom, reason, after_area, after_case
            """
        )
        if row is None:
            return None
        return Settling(
            change_id=row["change_id"],
            area=row["area"],
            by=_ACTOR.decode(row["by_whom"]),
            reason=row["reason"],
            after=(row["after_area"], row["after_case"]),
        )

    async def next_cases(self, settling: Settling, most: int) -> Sequence[tuple[str, UUID]]:
        """See ``ports.ModeBook.next_cases``; ``:`` comes right behind the figures."""
        rows = await self._connection.fetch(
            """
            SELECT area, case_id FROM case_snapshot
            WHERE NOT closed AND area COLLATE "C" >= $1 AND area COLLATE "C" < $1 || ':'
                AND (area COLLATE "C", case_id) > ($2, $3)
            ORDER BY area COLLATE "C", case_id LIMIT $4
            """,
            settling.area,
            *settling.after,
            most,
        )
        return [(row["area"], row["case_id"]) for row in rows]

    async def walked(self, settling: Settling, *, to: tuple[str, UUID], seen: int, changed: int) -> None:
        """See ``ports.ModeBook.walked``."""
        await self._connection.execute(
            """
            UPDATE mode_settling
            SET after_area = $4, after_case = $5, seen = seen + $6, changed = changed + $7, leased_until = '-infinity'
            WHERE change_id = $1 AND after_area = $2 AND after_case = $3
            """,
            settling.change_id,
            *settling.after,
            *to,
            seen,
            changed,
        )

    async def finish(self, settling: Settling, *, at: datetime) -> None:
        """See ``ports.ModeBook.finish``."""
        await self._connection.execute(
            "UPDATE mode_settling SET done_at = $2 WHERE change_id = $1 AND done_at IS NULL", settling.change_id, at
        )

    async def _say_from_where(self) -> None:
        """For the trigger that writes what becomes of a change into the audit."""
        await self._connection.execute("SELECT set_config('whistle.origin', $1, true)", str(current_origin()))

    async def _insert(self, changes: Sequence[ModeChange]) -> None:
        await self._connection.execute(
            """
            INSERT INTO mode_change (change_id, area, mode, state, proposed_at, change)
            SELECT change_id, area, mode, state, proposed_at, change::jsonb
            FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::text[])
                AS new (change_id, area, mode, state, proposed_at, change)
            ON CONFLICT (change_id) DO NOTHING
            """,
            [change.change_id for change in changes],
            [change.area for change in changes],
            [change.mode for change in changes],
            [change.state for change in changes],
            [change.proposed_at for change in changes],
            [msgspec.json.encode(change).decode() for change in changes],
        )
