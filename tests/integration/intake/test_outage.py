"""PostgreSQL goes away and comes back: 503 with Retry-After, nothing half-written, then on as before."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import httpx

from deploy.local.places import default_cache
from deploy.local.progress import Quiet
from deploy.local.servers import running_postgres
from services.intake.api import make_api
from services.intake.handlers import Doors
from services.intake.metrics import Metrics
from services.intake.store.cases import PostgresCaseStore
from services.intake.vault import EnvelopeVault
from shared.runtime.auth import KeyRing
from shared.runtime.clock import utc_now
from shared.runtime.migrate import migrate
from shared.runtime.postgres import PoolSettings, open_pool
from shared.runtime.postgres_watch import PostgresWatch
from tests.fakes.intake import FakePlaybooks
from tests.fakes.small_county import small_county
from tests.integration.intake.harness import Intake, custody_of
from tests.platform import data_folder

LIMITS = PoolSettings(largest=8, connect=timedelta(seconds=2), statement=timedelta(seconds=2))


async def test_while_postgresql_is_away_reports_get_503_and_none_is_half_written(
    vault: EnvelopeVault, keyring: KeyRing
) -> None:
    with (
        data_folder("intake-outage") as data,
        running_postgres(data, cache=default_cache(), progress=Quiet()) as (keeper, place),
    ):
        await migrate(place.dsn, ["intake"])
        pool = await open_pool(place.dsn, "intake", settings=LIMITS)
        doors = Doors(
            store=PostgresCaseStore(pool), playbooks=FakePlaybooks(small_county()), vault=vault, clock=utc_now
        )
        metrics = Metrics()
        transport = httpx.ASGITransport(make_api(doors, keyring, metrics), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://intake", timeout=30) as http:
            custody = custody_of(pool, vault, metrics)
            intake = Intake(http=http, pool=pool, doors=doors, metrics=metrics, custody=custody)
            before = await intake.open()
            load = asyncio.create_task(_send(intake, 300))
            await asyncio.to_thread(keeper.stop)
            away = await intake.report(headers={"Idempotency-Key": "during"})
            act = await intake.act(before, "operator", "sign")
            await load
            watch = PostgresWatch(pool)
            assert "PostgreSQL" in str(await watch.ask())
            await asyncio.to_thread(keeper.start)
            assert await watch.ask() is None
            again = await intake.report(headers={"Idempotency-Key": "during"})

            for answer in (away, act):
                assert answer.status_code == 503, answer.text
                assert int(answer.headers["Retry-After"]) > 0
                assert answer.json()["type"] == "/problems/unavailable"
            assert again.status_code == 201
            answers = load.result()
            assert {answer.status_code for answer in answers} <= {201, 503}
            accepted = {answer.json()["case_id"] for answer in answers if answer.status_code == 201}
            kept = {str(row["case_id"]) for row in await pool.fetch("SELECT case_id FROM case_snapshot")}
            # A commit whose acknowledgement was lost is kept and answered 503: its client sends it again.
            assert accepted <= kept
            for table in ("case_event", "report", "outbox"):
                assert {str(row["case_id"]) for row in await pool.fetch(_CASES[table])} == kept
        await pool.close()


_CASES = {
    "case_event": "SELECT case_id FROM case_event",
    "report": "SELECT case_id FROM report",
    "outbox": "SELECT convert_from(key, 'UTF8') AS case_id FROM outbox",
}


async def _send(intake: Intake, count: int) -> list[httpx.Response]:
    """Reports one after the other while the server goes down."""
    answers = []
    for number in range(count):
        answers.append(await intake.report(headers={"Idempotency-Key": f"load {number}".replace(" ", "-")}))
        if answers[-1].status_code == 503:
            break
    return answers
