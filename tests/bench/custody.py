"""What privacy and the audit cost: a seal, a mask, an entry beside the same fact without one, a block, a check."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from statistics import median
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from cryptography.fernet import Fernet

from deploy.local.places import default_cache
from deploy.local.postgres import create_database, drop_database, with_database
from deploy.local.progress import Quiet
from deploy.local.servers import running_postgres
from services.intake.domain.moves.decide import decide
from services.intake.handlers.doors import change_of
from services.intake.ports import Change
from services.intake.store.audit import PostgresAudit
from services.intake.store.cases import PostgresCaseStore
from services.intake.vault import EnvelopeVault
from shared.masking import mask
from shared.runtime.clock import utc_now
from shared.runtime.migrate import migrate
from shared.runtime.postgres import open_pool
from tests.bench.ground import Watch
from tests.bench.table import Row
from tests.fakes.data_keys import FakeDataKeys
from tests.platform import data_folder
from tests.unit.intake.cases import opening

if TYPE_CHECKING:
    from shared.runtime.postgres import Pool

SEALS: Final = 50_000
FACTS: Final = 1_000
ROUNDS: Final = 3
COUNTY: Final = "990101"
PERSONAL: Final = '{"reporter":{"name":"张三","phone":"13800138000","address":"幸福路12号3栋2单元"},"text":""}'.encode()
TEXT: Final = "幸福路农贸市场门口燃气味很重，好像管道漏气了，请尽快派人来看，我的电话是13800138000，住在12号3栋。" * 2


async def bench() -> Sequence[Row]:
    """Seal and mask in memory; keep facts with and without the audit's trigger, turn about, in one database."""
    rows = [await _seals(), _masks()]
    async with _database() as dsn:
        await migrate(dsn, ["intake"])
        pool = await open_pool(dsn, "intake")
        for at_once in (1, 50):
            without, with_ = await _facts(pool, at_once)
            what = f"facts kept, {at_once} a transaction"
            rows.append(Row(what=f"{what}, without the audit", figure=without, unit="facts/s"))
            cost = 1e6 / with_ - 1e6 / without
            rows.append(
                Row(what=f"{what}, with it", figure=with_, unit="facts/s", beside=without, more=f"{cost:.0f} µs a fact")
            )
        rows += await _chain(pool)
        await pool.close()
    return rows


@asynccontextmanager
async def _database() -> AsyncIterator[str]:
    """A database of its own, on the server of ``WHISTLE_TEST_POSTGRES`` or on one started for this."""
    if running := os.environ.get("WHISTLE_TEST_POSTGRES"):
        dsn = with_database(running, f"bench_{uuid4().hex[:12]}")
        await asyncio.to_thread(create_database, dsn)
        yield dsn
        await asyncio.to_thread(drop_database, dsn)
        return
    with (
        data_folder("bench-custody") as data,
        running_postgres(data, cache=default_cache(), progress=Quiet()) as (_, place),
    ):
        yield place.dsn


async def _seals() -> Row:
    vault = EnvelopeVault(Fernet.generate_key().decode(), book=FakeDataKeys())
    await vault.keep([COUNTY], now=utc_now())
    about, spent = uuid4(), []
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(SEALS // ROUNDS):
            vault.seal(PERSONAL, county=COUNTY, about=about)
            vault.person("13800138000")
        spent.append((time.process_time() - began) / (SEALS // ROUNDS))
    return Row(what="seal a reporter and make the fingerprint", figure=median(spent) * 1e6, unit="µs")


def _masks() -> Row:
    spent = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(FACTS):
            mask(TEXT)
        spent.append((time.process_time() - began) / FACTS)
    return Row(what=f"mask a text of {len(TEXT)} signs with two phones", figure=median(spent) * 1e6, unit="µs")


async def _facts(pool: Pool, at_once: int) -> tuple[float, float]:
    """Facts a second without the trigger and with it, the medians of rounds that take turns."""
    rates: dict[str, list[float]] = {"DISABLE": [], "ENABLE": []}
    store = PostgresCaseStore(pool)
    for _ in range(ROUNDS):
        for how, found in rates.items():
            await pool.execute(f"ALTER TABLE case_event {how} TRIGGER audit_facts")
            changes = _changes(FACTS if at_once > 1 else FACTS // 4)
            watch = Watch()
            for start in range(0, len(changes), at_once):
                async with store.transaction() as transaction:
                    await transaction.save(changes[start : start + at_once])
            found.append(watch.rate(len(changes)))
    return median(rates["DISABLE"]), median(rates["ENABLE"])


def _changes(count: int) -> list[Change]:
    now = utc_now()
    return [change_of(None, decide(None, opening(case_id=uuid4()), now), at=now) for _ in range(count)]


async def _chain(pool: Pool) -> list[Row]:
    audit = PostgresAudit(pool)
    watch, blocks = Watch(), 0
    while await audit.seal(at=utc_now()) is not None:
        blocks += 1
    entries = int(await pool.fetchval("SELECT coalesce(sum(length(marks)), 0) / 16 FROM audit_block"))
    sealed = watch.rate(entries)
    watch, after, seen, more = Watch(), 0, 0, True
    while more:
        step = await audit.check(after=after, most=10)
        after, seen, more = step.last, seen + step.entries, step.more
    return [
        Row(
            what="entries sealed into blocks",
            figure=sealed,
            unit="entries/s",
            more=f"{blocks} blocks, {entries} entries",
        ),
        Row(what="entries checked, each with its fact", figure=watch.rate(seen), unit="entries/s"),
    ]
