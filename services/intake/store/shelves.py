"""The newest profiles of a kin as PostgreSQL keeps them ready: columns of numbers, none made into objects in vain."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

import numpy as np
from asyncpg.pgproto.pgproto import UUID as CaseId  # noqa: N811  made and hashed in a quarter of the time of Python's own
from numpy.typing import NDArray

from services.intake.domain.alike.sameness import Kin, anchors_of, names_of
from services.intake.domain.alike.shortlist import Marks, Newest, Sought, shortlist

if TYPE_CHECKING:
    import asyncpg

    from services.intake.ports import ProfileAsk
    from shared.runtime.postgres import Connection

METRES_OF_A_DEGREE: Final = 111_195.0
_HEAD: Final = np.dtype(
    [("case_id", "V16"), ("last_at", ">i8"), ("lon", ">f8"), ("lat", ">f8"), ("names", ">i4"), ("anchors", ">i4")]
)
"""As the column ``head`` of ``case_profile`` is put together."""
_BEGINNING: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""From when on PostgreSQL counts microseconds."""
_TICK: Final = timedelta(microseconds=1)


async def shortlisted(connection: Connection, asks: Sequence[ProfileAsk], *, hold: bool) -> list[list[UUID]]:
    """The cases that each report is compared with; with ``hold`` nobody else who holds sees their kins meanwhile."""
    kins: dict[Kin, list[int]] = {}
    for place, ask in enumerate(asks):
        kins.setdefault(ask.kin, []).append(place)
    rows = await connection.fetch(
        "SELECT * FROM newest_profiles($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5)",
        [kin.town for kin in kins],
        [kin.family for kin in kins],
        [kin.purpose for kin in kins],
        [min(asks[place].since for place in places) for places in kins.values()],
        hold,
    )
    there = {kin: row for kin, row in zip(kins, rows, strict=True) if row["heads"] is not None}
    heads = [np.frombuffer(row["heads"], _HEAD) for row in there.values()]
    shelf_of = {place: shelf for shelf, kin in enumerate(there) for place in kins[kin]}
    newest = [_newest(head, row) for head, row in zip(heads, there.values(), strict=True)]
    listed = shortlist(newest, [_sought(asks[place], shelf) for place, shelf in shelf_of.items()])
    found: list[list[UUID]] = [[] for _ in asks]
    for (place, shelf), places in zip(shelf_of.items(), listed, strict=True):
        cases = heads[shelf]["case_id"]
        found[place] = [CaseId(cases[one].tobytes()) for one in places]
    return found


def _newest(heads: NDArray[np.void], row: asyncpg.Record) -> Newest:
    return Newest(
        last_at=heads["last_at"].astype(np.int64),
        lon=heads["lon"].astype(np.float64),
        lat=heads["lat"].astype(np.float64),
        names=_marks(row["name_marks"], heads["names"]),
        anchors=_marks(row["anchor_marks"], heads["anchors"]),
    )


def _marks(sent: bytes, counts: NDArray[np.int32]) -> Marks:
    # Each number lies behind four bytes that say how long it is.
    values = np.frombuffer(sent, ">i4")[1::2].astype(np.int32)
    return Marks(values=values, owners=np.repeat(np.arange(len(counts)), counts))


def _sought(ask: ProfileAsk, kin: int) -> Sought:
    names, anchors, since = names_of(ask.account), anchors_of(ask.account), (ask.since - _BEGINNING) // _TICK
    if ask.account.place is None:
        return Sought(kin=kin, names=names, anchors=anchors, since=since)
    degrees = ask.metres / METRES_OF_A_DEGREE
    lon, lat = ask.account.place.lon, ask.account.place.lat
    return Sought(kin=kin, names=names, anchors=anchors, since=since, lon=lon, lat=lat, degrees=degrees)
