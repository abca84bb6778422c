"""``whistle clocks import``: a city's table becomes limits; nothing in it is guessed, nothing is lost."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import cli.__main__ as program
from cli.clock_table import DayMeans, HourMeans, Meaning, limit_of, names_of, read_table
from cli.csv_records import CsvFile
from shared.playbook.load import load
from shared.playbook.model import Limit, LimitUnit
from tests.fakes.tiny_playbook import write_tiny

EXAMPLE = Path("docs/examples/city-limits.csv")
YUNLU = Path("playbooks/yunlu")
CITY = Path("../shared/data/case_standards/yuncheng_case_standards_9col.csv")
TODAY = date(2026, 6, 1)
HEAD = "小类名称,立案条件,处置时限\n"
HOURS = LimitUnit.CONTINUOUS_HOUR


def meaning(hour: HourMeans = HourMeans.WORKING, day: DayMeans = DayMeans.WORKING) -> Meaning:
    return Meaning(hour=hour, day=day)


@pytest.mark.parametrize(
    ("cell", "amount", "unit"),
    (
        ("2紧急工作时", 2, HOURS),
        ("4 工作时", 4, LimitUnit.WORKING_HOUR),
        ("2工作日", 2, LimitUnit.WORKING_DAY),
        ("1紧急工作日", 1, LimitUnit.NATURAL_DAY),
        ("3自然日", 3, LimitUnit.NATURAL_DAY),
        ("30分钟", 30, LimitUnit.CONTINUOUS_MINUTE),
        ("１．５小时", 1.5, LimitUnit.WORKING_HOUR),
        ("5个工作日内", 5, LimitUnit.WORKING_DAY),
        ("不超过2天", 2, LimitUnit.WORKING_DAY),
        ("2紧急工作时制止", 2, HOURS),
        ("1天4小时", 12, LimitUnit.WORKING_HOUR),
        ("1自然日30分钟", 1470, LimitUnit.CONTINUOUS_MINUTE),
    ),
)
def test_each_unit_and_cells_of_several_are_read(cell: str, amount: float, unit: LimitUnit) -> None:
    assert limit_of(cell, meaning()) == Limit(amount=amount, unit=unit)


@pytest.mark.parametrize(
    ("cell", "why"),
    (
        ("", "empty"),
        ("立即", "names no time"),
        ("两天", "names no time"),
        ("种植季节15工作日", "holds only for '种植季节'"),
        ("4小时/2天", "more than one limit"),
        ("2天,紧急4小时", "more than one limit"),
        ("1工作日2紧急工作时", "at once"),
        ("2天制止5处", "another figure"),
        ("0天", "no time above 0"),
        ("99999天", "no time above 0"),
        ("2-3天", "holds only for '2-'"),
    ),
)
def test_a_cell_that_is_not_one_limit_says_why(cell: str, why: str) -> None:
    found = limit_of(cell, meaning())
    assert isinstance(found, str)
    assert why in found


@pytest.mark.parametrize(
    ("hour", "day", "hours", "days"),
    (
        (HourMeans.WORKING, DayMeans.NATURAL, LimitUnit.WORKING_HOUR, LimitUnit.NATURAL_DAY),
        (HourMeans.CONTINUOUS, DayMeans.WORKING, HOURS, LimitUnit.WORKING_DAY),
        (HourMeans.URGENT, DayMeans.NATURAL, HOURS, LimitUnit.NATURAL_DAY),
    ),
)
def test_bare_hours_and_days_are_what_was_said_and_named_ones_what_they_name(
    hour: HourMeans, day: DayMeans, hours: LimitUnit, days: LimitUnit
) -> None:
    said = meaning(hour, day)
    assert limit_of("4小时", said) == Limit(amount=4, unit=hours)
    assert limit_of("2天", said) == limit_of("2日", said) == Limit(amount=2, unit=days)
    assert limit_of("4工作时", said) == Limit(amount=4, unit=LimitUnit.WORKING_HOUR)
    assert limit_of("2工作日", said) == Limit(amount=2, unit=LimitUnit.WORKING_DAY)


def bring_in(capsys: pytest.CaptureFixture[str], table: Path, folder: Path, *more: str) -> dict[str, Any]:
    asked = ["clocks", "import", str(table), "--playbook", str(folder), "--hour", "working", "--day", "natural"]
    assert program.run([*asked, "--json", *more]) == 0
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return told


def tiny_table(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "city.csv"
    path.write_bytes((HEAD + text).encode(encoding))
    return path


@pytest.mark.parametrize("more", ((), ("--hour", "working"), ("--day", "natural")))
def test_without_a_meaning_nothing_is_read_and_both_options_are_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, more: tuple[str, ...]
) -> None:
    assert program.run(["clocks", "import", str(EXAMPLE), "--playbook", str(write_tiny(tmp_path)), *more]) == 2
    words = capsys.readouterr().err
    assert all(part in words for part in ("--hour working|continuous|urgent", "--day working|natural", "Friday"))
    assert all(one not in words.partition("why")[0] for one in more), "what was said is not asked for again"


@pytest.mark.parametrize("encoding", ("utf-8", "utf-8-sig", "gbk"))
def test_a_table_becomes_limits_and_a_second_time_changes_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, encoding: str
) -> None:
    folder = write_tiny(tmp_path / "county")
    table = tiny_table(tmp_path, "燃气,气味,3天\n漏气,室内,2紧急工作时\n", encoding)
    before = (folder / "clocks.csv").read_bytes()
    tried = bring_in(capsys, table, folder, "--dry-run", "--basis", "某条例")
    assert (folder / "clocks.csv").read_bytes() == before
    told = bring_in(capsys, table, folder, "--basis", "某条例")
    assert (tried["written"], told["written"]) == (False, True)
    assert tried["diff"] == told["diff"]
    by_id = {clock.id: clock for clock in load(folder, today=TODAY).clocks}
    assert by_id["table-03"].limit == Limit(amount=3, unit=LimitUnit.NATURAL_DAY)
    assert by_id["table-03"].source == "某条例：燃气，气味，3天"
    # The county's own line for the same case keeps its name and what comes when it is late.
    assert (by_id["leak-indoor"].limit, by_id["leak-indoor"].when_late) == (Limit(amount=2, unit=HOURS), "take_over")
    assert len(by_id) == 7
    path = folder / "clocks.csv"
    path.write_text(
        path.read_text(encoding="utf-8").replace("leak-indoor,handle", 'leak-indoor,"handle"'), encoding="utf-8"
    )
    after = (folder / "clocks.csv").read_bytes()
    assert bring_in(capsys, table, folder, "--basis", "某条例")["diff"] == []
    assert (folder / "clocks.csv").read_bytes() == after
    assert sum(line.startswith(("-", "+")) for line in told["diff"]) == 2 + 3


def test_lines_that_cannot_be_read_are_told_and_the_rest_goes_on(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = write_tiny(tmp_path / "county")
    lines = (
        "燃气,气味,立即",
        "漏气,室外,2小时",
        ",室内,2小时",
        "路灯,不亮,2天",
        "燃气,气味,3天",
        '漏气,"室内,2天',
        "路灯,灭,1天",
    )
    told = bring_in(capsys, tiny_table(tmp_path, "\n".join(lines) + "\n"), folder)
    places = [(one["line"], one["field"]) for one in told["unread"]]
    assert places == [(2, "处置时限"), (3, "立案条件"), (4, "小类名称"), (7, "")]
    assert all(one["why"] and one["allowed"] for one in told["unread"])
    assert "indoor" in told["unread"][1]["allowed"]
    assert told["foreign"] == {"路灯": [5, 8]}
    assert (told["limits"], told["written"]) == (1, True)
    assert load(folder, today=TODAY).clocks[-1].id == "table-03"


def test_two_lines_that_disagree_on_one_case_are_both_told_and_equal_ones_are_one(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = write_tiny(tmp_path / "county")
    lines = "燃气,气味,3天\n燃气,声响,2天\n漏气,室内,2小时\n燃气泄漏,室内,2小时\n"
    told = bring_in(capsys, tiny_table(tmp_path, lines), folder)
    assert [(one["line"], "says otherwise" in one["why"]) for one in told["unread"]] == [(2, True), (3, True)]
    assert (told["limits"], told["lines"]) == (1, 2)


def test_limits_with_days_are_left_to_a_person_and_gone_ones_stay_and_are_told(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = write_tiny(tmp_path / "county")
    bring_in(capsys, tiny_table(tmp_path, "燃气,气味,3天\n"), folder)
    path = folder / "clocks.csv"
    head, *rows = path.read_text(encoding="utf-8").splitlines()
    dated = [f"{row},{'2026-01-01' if row.startswith('leak-indoor') else ''}" for row in rows]
    path.write_bytes("\r\n".join([f"{head},valid_from", *dated]).encode("utf-8-sig"))
    before = path.read_bytes()
    told = bring_in(capsys, tiny_table(tmp_path, "漏气,室内,2小时\n"), folder)
    assert [left.partition(":")[0] for left in told["left"]] == ["03.001-indoor", "table-03"]
    assert (told["diff"], path.read_bytes()) == ([], before)
    bring_in(capsys, tiny_table(tmp_path, "燃气,气味,5天\n"), folder)
    assert path.read_bytes().startswith(b"\xef\xbb\xbfid,")
    assert path.read_bytes().count(b"\r\n") == path.read_bytes().count(b"\n") == len(rows) + 1


def test_a_file_that_is_no_such_table_says_which_columns_are_missing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    table = tmp_path / "other.csv"
    table.write_text("名称,备注\n燃气,x\n", encoding="utf-8")
    asked = ["clocks", "import", str(table), "--hour", "urgent", "--day", "working"]
    assert program.run([*asked, "--playbook", str(write_tiny(tmp_path / "county"))]) == 2
    assert "立案条件" in capsys.readouterr().err


def test_the_example_comes_into_the_demo_county() -> None:
    file = CsvFile(EXAMPLE)
    read = read_table(file, names_of(file.columns()), playbook=load(YUNLU, today=TODAY), meaning=meaning())
    assert [(one.category, one.condition) for one in read.limits] == [
        ("01.006", "missing"),
        ("01.006", "broken"),
        ("01.006", "rattling"),
        ("01.007", None),
        ("05.004", None),
    ]
    assert [one.line for one in read.unread] == [5, 8, 9]
    assert read.foreign == {"街头座椅": [10]}


@pytest.mark.skipif(not CITY.exists(), reason="the city's published table is not on this machine")
def test_a_whole_citys_table_loses_no_line() -> None:
    file = CsvFile(CITY)
    cells = [record.row["time_limit_text"] for record in file]
    assert len(cells) == 519
    assert all(isinstance(limit_of(cell, meaning()), Limit) for cell in cells)
    read = read_table(file, names_of(file.columns()), playbook=load(YUNLU, today=TODAY), meaning=meaning())
    lines = [line for one in read.limits for line in one.lines]
    lines += [one.line for one in read.unread] + [line for each in read.foreign.values() for line in each]
    assert sorted(lines) == list(range(2, 521))
    assert read.limits
