"""Reports counted and warnings kept in PostgreSQL."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from math import cos, degrees, radians
from sys import intern
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import msgspec

from services.escalation.domain.warning.distances import EARTH_METRES, metres_between
from services.escalation.domain.warning.episodes import Episode
from services.escalation.domain.warning.replay import Figures
from services.escalation.domain.warning.reports import Report
from services.escalation.domain.warning.rounds import Asked
from services.escalation.domain.warning.usual import HISTORY_DAYS, KEPT, LEAST_DAYS, Season
from services.escalation.store.rows import as_json
from services.escalation.warning_ports import CountyPast, Watching
from shared.events.codec import Message
from shared.events.parts import Place
from shared.events.warning import Spot
from shared.runtime.outbox import enqueue
from shared.vocabulary import Level

if TYPE_CHECKING:
    from uuid import UUID

    import asyncpg

    from shared.runtime.postgres import Connection, Pool

LOOKS: Final = 0x776172
"""The space of advisory locks for counties that are looked at; the number is the ASCII of ``war``."""
ACQUIRE_SECONDS: Final = 10.0
FRESH_FOR: Final = timedelta(days=1)
"""An older report, of a log that is read anew, is counted and raises nothing any more."""
SLICE: Final = 1000
"""Reports that are read at once."""
MOST_DAYS_OF_SPOT: Final = 50_000

_decode = msgspec.json.Decoder(Episode).decode
_COLUMNS: Final = "report_id, case_id, county, area, category, at, lon, lat"
_OF_CATEGORY: Final = """county = $1 AND category >= $2 AND category < $2 || '/' AND at >= $3 AND at < $4
                  AND (category = $2 OR starts_with(category, $2 || '.'))"""
"""What is of a category and below. The first line is for the index, and holds no less: ``/`` comes after ``.``."""


async def count(connection: Connection, reports: Sequence[Report]) -> None:
    """Count reports inside the transaction of the fold; one that is counted already stays as it is.

    A report of the future (a host's clock runs ahead) counts as made now; one too old to say what is usual is left.
    """
    if not reports:
        return
    await connection.execute(
        """INSERT INTO warning_report (report_id, case_id, county, area, category, at, lon, lat, fresh)
           SELECT report_id, case_id, county, area, category, least(made, now), lon, lat, made > now - $9::interval
             FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::timestamptz[],
                         $7::float8[], $8::float8[]) AS t (report_id, case_id, county, area, category, made, lon, lat),
                  clock_timestamp() AS now
            WHERE made > now - $10::interval
           ON CONFLICT (report_id) DO NOTHING""",
        [one.report_id for one in reports],
        [one.case_id for one in reports],
        [one.county for one in reports],
        [one.area for one in reports],
        [one.category for one in reports],
        [one.at for one in reports],
        [None if one.place is None else one.place.lon for one in reports],
        [None if one.place is None else one.place.lat for one in reports],
        FRESH_FOR,
        KEPT,
    )


class PostgresWarnings:
    """The port ``WarningStore`` on a pool of its own."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    @asynccontextmanager
    async def watching(self, county: str) -> AsyncIterator[Watching | None]:
        """See ``WarningStore.watching``."""
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection, connection.transaction():
            mine = await connection.fetchval("SELECT pg_try_advisory_xact_lock($1, hashtext($2))", LOOKS, county)
            yield PostgresWatching(connection, county) if mine else None

    async def counties(self, *, again_after: timedelta, most: int) -> Sequence[str]:
        """See ``WarningStore.counties``; in no order, so that one that cannot be looked at holds up no other."""
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
            rows = await connection.fetch(
                """SELECT county FROM (
                       SELECT DISTINCT county FROM warning_report WHERE fresh
                       UNION SELECT county FROM warning
                        WHERE ended_at IS NULL AND looked_at < clock_timestamp() - $1::interval) AS few
                    ORDER BY random() LIMIT $2""",
                again_after,
                most,
            )
        return [row["county"] for row in rows]

    async def forget(self, *, older_than: timedelta, most: int) -> int:
        """See ``WarningStore.forget``."""
        gone = 0
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection, connection.transaction():
            # Planned by the instant itself: only so it is seen that next to nothing is as old, and no table is read.
            await connection.execute("SET LOCAL plan_cache_mode = force_custom_plan")
            before = await connection.fetchval("SELECT clock_timestamp() - $1::interval", older_than)
            for table, column in (("warning_report", "at"), ("warning", "ended_at")):
                said: str = await connection.execute(
                    f"DELETE FROM {table} WHERE ctid IN (SELECT ctid FROM {table}"  # noqa: S608  constants
                    f" WHERE {column} < $1 LIMIT $2)",
                    before,
                    most,
                )
                gone += int(said.split()[1])
        return gone


class PostgresWatching:
    """The port ``Watching``."""

    def __init__(self, connection: Connection, county: str) -> None:
        self._connection = connection
        self._county = county

    async def now(self) -> datetime:
        """See ``Watching.now``."""
        at: datetime = await self._connection.fetchval("SELECT clock_timestamp()")
        return at

    async def fresh(self, *, most: int) -> Sequence[Report]:
        """See ``Watching.fresh``."""
        rows = await self._connection.fetch(
            f"SELECT {_COLUMNS} FROM warning_report WHERE county = $1 AND fresh"  # noqa: S608  constants
            " ORDER BY at, report_id LIMIT $2",
            self._county,
            most,
        )
        return [_report(row) for row in rows]

    async def reports(self, after: datetime, until: datetime, *, most: int) -> Sequence[Report]:
        """See ``Watching.reports``."""
        cursor = await self._connection.cursor(
            f"SELECT {_COLUMNS} FROM warning_report WHERE county = $1 AND at > $2 AND at <= $3"  # noqa: S608  constants
            " ORDER BY at DESC, report_id DESC LIMIT $4",
            self._county,
            after,
            until,
            most,
        )
        # In slices: neither are there rows and reports of all at once, nor is the loop held for long.
        reports = list[Report]()
        while rows := await cursor.fetch(SLICE):
            reports += [_report(row) for row in rows]
        reports.reverse()
        return reports

    async def waiting(self, *, most: int) -> frozenset[UUID]:
        """See ``Watching.waiting``."""
        rows = await self._connection.fetch(
            "SELECT report_id FROM warning_report WHERE county = $1 AND fresh ORDER BY at, report_id LIMIT $2",
            self._county,
            most,
        )
        return frozenset(row["report_id"] for row in rows)

    async def episodes(self, ended_after: datetime, *, most: int) -> Sequence[Episode]:
        """See ``Watching.episodes``."""
        rows = await self._connection.fetch(
            """SELECT body::text AS body FROM (
                   SELECT warning_id, raised_at, body FROM warning
                    WHERE county = $1 AND (ended_at IS NULL OR ended_at > $2)
                    ORDER BY ended_at IS NULL DESC, raised_at DESC, warning_id LIMIT $3) AS few
                ORDER BY raised_at, warning_id""",
            self._county,
            ended_after,
            most,
        )
        return [_decode(row["body"]) for row in rows]

    async def past(self, today: date, zone: ZoneInfo) -> CountyPast:
        """See ``Watching.past``."""
        start, stop = _span(today, zone)
        rows = await self._connection.fetch(
            """SELECT extract(isodow FROM at AT TIME ZONE $4)::int - 1 AS weekday,
                      extract(hour FROM at AT TIME ZONE $4)::int AS hour, count(*) AS n
                 FROM warning_report WHERE county = $1 AND at >= $2 AND at < $3 GROUP BY 1, 2""",
            self._county,
            start,
            stop,
            zone.key,
        )
        first = await self._connection.fetchval("SELECT min(at) FROM warning_report WHERE county = $1", self._county)
        known_from = today if first is None else first.astimezone(zone).date()
        known = min((today - known_from).days, HISTORY_DAYS)
        return CountyPast(
            figures=Figures(
                season=Season.of({(row["weekday"], row["hour"]): row["n"] for row in rows})
                if known >= LEAST_DAYS
                else Season(),
                days_known=known,
                totals=await self._totals(start, stop),
                areas=await self._areas(start, stop),
            ),
            first=known_from,
        )

    async def counts(self, asked: Asked, zone: ZoneInfo) -> Mapping[date, int]:
        """See ``Watching.counts``."""
        start, stop = _span(asked.end, zone)
        subject = asked.subject
        if subject.spot is not None:
            return await self._counts_of_spot(asked, subject.spot, zone)
        rows = await self._connection.fetch(
            f"""SELECT (at AT TIME ZONE $6)::date AS day, count(*) AS n FROM warning_report
                WHERE {_OF_CATEGORY} AND starts_with(area, $5) GROUP BY 1""",  # noqa: S608  constants
            self._county,
            subject.category,
            start,
            stop,
            subject.area,
            zone.key,
        )
        return {row["day"]: row["n"] for row in rows}

    async def write(self, episodes: Sequence[Episode], messages: Sequence[Message]) -> None:
        """See ``Watching.write``."""
        await self._connection.execute(
            """INSERT INTO warning AS w (warning_id, county, version, raised_at, ended_at, body)
               SELECT warning_id, $1, version, raised_at, ended_at, body
                 FROM unnest($2::uuid[], $3::int[], $4::timestamptz[], $5::timestamptz[], $6::jsonb[])
                      AS t (warning_id, version, raised_at, ended_at, body)
               ON CONFLICT (warning_id) DO UPDATE SET version = excluded.version, ended_at = excluded.ended_at,
                      body = excluded.body
                WHERE w.version < excluded.version""",
            self._county,
            [one.warning_id for one in episodes],
            [one.version for one in episodes],
            [one.raised_at for one in episodes],
            [one.ended_at for one in episodes],
            [as_json(one) for one in episodes],
        )
        await enqueue(self._connection, messages)

    async def looked(self, fresh: Collection[UUID]) -> None:
        """See ``Watching.looked``."""
        await self._connection.execute(
            "UPDATE warning_report SET fresh = false WHERE report_id = ANY($1)", sorted(fresh)
        )
        await self._connection.execute(
            "UPDATE warning SET looked_at = clock_timestamp() WHERE county = $1 AND ended_at IS NULL", self._county
        )

    async def _totals(self, start: datetime, stop: datetime) -> Mapping[str, int]:
        rows = await self._connection.fetch(
            "SELECT category, count(*) AS n FROM warning_report WHERE county = $1 AND at >= $2 AND at < $3 GROUP BY 1",
            self._county,
            start,
            stop,
        )
        return {row["category"]: row["n"] for row in rows}

    async def _areas(self, start: datetime, stop: datetime) -> Mapping[Level, int]:
        rows = await self._connection.fetch(
            "SELECT DISTINCT left(area, 12) AS area FROM warning_report WHERE county = $1 AND at >= $2 AND at < $3",
            self._county,
            start,
            stop,
        )
        return {level: len({row["area"][: level.digits] for row in rows}) for level in Level}

    async def _counts_of_spot(self, asked: Asked, spot: Spot, zone: ZoneInfo) -> Mapping[date, int]:
        """As ``counts``; the box around the circle narrows what is read, the circle itself is the domain's."""
        start, stop = _span(asked.end, zone)
        tall = degrees(spot.metres / EARTH_METRES) * 1.01
        wide = tall / max(cos(radians(spot.centre.lat)), 0.01)
        rows = await self._connection.fetch(
            f"""SELECT (at AT TIME ZONE $5)::date AS day, lat, lon FROM warning_report
                WHERE {_OF_CATEGORY} AND lat BETWEEN $6 AND $7 AND lon BETWEEN $8 AND $9
                LIMIT $10""",  # noqa: S608  constants
            self._county,
            asked.subject.category,
            start,
            stop,
            zone.key,
            spot.centre.lat - tall,
            spot.centre.lat + tall,
            spot.centre.lon - wide,
            spot.centre.lon + wide,
            MOST_DAYS_OF_SPOT,
        )
        places = [Place(lon=row["lon"], lat=row["lat"]) for row in rows]
        near = metres_between(places, [spot.centre])[:, 0] <= spot.metres
        return Counter(row["day"] for row, is_near in zip(rows, near.tolist(), strict=True) if is_near)


def _span(end: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    first = end - timedelta(days=HISTORY_DAYS)
    return (
        datetime(first.year, first.month, first.day, tzinfo=zone),
        datetime(end.year, end.month, end.day, tzinfo=zone),
    )


def _report(row: asyncpg.Record) -> Report:
    place = None if row["lon"] is None or row["lat"] is None else Place(lon=row["lon"], lat=row["lat"])
    return Report(
        report_id=row["report_id"],
        case_id=row["case_id"],
        # The same few words come again and again: each is kept once.
        county=intern(row["county"]),
        area=intern(row["area"]),
        category=intern(row["category"]),
        at=row["at"],
        place=place,
    )
