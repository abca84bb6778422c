"""``whistle classify`` on files: a model is made, measured, put where intake reads it, and tried."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

import cli.__main__ as program
from cli.trouble import FAILED, MISUSED
from shared.learning.file import read_model
from tests.fakes.tiny_playbook import write_tiny

GOOD = "text,category\n" + "".join(
    f"{text},{category}\n"
    for category, texts in (
        ("03.001", ("楼道有煤气味", "厨房漏气", "闻到燃气味道", "管子在漏气", "气味刺鼻像煤气", "阀门边上漏气")),
        ("03", ("问燃气怎么缴费", "燃气表坏了", "换燃气灶", "燃气卡丢了", "燃气开户", "查燃气账单")),
    )
    for text in texts
)


@pytest.fixture(autouse=True)
def _nowhere_in_june(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("cli.in_force.utc_now", lambda: datetime(2026, 6, 1, 4, tzinfo=UTC))
    for name in ("KAFKA", "LANG", "MODELS"):
        monkeypatch.delenv(f"WHISTLE_{name}", raising=False)
    monkeypatch.setenv("WHISTLE_DATA", str(tmp_path / "nothing"))


def file_of(folder: Path, text: str | bytes) -> str:
    path = folder / "past.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = program.run(["classify", *arguments])
    said = capsys.readouterr()
    return status, said.out, said.err


@pytest.mark.parametrize("encoding", ("utf-8", "utf-8-sig", "gb18030"))
def test_a_history_becomes_a_model_in_any_usual_encoding(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, encoding: str
) -> None:
    history, models = file_of(tmp_path, GOOD.encode(encoding)), tmp_path / "models"
    status, out, err = run(
        capsys, "train", "--county", "990199", "--history", history, "--models", str(models), "--json"
    )
    assert status == 0, err
    told = json.loads(out)
    assert told["examples"] == told["scored"] == 12
    assert told["macro_f1"] == round(read_model(models / "990199.skops").macro_f1, 4)
    assert set(told["by_category"]) == {"03", "03.001"}


def test_rows_that_say_nothing_and_categories_nobody_has_are_passed_over_with_their_reason(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    history = file_of(tmp_path, GOOD + ",03\n有字没类,\n狗咬人,10.009\n")
    folder = write_tiny(tmp_path / "playbook")
    status, out, err = run(capsys, "evaluate", "--history", history, "--playbook", str(folder), "--json")
    assert status == 0, err
    told = json.loads(out)
    assert (told["examples"], told["passed_over"]) == (12, 3)


def test_a_text_is_tried_as_intake_would_see_it(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder, models = write_tiny(tmp_path / "playbook"), str(tmp_path / "models")
    run(capsys, "train", "--county", "990199", "--history", file_of(tmp_path, GOOD), "--models", models)
    words = run(capsys, "try", "东村有漏气", "--playbook", str(folder), "--json")
    both = run(capsys, "try", "东村有漏气", "--playbook", str(folder), "--models", models, "--json")
    for status, out, err in (words, both):
        assert status == 0, err
        assert json.loads(out)["category"].startswith("03.001")
    assert json.loads(both[1])["confidence"] != json.loads(words[1])["confidence"]
    assert "漏气" in json.loads(words[1])["why"]


@pytest.mark.parametrize(
    ("text", "says"),
    (("text,kind\na,b\n", "no column category"), ("text,category\n一样,03\n一样,03\n", "fewer than two categories")),
)
def test_a_history_that_teaches_nothing_is_refused_with_what_is_missing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str, says: str
) -> None:
    arguments = ("--county", "990199", "--history", file_of(tmp_path, text), "--models", str(tmp_path / "models"))
    status, _, err = run(capsys, "train", *arguments)
    assert status == FAILED
    assert says in err
    assert not (tmp_path / "models").exists()


@pytest.mark.parametrize("command", (("evaluate",), ("train", "--county", "990199", "--models", "models")))
def test_texts_without_words_are_refused_with_that_reason(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, command: tuple[str, ...]
) -> None:
    rows = "".join(f"{number},{category}\n" for number in range(100, 106) for category in ("03", "03.001"))
    status, _, err = run(capsys, *command, "--history", file_of(tmp_path, f"text,category\n{rows}"))
    assert status == FAILED
    assert "no text holds words" in err


def test_nothing_to_learn_from_is_misuse(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, _, err = run(capsys, "train", "--county", "990199", "--models", str(tmp_path))
    assert status == MISUSED
    assert "--history" in err


def test_a_file_that_is_no_model_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = write_tiny(tmp_path / "playbook")
    (tmp_path / "990199.skops").write_bytes(b"no model")
    status, _, err = run(capsys, "try", "漏气", "--playbook", str(folder), "--models", str(tmp_path))
    assert status == FAILED
    assert "990199.skops" in err
