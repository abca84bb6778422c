"""``whistle rules check``: what it finds, where, and what the cases beside the rules come to."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import cli.__main__ as program
from tests.fakes.tiny_playbook import write_tiny

LEAK = """\
  - id: leak
    title: {zh: 泄漏, en: Leak}
    when: {category: ["03.001"], area: ["990199001"]}
    lead: {department: gas}
    because: {zh: 燃气公司主办, en: The gas company leads}
"""
BY_DUTY = """\
  - id: by-duty
    title: {zh: 按权责, en: By duty}
    lead: {duty: }
    because: {zh: 谁的职责谁办, en: Whose duty it is}
"""
SECOND = LEAK.replace("id: leak", "id: second")
OTHER_LEAD = ("department: gas", "desk: town")
IN_ONE_VILLAGE = ('area: ["990199001"]', 'area: ["990199001001"]')


@pytest.fixture(autouse=True)
def _a_day_in_june(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is expired must not depend on the day on which the tests run."""
    monkeypatch.setenv("WHISTLE_LANG", "en")
    for module in ("cli.in_force", "shared.runtime.clock"):
        monkeypatch.setattr(f"{module}.utc_now", lambda: datetime(2026, 6, 1, 4, tzinfo=UTC))


def rules_of(folder: Path, *rules: str, cases: str = "", **changes: tuple[str, str]) -> Path:
    """The tiny playbook with these rules before the one by duty."""
    write_tiny(folder, **changes)
    (folder / "rules.yaml").write_text("rules:\n" + "".join(rules) + BY_DUTY, encoding="utf-8")
    if cases:
        (folder / "cases.yaml").write_text(f"cases:\n{cases}", encoding="utf-8")
    return folder


def checked(capsys: pytest.CaptureFixture[str], folder: Path, *more: str) -> tuple[int, list[dict[str, Any]]]:
    """The command's exit status, and all that it said of the rules."""
    status = program.run(["rules", "check", str(folder), "--json", *more])
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    return status, [json.loads(line) for line in said.out.splitlines()]


def found(told: list[dict[str, Any]], subject: str) -> list[dict[str, Any]]:
    return [one for one in told if one.get("subject") == subject]


@pytest.mark.parametrize(
    ("rules", "subject", "words", "lines"),
    (
        ((LEAK, SECOND.replace(*IN_ONE_VILLAGE)), "shadowed", "'leak' before it takes every case", (7, 2)),
        (
            (LEAK, SECOND.replace("leak", "shadow").replace("lead:", "state: shadow\n    lead:")),
            "shadowed",
            "never is counted",
            (7, 2),
        ),
        (
            (
                '  - group: west\n    when: {area: ["990199001002"]}\n    rules:\n',
                *(f"    {line}\n" for line in LEAK.replace(*IN_ONE_VILLAGE).splitlines()),
            ),
            "never_matches",
            "'leak' can never match",
            (7, None),
        ),
        (
            (LEAK, SECOND.replace('category: ["03.001"], area: ["990199001"]', "words: [漏气]").replace(*OTHER_LEAD)),
            "overlaps",
            "'leak' may hold together with 'second'",
            (2, 7),
        ),
        ((LEAK.replace("lead:", "valid: {until: 2026-01-01}\n    lead:"),), "dates", "ended on 2026-01-01", (5, None)),
        (
            (
                LEAK.replace("when:", "valid: {from: 2999-01-01}\n    when:"),
            ),
            "dates",
            "begins on 2999-01-01",
            (4, None),
        ),
    ),
    ids=("shadowed", "shadowed-shadow", "never", "overlaps", "expired", "begins"),
)  # fmt: skip
def test_a_finding_names_file_and_line_and_how_to_mend_it(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    rules: tuple[str, ...],
    subject: str,
    words: str,
    lines: tuple[int, int | None],
) -> None:
    status, told = checked(capsys, rules_of(tmp_path, *rules))
    (finding,) = found(told, subject)
    assert status == 0, "advice alone fails nothing"
    assert words in finding["what"]
    assert (finding["file"], finding["line"], finding["other_line"]) == ("rules.yaml", *lines)
    assert finding["why"]
    assert finding["mend"]


def test_only_strict_fails_and_only_for_more_than_notes(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    doubled = rules_of(tmp_path, LEAK, SECOND)
    assert [checked(capsys, doubled, *more)[0] for more in ((), ("--strict",))] == [0, 1]
    status, told = checked(capsys, Path("playbooks/yunlu"), "--strict")
    assert (status, {one["weight"] for one in told if one["kind"] == "advice"}) == (0, {"note"})
    assert [one for one in checked(capsys, Path("playbooks/yunlu"), "--quiet")[1] if one["kind"] == "advice"] == []


@pytest.mark.parametrize("which", ("clock 'sign-urgent'", "matter 'leak'", "zone 'school'"))
def test_a_template_that_nothing_uses_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path, which: str) -> None:
    unused = [one["what"] for one in found(checked(capsys, write_tiny(tmp_path))[1], "unused")]
    assert any(one.startswith(which) for one in unused), unused
    assert not any("drill" in one for one in unused), "a drill needs no overlay"


def test_a_contested_duty_is_told_with_both_departments(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    gas = "gas,燃气公司,Gas Company,990199\n"
    handles = "gas,03,990199,handle\n"
    folder = rules_of(
        tmp_path,
        LEAK,
        duties=(handles, f"{handles}water,03,990199,handle\n"),
        departments=(gas, f"{gas}water,水务局,Water,990199\n"),
    )
    contested = found(checked(capsys, folder)[1], "contested_duty")
    assert len(contested) == 2, "the category and its child"
    assert all("gas and water may all handle" in one["what"] for one in contested)
    assert {one["file"] for one in contested} == {"categories.yaml"}


def test_a_department_asked_without_backup_at_hours_that_its_roster_leaves_open(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    shifts = ("990199001001,1-5,08:00,18:00,o1\n", "990199001001,1-5,08:00,18:00,o1\ngas,1-5,08:00,18:00,o1\n")
    folder = rules_of(tmp_path, LEAK, shifts=shifts)
    gaps = found(checked(capsys, folder)[1], "roster_gap")
    assert any("asks gas, which has nobody on duty from weekday 1, 00:00" in gap["what"] for gap in gaps)
    (sleeping,) = (gap for gap in gaps if gap["file"] == "areas.csv")
    assert "990199001001" in sleeping["what"]


CASE = """\
  - name: a leak
    case: {area: "990199001001", category: "03.001", text: 漏气}
    expect: {lead: gas, rule: leak, assist: [], unrouted: false}
"""


def test_a_case_as_expected_passes(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, told = checked(capsys, rules_of(tmp_path, LEAK, cases=CASE))
    (case,) = (one for one in told if one["kind"] == "case")
    assert (status, case["passed"], case["line"]) == (0, True, 2)
    assert told[-1]["cases"] == 1


@pytest.mark.parametrize(
    ("change", "wrong"),
    (
        (("lead: gas", "lead: east-station"), ("lead", "east-station", "gas")),
        (("rule: leak", "rule: by-duty"), ("rule", "by-duty", "leak")),
        (("assist: []", "assist: [east-station]"), ("assist", "east-station", "")),
        (("unrouted: false", "unrouted: true"), ("unrouted", "yes", "no")),
        (("unrouted: false", "severity: I"), ("severity", "I", "not set")),
        (("unrouted: false", "tags: [urgent]"), ("tags", "urgent", "")),
        (("unrouted: false", "ruling: true"), ("ruling", "yes", "no")),
    ),
)
def test_a_case_that_comes_out_otherwise_fails_with_both(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, change: tuple[str, str], wrong: tuple[str, str, str]
) -> None:
    folder = rules_of(tmp_path, LEAK, cases=CASE.replace(*change))
    status, told = checked(capsys, folder)
    (case,) = (one for one in told if one["kind"] == "case")
    assert (status, case["passed"]) == (1, False)
    assert [tuple(one.values()) for one in case["wrong"]] == [wrong]
    assert program.run(["rules", "check", str(folder)]) == 1
    assert "because Rule 'Leak'" in capsys.readouterr().out


def test_time_mode_and_returns_of_a_case_count(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    night = LEAK.replace('["990199001"]}', '["990199001"], time: [{hours: "22:00-06:00"}]}').replace(
        "gas}", "east-station}"
    )
    cases = "".join(
        CASE.replace("text: 漏气", more).replace("lead: gas, rule: leak", expected)
        for more, expected in (
            ('at: "2026-11-20T23:00"', "lead: east-station, rule: leak"),
            ('at: "2026-11-20T15:00Z"', "lead: east-station, rule: leak"),
            ('at: "2026-11-20T12:00"', "lead: gas, rule: by-duty"),
            ('at: "2026-11-20T23:00", returned_by: [east-station]', "rule: by-duty, lead: gas"),
        )
    )
    # One who returned it leaves its rule without a lead: the walk ended there, and nobody else is asked by it.
    status, told = checked(capsys, rules_of(tmp_path, night, cases=cases))
    passed = [one["passed"] for one in told if one["kind"] == "case"]
    assert (status, passed) == (1, [True, True, True, False])


@pytest.mark.parametrize(
    ("change", "line", "words"),
    (
        (("lead: gas", "lead: gass"), 4, "no department or desk 'gass'; allowed: gas"),
        (('"03.001"', '"03.002"'), 3, "no category '03.002'"),
        (('area: "990199001001"', 'area: "110101"'), 3, "no area '110101'"),
        (("rule: leak", "rule: laek"), 4, "no rule 'laek'"),
        (("text: 漏气", "mode: flood"), 3, "no mode 'flood'"),
        (("text: 漏气", "txt: 漏气"), 3, "nobody reads this field"),
        (("text: 漏气", "at: 2026-11-20"), 3, "in quotes"),
        (("text: 漏气", "earlier: [soon]"), 3, "hours or days, such as 36h or 3d"),
        (("text: 漏气", "severity: V"), 3, "allowed: I, II, III, IV"),
        (("  - name: a leak\n", "  - x: a leak\n"), 2, "nobody reads this field"),
    ),
)
def test_a_slip_in_a_case_is_refused_with_line_and_what_is_allowed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, change: tuple[str, str], line: int, words: str
) -> None:
    status = program.run(["rules", "check", str(rules_of(tmp_path, LEAK, cases=CASE.replace(*change)))])
    said = capsys.readouterr().err
    assert status == 1
    assert f"cases.yaml:{line}" in said
    assert words in said


def test_the_demo_county_has_nothing_to_mend_and_all_its_cases_pass(capsys: pytest.CaptureFixture[str]) -> None:
    status, told = checked(capsys, Path("playbooks/yunlu"), "--strict")
    assert status == 0, [one for one in told if one.get("passed") is False or one.get("weight") in {"mistake", "look"}]
    assert told[-1]["cases"] > 20
