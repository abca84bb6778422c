"""The release before this one still compares reports under the old names: both find what either keeps, and the same."""

from __future__ import annotations

import random
import shutil
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

import asyncpg
import msgspec
import pytest

from services.intake.domain.alike.sameness import Account, Kin, Profile, anchors_of, names_of
from services.intake.domain.alike.wording import Wording
from services.intake.ports import ProfileAsk
from services.intake.store.profiles import PostgresProfiles
from services.intake.store.shelves import METRES_OF_A_DEGREE
from shared.events.parts import Place
from shared.runtime.migrate import SQL, Phase, migrate, migrations
from shared.runtime.postgres import open_pool
from shared.vocabulary import Purpose

if TYPE_CHECKING:
    from shared.runtime.postgres import Connection, Pool

BOTH_AT_WORK: Final = 14
"""The migration with which the new names come."""
AT: Final = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
KINS: Final = tuple(
    Kin(town=town, family=family, purpose=Purpose.REAL)
    for town in ("990101001", "990101002")
    for family in ("02", "05")
)
STREETS: Final = ("文昌路", "人民路", "幸福小区", "实验小学", "东湖路", "建设路")
TROUBLES: Final = (
    "路灯不亮好几天了",
    "井盖破损很危险",
    "垃圾堆了三天没人清运",
    "夜里施工吵得睡不着",
    "水管漏水满地都是",
)
OLD_KEEP: Final = """
    INSERT INTO matter (case_id, town, family, purpose, lon, lat, last_at, times, names, anchors,
        accounts)
    SELECT case_id, town, family, purpose, lon, lat, last_at, times::timestamptz[], names::integer[],
        anchors::integer[], accounts::jsonb
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::double precision[],
        $6::double precision[], $7::timestamptz[], $8::text[], $9::text[], $10::text[], $11::text[])
        AS new (case_id, town, family, purpose, lon, lat, last_at, times, names, anchors, accounts)
    ON CONFLICT (case_id) DO UPDATE SET town = EXCLUDED.town, family = EXCLUDED.family,
        last_at = EXCLUDED.last_at, times = EXCLUDED.times, names = EXCLUDED.names, anchors = EXCLUDED.anchors,
        accounts = EXCLUDED.accounts
"""
OLD_FIND: Final = """
    SELECT * FROM matters_alike($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::text[],
        $7::double precision[], $8::double precision[], $9::double precision[], $10)
"""


@pytest.fixture
async def pool(postgres: str, tmp_path: Path) -> AsyncIterator[Pool]:
    """While both releases are at work: nothing that comes later has been applied."""
    (tmp_path / "intake").mkdir()
    for one in migrations(SQL / "intake"):
        if one.number <= BOTH_AT_WORK:
            shutil.copy(one.path, tmp_path / "intake")
    await migrate(postgres, ["intake"], sql=tmp_path)
    opened = await open_pool(postgres, "intake")
    yield opened
    await opened.close()


async def test_both_releases_find_the_same_profiles_among_many(pool: Pool) -> None:
    draw = random.Random(20261121)
    async with pool.acquire() as connection:
        book = PostgresProfiles(connection)
        await _fill(connection, book, [_profile(draw, minutes) for minutes in range(1400)])
        for _ in range(8):
            asks = [_ask(draw) for _ in range(60)]
            found = [{one.case_id for one in profiles} for profiles in await book.alike(asks, hold=False)]
            assert found == await _found_before(connection, asks)
            assert sum(map(len, found)) > len(asks), "almost nothing was found, so nothing is shown"


async def test_what_the_release_before_changes_is_found_as_it_is_now(pool: Pool) -> None:
    draw = random.Random(7)
    first = replace(_profile(draw, 60), kin=replace(KINS[0], town="990101008"))
    other = Account(wording=Wording(title="体育馆门口积水", body="体育馆门口积水，走不过去"), area="990101001200")
    ask = ProfileAsk(kin=first.kin, account=other, since=AT - timedelta(hours=168), metres=100)
    later = Profile(case_id=first.case_id, kin=first.kin, accounts=(*first.accounts, other), times=(*first.times, AT))
    async with pool.acquire() as connection:
        book = PostgresProfiles(connection)
        await _fill(connection, book, [first])
        assert await book.alike([ask], hold=False) == [[]]
        await _keep_before(connection, [later])
        assert await book.alike([ask], hold=False) == [[later]]
        await book.keep([first])
        assert await _found_before(connection, [ask]) == [set()]


async def test_the_old_names_are_gone_when_nobody_asks_under_them(pool: Pool, postgres: str) -> None:
    first = replace(_profile(random.Random(1), 60), kin=replace(KINS[0], town="990101009"))
    ask = ProfileAsk(kin=first.kin, account=first.accounts[0], since=AT - timedelta(hours=168), metres=100)
    async with pool.acquire() as connection:
        await _fill(connection, PostgresProfiles(connection), [first])
    await migrate(postgres, ["intake"], phase=Phase.POST)
    async with pool.acquire() as connection:
        assert await PostgresProfiles(connection).alike([ask], hold=True) == [[first]]
        with pytest.raises(asyncpg.UndefinedTableError):
            await connection.execute("SELECT FROM matter")


def _profile(draw: random.Random, minutes: int) -> Profile:
    """A profile of one or two accounts; no two were told of at the same moment."""
    accounts = tuple(_account(draw) for _ in range(draw.choice((1, 1, 1, 2))))
    at = AT - timedelta(minutes=7 * minutes, seconds=draw.random())
    return Profile(case_id=uuid4(), kin=draw.choice(KINS), accounts=accounts, times=(at,))


def _ask(draw: random.Random) -> ProfileAsk:
    since = AT - timedelta(hours=draw.choice((24, 168)))
    return ProfileAsk(kin=draw.choice(KINS), account=_account(draw), since=since, metres=draw.choice((100, 500)))


def _account(draw: random.Random) -> Account:
    where = f"{draw.choice(STREETS)}{draw.randrange(300)}号" if draw.random() < 0.4 else f"{draw.randrange(9999)}"
    text = f"{where}{draw.choice(TROUBLES)}，{draw.randrange(9999)}"
    place = Place(lon=100 + draw.random() / 50, lat=25 + draw.random() / 50) if draw.random() < 0.5 else None
    return Account(wording=Wording(title=text[:12], body=text), area="990101001200", place=place)


async def _fill(connection: Connection, book: PostgresProfiles, profiles: Sequence[Profile]) -> None:
    """Half kept by each release, each with its case."""
    await connection.executemany(
        """
        INSERT INTO case_snapshot (case_id, version, state, area, snapshot, updated_at, category, opened_at)
        VALUES ($1, 1, 'routed', $2, '{}', $3, $4, $3)
        """,
        [(one.case_id, one.kin.town, AT, one.kin.family) for one in profiles],
    )
    await book.keep(profiles[::2])
    await _keep_before(connection, profiles[1::2])


async def _keep_before(connection: Connection, profiles: Sequence[Profile]) -> None:
    """As the release before keeps them."""
    places = [one.accounts[0].place for one in profiles]
    await connection.execute(
        OLD_KEEP,
        [one.case_id for one in profiles],
        [one.kin.town for one in profiles],
        [one.kin.family for one in profiles],
        [one.kin.purpose for one in profiles],
        [None if place is None else place.lon for place in places],
        [None if place is None else place.lat for place in places],
        [one.last_at for one in profiles],
        ["{" + ",".join(f'"{at.isoformat()}"' for at in one.times) + "}" for one in profiles],
        [_array(frozenset[int]().union(*map(names_of, one.accounts))) for one in profiles],
        [_array(frozenset[int]().union(*map(anchors_of, one.accounts))) for one in profiles],
        [msgspec.json.encode(one.accounts).decode() for one in profiles],
    )


async def _found_before(connection: Connection, asks: Sequence[ProfileAsk]) -> list[set[UUID]]:
    """As the release before asks."""
    rows = await connection.fetch(
        OLD_FIND,
        [ask.kin.town for ask in asks],
        [ask.kin.family for ask in asks],
        [ask.kin.purpose for ask in asks],
        [ask.since for ask in asks],
        [_array(names_of(ask.account)) for ask in asks],
        [_array(anchors_of(ask.account)) for ask in asks],
        [None if ask.account.place is None else ask.account.place.lon for ask in asks],
        [None if ask.account.place is None else ask.account.place.lat for ask in asks],
        [ask.metres / METRES_OF_A_DEGREE for ask in asks],
        False,
    )
    found: list[set[UUID]] = [set() for _ in asks]
    for row in rows:
        for place in row["asks"]:
            found[place - 1].add(row["case_id"])
    return found


def _array(numbers: Collection[int]) -> str:
    return "{" + ",".join(map(str, sorted(numbers))) + "}"
