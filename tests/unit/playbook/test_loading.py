"""Files to a playbook, and every mistake with its file, line and field."""

from datetime import date
from pathlib import Path

import pytest

from shared.playbook.load import FILES, load
from shared.playbook.model import DepartmentTarget, DutyTarget, Power
from shared.playbook.problems import BadPlaybook, Problem
from shared.vocabulary import OrderRole, Severity
from tests.fakes.tiny_playbook import write_tiny

TODAY = date(2026, 6, 1)


def problems(folder: Path, today: date = TODAY) -> tuple[Problem, ...]:
    with pytest.raises(BadPlaybook) as bad:
        load(folder, today=today)
    return bad.value.problems


def test_a_sound_folder_becomes_a_playbook(tmp_path: Path) -> None:
    playbook = load(write_tiny(tmp_path), today=TODAY)
    assert len(playbook.digest) == 64
    assert playbook.areas["990199001002"].parent == "990199001"
    assert playbook.categories["03.001"].power is Power.HANDLE, "the power comes from the parent"
    assert playbook.categories["03.001"].severity is Severity.II
    lead, assist = playbook.rules[0].demands
    assert (lead.role, lead.target) == (OrderRole.LEAD, DepartmentTarget(department="gas"))
    assert assist.target == DutyTarget(power=Power.ASSIST)
    assert playbook.rules[1].demands[0].target == DutyTarget(power=None)


@pytest.mark.parametrize(
    ("part", "change", "line", "field", "words"),
    (
        ("rules", ("department: gas", "department: gass"), 5, "lead.department", "no department 'gass'"),
        ("rules", ('area: ["990199001"]', 'area: ["990199009"]'), 4, "when.area.0", "no area '990199009'"),
        ("rules", ('["03.001"]', '["03.002"]'), 4, "when.category.0", "no category '03.002'"),
        ("rules", ("id: by-duty", "id: leak"), 8, "id", "stands 2 times"),
        ("rules", ("because: {zh: 燃", "why: {zh: 燃"), 7, "why", "nobody reads this field"),
        ("rules", ("{duty: assist}", "{duty: watch}"), 6, "assist.0.duty", "not known"),
        ("rules", ("{department: gas}", "{bureau: gas}"), 5, "lead", "no target"),
        ("rules", ("lead: {duty: }", "oversee: [{desk: county}]"), 8, "lead", "must name who leads"),
        ("rules", ("{department: gas}", "{department: [gas"), 6, "", "expected"),
        ("rules", ("    title: {zh: 泄漏", "    id: again\n    title: {zh: 泄漏"), 3, "", "duplicate key"),
        ("areas", ("990199001002,", "990199002002,"), 5, "code", "area above it, 990199002, is missing"),
        ("areas", ("990199001002,", "990199001001,"), 5, "", "'990199001001' stands 2 times"),
        ("areas", ("990199001002,", "99019900100,"), 5, "code", "wrong form"),
        ("areas", ("西村,West Village,村,false,", "西村,West Village,村,false"), 5, "", "5 cells under 6 columns"),
        ("areas", ("kind,desk", "kind,desks"), 1, "desk", "column is missing"),
        ("areas", (",settlement", ",settled"), 1, "settled", "unknown column"),
        ("departments", ("gas,燃", "gas company,燃"), 2, "id", "wrong form"),
        ("departments", ("East Station,990199001", "East Station,990199002"), 3, "area", "no area"),
        ("categories", ('code: "03.001"', 'code: "04.001"'), 8, "code", "does not begin with '03.'"),
        ("categories", ("severity: II\n", "severity: V\n"), 11, "children.0.severity", "no severity"),
        ("duties", ("gas,03,", "gaz,03,"), 2, "department", "no department 'gaz'"),
        ("duties", ("gas,03,", "gas,04,"), 2, "category", "no category '04'"),
        ("duties", ("990199001,assist", "990199,assist"), 3, "area", "has no duty in 990199"),
        ("clocks", ("sign,sign_in", "sign,signin"), 2, "kind", "not known"),
        ("clocks", ("0.5 0.8", "0.8 0.5"), 2, "warn_at", "must rise"),
        ("clocks", ("03.001,indoor", "03.001,outdoor"), 4, "condition", "no condition 'outdoor'"),
        ("clocks", ("03.001,indoor", "09,indoor"), 4, "category", "no category '09'"),
        ("clocks", ("handle,handle,", "handle,verify,"), 0, "", "some orders would run without a clock"),
        ("calendar", ("2026-10-01", "2027-10-01"), 7, "holidays.2027-10-01", "not among the known years"),
        ("calendar", ("2026-10-10", "2026-10-01"), 9, "makeup_days.2026-10-01", "holiday as well"),
        ("calendar", ('"12:00"', '"15:00"'), 2, "weekly.1", "must rise"),
        ("shifts", ("990199,1-7,20:00,08:00", "990199,1-6,20:00,08:00"), 2, "desk", "from weekday 1, 00:00"),
        ("shifts", ("990199001,1-7", "990199001,1-6"), 3, "desk", "from weekday 7, 00:00"),
        ("shifts", ("18:00,o1", "18:00,o2"), 5, "officers", "no officer 'o2'"),
        ("shifts", ("990199001001,1-5", "990199001,1-5"), 4, "desk", "its desk has no shift"),
        ("shifts", ("1-5", "1-8"), 5, "weekdays", "'1-8' are no weekdays"),
        ("cells", ("[100,26],[100,25]]", "[100,26],[100,27]]"), 2, "geometry.coordinates", "not closed"),
        ("cells", ('"village":"990199001002"', '"village":"990199001009"'), 3, "properties.village", "no village"),
        ("cells", ("[101,26]", "[101,96]"), 2, "geometry.coordinates.0.2.1", "less than or equal to 90"),
        ("cells", ("}}\n]}", "}}\n]"), 5, "", "delimiter"),
        ("playbook", ("Asia/Shanghai", "Asia/Yunlu"), 4, "timezone", "no time zone"),
        ("playbook", ('"990199"', '"990198"'), 1, "county", "no area 990198"),
    ),
)  # fmt: skip
def test_a_mistake_is_told_with_file_line_and_field(
    tmp_path: Path, part: str, change: tuple[str, str], line: int, field: str, words: str
) -> None:
    found = problems(write_tiny(tmp_path, **{part: change}))
    where = "areas.csv" if field == "desk" and part == "shifts" else FILES[part]
    assert any(
        (problem.file, problem.line, problem.field) == (where, line, field) and words in problem.problem
        for problem in found
    ), "\n".join(map(str, found))


def test_all_mistakes_come_at_once_and_none_that_only_follows_from_another(tmp_path: Path) -> None:
    folder = write_tiny(
        tmp_path,
        departments=("gas,燃", "gas!,燃"),
        rules=('["03.001"]', '["03.009"]'),
        clocks=("30,continuous_minute", "0,continuous_minute"),
    )
    found = problems(folder)
    assert [(problem.file, problem.field) for problem in found] == [
        ("clocks.csv", "amount"),
        ("departments.csv", "id"),
        ("rules.yaml", "when.category.0"),
    ], "the rule that names `gas` is not blamed for the row that could not be read"


def test_allowed_values_are_named(tmp_path: Path) -> None:
    (problem,) = problems(write_tiny(tmp_path, clocks=("sign,sign_in", "sign,signin")))[:1]
    assert "sign_in" in problem.allowed
    (unknown,) = problems(write_tiny(tmp_path, rules=("department: gas", "department: gass")))
    assert unknown.allowed[0] == "gas"
    (field,) = problems(write_tiny(tmp_path, rules=("when: {category", "when: {kategory")))
    assert "category" in field.allowed
    assert str(field).startswith("rules.yaml:4: when.kategory:")


def test_a_missing_file_and_a_bad_byte_are_told(tmp_path: Path) -> None:
    folder = write_tiny(tmp_path)
    (folder / "duties.csv").unlink()
    (folder / "areas.csv").write_bytes(b"code,zh,en,kind,desk\n990199," + b"\xff\n")
    found = problems(folder)
    assert [(problem.file, problem.line) for problem in found] == [("areas.csv", 2), ("duties.csv", 0)]


def test_a_rule_behind_one_that_takes_everything_is_told(tmp_path: Path) -> None:
    folder = write_tiny(tmp_path, rules=('    when: {category: ["03.001"], area: ["990199001"]}\n', ""))
    assert any("can never match" in problem.problem and problem.line == 7 for problem in problems(folder))


def test_a_duty_gap_names_the_areas(tmp_path: Path) -> None:
    folder = write_tiny(tmp_path, duties=("gas,03,990199,handle", "gas,03,990199001001,handle"))
    gaps = [problem for problem in problems(folder) if problem.field == "power"]
    assert [(gap.file, gap.line) for gap in gaps] == [("categories.yaml", 6), ("categories.yaml", 8)]
    assert "990199001002" in gaps[0].problem


def test_the_calendar_must_reach_as_far_as_the_longest_clock(tmp_path: Path) -> None:
    folder = write_tiny(tmp_path)
    # Five working days are forty hours, of which two days a week give eighteen.
    load(folder, today=date(2026, 11, 28))
    (problem,) = problems(folder, today=date(2026, 12, 3))
    assert "2027 is missing: a clock started on 2026-12-03" in problem.problem
    assert problem.line == 5


def test_a_calendar_without_the_present_year_is_refused_however_short_the_clocks_are(tmp_path: Path) -> None:
    folder = write_tiny(tmp_path, calendar=("years: {2026: announced}", "years: {2025: announced, 2026: announced}"))
    load(folder, today=date(2025, 6, 1))
    found = problems(folder, today=date(2027, 1, 2))
    assert ["2027 is missing" in problem.problem for problem in found] == [True]


def test_a_department_of_a_town_is_not_named_for_the_whole_county(tmp_path: Path) -> None:
    folder = write_tiny(tmp_path, rules=("lead: {duty: }", "lead: {department: east-station}"))
    (problem,) = problems(folder)
    assert "is asked outside it too" in problem.problem


def test_spreadsheet_files_with_a_byte_order_mark_and_crlf_are_read(tmp_path: Path) -> None:
    folder = write_tiny(tmp_path)
    text = (folder / "areas.csv").read_text(encoding="utf-8")
    (folder / "areas.csv").write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert load(folder, today=TODAY).areas["990199001"].name.zh == "东镇"


CATCH_ALL = """\
rules:
  - group: gas
    when: {category: ["03"]}
    rules:
      - id: takes-all
        title: {zh: 全收, en: All}
STATE        lead: {duty: }
        because: {zh: 因为, en: Because}
INSIDE  - id: by-duty
    title: {zh: 按权责, en: By duty}
    lead: {duty: }
    because: {zh: 谁的职责谁办, en: Whose duty it is}
"""
BEHIND = """\
      - id: behind
        title: {zh: 其后, en: Behind}
        when: {source: [grid]}
        lead: {duty: }
        because: {zh: 因为, en: Because}
"""


@pytest.mark.parametrize(
    ("state", "inside", "unreachable"),
    (
        ("", BEHIND, True),
        ("", "", False),
        ("        state: shadow\n", BEHIND, False),
        ("        state: off\n", BEHIND, False),
        ("        valid: {until: 2026-12-31}\n", BEHIND, False),
        ("        continue: true\n", BEHIND, False),
        ("        when: reports >= 2\n", BEHIND, False),
    ),
)
def test_a_rule_that_takes_all_of_its_group_leaves_nothing_in_the_group_and_all_outside(
    tmp_path: Path, state: str, inside: str, unreachable: bool
) -> None:
    folder = write_tiny(tmp_path)
    text = CATCH_ALL.replace("STATE", state).replace("INSIDE", inside)
    (folder / "rules.yaml").write_text(text, encoding="utf-8")
    try:
        load(folder, today=TODAY)
        found: tuple[Problem, ...] = ()
    except BadPlaybook as bad:
        found = bad.problems
    assert [problem.problem for problem in found if "can never match" in problem.problem] == (
        ["can never match: 'takes-all' before it takes every such case and ends the walk"] if unreachable else []
    )
    assert len(found) == unreachable
