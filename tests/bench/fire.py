"""Due clocks judged and told through the outbox, beside the bare SQL that does neither."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from deploy.local.playbooks import load_playbook
from services.escalation.handlers import fire_due, fold_batch
from services.escalation.store.postgres import PostgresStore
from shared.playbook.model import Playbook
from shared.runtime.clock import utc_now
from shared.runtime.delivery import NO_LIMITS, Record, Rejected, Rejections
from shared.runtime.migrate import migrate
from shared.runtime.postgres import Connection, Pool, open_pool
from tests.bench.ground import Spent, Watch, cases, ground
from tests.bench.table import Row
from tests.fakes.horizons import EVERYTHING

CASES: Final = 20_000
BATCH: Final = 500
FOLD: Final = 1000
LATER: Final = timedelta(days=3650)

BARE_DDL: Final = """
    CREATE TABLE bare (id bigint PRIMARY KEY, next_at timestamptz) WITH (fillfactor = 80);
    INSERT INTO bare SELECT n, clock_timestamp() FROM generate_series(1, $rows) AS n;
    CREATE INDEX ON bare (next_at) WHERE next_at IS NOT NULL;
"""
BARE: Final = """
    WITH due AS (SELECT id FROM bare WHERE next_at <= clock_timestamp()
                 ORDER BY next_at LIMIT $1 FOR UPDATE SKIP LOCKED)
    UPDATE bare SET next_at = NULL FROM due WHERE bare.id = due.id RETURNING bare.id
"""


async def bench() -> Sequence[Row]:
    """Start as many clocks as cases, then let ten years pass at once."""
    async with ground() as system:
        await migrate(system.dsn, ["escalation"])
        pool = await open_pool(system.dsn, "escalation")
        await _start(pool)
        bare = await _bare(pool)
        spent, own = Spent(system), time.process_time()
        fired = await _fire(pool)
        own = time.process_time() - own
        each = spent.rows(CASES, "a clock", most=1)
        await pool.close()
    return [
        Row(what=f"bare SQL: SKIP LOCKED, {BATCH} a statement", figure=bare, unit="clocks/s"),
        Row(what="fire_due: judged, told through the outbox", figure=fired, unit="clocks/s", beside=bare),
        Row(what="  processor time a clock: fire_due", figure=own / CASES * 1e6, unit="µs"),
        *each,
    ]


class _OneCounty:
    def __init__(self) -> None:
        self._playbook = load_playbook()

    def of(self, area: str) -> Playbook:
        return self._playbook

    def named(self, county: str, version: str, digest: str) -> Playbook | None:
        return self._playbook

    def known(self, county: str, version: str, digest: str | None = None) -> Playbook | None:
        return self._playbook


class _NoLetters:
    async def set_aside(self, rejected: Sequence[Rejected], *, now: datetime) -> None:
        raise AssertionError(rejected[0].reason)


async def _start(pool: Pool) -> None:
    store, playbooks = PostgresStore(pool), _OneCounty()
    records = [Record(m.topic, 0, offset, m.key, m.value, m.headers, 0) for offset, m in enumerate(cases(CASES))]
    for start in range(0, CASES, FOLD):
        batch = records[start : start + FOLD]
        await fold_batch(
            batch,
            store=store,
            playbooks=playbooks,
            letters=_NoLetters(),
            rejections=Rejections(NO_LIMITS),
            now=utc_now(),
        )
    await pool.execute("DELETE FROM outbox")


async def _bare(pool: Pool) -> float:
    async with pool.acquire() as connection:
        await connection.execute(BARE_DDL.replace("$rows", str(CASES)))
        done, watch = 0, Watch()
        while rows := await connection.fetch(BARE, BATCH):
            done += len(rows)
        return watch.rate(done)


async def _fire(pool: Pool) -> float:
    async def much_later(connection: Connection) -> datetime:
        now: datetime = await connection.fetchval("SELECT clock_timestamp()")
        return now + LATER

    store = PostgresStore(pool, now=much_later)
    done, watch = 0, Watch()
    playbooks = _OneCounty()
    while taken := (await fire_due(store=store, playbooks=playbooks, horizon=EVERYTHING, most=BATCH)).taken:
        done += taken
    return watch.rate(done)
