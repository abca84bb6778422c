"""Whole lives of cases: reported, routed, signed, resolved, verified and closed, with the whole system on this machine.

Measured again with more cases in the tables, with the processor time that each process spends on a life.
``WHISTLE_BENCH_LIVES`` says how many lives a round has, ``WHISTLE_BENCH_CASES`` how many cases lie there before each
round: ``0,100000,1000000``.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import asyncpg

from deploy.local.keys import DEMO_COUNTY
from deploy.local.platform import Platform
from deploy.local.services import SERVICES
from shared.runtime.clock import utc_now
from tests.bench.clients import Connection
from tests.bench.ground import Spent, ground, until
from tests.bench.intake import report
from tests.bench.table import Row

LIVES: Final = int(os.environ.get("WHISTLE_BENCH_LIVES", "2000"))
CASES: Final = tuple(int(text) for text in os.environ.get("WHISTLE_BENCH_CASES", "0,100000").split(","))
CONNECTIONS: Final = 64
CALLS: Final = 5
"""Report, sign, resolve, verify, close."""
COPIED: Final = 200
"""Cases of which each is copied in turn."""
SEED_SECONDS: Final = 1800.0
ROUTED_SECONDS: Final = 600.0

_COUNT: Final = "SELECT count(*), count(*) FILTER (WHERE purpose = 'real') FROM case_snapshot"
_SEED: Final = """
    WITH many AS (
        SELECT c.*, gen_random_uuid() AS new_id, make_interval(hours => n % 2000) AS ago
        FROM (SELECT * FROM case_snapshot WHERE purpose = 'real' ORDER BY case_id LIMIT $3) AS c
        CROSS JOIN generate_series(1, $1) AS n
        ORDER BY n LIMIT $2
    ), snapshots AS (
        INSERT INTO case_snapshot (case_id, version, state, area, snapshot, updated_at, category, opened_at, purpose,
            closed)
        SELECT new_id, version, state, area, jsonb_set(snapshot, '{view,case_id}', to_jsonb(new_id)),
            updated_at - ago, category, opened_at - ago, purpose, closed
        FROM many
    ), profiles AS (
        INSERT INTO case_profile (case_id, town, family, purpose, lon, lat, last_at, times, names, anchors, accounts)
        SELECT new_id, m.town, m.family, m.purpose, m.lon, m.lat, m.last_at - ago,
            ARRAY(SELECT at - ago FROM unnest(m.times) AS at ORDER BY at), m.names, m.anchors, m.accounts
        FROM many JOIN case_profile m USING (case_id)
    )
    INSERT INTO report (report_id, case_id, source, sender, text, received_at)
    SELECT gen_random_uuid(), new_id, 'resident', 'seed', 'x', updated_at - ago FROM many
"""


async def bench() -> Sequence[Row]:
    """Rounds of lives, the tables fuller before each."""
    rows: list[Row] = []
    first: float | None = None
    async with ground(*SERVICES) as system:
        await _round(system, 0, 200)
        for number, cases in enumerate(CASES, start=1):
            there = await _seed(system.dsn, cases)
            spent = Spent(system)
            rate = await _round(system, number * 1_000_000, LIVES)
            first = first or rate
            rows.append(Row(what=f"whole lives with {there:,} cases there", figure=rate, unit="lives/s", beside=first))
            rows.append(Row(what="  a core", figure=rate / (os.cpu_count() or 1), unit="lives/s"))
            rows += spent.rows(LIVES, "a life")
    return rows


async def _round(system: Platform, start: int, lives: int) -> float:
    """Lives a second, from the first report until the last case is closed."""
    key = {"Authorization": f"Bearer {system.keys.token(f'{DEMO_COUNTY}-operator')}"}
    url = system.url("intake")
    began = time.perf_counter()
    opened = await _post(url, key, [("/v1/reports", _clear(start + number)) for number in range(lives)])
    cases = {UUID(answer["case_id"]) for answer in opened}
    leads: dict[UUID, UUID] = {}

    async def routed() -> bool:
        leads.update(await _leads(system.dsn, cases - leads.keys()))
        return len(leads) == len(cases)

    await until(routed, seconds=ROUTED_SECONDS)
    now = utc_now().isoformat()
    reply = {"accepted_at": now, "spoken_with": "报告人", "done": "已修好", "done_by": now}
    for body in (
        {"action": "sign", "note": "已安排"},
        {"action": "resolve", "note": "已修好", "reply": reply},
        {"action": "verify", "note": "属实"},
        {"action": "close", "note": "结案"},
    ):
        on_order = body["action"] in {"sign", "resolve"}
        more: Mapping[UUID, Mapping[str, str]] = {
            case_id: {"order_id": str(order_id)} if on_order else {} for case_id, order_id in leads.items()
        }
        await _post(url, key, [(f"/v1/cases/{case_id}/actions", {**body, **more[case_id]}) for case_id in leads])
    return len(cases) / (time.perf_counter() - began)


def _clear(number: int) -> dict[str, Any]:
    """A report that names its category, so that no person has to."""
    return {**report(number), "category": "02.003"}


async def _post(url: str, headers: Mapping[str, str], asked: Sequence[tuple[str, Any]]) -> list[dict[str, Any]]:
    """The answers, all of them good."""
    answers: list[dict[str, Any]] = []
    waiting = iter(enumerate(asked))

    async def work() -> None:
        connection = Connection(url, headers)
        await connection.open()
        for number, (path, body) in waiting:
            status, answer = await connection.post(path, body, key=f"{id(asked)}-{number}")
            if status not in {200, 201}:
                raise AssertionError(answer.decode())
            answers.append(json.loads(answer))
        connection.close()

    await asyncio.gather(*(work() for _ in range(CONNECTIONS)))
    return answers


async def _leads(dsn: str, cases: set[UUID]) -> dict[UUID, UUID]:
    """The lead order of each case that has one."""
    connection = await asyncpg.connect(dsn, timeout=10, server_settings={"search_path": "intake"})
    try:
        rows = await connection.fetch(
            """
            SELECT case_id, (data ->> 'order_id')::uuid AS order_id FROM case_event
            WHERE case_id = ANY($1::uuid[]) AND type = 'whistle.case.routed.v1' AND data ->> 'order_role' = 'lead'
            """,
            list(cases),
            timeout=60,
        )
    finally:
        await connection.close(timeout=5)
    return {row["case_id"]: row["order_id"] for row in rows}


async def _seed(dsn: str, wanted: int) -> int:
    """Fill the tables of intake with copies of cases that have lived, up to so many; how many there are.

    Snapshots, profiles and reports are copied, older the more; the log of each case is not, for it is read by its key.
    """
    connection = await asyncpg.connect(dsn, timeout=10, server_settings={"search_path": "intake"})
    try:
        [(there, lived)] = await connection.fetch(_COUNT)
        if wanted > there:
            missing = wanted - there
            await connection.execute(_SEED, missing // min(lived, COPIED) + 1, missing, COPIED, timeout=SEED_SECONDS)
            await connection.execute("ANALYZE", timeout=SEED_SECONDS)
            [(there, _)] = await connection.fetch(_COUNT)
    finally:
        await connection.close(timeout=5)
    return int(there)
