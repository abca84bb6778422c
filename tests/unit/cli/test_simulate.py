"""``whistle simulate`` on files: who would have got what, what moves, and when that must be allowed."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

import cli.__main__ as program
from cli.simulate import MOVED
from cli.trouble import MISUSED
from shared.events.case import CaseFiled, CaseOpened, CaseReportJoined
from shared.events.parts import Place
from shared.vocabulary import Severity
from tests.fakes.router import a_case, opened
from tests.fakes.tiny_playbook import write_tiny

AREA = "990199001001"
LEAK = "03.001"


@pytest.fixture(autouse=True)
def _nowhere_in_june(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("cli.in_force.utc_now", lambda: datetime(2026, 6, 1, 4, tzinfo=UTC))
    for name in ("KAFKA", "LANG"):
        monkeypatch.delenv(f"WHISTLE_{name}", raising=False)
    monkeypatch.setenv("WHISTLE_DATA", str(tmp_path / "nothing"))
    monkeypatch.setenv("WHISTLE_LANG", "en")


def history(file: Path, *severities: Severity, area: str = AREA, **changes: Any) -> Path:
    """A file of opened leaks, one of each severity."""
    cases = [
        a_case(area, LEAK, severity=severity, place=Place(lon=100.5, lat=25.5), **changes) for severity in severities
    ]
    file.write_bytes(b"".join(msgspec.json.encode(opened(case, "漏气")) + b"\n" for case in cases))
    return file


def simulated(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, rules: tuple[str, str], *more: str, file: Path | None = None
) -> tuple[int, str, str]:
    """The command on a draft whose rules differ in one text."""
    before = write_tiny(tmp_path / "before")
    draft = write_tiny(tmp_path / "draft", playbook=('version: "1"', 'version: "2"'), rules=rules)
    chosen = file or history(tmp_path / "history.ndjson", Severity.III, Severity.IV)
    status = program.run(["simulate", str(draft), "--against", str(before), "--file", str(chosen), *more])
    said = capsys.readouterr()
    return status, said.out, said.err


SAME = ("燃气公司主办", "燃气公司来办")
OTHER_LEAD = ("lead: {department: gas}\n    assist: [{duty: assist}]", "lead: {department: east-station}")


def test_a_draft_that_decides_alike_moves_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, out, _ = simulated(capsys, tmp_path, SAME, "--json")
    told = json.loads(out)
    assert status == 0
    assert (told["cases"], told["moved"], told["changed"], told["changes"]) == (2, 0, 0, [])
    assert told["before"]["version"], told["after"]["version"] == ("1", "2")
    assert {load["who"]: load["before"] for load in told["loads"]} == {
        "department/gas": 2,
        "department/east-station": 2,
    }


def test_another_lead_is_told_with_both_rules_and_examples(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, out, _ = simulated(capsys, tmp_path, OTHER_LEAD, "--json")
    told = json.loads(out)
    (change,) = told["changes"]
    assert status == 0, "cases of severity III may move"
    assert change["moved"]
    assert change["cases"] == 2
    assert change["lead_before"] == {"role": "lead", "who": "department/gas", "rule": "leak"}
    assert change["lead_after"] == {"role": "lead", "who": "department/east-station", "rule": "leak"}
    assert len(change["examples"]) == 2
    loads = {load["who"]: (load["before"], load["after"]) for load in told["loads"]}
    assert loads == {"department/gas": (2, 0), "department/east-station": (2, 2)}


@pytest.mark.parametrize("severity", (Severity.I, Severity.II))
def test_a_grave_case_that_moves_must_be_allowed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, severity: Severity
) -> None:
    file = history(tmp_path / "h.ndjson", severity, Severity.III)
    status, _, err = simulated(capsys, tmp_path, OTHER_LEAD, file=file)
    assert status == MOVED
    assert "1 case of severity I or II would move" in err
    assert "--allow-moved" in err
    assert simulated(capsys, tmp_path, OTHER_LEAD, "--allow-moved", file=file)[0] == 0


def test_an_order_that_is_no_longer_given_moves_a_case(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = history(tmp_path / "h.ndjson", Severity.I)
    status, out, _ = simulated(capsys, tmp_path, ("assist: [{duty: assist}]\n", "\n"), "--json", file=file)
    (change,) = json.loads(out)["changes"]
    assert status == MOVED
    assert change["lead_before"] is None
    assert [order["who"] for order in change["lost"]] == ["department/east-station"]


def test_an_order_more_changes_a_case_and_moves_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = history(tmp_path / "h.ndjson", Severity.I)
    more = ("assist: [{duty: assist}]", "assist: [{duty: assist}]\n    oversee: [{desk: county}]")
    status, out, _ = simulated(capsys, tmp_path, more, "--json", file=file)
    told = json.loads(out)
    assert status == 0
    assert (told["moved"], told["changed"]) == (0, 1)
    assert [order["who"] for order in told["changes"][0]["gained"]] == ["desk/990199"]


def test_a_setting_is_a_change(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    sets = ("    lead: {department: gas}\n", "    lead: {department: gas}\n    set: {severity: I, tags: [urgent]}\n")
    _, out, _ = simulated(capsys, tmp_path, sets, "--json")
    (change,) = json.loads(out)["changes"]
    assert change["sets_after"] == ["severity I", "tag urgent"]
    assert change["grave"] == 2, "the draft makes them grave"


def test_a_rule_in_shadow_is_counted(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, out, _ = simulated(capsys, tmp_path, ("  - id: leak\n", "  - id: leak\n    state: shadow\n"), "--json")
    assert status == 0
    assert json.loads(out)["shadows"] == {"leak": {"before": 0, "after": 2}}


def test_the_instant_decides_for_every_case(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    night = ('area: ["990199001"]', 'area: ["990199001"], time: [{hours: "22:00-06:00"}]')
    by_day = simulated(capsys, tmp_path, night, "--at", "2026-11-20T12:00+08:00", "--json")[1]
    by_night = simulated(capsys, tmp_path, night, "--at", "2026-11-20T23:00+08:00", "--json")[1]
    assert (json.loads(by_day)["changed"], json.loads(by_night)["changed"]) == (2, 0)


def test_the_table_and_the_csv_say_who_gets_more(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    _, out, _ = simulated(capsys, tmp_path, OTHER_LEAD)
    for part in (
        "moved 2 (100.0 %)",
        "Gas Company (gas) by leak → East Station (east-station) by leak",
        "such as",
        "-2",
    ):
        assert part in out
    _, out, _ = simulated(capsys, tmp_path, OTHER_LEAD, "--csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["kind"] for row in rows] == ["moved", "load", "load"]
    assert (rows[0]["cases"], rows[1]["who"], rows[1]["orders_after"]) == ("2", "department/gas", "0")


def test_lines_of_the_stream_and_unreadable_lines_are_taken_and_told(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = history(tmp_path / "h.ndjson", Severity.III)
    line = file.read_text(encoding="utf-8").strip()
    file.write_text(
        f'{line}\n{{"type": "{CaseOpened.TYPE}", "data": {line}}}\nno json\n{{"case": 1}}\n\n', encoding="utf-8"
    )
    status, out, err = simulated(capsys, tmp_path, SAME, "--json", file=file)
    told = json.loads(out)
    assert (status, told["cases"], told["unreadable"]) == (0, 2, 2)
    assert "line 3" in err


def test_only_what_the_router_routed_as_opened_is_replayed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = history(tmp_path / "h.ndjson", Severity.III)
    line = file.read_text(encoding="utf-8").strip()
    received = line.replace('"state":"opened"', '"state":"received"')
    assert received != line
    lines = [f'{{"type": "{kind.TYPE}", "data": {line}}}' for kind in (CaseFiled, CaseReportJoined)]
    file.write_text("\n".join((received, f'{{"data": {received}}}', *lines)), encoding="utf-8")
    told = json.loads(simulated(capsys, tmp_path, SAME, "--json", file=file)[1])
    assert (told["cases"], told["unreadable"]) == (1, 0), "the one that was filed"


def test_cases_of_another_county_are_left_out(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = history(tmp_path / "h.ndjson", Severity.I, area="990101001001")
    assert json.loads(simulated(capsys, tmp_path, OTHER_LEAD, "--json", file=file)[1])["cases"] == 0


def test_what_is_saved_can_be_replayed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    kept = tmp_path / "kept.ndjson"
    first = simulated(capsys, tmp_path, OTHER_LEAD, "--save", str(kept), "--json")[1]
    assert simulated(capsys, tmp_path, OTHER_LEAD, "--json", file=kept)[1] == first


@pytest.mark.parametrize(
    ("more", "words"),
    (
        (("--since", "soon"), "7d"),
        (("--at", "noon"), "2026-11-21T22:30+08:00"),
        (("--at", "2026-11-21T22:30"), "no offset"),
        (("--mode", "flood"), "allowed: drill, flood-II, normal"),
    ),
)
def test_a_misuse_says_how_to_mend_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, more: tuple[str, ...], words: str
) -> None:
    status, out, err = simulated(capsys, tmp_path, SAME, *more)
    assert (status, out) == (MISUSED, "")
    assert words in err.replace("365d", "7d")


def test_without_kafka_and_without_a_folder_there_is_nothing_to_compare_with(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    status = program.run(["simulate", str(write_tiny(tmp_path / "draft"))])
    assert status == MISUSED
    assert "--kafka HOST:PORT" in capsys.readouterr().err
