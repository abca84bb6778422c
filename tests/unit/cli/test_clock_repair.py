"""``whistle clocks repair`` and ``reconcile`` start escalation's own programs, or name the command that does."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli.__main__ import run
from services.escalation.reconcile import main as reconcile
from services.escalation.repair import main as repair

CASE = "6e5f1523-bccd-52f6-877c-fb9d2dc0af98"


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[list[str], dict[str, str]]]:
    calls: list[tuple[list[str], dict[str, str]]] = []

    class Ended:
        returncode = 3

    def note(command: list[str], *, env: dict[str, str], check: bool) -> Ended:
        calls.append((command, env))
        return Ended()

    monkeypatch.setattr(subprocess, "run", note)
    for name in ("WHISTLE_KAFKA", "WHISTLE_POSTGRES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WHISTLE_DATA", str(tmp_path))
    monkeypatch.setenv("WHISTLE_LANG", "zh")
    return calls


def test_the_program_is_started_with_what_the_environment_says(
    started: list[tuple[list[str], dict[str, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHISTLE_KAFKA", "kafka:9092")
    monkeypatch.setenv("WHISTLE_POSTGRES", "postgresql://db/whistle")
    assert run(["clocks", "repair", CASE, "--by", "-x", "--reason", "why", "--dry-run", "--json"]) == 3
    assert run(["clocks", "reconcile"]) == 3
    (repairs, known), (reconciles, _) = started
    module = "services.escalation.repair"
    assert repairs == [sys.executable, "-m", module, CASE, "--by=-x", "--reason=why", "--dry-run", "--json"]
    assert reconciles == [sys.executable, "-m", "services.escalation.reconcile"]
    assert (known["WHISTLE_KAFKA"], known["WHISTLE_POSTGRES"]) == ("kafka:9092", "postgresql://db/whistle")
    assert known["WHISTLE_LANG"] == "zh"


def test_a_local_platform_tells_where_its_servers_are(
    started: list[tuple[list[str], dict[str, str]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_json = {"pid": os.getpid(), "kafka": "127.0.0.1:1", "postgres": "postgresql://local/whistle"}
    (tmp_path / "run.json").write_text(json.dumps(run_json))
    assert run(["clocks", "repair", CASE, "--dry-run"]) == 3
    assert started[0][1]["WHISTLE_POSTGRES"] == "postgresql://local/whistle"


def test_without_an_address_nothing_is_started(
    started: list[tuple[list[str], dict[str, str]]], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHISTLE_KAFKA", "kafka:9092")
    assert run(["clocks", "reconcile"]) == 2
    assert started == []
    assert "PostgreSQL" in capsys.readouterr().err


def test_where_escalation_is_not_installed_the_command_in_its_pod_is_named(
    started: list[tuple[list[str], dict[str, str]]], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert run(["clocks", "repair", CASE, "--dry-run"]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert f"exec escalation-0 -c escalation -- python -m services.escalation.repair {CASE} --dry-run" in said
    assert started == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    (
        ([CASE], "--by is needed"),
        ([CASE, "--by", "me"], "--reason is needed"),
        ([CASE, "--by", "  ", "--reason", "why"], "--by is needed"),
        ([CASE, "--by", "me", "--reason", "y" * 501], "at most 500"),
    ),
)
def test_a_repair_is_refused_without_who_and_why(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert repair(arguments) == 2
    assert says in capsys.readouterr().err


def test_a_missing_setting_is_named(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WHISTLE_KAFKA", "WHISTLE_POSTGRES"):
        monkeypatch.delenv(name, raising=False)
    assert repair([CASE, "--dry-run"]) == 2
    assert reconcile([]) == 2
    assert capsys.readouterr().err.count("WHISTLE_KAFKA, WHISTLE_POSTGRES") == 2
