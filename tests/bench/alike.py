"""Whether a report's matter is known already, among a million: one search, and one look-up by key beside it.

``WHISTLE_BENCH_MATTERS`` says how many matters there are (1,000,000), open and closed, over sixty days: of most
towns and families more lie within the week that is looked back than are looked at, and all share some words.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

from deploy.local.places import default_cache
from deploy.local.postgres import create_database, drop_database, with_database
from deploy.local.progress import Quiet
from deploy.local.servers import running_postgres
from services.intake.domain.alike.sameness import Account, Kin, anchors_of, judge
from services.intake.domain.alike.wording import wording_of
from services.intake.domain.reports.texts import title_of
from services.intake.ports import ProfileAsk
from services.intake.store.profiles import PostgresProfiles
from shared.playbook.model import Merging
from shared.runtime.clock import utc_now
from shared.runtime.migrate import migrate
from shared.runtime.postgres import PoolSettings, open_pool
from shared.vocabulary import Purpose
from tests.bench.table import Row
from tests.platform import data_folder

if TYPE_CHECKING:
    from shared.runtime.postgres import Connection, Pool

MATTERS: Final = int(os.environ.get("WHISTLE_BENCH_MATTERS", "1000000"))
SEARCHES: Final = 500
TOWNS: Final = tuple(f"990101{number:03d}" for number in range(1, 21))
FAMILIES: Final = tuple(f"{number:02d}" for number in range(1, 13))
SPAN: Final = timedelta(days=60)
RULES: Final = Merging()
WHAT: Final = (
    "路灯不亮了好几天",
    "自来水管爆了满地是水",
    "垃圾堆了三天没有人清运",
    "夜市油烟熏得开不了窗",
    "井盖不见了很危险",
)
STREETS: Final = "甲丙丁戊壬癸金银铜木石青红白黑松柏梅兰竹菊荷桂杏"

_FILL: Final = """
    INSERT INTO case_profile (case_id, town, family, purpose, last_at, times, names, anchors, accounts)
    SELECT md5('case' || n)::uuid, ($2::text[])[1 + n % 20], ($3::text[])[1 + (n / 20) % 12], 'real',
        $4::timestamptz - $5::interval * (n::double precision / $1),
        ARRAY[$4::timestamptz - $5::interval * (n::double precision / $1)],
        ARRAY(SELECT hashtext('name' || n || i) FROM generate_series(1, 2) AS i),
        $7::integer[] || ARRAY(SELECT hashtext('own' || n || i) FROM generate_series(1, 18) AS i),
        $6::json
    FROM generate_series(0, $1 - 1) AS n
"""
_CASES: Final = """
    INSERT INTO case_snapshot (case_id, version, state, area, snapshot, updated_at, category, opened_at, closed)
    SELECT case_id, 1, CASE WHEN random() < 0.9 THEN 'closed' ELSE 'routed' END, town, '{"view": {}}', last_at,
        family, last_at, true
    FROM case_profile
"""


async def bench() -> Sequence[Row]:
    """Searches at one tenth of the matters and at all of them: how long one takes must not follow their number."""
    async with _database() as dsn:
        pool = await open_pool(dsn, "intake", settings=PoolSettings(statement=timedelta(minutes=10)))
        try:
            few = await _measure(pool, MATTERS // 10)
            many = await _measure(pool, MATTERS)
        finally:
            await pool.close()
    return [
        Row(
            what=f"{'median' if part == 0.5 else '99 %'} of a search among {number:,}",
            figure=_quantile(times, part) * 1000,
            unit="ms",
            beside=_quantile(bare, part) * 1000,
        )
        for number, (times, bare) in ((MATTERS // 10, few), (MATTERS, many))
        for part in (0.5, 0.99)
    ]


async def _measure(pool: Pool, profiles: int) -> tuple[list[float], list[float]]:
    """Seconds of each search, judged; and of one look-up by primary key in the same table."""
    async with pool.acquire() as connection:
        await connection.execute("TRUNCATE case_profile, case_snapshot")
        await _fill(connection, profiles)
        plan = await _plan(connection)
        if "case_profile_newest" not in plan or "Seq Scan" in plan:
            raise AssertionError(f"the search does not walk over its index:\n{plan}")
        book = PostgresProfiles(connection)
        draw = random.Random(profiles)
        searches = [await _timed(_search(book, draw)) for _ in range(SEARCHES)]
        bare = [await _timed(_look_up(connection, draw)) for _ in range(SEARCHES)]
    return searches[SEARCHES // 10 :], bare[SEARCHES // 10 :]


async def _fill(connection: Connection, profiles: int) -> None:
    account = _account(random.Random(7))
    text = account.wording.title.replace('"', "")
    accounts = f'[{{"wording": {{"title": "{text}", "body": ""}}, "area": "{account.area}", "place": null}}]'
    shared = sorted(anchors_of(account))[:6]
    given = (profiles, list(TOWNS), list(FAMILIES), utc_now(), SPAN, accounts, shared)
    await connection.execute(_FILL, *given, timeout=600)
    await connection.execute(_CASES, timeout=600)
    await connection.execute("ANALYZE case_profile", timeout=600)
    await connection.execute("ANALYZE case_snapshot", timeout=600)


async def _plan(connection: Connection) -> str:
    """How PostgreSQL walks for one search: what ``newest_profiles`` asks of the table, made visible."""
    rows = await connection.fetch(
        f"""
        EXPLAIN SELECT m.case_id FROM case_profile m
        WHERE m.town = '{TOWNS[3]}' AND m.family = '{FAMILIES[3]}' AND m.purpose = 'real'
            AND m.last_at > now() - interval '168 hours'
        ORDER BY m.last_at DESC LIMIT 256
        """  # noqa: S608  codes of its own
    )
    return "\n".join(row[0] for row in rows)


async def _search(book: PostgresProfiles, draw: random.Random) -> None:
    account = _account(draw)
    kin = Kin(town=draw.choice(TOWNS), family=draw.choice(FAMILIES), purpose=Purpose.REAL)
    at = utc_now()
    ask = ProfileAsk(kin=kin, account=account, since=at - timedelta(hours=RULES.hours), metres=RULES.metres)
    (found,) = await book.alike([ask], hold=False)
    judge(account, found, rules=RULES, at=at)


async def _look_up(connection: Connection, draw: random.Random) -> None:
    await connection.fetchrow("SELECT * FROM case_profile WHERE case_id = $1", UUID(int=draw.getrandbits(128)))


async def _timed(work: Awaitable[object]) -> float:
    began = time.perf_counter()
    await work
    return time.perf_counter() - began


def _quantile(seconds: Sequence[float], part: float) -> float:
    return sorted(seconds)[int(part * (len(seconds) - 1))]


@asynccontextmanager
async def _database() -> AsyncIterator[str]:
    """A database of its own, on the server of ``WHISTLE_TEST_POSTGRES`` or on one started for this."""
    if running := os.environ.get("WHISTLE_TEST_POSTGRES"):
        dsn = with_database(running, f"bench_{uuid4().hex[:12]}")
        await asyncio.to_thread(create_database, dsn)
        await migrate(dsn, ["intake"])
        yield dsn
        await asyncio.to_thread(drop_database, dsn)
        return
    with (
        data_folder("bench-alike") as data,
        running_postgres(data, cache=default_cache(), progress=Quiet()) as (_, place),
    ):
        await migrate(place.dsn, ["intake"])
        yield place.dsn


def _account(draw: random.Random) -> Account:
    street = "".join(draw.sample(STREETS, 3))
    text = f"{street}路农贸市场门口{draw.choice(WHAT)}，来往的人都要绕路走，请派人来看一看"
    return Account(wording=wording_of(title_of(text), text), area=TOWNS[0])
