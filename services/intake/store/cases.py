"""Cases, reports and answers in PostgreSQL, schema ``intake``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

import msgspec

from services.intake.domain.canaries import CANARY_OWNER, canary_key
from services.intake.domain.life.case import Case
from services.intake.domain.modes import InForce
from services.intake.ports import Answer, Change, ClientKey, FiledReport, Spot, Surroundings
from services.intake.store.chains import PostgresChains
from services.intake.store.deadlines import PostgresDeadlines
from services.intake.store.modes import PostgresModes
from services.intake.store.profiles import PostgresProfiles
from shared.events.case import CaseEvent
from shared.events.codec import Message, encode
from shared.events.envelope import Event
from shared.runtime.outbox import enqueue

if TYPE_CHECKING:
    from shared.runtime.postgres import Connection, Pool

ACQUIRE_SECONDS: Final = 3.0

_SNAPSHOT: Final = msgspec.json.Decoder(Case)
_MODES: Final = msgspec.json.Decoder(tuple[InForce, ...])


class PostgresCaseStore:
    """See ``ports.CaseStore``; ``committed`` is called after each transaction that wrote events."""

    def __init__(self, pool: Pool, *, committed: Callable[[], None] = lambda: None) -> None:
        self._pool = pool
        self._committed = committed

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[PostgresTransaction]:
        """See ``ports.CaseStore.transaction``."""
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection, connection.transaction():
            transaction = PostgresTransaction(connection)
            yield transaction
        if transaction.wrote_events or transaction.modes.wrote_events:
            self._committed()


class PostgresTransaction:
    """See ``ports.Transaction``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.modes = PostgresModes(connection)
        self.profiles = PostgresProfiles(connection)
        self.chains = PostgresChains(connection)
        self.deadlines = PostgresDeadlines(connection)
        self.wrote_events = False

    async def around(self, spots: Sequence[Spot], *, since: datetime) -> Sequence[Surroundings]:
        """See ``ports.Transaction.around``."""
        rows = await self._connection.fetch(
            "SELECT modes, earlier FROM opening_facts($1::text[], $2::text[], $3::text[], $4) ORDER BY place",
            [spot.area for spot in spots],
            [spot.category for spot in spots],
            [spot.purpose for spot in spots],
            since,
        )
        return [Surroundings(modes=_MODES.decode(row["modes"]), earlier=tuple(row["earlier"])) for row in rows]

    async def remove_canaries(self, *, before: datetime, most: int) -> int:
        """See ``ports.Transaction.remove_canaries``; their answers under a key go in the same stroke."""
        removed = await self._connection.fetchval(
            """
            WITH old AS (
                DELETE FROM case_snapshot WHERE case_id IN (
                    SELECT case_id FROM case_snapshot
                    WHERE purpose = 'canary' AND closed AND opened_at < $1 LIMIT $2)
                RETURNING case_id
            ), facts AS (
                DELETE FROM case_event USING old WHERE case_event.case_id = old.case_id
            ), papers AS (
                DELETE FROM report USING old WHERE report.case_id = old.case_id
            ), keys AS (
                DELETE FROM client_key WHERE owner = $3 AND key < $4
            )
            SELECT count(*) FROM old
            """,
            before,
            most,
            CANARY_OWNER,
            canary_key(before),
        )
        return int(removed or 0)

    async def claim(self, answers: Mapping[ClientKey, Answer]) -> frozenset[ClientKey]:
        """See ``ports.Transaction.claim``; keys in one order, so that two batches cannot lock each other out."""
        keys = sorted(answers, key=lambda key: (key.owner, key.key))
        rows = await self._connection.fetch(
            """
            INSERT INTO client_key (owner, key, fingerprint, answer)
            SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[], $4::text[])
            ON CONFLICT (owner, key) DO NOTHING
            RETURNING owner, key
            """,
            [key.owner for key in keys],
            [key.key for key in keys],
            [answers[key].fingerprint for key in keys],
            [answers[key].body for key in keys],
        )
        return frozenset(ClientKey(owner=row["owner"], key=row["key"]) for row in rows)

    async def answers(self, keys: Collection[ClientKey]) -> Mapping[ClientKey, Answer]:
        """See ``ports.Transaction.answers``."""
        rows = await self._connection.fetch(
            """
            SELECT owner, key, fingerprint, answer
            FROM client_key JOIN unnest($1::text[], $2::text[]) AS asked (owner, key) USING (owner, key)
            """,
            [key.owner for key in keys],
            [key.key for key in keys],
        )
        return {
            ClientKey(owner=row["owner"], key=row["key"]): Answer(fingerprint=row["fingerprint"], body=row["answer"])
            for row in rows
        }

    async def load(self, case_ids: Collection[UUID]) -> Mapping[UUID, Case]:
        """See ``ports.Transaction.load``; locked in one order, so that two batches cannot lock each other out."""
        rows = await self._connection.fetch(
            """
            SELECT case_id, snapshot::text AS snapshot FROM case_snapshot
            WHERE case_id = ANY($1::uuid[]) ORDER BY case_id FOR UPDATE
            """,
            list(case_ids),
        )
        return {row["case_id"]: _SNAPSHOT.decode(row["snapshot"]) for row in rows}

    async def save(self, changes: Sequence[Change]) -> None:
        """See ``ports.Transaction.save``."""
        if not changes:
            return
        events = [event for change in changes for event in change.events]
        messages = [encode(event) for event in events]
        await self._write(changes, events, messages)
        await self.deadlines.follow(changes)
        await enqueue(self._connection, messages)
        self.wrote_events = True

    async def file(self, reports: Sequence[FiledReport]) -> None:
        """See ``ports.Transaction.file``."""
        if not reports:
            return
        await self._connection.execute(
            """
            WITH new AS (
                SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::timestamptz[],
                    $7::timestamptz[], $8::bytea[], $9::bytea[], $10::boolean[], $11::text[], $12::text[],
                    $13::double precision[], $14::double precision[], $15::text[])
                AS new (report_id, case_id, source, sender, text, received_at, occurred_at, sealed, person, secret,
                    tracking, area, lon, lat, category)
            ), kept AS (
                INSERT INTO report (report_id, case_id, source, sender, text, received_at, occurred_at, tracking, area,
                    lon, lat, category)
                SELECT report_id, case_id, source, sender, text, received_at, occurred_at, tracking, area, lon, lat,
                    category FROM new
            )
            INSERT INTO reporter (report_id, sealed, person, secret, received_at)
            SELECT report_id, sealed, person, secret, received_at FROM new WHERE sealed IS NOT NULL
            """,
            [report.report_id for report in reports],
            [report.case_id for report in reports],
            [report.source for report in reports],
            [report.sender for report in reports],
            [report.text for report in reports],
            [report.received_at for report in reports],
            [report.occurred_at for report in reports],
            [report.sealed for report in reports],
            [report.person for report in reports],
            [report.secret for report in reports],
            [report.tracking for report in reports],
            [report.area for report in reports],
            [None if report.place is None else report.place.lon for report in reports],
            [None if report.place is None else report.place.lat for report in reports],
            [report.category for report in reports],
        )
        await self._file_photos(reports)

    async def _file_photos(self, reports: Sequence[FiledReport]) -> None:
        """The photos of new reports; most have none, and those cost nothing."""
        shown = [(report.report_id, n, photo) for report in reports for n, photo in enumerate(report.photos)]
        if not shown:
            return
        await self._connection.execute(
            """
            INSERT INTO report_photo (report_id, position, photo_id, photo)
            SELECT report_id, position, photo_id, photo::jsonb
            FROM unnest($1::uuid[], $2::smallint[], $3::text[], $4::text[])
                AS new (report_id, position, photo_id, photo)
            """,
            [report_id for report_id, _, _ in shown],
            [position for _, position, _ in shown],
            [photo.photo_id for _, _, photo in shown],
            [msgspec.json.encode(photo).decode() for _, _, photo in shown],
        )

    async def _write(
        self, changes: Sequence[Change], events: Sequence[Event[CaseEvent]], messages: Sequence[Message]
    ) -> None:
        """Snapshots and log in one statement; of several changes of a case the last is its snapshot."""
        last = {change.case.view.case_id: change for change in changes}
        await self._connection.execute(
            """
            WITH snapshots AS (
                INSERT INTO case_snapshot (case_id, version, state, area, snapshot, updated_at, category, opened_at,
                    purpose, closed)
                SELECT case_id, version, state, area, snapshot::jsonb, updated_at, category, opened_at,
                    purpose, state IN ('closed', 'refused', 'merged')
                FROM unnest($1::uuid[], $2::integer[], $3::text[], $4::text[], $5::text[], $6::timestamptz[],
                    $13::text[], $14::timestamptz[], $15::text[])
                    AS new (case_id, version, state, area, snapshot, updated_at, category, opened_at, purpose)
                ON CONFLICT (case_id) DO UPDATE
                SET version = EXCLUDED.version, state = EXCLUDED.state, area = EXCLUDED.area,
                    snapshot = EXCLUDED.snapshot, updated_at = EXCLUDED.updated_at, category = EXCLUDED.category,
                    opened_at = EXCLUDED.opened_at, purpose = EXCLUDED.purpose, closed = EXCLUDED.closed
            )
            INSERT INTO case_event (case_id, version, event_id, type, at, data, origin)
            SELECT case_id, version, event_id, type, at, data::jsonb, origin
            FROM unnest($7::uuid[], $8::integer[], $9::uuid[], $10::text[], $11::timestamptz[], $12::text[],
                $16::text[])
                AS new (case_id, version, event_id, type, at, data, origin)
            """,
            list(last),
            [change.case.view.version for change in last.values()],
            [change.case.view.state for change in last.values()],
            [change.case.view.area for change in last.values()],
            [msgspec.json.encode(change.case).decode() for change in last.values()],
            [change.events[-1].time for change in last.values()],
            [event.data.case.case_id for event in events],
            [event.sequence for event in events],
            [event.id for event in events],
            [event.type for event in events],
            [event.time for event in events],
            [message.value.decode() for message in messages],
            [change.case.view.category for change in last.values()],
            [change.case.view.opened_at for change in last.values()],
            [change.case.view.purpose for change in last.values()],
            [change.origin for change in changes for _ in change.events],
        )
