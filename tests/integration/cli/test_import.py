"""A hotline's export into a real intake: taken once whatever happens on the way, and what is wrong named by line."""

from __future__ import annotations

import asyncio
import csv
import json
import signal
import sys
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from cli.__main__ import app
from cli.csv_records import CsvFile
from cli.importing import Plan, Progress
from cli.mapping import Rules
from services.intake.api import make_api
from shared.runtime.auth import KeyRing
from shared.runtime.serving import HttpServer
from tests.fakes.small_county import WEST_VILLAGE
from tests.integration.intake.harness import KEYS, Intake, intake, keyring, vault
from tests.integration.intake.waiting import until

__all__ = ["intake", "keyring", "vault"]

ROOT = Path(__file__).resolve().parents[3]
HEAD = "工单编号,工单标题,工单内容,推送时间,承办单位,问题分类,问题点位,联系电话,来电人"
MAPPING = f"""
id: 工单编号
source: {{value: hotline}}
text: {{template: "{{工单标题}}。{{工单内容}}"}}
occurred_at: {{column: 推送时间, offset: "+08:00"}}
area: {{column: 问题点位, table: {{西村: "{WEST_VILLAGE}"}}, otherwise: "990101"}}
phone: 联系电话
name: 来电人
"""


def a_row(number: int, *, where: str = "西村", at: str = "2025-11-21 08:00:00") -> str:
    return f"GD{number:06},第{number}号路灯不亮,{number}号路段夜里很黑,{at},城管,市政,{where},000{number:08},某人"


@pytest.fixture
async def server(intake: Intake, keyring: KeyRing) -> AsyncIterator[str]:
    http = HttpServer(make_api(intake.doors, keyring, intake.metrics), "127.0.0.1", 0)
    await http.start()
    yield f"http://127.0.0.1:{http.port}"
    await http.stop()


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    path = tmp_path / "map.yaml"
    path.write_text(MAPPING, encoding="utf-8")
    return path


def written(folder: Path, rows: list[str], encoding: str = "gb18030", name: str = "export.csv") -> Path:
    path = folder / name
    path.write_bytes("\r\n".join([HEAD, *rows, ""]).encode(encoding))
    return path


def command(file: Path, mapping: Path, server: str, *more: str) -> list[str]:
    key = KEYS["hotline"].token
    return ["import", "reports", str(file), "--map", str(mapping), "--url", server, "--key", key, "--json", *more]


async def imported(file: Path, mapping: Path, server: str, *more: str) -> dict[str, int]:
    result = await asyncio.to_thread(CliRunner().invoke, app, command(file, mapping, server, *more))
    assert result.exception is None, result.output
    found: dict[str, int] = json.loads(result.stdout.splitlines()[0])
    return found


def rejects_of(file: Path) -> list[tuple[int, str]]:
    path = file.with_name(f"{file.name}.rejects.csv")
    if not path.exists():
        return []
    rows = csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines(keepends=True))
    return [(int(row["line"]), row["reason"]) for row in rows]


async def test_an_export_is_imported_and_what_is_wrong_is_named_by_line(
    intake: Intake, server: str, mapping: Path, tmp_path: Path
) -> None:
    rows = [a_row(n) for n in range(1, 41)]
    rows[4] = 'GD000005,"没有收尾,x,2025-11-21 08:00:00,城管,市政,西村,1,某人'
    rows[9] = "GD000010,少了列"
    rows[14] = a_row(15, at="去年")
    rows[19] = a_row(20, at="2099-01-01 00:00:00")
    file = written(tmp_path, rows)
    before = await intake.rows("report")
    assert await imported(file, mapping, server) == {"accepted": 36, "repeated": 0, "refused": 4}
    assert await intake.rows("report") == before + 36
    rejects = rejects_of(file)
    assert [line for line, _ in rejects] == [6, 11, 16, 21]
    assert "quote" in rejects[0][1]
    assert "columns" in rejects[1][1]
    assert "occurred_at" in rejects[2][1]
    assert "422" in rejects[3][1]


async def test_a_finished_import_again_sends_nothing(
    intake: Intake, server: str, mapping: Path, tmp_path: Path
) -> None:
    file = written(tmp_path, [a_row(n) for n in range(101, 111)])
    first = await imported(file, mapping, server)
    before = await intake.rows("report")
    assert await imported(file, mapping, server) == first
    assert await intake.rows("report") == before


async def test_without_its_notes_an_import_again_makes_no_second_report(
    intake: Intake, server: str, mapping: Path, tmp_path: Path
) -> None:
    file = written(tmp_path, [a_row(n) for n in range(201, 211)])
    await imported(file, mapping, server)
    file.with_name(f"{file.name}.progress").unlink()
    before = await intake.rows("report")
    assert await imported(file, mapping, server) == {"accepted": 0, "repeated": 10, "refused": 0}
    assert await intake.rows("report") == before


async def test_overlapping_exports_of_one_dataset_share_their_rows(
    intake: Intake, server: str, mapping: Path, tmp_path: Path
) -> None:
    rows = [a_row(n) for n in range(301, 311)]
    first, second = written(tmp_path, rows, name="a.csv"), written(tmp_path, [*rows, a_row(311)], name="b.csv")
    await imported(first, mapping, server, "--dataset", "hotline")
    assert await imported(second, mapping, server, "--dataset", "hotline") == {
        "accepted": 1, "repeated": 10, "refused": 0
    }  # fmt: skip


async def test_killed_anywhere_and_started_again_each_row_is_there_once(
    intake: Intake, server: str, mapping: Path, tmp_path: Path
) -> None:
    rows = [a_row(n) for n in range(1000, 1120)]
    rows[7] = "GD001007,少了列"
    file = written(tmp_path, rows)
    before = await intake.rows("report")
    progress = file.with_name(f"{file.name}.progress")
    few = ("--together", "20")
    for kill in range(1, 4):
        program = (sys.executable, "-m", "cli", *command(file, mapping, server, *few))
        process = await asyncio.create_subprocess_exec(*program, cwd=ROOT, stdout=asyncio.subprocess.DEVNULL)
        # Killed with a batch or two noted, at whatever it is doing then.
        await until(partial(is_past, progress, kill * 20))
        process.kill()
        assert await process.wait() == -signal.SIGKILL
    tally = await imported(file, mapping, server, *few)
    assert await intake.rows("report") == before + 119
    assert tally["accepted"] + tally["repeated"] == 119
    assert [line for line, _ in rejects_of(file)] == [9]


async def is_past(progress: Path, line: int) -> bool:
    return await asyncio.to_thread(_done_line, progress) >= line


def _done_line(progress: Path) -> int:
    return int(json.loads(progress.read_bytes())["done_line"]) if progress.exists() else 0


async def test_an_intake_that_is_away_is_waited_for_and_nothing_is_missed(
    intake: Intake, keyring: KeyRing, mapping: Path, tmp_path: Path
) -> None:
    file = written(tmp_path, [a_row(n) for n in range(5001, 5011)])
    first = HttpServer(make_api(intake.doors, keyring, intake.metrics), "127.0.0.1", 0)
    await first.start()
    port = first.port
    await first.stop()
    before = await intake.rows("report")
    waiting = asyncio.create_task(imported(file, mapping, f"http://127.0.0.1:{port}", "--patience", "60"))
    await asyncio.sleep(1)
    second = HttpServer(make_api(intake.doors, keyring, intake.metrics), "127.0.0.1", port)
    await second.start()
    assert await waiting == {"accepted": 10, "repeated": 0, "refused": 0}
    assert await intake.rows("report") == before + 10
    await second.stop()


async def test_a_changed_file_does_not_go_on_by_old_notes(
    intake: Intake, server: str, mapping: Path, tmp_path: Path
) -> None:
    file = written(tmp_path, [a_row(n) for n in range(6001, 6003)])
    await imported(file, mapping, server)
    written(tmp_path, [a_row(n) for n in range(6001, 6004)])
    result = await asyncio.to_thread(CliRunner().invoke, app, command(file, mapping, server))
    assert "notes" in str(result.exception)


def test_the_mapping_that_ships_fits_the_columns_that_it_is_for(tmp_path: Path) -> None:
    file = CsvFile(written(tmp_path, [a_row(1)]))
    assert file.encoding == "gb18030"
    shipped = YAML(typ="safe", pure=True).load((ROOT / "docs/examples/hotline-12345.yaml").read_text(encoding="utf-8"))
    rules = Rules.of(shipped)
    rules.check(file.columns())
    plan = Plan.of(file, rules)
    assert plan.started == Progress(file=plan.started.file, mapping=plan.started.mapping)
