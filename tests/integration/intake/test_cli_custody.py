"""``whistle privacy`` and ``whistle audit`` against intake's real API and PostgreSQL."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import httpx
import pytest
from typer.testing import CliRunner

from cli.__main__ import app
from cli.trouble import Trouble
from services.intake.upkeep import Sealing
from shared.runtime.serving import HttpServer
from tests.fakes.called_county import TOWN_FLOOD
from tests.fakes.small_county import WEST
from tests.integration.intake.harness import KEYS, Intake, bearer
from tests.integration.intake.test_modes import enter
from tests.integration.intake.waiting import until

PHONE = "13700002222"
WHO = {"name": "张三", "phone": PHONE, "address": "幸福路12号"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended: status, what it printed, and what it said was wrong."""

    status: int
    out: str
    err: str


@pytest.fixture
async def url(intake: Intake) -> AsyncIterator[str]:
    transport = intake.http._transport
    assert isinstance(transport, httpx.ASGITransport)
    server = HttpServer(transport.app, "127.0.0.1", 0)
    await server.start()
    yield f"http://127.0.0.1:{server.port}"
    await server.stop()


async def whistle(url: str, key: str, *arguments: str) -> Ended:
    """Run a command as a person would."""
    environment: dict[str, str | None] = {name: None for name in os.environ if name.startswith("WHISTLE_")}
    environment |= {"WHISTLE_INTAKE_URL": url, "WHISTLE_KEY": KEYS[key].token}
    result = await asyncio.to_thread(CliRunner().invoke, app, list(arguments), env=environment)
    if isinstance(result.exception, Trouble):
        trouble = result.exception
        return Ended(status=trouble.status, out=result.stdout, err=f"{trouble.what} {trouble.why} {trouble.mend}")
    return Ended(status=result.exit_code, out=result.stdout, err=result.stderr)


async def test_a_person_is_exported_and_erased_and_the_audit_holds_until_somebody_changes_it(
    intake: Intake, url: str
) -> None:
    filed = (await intake.report(reporter=WHO, text=f"门口燃气味很重，电话{PHONE}")).json()["report_id"]
    seen = await whistle(url, "county desk", "privacy", "reporter", filed, "--reason", "回访")
    assert (seen.status, PHONE in seen.out) == (0, True), seen.err
    told = await whistle(url, "operator", "privacy", "export", "--phone", PHONE, "--reason", "本人申请")
    assert [one["report_id"] for one in json.loads(told.out)["reports"]] == [filed]
    wrapped = await whistle(url, "operator", "privacy", "rewrap", "--reason", "试")
    assert "may go" in wrapped.err
    counted = await whistle(url, "operator", "privacy", "retain", "--dry-run", "--json")
    assert json.loads(counted.out) == {"outlived": 0, "dry_run": True}
    erase = ("privacy", "erase", "--phone", PHONE, "--reason", "本人申请", "--yes", "--json")
    refused = await whistle(url, "county desk", *erase)
    assert (refused.status, "403" in refused.err) == (1, True)
    assert json.loads((await whistle(url, "operator", *erase)).out) == {"reports": 1, "photos": 0}
    shown = await whistle(url, "auditor", "audit", "show", "--report", filed, "--json")
    assert [json.loads(line)["kind"] for line in shown.out.splitlines()] == ["read", "export", "erase"]

    head = await sealed_head(intake, url)
    holds = await whistle(url, "auditor", "audit", "verify", "--head", head)
    assert holds.status == 0, holds.err
    assert "holds" in holds.err
    number, _, digest = head.partition(":")
    for wrong in (f"{int(number) + 1}:{digest}", f"{number}:{'0' * 64}"):
        assert (await whistle(url, "auditor", "audit", "verify", "--head", wrong)).status == 1
    assert (await whistle(url, "auditor", "audit", "verify", "--head", "nonsense")).status == 2

    async with intake.pool.acquire() as connection, connection.transaction():
        await connection.execute("ALTER TABLE audit DISABLE TRIGGER audit_stays")
        await connection.execute("UPDATE audit SET who = 'somebody else' WHERE kind = 'export'")
        await connection.execute("ALTER TABLE audit ENABLE TRIGGER audit_stays")
    broken = await whistle(url, "auditor", "audit", "verify")
    assert broken.status == 1
    assert "was changed after its block was sealed" in broken.err


async def test_changes_of_mode_are_shown_and_a_changed_one_is_named(intake: Intake, url: str) -> None:
    change = await enter(intake, TOWN_FLOOD, WEST)
    shown = await whistle(url, "auditor", "audit", "show", "--modes", WEST)
    assert shown.status == 0, shown.err
    assert all(word in shown.out for word in ("mode.proposed", "mode.in_force", "县防指通知"))
    both = await whistle(url, "auditor", "audit", "show", "--modes", WEST, "--case", change)
    assert both.status == 2

    row = "UPDATE mode_change SET change = jsonb_set(change, '{reason}', to_jsonb($2::text)) WHERE change_id = $1::uuid"
    await intake.pool.execute(row, change, "别的理由")
    broken = (await intake.http.get("/v1/audit/check-facts", headers=bearer("auditor"))).json()["flaw"]["words"]
    assert broken == f"change of mode {change} was changed: its last entry says otherwise"
    await intake.pool.execute(row, change, "县防指通知")
    await enter(intake, "normal", WEST)


async def sealed_head(intake: Intake, url: str) -> str:
    """The head as the command prints it, once everything is sealed."""
    sealing = Sealing(intake.doors, intake.custody, every=timedelta(seconds=1))

    async def all_sealed() -> bool:
        await sealing._round()
        return (await intake.custody.audit.state()).waiting == 0

    await until(all_sealed, seconds=90)
    return (await whistle(url, "auditor", "audit", "head")).out.strip()
