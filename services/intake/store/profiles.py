"""Profiles of cases and whose reports they are, in PostgreSQL, schema ``intake``."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from uuid import UUID

import msgspec

from services.intake.domain.alike.sameness import Account, Kin, Profile, Standing, anchors_of, names_of, standing_of
from services.intake.ports import KeptReport, ProfileAsk, ShownProfile
from services.intake.store.shelves import shortlisted
from shared.events.parts import Photo, Place
from shared.vocabulary import CaseState, Source

if TYPE_CHECKING:
    import asyncpg

    from shared.runtime.postgres import Connection

_ACCOUNTS: Final = msgspec.json.Decoder(tuple[Account, ...])
_PHOTOS: Final = msgspec.json.Decoder(tuple[Photo, ...])


class PostgresProfiles:
    """See ``ports.ProfileBook``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def alike(self, asks: Sequence[ProfileAsk], *, hold: bool) -> Sequence[Sequence[Profile]]:
        """See ``ports.ProfileBook.alike``; two statements for all, and each profile is read once."""
        if not asks:
            return []
        listed = await shortlisted(self._connection, asks, hold=hold)
        kins = {case_id: ask.kin for ask, cases in zip(asks, listed, strict=True) for case_id in cases}
        if not kins:
            return [[] for _ in asks]
        rows = await self._connection.fetch(
            """
            SELECT case_id, p.times, p.accounts::text AS accounts, c.state,
                CASE WHEN c.closed THEN (c.snapshot ->> 'closed_at')::timestamptz END AS closed_at
            FROM case_profile p JOIN case_snapshot c USING (case_id) WHERE p.case_id = ANY($1::uuid[])
            """,
            list(kins),
        )
        profiles = {row["case_id"]: _profile(row, kins[row["case_id"]]) for row in rows}
        return [[profiles[case_id] for case_id in cases if case_id in profiles] for cases in listed]

    async def find(self, case_ids: Collection[UUID]) -> Mapping[UUID, Profile]:
        """See ``ports.ProfileBook.find``."""
        if not case_ids:
            return {}
        rows = await self._connection.fetch(
            """
            SELECT case_id, town, family, p.purpose, times, accounts::text AS accounts, c.state
            FROM case_profile p JOIN case_snapshot c USING (case_id) WHERE case_id = ANY($1::uuid[])
            """,
            list(case_ids),
        )
        return {row["case_id"]: _profile(row, Kin(**{name: row[name] for name in _KIN})) for row in rows}

    async def keep(self, profiles: Sequence[Profile]) -> None:
        """See ``ports.ProfileBook.keep``; in one order, so that two batches cannot lock each other out."""
        if not profiles:
            return
        rows = sorted(profiles, key=lambda one: one.case_id)
        places = [one.accounts[0].place for one in rows]
        await self._connection.execute(
            """
            INSERT INTO case_profile (case_id, town, family, purpose, lon, lat, last_at, times, names, anchors,
                accounts)
            SELECT case_id, town, family, purpose, lon, lat, last_at, times::timestamptz[], names::integer[],
                anchors::integer[], accounts::json
            FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::double precision[],
                $6::double precision[], $7::timestamptz[], $8::text[], $9::text[], $10::text[], $11::text[])
                AS new (case_id, town, family, purpose, lon, lat, last_at, times, names, anchors, accounts)
            ON CONFLICT (case_id) DO UPDATE SET town = EXCLUDED.town, family = EXCLUDED.family,
                last_at = EXCLUDED.last_at, times = EXCLUDED.times, names = EXCLUDED.names, anchors = EXCLUDED.anchors,
                accounts = EXCLUDED.accounts
            """,
            [one.case_id for one in rows],
            [one.kin.town for one in rows],
            [one.kin.family for one in rows],
            [one.kin.purpose for one in rows],
            [None if place is None else place.lon for place in places],
            [None if place is None else place.lat for place in places],
            [one.last_at for one in rows],
            ["{" + ",".join(f'"{at.isoformat()}"' for at in one.times) + "}" for one in rows],
            [_array(frozenset[int]().union(*map(names_of, one.accounts))) for one in rows],
            [_array(frozenset[int]().union(*map(anchors_of, one.accounts))) for one in rows],
            [msgspec.json.encode(one.accounts).decode() for one in rows],
        )

    async def forget(self, case_ids: Collection[UUID]) -> None:
        """See ``ports.ProfileBook.forget``."""
        await self._connection.execute("DELETE FROM case_profile WHERE case_id = ANY($1::uuid[])", list(case_ids))

    async def shown(self, case_ids: Collection[UUID]) -> Mapping[UUID, ShownProfile]:
        """See ``ports.ProfileBook.shown``."""
        rows = await self._connection.fetch(
            """
            SELECT case_id, state, opened_at, snapshot -> 'view' ->> 'title' AS title,
                (snapshot -> 'view' ->> 'reports')::integer AS reports,
                (snapshot -> 'view' -> 'place' ->> 'lon')::double precision AS lon,
                (snapshot -> 'view' -> 'place' ->> 'lat')::double precision AS lat
            FROM case_snapshot
            WHERE case_id = ANY($1::uuid[]) AND NOT coalesce((snapshot -> 'view' ->> 'secret')::boolean, false)
            """,
            list(case_ids),
        )
        return {row["case_id"]: _shown(row) for row in rows}

    async def case_of_code(self, digest: str) -> UUID | None:
        """See ``ports.ProfileBook.case_of_code``; one look at the unique index."""
        found: UUID | None = await self._connection.fetchval("SELECT case_id FROM report WHERE tracking = $1", digest)
        return found

    async def report(self, report_id: UUID) -> KeptReport | None:
        """See ``ports.ProfileBook.report``."""
        row = await self._connection.fetchrow(f"{_REPORTS} WHERE r.report_id = $1", report_id)
        return None if row is None else _report(row)

    async def reports_of(self, case_id: UUID, most: int) -> Sequence[KeptReport]:
        """See ``ports.ProfileBook.reports_of``."""
        rows = await self._connection.fetch(
            f"{_REPORTS} WHERE r.case_id = $1 ORDER BY r.received_at, r.report_id LIMIT $2", case_id, most
        )
        return [_report(row) for row in rows]

    async def move(self, report_ids: Collection[UUID], *, to: UUID) -> None:
        """See ``ports.ProfileBook.move``."""
        await self._connection.execute(
            "UPDATE report SET case_id = $2 WHERE report_id = ANY($1::uuid[])", list(report_ids), to
        )


_KIN: Final = ("town", "family", "purpose")
_REPORTS: Final = """
    SELECT r.report_id, r.case_id, r.source, r.text, r.received_at, r.tracking, r.area, r.lon, r.lat, r.category,
        (SELECT coalesce(json_agg(p.photo ORDER BY p.position), '[]'::json)::text
            FROM report_photo p WHERE p.report_id = r.report_id) AS photos
    FROM report r
"""


def _profile(row: asyncpg.Record, kin: Kin) -> Profile:
    return Profile(
        case_id=row["case_id"],
        kin=kin,
        accounts=_accounts(row["accounts"]),
        times=tuple(row["times"]),
        standing=standing_of(row["state"]),  # as good a key as the member, and looked up in half the time
        closed_at=row.get("closed_at"),
    )


@lru_cache(maxsize=4096)
def _accounts(text: str) -> tuple[Account, ...]:
    """The same for the same text: in a rush each profile is read by many batches, one after the other."""
    return _ACCOUNTS.decode(text)


def _shown(row: asyncpg.Record) -> ShownProfile:
    state = CaseState(row["state"])
    return ShownProfile(
        case_id=row["case_id"],
        title=row["title"],
        state=state,
        opened_at=row["opened_at"],
        reports=row["reports"] or 1,
        place=_place(row),
        takes_reports=standing_of(state) is Standing.JOINS,
    )


def _place(row: asyncpg.Record) -> Place | None:
    return None if row["lon"] is None else Place(lon=row["lon"], lat=row["lat"])


def _report(row: asyncpg.Record) -> KeptReport:
    return KeptReport(
        report_id=row["report_id"],
        case_id=row["case_id"],
        source=Source(row["source"]),
        text=row["text"],
        received_at=row["received_at"],
        tracking=row["tracking"],
        area=row["area"],
        place=_place(row),
        category=row["category"],
        photos=_PHOTOS.decode(row["photos"]),
    )


def _array(numbers: Collection[int]) -> str:
    return "{" + ",".join(map(str, sorted(numbers))) + "}"
