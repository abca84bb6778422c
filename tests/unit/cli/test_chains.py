"""``whistle chain``: what happens to a case that nobody touches, from its opening to the county's leader on duty."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

import cli.__main__ as program

YUNLU = Path("playbooks/yunlu")
NIGHT: Final = "2026-11-24T02:00:00+08:00"
VILLAGE: Final = "990101101200"
GAS: Final = "03.001"


@pytest.fixture(autouse=True)
def _in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHISTLE_LANG", "en")


def simulated(capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, list[dict[str, Any]], str]:
    words = ["chain", "simulate", "--playbook", str(YUNLU), "--json", "--at", NIGHT, *more]
    status = program.run(words)
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    return status, [json.loads(line) for line in said.out.splitlines()], said.err


def of(lines: list[dict[str, Any]], word: str) -> list[dict[str, Any]]:
    return [line for line in lines if line["type"] == f"whistle.{word}.v1"]


def test_a_case_that_nobody_touches_comes_to_the_county_and_then_to_its_leader_on_duty(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, lines, _ = simulated(capsys, "--category", GAS, "--area", VILLAGE, "--within", "12h")
    assert status == 0
    levels = [line["level"] for line in of(lines, "sla.escalated")]
    assert levels[-1] == "county"
    told = [line for line in of(lines, "sla.stepped") if any("leader:" in one for one in line["told"])]
    assert any("990101 (leader: o" in one or "云麓县" in one for line in told for one in line["told"])
    last = datetime.fromisoformat(told[-1]["at"])
    first = datetime.fromisoformat(of(lines, "case.opened")[0]["at"])
    assert timedelta() < last - first <= timedelta(hours=12)


def test_what_happens_stands_in_the_order_of_time_and_nothing_stands_twice(capsys: pytest.CaptureFixture[str]) -> None:
    _, lines, _ = simulated(capsys, "--category", "05.003", "--area", VILLAGE, "--within", "40d")
    instants = [datetime.fromisoformat(line["at"]) for line in lines]
    assert instants == sorted(instants)
    warned = [(line["words"]["zh"], line["order_id"], line["at"]) for line in of(lines, "sla.warned")]
    assert warned
    assert len(set(warned)) == len(warned)


@pytest.mark.parametrize("category", (GAS, "05.003"))
def test_each_sentence_says_limits_in_its_own_language(capsys: pytest.CaptureFixture[str], category: str) -> None:
    _, lines, _ = simulated(capsys, "--category", category, "--area", VILLAGE, "--within", "12h", "--all")
    said = [line["words"] for line in lines]
    assert any("分钟（连续）" in words["zh"] for words in said)
    assert [words["zh"] for words in said if re.search(r"(minutes|hours|days)\b", words["zh"])] == []
    assert [words["en"] for words in said if re.search(r"分钟|工作时|工作日|自然日|（连续）", words["en"])] == []


def test_the_same_question_has_the_same_answer(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("--category", GAS, "--area", VILLAGE, "--within", "3h")
    assert simulated(capsys, *asked)[1] == simulated(capsys, *asked)[1]


def test_an_end_cuts_what_comes_after_it_and_nothing_before(capsys: pytest.CaptureFixture[str]) -> None:
    _, short, _ = simulated(capsys, "--category", GAS, "--area", VILLAGE, "--within", "30m")
    _, long, _ = simulated(capsys, "--category", GAS, "--area", VILLAGE, "--within", "12h")
    assert short == long[: len(short)]
    assert len(short) < len(long)


def test_a_person_reads_a_line_an_event_with_the_time_passed_and_the_county_s_own_time(
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = ["chain", "simulate", "--playbook", str(YUNLU), "--category", GAS, "--area", VILLAGE, "--at", NIGHT]
    assert program.run([*asked, "--within", "1h"]) == 0
    first, *rest = capsys.readouterr().out.splitlines()
    assert first.split()[:4] == ["+00:00:00", "2026-11-24", "Tue", "02:00:00"]
    assert not any("limit runs from now on" in line for line in rest)
    assert program.run([*asked, "--within", "1h", "--all"]) == 0
    assert any("runs from now on" in line for line in capsys.readouterr().out.splitlines())


@pytest.mark.parametrize(
    ("option", "value", "named"),
    (
        ("--category", "03.0001", "03.001"),
        ("--area", "990101101299", "990101"),
        ("--mode", "flod-I", "flood-I"),
        ("--at", "tomorrow", "2026-11-21T22:30+08:00"),
        ("--within", "soon", "365d, 12h or 30m"),
    ),
)
def test_what_is_not_known_is_refused_with_what_is_allowed(
    capsys: pytest.CaptureFixture[str], option: str, value: str, named: str
) -> None:
    options = {"--category": GAS, "--area": VILLAGE, "--within": "1h"} | {option: value}
    status, lines, said = simulated(capsys, *(word for pair in options.items() for word in pair))
    assert (status, lines) == (2, [])
    assert named in said


def test_a_step_in_a_year_without_a_calendar_says_that_natural_time_was_counted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = ("--category", "05.003", "--area", VILLAGE, "--at", "2027-12-20T09:00+08:00", "--within", "20d")
    status, lines, said = simulated(capsys, *asked)
    assert status == 0
    marked = [line for line in lines if line["natural_time"]]
    assert {line["type"] for line in marked} == {"whistle.sla.stepped.v1"}
    # Five working days after Tuesday, 28 December come on a Sunday when they are counted as days.
    assert "2028-01-02T01:00:00+00:00" in {line["at"] for line in marked}
    assert not [line for line in lines if line["natural_time"] and line["at"] < "2027-12-31T16:00"]
    assert "does not know 2028" in said
    assert "whistle calendar fill 2028 FOLDER" in said
    assert program.run(["chain", "simulate", "--playbook", str(YUNLU), *asked]) == 0
    shown = capsys.readouterr().out.splitlines()
    noted = [line for line in shown if "natural time was counted" in line]
    assert len(noted) == len(marked)
    assert any("2028-01-02 Sun 09:00:00" in line for line in noted)


def test_a_year_that_is_known_is_not_spoken_of(capsys: pytest.CaptureFixture[str]) -> None:
    _, lines, said = simulated(capsys, "--category", "05.003", "--area", VILLAGE, "--within", "20d")
    assert lines
    assert not any(line["natural_time"] for line in lines)
    assert "calendar" not in said


def test_chains_are_listed_for_an_area_of_the_playbook_alone(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["chain", "list", "--playbook", str(YUNLU)]
    assert program.run([*asked, "--area", "110000"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "area: the playbook has no '110000'" in said.err
    assert re.search(r"allowed: \d+ values, such as 9901", said.err)
    assert program.run([*asked, "--area", VILLAGE]) == 0
    assert "13710" in capsys.readouterr().out


def test_the_chains_of_a_playbook_are_listed_with_the_limits_that_name_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert program.run(["chain", "list", "--playbook", str(YUNLU), "--json"]) == 0
    chains = {one["id"]: one for one in map(json.loads, capsys.readouterr().out.splitlines())}
    assert {"13710", "urging", "emergency"} <= set(chains)
    assert all(one["limits"] and one["steps"] for one in chains.values())
    assert program.run(["chain", "list", "--playbook", str(YUNLU)]) == 0
    assert "13710" in capsys.readouterr().out
