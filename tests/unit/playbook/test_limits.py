"""Limits of clocks in a playbook's files: two for one case are refused, a gap is worth a look."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from shared.playbook.check.advice import Weight, advise
from shared.playbook.load import load
from shared.playbook.problems import BadPlaybook, Problem
from tests.fakes.tiny_playbook import TINY, write_tiny

TODAY = date(2026, 6, 1)
HEAD = "id,kind,category,condition,severity,amount,unit,warn_at,when_late,source,mode,profile,whistle"
WIDE = f"{HEAD},area,case_source,valid_from,valid_until"


def with_limits(folder: Path, *lines: str) -> Path:
    """The tiny playbook with all columns and more limits: `id,area,case_source,valid_from,valid_until`."""
    write_tiny(folder)
    old = [f"{line},,,," for line in TINY["clocks.csv"].splitlines()[1:]]
    more = []
    for line in lines:
        name, _, rest = line.partition(",")
        more.append(f"{name},handle,03,,,2,continuous_hour,,oversee,条例第三条,,,,{rest}")
    (folder / "clocks.csv").write_text("\n".join([WIDE, *old, *more]) + "\n", encoding="utf-8")
    return folder


def wrong(folder: Path) -> tuple[Problem, ...]:
    with pytest.raises(BadPlaybook) as refused:
        load(folder, today=TODAY)
    return refused.value.problems


def test_a_limit_may_ask_for_area_and_source_and_have_days(tmp_path: Path) -> None:
    loaded = load(with_limits(tmp_path, "a,990199001,hotline,2026-01-01,2026-12-31"), today=TODAY)
    found = loaded.clocks[-1]
    assert (found.area, found.case_source) == ("990199001", "hotline")
    assert (found.valid_from, found.valid_until) == (date(2026, 1, 1), date(2026, 12, 31))
    assert found.source == "条例第三条"


@pytest.mark.parametrize(
    ("lines", "names"),
    (
        (("a,,,,", "b,,,,"), "always"),
        (("a,,,,2026-06-30", "b,,,2026-06-30,"), "from 2026-06-30 until 2026-06-30"),
        (("a,,,,", "b,,,2027-01-01,"), "from 2027-01-01"),
        (("b,,,2026-06-30,2026-12-31", "a,,,,2026-07-01"), "from 2026-06-30 until 2026-07-01"),
        (("a,990199001,grid,,", "b,990199001,grid,,"), "always"),
    ),
)
def test_two_of_equal_rank_that_are_valid_on_one_day_are_refused_with_both_lines(
    tmp_path: Path, lines: tuple[str, ...], names: str
) -> None:
    (problem,) = wrong(with_limits(tmp_path, *lines))
    assert (problem.file, problem.field) == ("clocks.csv", "kind")
    assert names in problem.problem
    assert {problem.line, int(problem.problem.partition("(line ")[2].rstrip(")"))} == {8, 9}
    assert "valid_from" in " ".join(problem.allowed)


def test_a_long_one_is_still_found_behind_a_short_one(tmp_path: Path) -> None:
    lines = ("long,,,2026-01-01,2026-12-31", "short,,,2026-02-01,2026-02-02", "late,,,2026-08-01,2026-08-31")
    found = wrong(with_limits(tmp_path, *lines))
    assert [(one.line, "(line 8)" in one.problem) for one in found] == [(9, True), (10, True)]


@pytest.mark.parametrize(
    "lines",
    (
        ("a,,,,2026-06-30", "b,,,2026-07-01,"),
        ("a,990199001,,,", "b,,,,"),
        ("a,,grid,,", "b,,hotline,,"),
    ),
)
def test_days_that_do_not_meet_and_other_demands_are_no_mistake(tmp_path: Path, lines: tuple[str, ...]) -> None:
    assert load(with_limits(tmp_path, *lines), today=TODAY).clocks[-1].id == "b"


@pytest.mark.parametrize(
    ("line", "field", "allowed"),
    (
        ("a,990199009,,,", "area", "990199001"),
        ("a,,telephone,,", "case_source", "hotline"),
        ("a,,,2026-06-02,2026-06-01", "valid_until", "2026-06-02 or later"),
        ("a,,,06/02/2026,", "valid_from", ""),
    ),
)
def test_what_is_not_known_is_told_with_line_and_field(tmp_path: Path, line: str, field: str, allowed: str) -> None:
    (problem,) = wrong(with_limits(tmp_path, line))
    assert (problem.file, problem.line, problem.field) == ("clocks.csv", 8, field)
    assert allowed in " ".join(problem.allowed)


def advice_of(folder: Path) -> list[tuple[Weight, str]]:
    book = load(folder, today=TODAY)
    return [(one.weight, one.what) for one in advise(book, today=TODAY) if one.part == "clocks" and "limit" in one.what]


def test_a_gap_between_two_and_an_end_without_another_are_worth_a_look(tmp_path: Path) -> None:
    told = advice_of(with_limits(tmp_path, "a,,,,2026-06-30", "b,,,2026-08-01,2026-08-31", "c,,grid,,2026-06-15"))
    assert told == [
        (Weight.NOTE, "limit 'b' begins on 2026-08-01"),
        (Weight.LOOK, "limit 'c' ends on 2026-06-15, and no other follows"),
    ]
    gaps = [
        one.what
        for one in advise(load(tmp_path, today=TODAY), today=TODAY)
        if one.part == "clocks" and "none of them" in one.what
    ]
    assert gaps == ["between 2026-06-30 ('a') and 2026-08-01 ('b') none of them is valid"]


def test_a_limit_that_all_cases_need_and_that_ends_is_a_mistake(tmp_path: Path) -> None:
    folder = with_limits(tmp_path, "a,,,,")
    path = folder / "clocks.csv"
    old = "handle,handle,,,,5,working_day,,oversee,made up,,,,,,,"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, f"{old}2026-05-31"), encoding="utf-8")
    assert advice_of(folder) == [(Weight.MISTAKE, "limit 'handle' ended on 2026-05-31, and no other follows")]
    path.write_text(text.replace(old, f"{old[:-1]}2026-01-01,"), encoding="utf-8")
    assert advice_of(folder) == [(Weight.MISTAKE, "before 2026-01-01 no limit 'handle' is valid")]
