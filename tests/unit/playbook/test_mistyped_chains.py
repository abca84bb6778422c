# ruff: noqa: E501  a table of slips, one a line
"""Every field of a chain mistyped: refused with file, line, field and what is allowed; what may stand, stands."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from shared.playbook.load import load
from shared.playbook.problems import BadPlaybook, Problem
from tests.fakes.tiny_chains import write_chained

TODAY = date(2026, 6, 1)
UP = "{id: up, at: {after: {amount: 1, unit: working_day}}, action: oversee, copies: [above_leader]}"


@dataclass(frozen=True)
class Slip:
    """One text put in the place of another, and what must be told of it."""

    old: str
    new: str
    line: int
    field: str
    words: str
    allowed: str = ""
    file: str = "chains.yaml"

    @property
    def part(self) -> str:
        return self.file.partition(".")[0]


SLIPS = (
    Slip("id: ladder", "id: the ladder", 2, "id", "has a wrong form"),
    Slip("id: daily", "id: ladder", 2, "", "'ladder' stands 2 times"),
    Slip("    source: made up\n", "", 2, "source", "is missing"),
    Slip("    source: made up\n", "    sauce: made up\n", 4, "sauce", "did you mean 'source'?", "steps"),
    Slip("chains:", "chain:", 1, "chain", "did you mean 'chains'?", "chains"),
    Slip("id: tell,", "id: urge,", 12, "steps.1.id", "step 'urge' stands 2 times"),
    Slip("{passed: 0.7}", "{passed: 1}", 7, "steps.0.at.passed", "less than 1"),
    Slip("{passed: 0.7}", "{passed: 0}", 7, "steps.0.at.passed", "greater than 0"),
    Slip("{passed: 0.7}", "{pased: 0.7}", 7, "steps.0.at", "is no instant of a clock"),
    Slip("{passed: 0.7}", "{passed: 0.7, day_end: 0}", 7, "steps.0.at", "is no instant of a clock"),
    Slip("{passed: 0.7}", "{passed: 0.7, always: 1}", 7, "steps.0.at.always", "nobody reads this field"),
    Slip("at: due,", "at: dew,", 13, "steps.2.at", "'dew' is no instant of a clock"),
    Slip("at: due,", "at: [due],", 13, "steps.2.at", "is no instant of a clock"),
    Slip("action: urge\n        title", "action: nag\n        title", 8, "steps.0.action", "'nag' is not known", "urge"),
    Slip("action: urge\n        title", "action: urg\n        title", 8, "steps.0.action", "did you mean 'urge'?", "notify"),
    Slip("to: above}", "to: abov}", 12, "steps.1.to", "did you mean 'above'?", "county_leader"),
    Slip("copies: [target, above]", "copies: [target, bove]", 13, "steps.2.copies.1", "did you mean 'above'?", "above_leader"),
    Slip("copies: [target, above]", "copies: [target, target]", 13, "steps.2.copies", "target would be told twice", "each once"),
    Slip("copies: [target, above]", "copies: [target_leader]", 13, "steps.2.copies", "target_leader would be told twice", "each once"),
    Slip("action: oversee, copies", "action: oversee, to: above, copies", 20, "steps.4.to", "oversee goes to the next desk up"),
    Slip("action: take_over}", "action: take_over, to: target}", 27, "steps.1.to", "take_over goes to the next desk up"),
    Slip("action: circulate}", "action: circulate, to: above}", 21, "steps.5.to", "goes to every desk and department"),
    Slip("title: {zh: 催办, en: Urge}", "title: 催办", 9, "steps.0.title", "valid dictionary"),
    Slip("        every: {amount: 1, unit: continuous_minute}\n", "", 6, "steps.0.every", "3 times, and no pause", "an amount and a unit"),
    Slip("        times: 3\n", "", 6, "steps.0.times", "and no repetition", "2 to 32"),
    Slip("times: 3", "times: 33", 11, "steps.0.times", "less than or equal to 32"),
    Slip("times: 3", "times: 0", 11, "steps.0.times", "greater than or equal to 1"),
    Slip("times: 3", "times: 28", 5, "steps", "33 steps, each repetition counted", "up to 32"),
    Slip("every: {amount: 1,", "every: {amount: 0,", 10, "steps.0.every.amount", "greater than 0"),
    Slip("unit: continuous_minute}\n        times", "unit: minute}\n        times", 10, "steps.0.every.unit", "is not known", "continuous_minute"),
    Slip("        instruction: {zh: 说明原因, en: Say why}\n", "", 14, "steps.3.instruction", "supervise needs it"),
    Slip("        reply_within: {amount: 1, unit: natural_day}\n", "", 14, "steps.3.reply_within", "supervise needs it"),
    Slip("action: supervise\n", "action: notify\n", 18, "steps.3.instruction", "notify gives no instruction"),
    Slip("action: supervise\n", "action: notify\n", 19, "steps.3.reply_within", "notify gives no instruction"),
    Slip("instruction: {zh: 说明原因, en: Say why}", "instruction: {zh: 说明原因}", 18, "steps.3.instruction.en", "is missing"),
    Slip("before: {amount: 5,", "after: {amount: 5,", 13, "steps.2.at", "due comes before step 'tell', after 5 continuous_minute"),
    Slip("after: {amount: 5, unit: working_day}", "after: {amount: 7, unit: working_hour}", 21, "steps.5.at", "comes before step 'up'"),
    Slip("after: {amount: 5, unit: working_day}", "before: {amount: 1, unit: working_day}", 21, "steps.5.at", "comes before step 'tell', before 5 continuous_minute"),
    Slip("{day_end: 0}", "{day_end: 4}", 27, "steps.1.at", "since 3 natural_day comes before step 'first', day_end 4", "the order"),
    Slip("{day_end: 0}", "{day_end: -1}", 26, "steps.0.at.day_end", "greater than or equal to 0"),
    Slip("{day_end: 0}", "{day_end: 367}", 26, "steps.0.at.day_end", "less than or equal to 366"),
    Slip(",take_over,made up,ladder", ",take_over,made up,lader", 2, "chain", "no chain 'lader'; did you mean 'ladder'?", "daily", "clocks.csv"),
    Slip(",take_over,made up,ladder", ",take_over,made up,the ladder", 2, "chain", "has a wrong form", "", "clocks.csv"),
    Slip("sign,sign_in,,,,30", "sign,sign_in,,,,5", 2, "chain", "step 'tell' of chain 'ladder' would come before the clock starts: before 5 continuous_minute", "", "clocks.csv"),
    Slip("7,natural_day,,none", "3,natural_day,,oversee", 5, "chain", "moves the case up at the deadline, and so does when_late 'oversee'", "", "clocks.csv"),
    Slip("none,made up,daily", "none,made up,ladder", 5, "chain", "would answer a late instruction with another", "", "clocks.csv"),
    Slip("source,chain", "source,chian", 1, "chian", "unknown column", "chain", "clocks.csv"),
    Slip("o1,leader", "o1,head", 4, "post", "'head' is not known", "leader", "shifts.csv"),
    Slip("officers,post", "officers,posts", 1, "posts", "unknown column", "post", "shifts.csv"),
    Slip("20:00,08:00,o1,officer", "20:00,08:00,o1,leader", 2, "desk", "nobody is on duty from weekday 1, 00:00", "", "areas.csv"),
)  # fmt: skip


def told(problem: Problem, slip: Slip) -> bool:
    return (problem.file, problem.field) == (slip.file, slip.field) and slip.words in problem.problem


@pytest.mark.parametrize("slip", SLIPS, ids=lambda slip: f"{slip.file}:{slip.line} {slip.field} {slip.words[:40]}")
def test_a_mistyped_chain_is_refused_with_file_line_field_and_what_is_allowed(tmp_path: Path, slip: Slip) -> None:
    part = "shifts" if slip.part == "areas" else slip.part
    with pytest.raises(BadPlaybook) as bad:
        load(write_chained(tmp_path, **{part: (slip.old, slip.new)}), today=TODAY)
    found = [problem for problem in bad.value.problems if told(problem, slip)]
    assert found, "\n".join(map(str, bad.value.problems))
    assert found[0].line == slip.line
    assert any(slip.allowed in allowed for allowed in found[0].allowed) or not slip.allowed


def test_two_at_the_deadline_are_refused_whichever_way_it_is_written(tmp_path: Path) -> None:
    end = "{id: end, at: due, action: notify, to: target_leader, copies: [target, above]}"
    with pytest.raises(BadPlaybook) as bad:
        load(write_chained(tmp_path, chains=(end, "{id: end, at: due, action: oversee}")), today=TODAY)
    assert {(problem.line, problem.field) for problem in bad.value.problems} == {(2, "chain"), (3, "chain")}


@pytest.mark.parametrize(
    ("part", "old", "new"),
    (
        ("chains", UP, UP.replace("after: {amount: 1,", "after: {amount: 5,")),
        ("chains", "{passed: 0.7}", "{before: {amount: 20, unit: continuous_minute}}"),
        ("chains", "{passed: 0.7}", "{since: {amount: 10, unit: continuous_minute}}"),
        ("chains", "{since: {amount: 3, unit: natural_day}}", "{since: {amount: 2, unit: working_hour}}"),
        ("chains", "times: 3", "times: 27"),
        ("clocks", ",take_over,made up,ladder", ",none,made up,"),
        ("clocks", "7,natural_day,,none", "8,natural_day,,oversee"),
        ("shifts", "o1,leader", "o1,officer"),
    ),
)
def test_what_depends_on_the_limit_or_is_meant_is_let_through(tmp_path: Path, part: str, old: str, new: str) -> None:
    assert load(write_chained(tmp_path, **{part: (old, new)}), today=TODAY).chains
