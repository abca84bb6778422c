"""Commands that need no system: keys, playbooks, dry runs; and every failure in words."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import cli.__main__ as program
from cli.explain import chain_lines, span
from cli.keys import duration
from cli.tail import line_of
from cli.trouble import BROKEN, MISUSED, Trouble
from shared.runtime.auth import KeyRing
from shared.runtime.keyfile import read_keys
from shared.vocabulary import Role


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings of whoever runs the tests, and no platform of theirs."""
    for name in ("URL", "INTAKE_URL", "NOTIFIER_URL", "KEY", "KAFKA", "KEYS_FILE", "LANG"):
        monkeypatch.delenv(f"WHISTLE_{name}", raising=False)
    monkeypatch.setenv("WHISTLE_DATA", str(tmp_path / "nothing"))


def whistle(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Run a command; return its exit status, stdout and stderr."""
    status = program.run(list(arguments))
    said = capsys.readouterr()
    return status, said.out, said.err


def new_key(capsys: pytest.CaptureFixture[str], file: Path, *more: str) -> tuple[int, str, str]:
    return whistle(
        capsys, "keys", "new", "--name", "热线", "--role", "source", "--area", "990101", "--file", str(file), *more
    )


def test_a_new_key_opens_the_door_and_is_shown_once(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "keys.yaml"
    status, out, err = new_key(capsys, file)
    assert status == 0
    token = out.strip()
    assert KeyRing.load(file).authenticate(f"Bearer {token}").role is Role.SOURCE
    assert token not in err
    assert token not in file.read_text(encoding="utf-8")
    _, listed, _ = whistle(capsys, "keys", "list", "--file", str(file))
    assert "热线" in listed
    assert token not in listed


def test_a_rotated_key_keeps_its_old_secret_for_the_grace(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "keys.yaml"
    _, old, _ = new_key(capsys, file, "--id", "hotline")
    status, new, _ = whistle(capsys, "keys", "new", "--rotate", "hotline", "--grace", "1d", "--file", str(file))
    assert status == 0
    ring = KeyRing.load(file)
    assert {ring.authenticate(f"Bearer {token.strip()}").key_id for token in (old, new)} == {"hotline"}
    (key,) = read_keys(file)
    assert key.secrets[0].expires_at is not None


def test_a_key_may_be_made_for_programs(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    _, out, _ = new_key(capsys, tmp_path / "keys.yaml", "--expires", "365d", "--json")
    made = json.loads(out)
    assert made["token"].startswith(f"wk_{made['id']}_")


@pytest.mark.parametrize(
    ("arguments", "words"),
    (
        (("keys", "new", "--name", "a"), "at least one of --name, --role and --area"),
        (("keys", "new", "--name", "a", "--role", "desk", "--area", "99"), "6, 9, 12 or 15 digits"),
        (("keys", "new", "--name", "a", "--role", "department", "--area", "990101"), "--department does not fit"),
        (("keys", "new", "--rotate", "nobody"), "There is no key nobody"),
        (("keys", "new", "--name", "a", "--role", "desk", "--area", "990101", "--expires", "soon"), "365d, 12h or 30m"),
    ),
)
def test_a_key_that_cannot_be_made_says_how_to_mend_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    file = tmp_path / "keys.yaml"
    status, out, err = whistle(capsys, *arguments, "--file", str(file))
    assert status in {1, MISUSED}
    assert out == ""
    assert words in err
    assert not file.exists()


def test_without_a_file_the_keys_say_how_to_name_one(capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = whistle(capsys, "keys", "list")
    assert status == MISUSED
    assert "WHISTLE_KEYS_FILE" in err


@pytest.mark.parametrize(
    ("text", "length"), (("365d", timedelta(days=365)), ("12h", timedelta(hours=12)), ("30m", timedelta(minutes=30)))
)
def test_a_duration_has_a_unit(text: str, length: timedelta) -> None:
    assert duration(text, "--expires") == length


@pytest.mark.parametrize("text", ("", "d", "0d", "1w", "-1d", "1.5h"))
def test_a_duration_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(Trouble, match="is no duration"):
        duration(text, "--expires")


def test_the_demo_playbook_passes_its_check(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = whistle(capsys, "playbook", "check", "playbooks/yunlu", "--json")
    assert status == 0
    assert json.loads(out)["county"] == "990101"


def test_a_broken_playbook_names_every_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, _, err = whistle(capsys, "playbook", "check", str(tmp_path))
    assert status == 1
    assert "playbook.yaml" in err
    assert "areas.csv" in err
    assert "mend" in err


def test_a_dry_run_shows_what_would_be_sent(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("words,when\n路灯坏了,2026-11-21\n井盖丢了,soon\n", encoding="utf-8")
    status, out, err = whistle(
        capsys,
        "replay",
        str(file),
        "--map",
        "text=words",
        "--map",
        "occurred_at=when",
        "--set",
        "area=990101",
        "--dry-run",
    )
    assert status == 0
    first, second = (json.loads(line) for line in out.splitlines())
    assert "has no offset" in first["broken"]
    assert "is no time" in second["broken"]
    assert "2 of them cannot become a report" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    (
        (("status",), "It is not known where the notifier is"),
        (("send", "路灯坏了"), "whistle demo"),
        (("send",), "no text was given"),
        (("send", "a", "--lon", "1"), "only one of --lon and --lat"),
        (("explain", "12"), "a case id is a UUID"),
        (("status", "--url", "localhost"), "does not begin with http"),
        (("playbook", "show"), "--kafka HOST:PORT"),
        (("doctor", "--ops", "router"), "--ops router=http"),
    ),
)
def test_a_misuse_is_said_with_how_to_mend_it(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    status, out, err = whistle(capsys, *arguments)
    assert status == MISUSED
    assert out == ""
    assert words in err
    assert "mend" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("rows", "words"), (("no\n1\n", "there is no column text"), ("", "has no rows")), ids=("column", "empty")
)
def test_a_replay_that_cannot_work_says_so_before_it_sends(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, rows: str, words: str
) -> None:
    file = tmp_path / "rows.csv"
    file.write_text(rows, encoding="utf-8")
    status, _, err = whistle(capsys, "replay", str(file), "--map", "text=text", "--url", "http://127.0.0.1:9")
    assert status in {1, MISUSED}
    assert words in err


def test_a_fault_of_the_program_is_no_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_arguments: object, **_named: object) -> None:
        raise KeyError("surprise")

    monkeypatch.setattr(program, "app", fails)
    status, _, err = whistle(capsys, "status")
    assert status == BROKEN
    assert "WHISTLE_DEBUG=1" in err
    assert "Traceback" not in err


def test_an_unknown_command_is_a_misuse(capsys: pytest.CaptureFixture[str]) -> None:
    assert whistle(capsys, "blow")[0] == MISUSED


def told(**more: Any) -> dict[str, Any]:
    case = {"case_id": "c1", "severity": 2, "area": "990101001", "title": "[燃气] 泄漏", "lead": None}
    return {
        "type": "whistle.order.issued.v1", "time": "2026-11-21T08:00:00+00:00",
        "words": {"zh": "派单给县燃气公司", "en": "Order to Gas Company"}, "case": case, **more,
    }  # fmt: skip


def test_a_line_of_the_stream_says_who_where_what_and_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHISTLE_LANG", "en")
    line = line_of(told(data={"explanation": {"rule_id": "gas-leak"}}), position="7")
    for part in ("II", "990101001", "Order to Gas Company", "[燃气] 泄漏", "gas-leak", "#7"):
        assert part in line
    monkeypatch.setenv("WHISTLE_LANG", "zh")
    assert "派单给县燃气公司" in line_of(told())


def test_a_clock_is_explained_with_the_steps_of_its_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHISTLE_LANG", "en")
    at, title = "2026-11-21T08:00:00+00:00", {"zh": "催办", "en": "Urging"}
    step = {"step": "urge", "nth": 2, "action": "urge", "title": title}
    village = {"target": {"kind": "desk", "id": "990101001200", "name": "村平台"}}
    clock = {
        "chain": "urging",
        "chain_title": {"zh": "催办链", "en": "Urging ladder"},
        "steps": [{**step, "fired_at": at, "to": [village]}],
        "ahead": [{**step, "nth": 1, "at": at}],
    }
    head, taken, coming = chain_lines(clock)
    assert "Urging ladder" in head
    for part in ("urge #2", "Urging", "村平台"):
        assert part in taken
    assert "to come" in coming
    assert "#1" not in coming
    assert list(chain_lines({"chain": None})) == []


def test_a_circular_of_a_case_that_stays_shut_is_a_line_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHISTLE_LANG", "en")
    circular = {"case_id": "c9", "area": "990101002300", "category": "03.001", "severity": 1}
    said = {"zh": "全县通报：…", "en": "Made known to the whole county"}
    line = line_of(told(case=None, data=None, words=said, circular=circular))
    for part in ("990101002300", "Made known to the whole county", "03.001", "c9"):
        assert part in line


@pytest.mark.parametrize(
    ("seconds", "words"), ((59.9, "59 s"), (61, "1 min 1 s"), (3660, "1 h 1 min"), (90000, "1 d 1 h"))
)
def test_a_duration_is_said_in_two_units(seconds: float, words: str) -> None:
    assert span(seconds) == words
