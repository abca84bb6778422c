# ruff: noqa: E501  a table of slips, one a line
"""Every field of the rule language mistyped: refused with file, line, field and what is allowed."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from shared.playbook.load import load
from shared.playbook.problems import BadPlaybook, Problem
from tests.fakes.tiny_playbook import TINY, write_tiny

TODAY = date(2026, 6, 1)
RULES = """\
rules:
  - id: watch
    version: "2"
    title: {zh: 看护, en: Watch}
    author: 县指挥中心
    state: shadow
    valid: {from: 2026-01-01, until: 2026-12-31}
    when:
      area: ["990199001"]
      zone: [school]
      settlement: [rural]
      category: ["03.001"]
      source: [grid]
      severity_at_least: II
      tags: [vip]
      words: [漏气]
      reports_at_least: 3
      repeat: {times: 2, within: 7d}
      time: [{weekdays: 1-5, hours: "22:00-06:00", days: workday}]
      mode: [flood-II]
      expression: severity <= 2 && "vip" in tags
    lead: {department: gas, backups: [{desk: town}]}
    assist: [{duty: assist}, {field: tag, prefix: "dept:"}]
    oversee: [{field: category, table: {"03": gas}}]
    matter: leak
    set: {severity: I, tags: [seen], clock_profile: urgent, mode: flood-II}
    because: {zh: 因为, en: Because}
    continue: true
  - group: gas
    title: {zh: 燃气, en: Gas}
    when: {category: ["03"]}
    rules:
      - id: leak
        title: {zh: 泄漏, en: Leak}
        when: reports >= 2
        lead: {duty: handle}
        because: {zh: 因为, en: Because}
      - group: sensors
        when: {source: [sensor]}
        rules:
          - id: alarm
            title: {zh: 报警, en: Alarm}
            lead: {department: gas}
            because: {zh: 因为, en: Because}
  - id: by-duty
    title: {zh: 按权责, en: By duty}
    lead: {duty: }
    because: {zh: 谁的职责谁办, en: Whose duty it is}
"""


@dataclass(frozen=True)
class Slip:
    """One text put in the place of another, and what must be told of it."""

    old: str
    new: str
    line: int
    field: str
    words: str
    allowed: str = ""
    file: str = "rules.yaml"


RULE_SLIPS = (
    Slip("    version:", "    versoin:", 3, "versoin", "nobody reads this field; did you mean 'version'?", "version"),
    Slip("id: watch", "id: watch it", 2, "id", "'watch it' has a wrong form"),
    Slip("id: watch", "id: leak", 2, "id", "rule 'leak' stands 2 times"),
    Slip("id: watch", "idd: watch", 2, "id", "is missing"),
    Slip("{zh: 看护, en: Watch}", "{zh: 看护}", 4, "title.en", "is missing"),
    Slip("{zh: 看护, en: Watch}", "Watch", 4, "title", "valid dictionary"),
    Slip("state: shadow", "state: shade", 6, "state", "did you mean 'shadow'?", "active"),
    Slip("from: 2026-01-01", "from: 2026-01-32", 7, "", "day is out of range"),
    Slip("from: 2026-01-01", "since: 2026-01-01", 7, "valid.since", "nobody reads this field", "from"),
    Slip("until: 2026-12-31", "until: 2025-12-31", 7, "valid.until", "would never hold", "2026-01-01 or later"),
    Slip('["990199001"]', '["990199002"]', 9, "when.area.0", "did you mean '990199001'?", "990199001"),
    Slip('["990199001"]', '["99019900"]', 9, "when.area.0", "has a wrong form"),
    Slip('["990199001"]', "[990199001]", 9, "when.area.0", "valid string"),
    Slip("[school]", "[schools]", 10, "when.zone.0", "no zone 'schools'; did you mean 'school'?", "school"),
    Slip("[rural]", "[country]", 11, "when.settlement.0", "'country' is not known", "rural"),
    Slip('["03.001"]', '["03.01"]', 12, "when.category.0", "did you mean '03.001'?", "03.001"),
    Slip("[grid]", "[gird]", 13, "when.source.0", "did you mean 'grid'?", "grid"),
    Slip("[grid]", "grid", 13, "when.source", "valid tuple"),
    Slip("severity_at_least: II", "severity_at_least: 2", 14, "when.severity_at_least", "2 is no severity", "I, II, III, IV"),
    Slip("severity_at_least: II", "severity: II", 14, "when.severity", "did you mean 'severity_at_least'?", "severity_at_least"),
    Slip("tags: [vip]", 'tags: [""]', 15, "when.tags.0", "at least 1 character"),
    Slip("words: [漏气]", "words: [119]", 16, "when.words.0", "valid string"),
    Slip("reports_at_least: 3", "reports_at_least: 1", 17, "when.reports_at_least", "greater than or equal to 2"),
    Slip("reports_at_least: 3", "reports_at_least: many", 17, "when.reports_at_least", "valid integer"),
    Slip("times: 2", "times: 17", 18, "when.repeat.times", "less than or equal to 16"),
    Slip("within: 7d", "within: 7 days", 18, "when.repeat.within", "is no stretch of time", "hours or days up to 90d, such as 48h or 7d"),
    Slip("within: 7d", "within: 91d", 18, "when.repeat.within", "longer than cases are remembered"),
    Slip("within: 7d", "whithin: 7d", 18, "when.repeat.whithin", "did you mean 'within'?", "within"),
    Slip("weekdays: 1-5", "weekdays: 1-8", 19, "when.time.0.weekdays", "are no weekdays"),
    Slip("weekdays: 1-5", "weekdays: 5-1", 19, "when.time.0.weekdays", "are no weekdays", "1-5, or each day by itself"),
    Slip("weekdays: 1-5", "weekdays: Mon", 19, "when.time.0.weekdays", "'Mon' are no weekdays"),
    Slip("22:00-06:00", "22-6", 19, "when.time.0.hours", "'22-6' are no hours"),
    Slip("22:00-06:00", "22:00-24:00", 19, "when.time.0.hours", "are no hours"),
    Slip("days: workday", "days: workdays", 19, "when.time.0.days", "did you mean 'workday'?", "day_off"),
    Slip('{weekdays: 1-5, hours: "22:00-06:00", days: workday}', "{}", 19, "when.time.0", "asks nothing", "weekdays, hours or days"),
    Slip("mode: [flood-II]\n", "mode: [flood-2]\n", 20, "when.mode.0", "did you mean 'flood-II'?", "normal"),
    Slip("severity <= 2 &&", "severitty <= 2 &&", 21, "when.expression", "column 1: no field 'severitty'; did you mean 'severity'?", "severity"),
    Slip('severity <= 2 && "vip"', 'severity <= "II" && "vip"', 21, "when.expression", "column 13: int and string", "int"),
    Slip('"vip" in tags', "vip in tags", 21, "when.expression", "column 18: no field 'vip'"),
    Slip('"vip" in tags', '"vip" in', 21, "when.expression", "column 26: mismatched input"),
    Slip('severity <= 2 && "vip" in tags', "severity", 21, "when.expression", "of kind int", "bool"),
    Slip('severity <= 2 && "vip" in tags', 'mode == "flood-1"', 21, "when.expression", "mode is never 'flood-1'", "flood-II"),
    Slip("lead: {department: gas, b", "lead: {department: gass, b", 22, "lead.department", "did you mean 'gas'?", "gas"),
    Slip("lead: {department: gas, b", "lead: {departments: gas, b", 22, "lead", "no target"),
    Slip("lead: {department: gas, b", "lead: {department: gas, duty: handle, b", 22, "lead", "more than one target"),
    Slip("backups: [{desk: town}]", "backup: [{desk: town}]", 22, "lead.backup", "did you mean 'backups'?", "backups"),
    Slip("[{desk: town}]", "[{desk: city}]", 22, "lead.backups.0.desk", "'city' is not known", "town"),
    Slip("[{desk: town}]", "[{department: gaz}]", 22, "lead.backups.0.department", "did you mean 'gas'?", "gas"),
    Slip("[{desk: town}]", "[{department: gas}]", 22, "lead.backups", "asked twice"),
    Slip("[{duty: assist}", "[{duty: asist}", 23, "assist.0.duty", "did you mean 'assist'?", "handle"),
    Slip("{field: tag, prefix", "{field: tags, prefix", 23, "assist.1.field", "did you mean 'tag'?", "category"),
    Slip('prefix: "dept:"', 'prefx: "dept:"', 23, "assist.1.prefx", "did you mean 'prefix'?", "table"),
    Slip('table: {"03": gas}', 'table: {"03": gos}', 24, "oversee.0.table.03", "did you mean 'gas'?", "gas"),
    Slip('table: {"03": gas}', 'table: {"3": gas}', 24, "oversee.0.table.3", "no category 3", "03"),
    Slip(', table: {"03": gas}', "", 24, "oversee.0.table", "must stand in a table"),
    Slip("matter: leak", "matter: leek", 25, "matter", "no matter 'leek'; did you mean 'leak'?", "leak"),
    Slip("set: {severity: I,", "set: {severity: V,", 26, "set.severity", "'V' is no severity", "I, II, III, IV"),
    Slip("set: {severity: I,", "set: {grade: I,", 26, "set.grade", "nobody reads this field", "severity"),
    Slip("clock_profile: urgent", "clock_profile: urgnt", 26, "set.clock_profile", "did you mean 'urgent'?", "urgent"),
    Slip("mode: flood-II}", "mode: flood}", 26, "set.mode", "no emergency mode 'flood'", "flood-II"),
    Slip("mode: flood-II}", "mode: normal}", 26, "set.mode", "takes two persons", "flood-II"),
    Slip("mode: flood-II}", "mode: drill}", 26, "set.mode", "no emergency mode 'drill'", "flood-II"),
    Slip("    because: {zh: 因为, en: Because}\n    continue: true\n", "    continue: true\n", 2, "because", "is missing"),
    Slip("continue: true", "continue: maybe", 28, "continue", "valid boolean"),
    Slip("continue: true", "contineu: true", 28, "contineu", "did you mean 'continue'?", "continue"),
    Slip("- group: gas\n", "- group: gas leaks\n", 29, "group", "has a wrong form"),
    Slip("- group: sensors", "- group: gas", 38, "group", "group 'gas' stands more than once"),
    Slip('when: {category: ["03"]}\n    rules', 'when: {category: ["04"]}\n    rules', 31, "when.category.0", "no category '04'", "03"),
    Slip('when: {category: ["03"]}\n    rules', "when: {kategory: [x]}\n    rules", 31, "when.kategory", "did you mean 'category'?", "category"),
    Slip("when: reports >= 2", "when: reports = 2", 35, "when.expression", "column 9: token recognition error"),
    Slip("lead: {duty: handle}", "lead: {duty: assist}", 36, "lead.duty", "who may only assist never leads", "handle"),
    Slip("lead: {duty: handle}", "oversee: [{desk: town}]", 33, "lead", "must name who leads", "a lead, or continue: true"),
    Slip("lead: {duty: handle}", "lead: {department: east-station}", 36, "lead.department", "is asked outside it too", "a duty target"),
    Slip("        when: reports >= 2\n", "", 40, "", "can never match: 'leak' before it takes every such case"),
    Slip("when: {source: [sensor]}", "when: {source: [sensors]}", 39, "when.source.0", "did you mean 'sensor'?", "sensor"),
    Slip("            lead: {department: gas}\n", "            lead: {department: gas}\n            matter: x\n", 44, "matter", "no matter 'x'", "leak"),
    Slip("  - id: by-duty", "  - group: empty\n    when: {source: [grid]}\n    rules: []\n  - id: by-duty", 47, "rules", "nothing in it", "at least one rule"),
)  # fmt: skip

OTHER_SLIPS = (
    Slip("department: gas}}", "department: gaz}}", 5, "steps.0.target.department", "did you mean 'gas'?", "gas", "matters.yaml"),
    Slip("after: [close]", "after: [closed]", 6, "steps.1.after.0", "no step 'closed'; did you mean 'close'?", "close", "matters.yaml"),
    Slip("after: [close]", "after: [look]", 6, "steps.1.after", "wait for one another: look", "", "matters.yaml"),
    Slip("id: look,", "id: close,", 6, "steps.1.id", "step 'close' stands 2 times", "", "matters.yaml"),
    Slip("    steps:", "    stages:", 4, "stages", "did you mean 'steps'?", "steps", "matters.yaml"),
    Slip("id: flood-II", "id: normal", 2, "id", "where no mode is in force", "any other id", "modes.yaml"),
    Slip("kind: emergency", "kind: normal", 4, "kind", "a drill or an emergency", "drill", "modes.yaml"),
    Slip("kind: emergency", "kind: emergancy", 4, "kind", "did you mean 'emergency'?", "drill", "modes.yaml"),
    Slip("    grade: II\n", "", 2, "grade", "an emergency has a grade", "II", "modes.yaml"),
    Slip('{category: ["03"]}', '{category: ["33"]}', 7, "reroute.category.0", "no category '33'", "03", "modes.yaml"),
    Slip("level: town\n    grade", "level: city\n    grade", 5, "level", "'city' is not known", "town", "modes.yaml"),
    Slip("window_minutes: 360", "window_minutes: 5", 4, "window_minutes", "greater than or equal to 10", "", "warnings.yaml"),
    Slip("at_least: 4", "atleast: 4", 5, "atleast", "did you mean 'at_least'?", "at_least", "warnings.yaml"),
    Slip("odds: 100000", "odds: 1", 6, "odds", "greater than or equal to 100", "", "warnings.yaml"),
    Slip("level: town\n    categories", "level: twon\n    categories", 7, "level", "did you mean 'town'?", "town", "warnings.yaml"),
    Slip('categories: ["03"]', 'categories: ["30"]', 8, "categories.0", "no category '30'", "03", "warnings.yaml"),
    Slip('categories: ["03"]', 'categories: ["03", "03.001"]', 8, "categories.1", "counted in 03 already", "categories that lie beside", "warnings.yaml"),
    Slip('areas: ["990199"]', 'areas: ["990198"]', 9, "areas.0", "no area '990198'", "990199", "warnings.yaml"),
    Slip('areas: ["990199"]', 'areas: ["990199001001"]', 9, "areas.0", "lies inside the town that is counted", "level: village", "warnings.yaml"),
    Slip("severity: II}\n", "severity: V}\n", 10, "open_case.severity", "'V' is no severity", "", "warnings.yaml"),
    Slip('"id":"school"', '"id":"the school"', 2, "properties.id", "has a wrong form", "", "zones.geojson"),
    Slip('"Polygon"', '"LineString"', 2, "geometry", "'LineString' is not known", "Polygon", "zones.geojson"),
    Slip("[100.2,25.2],[100.1,25.1]]", "[100.2,25.2],[100.1,25.3]]", 2, "geometry.coordinates", "not closed", "", "zones.geojson"),
    Slip("gas,03,990199,made", "gas,04,990199,made", 2, "category", "no category '04'", "03", "enforcement.csv"),
    Slip("gas,03,990199,made", "east-station,03,990199,made", 2, "area", "has no duty in 990199", "990199001 or an area inside", "enforcement.csv"),
    Slip(",handle", ",enforce", 2, "power", "stand in the enforcement catalogue", "handle", "duties.csv"),
    Slip("made up,flood-II", "made up,flood-I", 5, "mode", "did you mean 'flood-II'?", "flood-II", "clocks.csv"),
    Slip("made up,,,true", "made up,,,yeah", 7, "whistle", "valid boolean", "", "clocks.csv"),
    Slip("true,rural", "true,rurall", 3, "settlement", "did you mean 'rural'?", "urban", "areas.csv"),
)  # fmt: skip


def folder_with(path: Path, slip: Slip | None) -> Path:
    folder = write_tiny(path)
    (folder / "rules.yaml").write_text(RULES, encoding="utf-8")
    if slip is not None:
        text = (folder / slip.file).read_text(encoding="utf-8")
        assert slip.old in text
        (folder / slip.file).write_text(text.replace(slip.old, slip.new, 1), encoding="utf-8")
    return folder


def test_the_rules_are_sound_before_they_are_mistyped(tmp_path: Path) -> None:
    playbook = load(folder_with(tmp_path, None), today=TODAY)
    assert [rule.id for rule in playbook.rules] == ["watch", "leak", "alarm", "by-duty"]
    assert playbook.rules[2].groups == ("gas", "sensors")
    assert len(playbook.rules[2].around) == 2
    assert {"zones.geojson", "modes.yaml", "matters.yaml"} <= set(TINY)


def test_there_are_fifty_and_more_of_them() -> None:
    assert len(RULE_SLIPS) >= 50
    assert len({(slip.old, slip.new) for slip in (*RULE_SLIPS, *OTHER_SLIPS)}) == len(RULE_SLIPS) + len(OTHER_SLIPS)


@pytest.mark.parametrize("slip", (*RULE_SLIPS, *OTHER_SLIPS), ids=lambda slip: f"{slip.file}:{slip.line} {slip.words}")
def test_a_mistyped_rule_is_refused_with_file_line_field_and_what_is_allowed(tmp_path: Path, slip: Slip) -> None:
    with pytest.raises(BadPlaybook) as bad:
        load(folder_with(tmp_path, slip), today=TODAY)
    found = [problem for problem in bad.value.problems if is_told(problem, slip)]
    assert found, "\n".join(map(str, bad.value.problems))
    assert slip.allowed in ("", *found[0].allowed)


def is_told(problem: Problem, slip: Slip) -> bool:
    place = (problem.file, problem.line, problem.field) == (slip.file, slip.line, slip.field)
    return place and slip.words in problem.problem
