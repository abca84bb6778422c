"""A pass of the auditor over cases whose clocks run, beside only reading the same rows."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from services.escalation.handlers.auditing import Pace, audit_slice
from services.escalation.store.auditing import PostgresAuditing
from shared.runtime.migrate import migrate
from shared.runtime.postgres import open_pool
from tests.bench import fire
from tests.bench.ground import ground
from tests.bench.table import Row

if TYPE_CHECKING:
    from shared.runtime.postgres import Pool

NEVER_RESTS = Pace(whole=timedelta(), most=100, share=1)


async def bench() -> Sequence[Row]:
    """Fold the cases of the firing bench, and hold all of them against their facts."""
    async with ground() as system:
        await migrate(system.dsn, ["escalation"])
        pool = await open_pool(system.dsn, "escalation")
        await fire._start(pool)
        await pool.execute("ANALYZE")
        bare = await _read(pool)
        passed = await _pass(pool)
        await pool.close()
    return [
        Row(what="reading cases and clocks in slices of 100", figure=bare.a_second, unit="cases/s"),
        Row(
            what="the auditor: read, demanded, reckoned again",
            figure=passed.a_second,
            unit="cases/s",
            beside=bare.a_second,
        ),
        Row(what="processor time of a case", figure=passed.cpu_us, unit="µs"),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Passed:
    a_second: float
    cpu_us: float


async def _pass(pool: Pool) -> _Passed:
    store, playbooks = PostgresAuditing(pool), fire._OneCounty()
    began, cpu = time.monotonic(), time.process_time()
    found = 0
    while (looked := await audit_slice(store=store, playbooks=playbooks, pace=NEVER_RESTS)) is not None:
        found += len(looked.findings)
        if looked.is_whole:
            break
    if found:
        raise AssertionError(f"{found} clocks are not as the facts demand")
    whole = (await store.passes()).whole
    cases = 0 if whole is None else whole.cases
    return _passed(cases, began, cpu)


def _passed(cases: int, began: float, cpu: float) -> _Passed:
    return _Passed(a_second=cases / (time.monotonic() - began), cpu_us=(time.process_time() - cpu) / cases * 1e6)


async def _read(pool: Pool) -> _Passed:
    began, cpu, cases = time.monotonic(), time.process_time(), 0
    county, after = "", UUID(int=0)
    while True:
        rows = await pool.fetch(
            """SELECT case_id, county, facts FROM case_facts WHERE (county, case_id) > ($1, $2)
                ORDER BY county, case_id LIMIT 100""",
            county,
            after,
        )
        await pool.fetch("SELECT * FROM clock WHERE case_id = ANY($1)", [row["case_id"] for row in rows])
        cases += len(rows)
        if len(rows) < NEVER_RESTS.most:
            return _passed(cases, began, cpu)
        county, after = rows[-1]["county"], rows[-1]["case_id"]
