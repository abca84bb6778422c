"""YAML that is read, and YAML that is refused by name before it does harm."""

from pathlib import Path

import pytest

from shared.playbook import nodes
from shared.playbook.nodes import read_yaml
from shared.playbook.problems import BadPlaybook, Problem


def refused(folder: Path, text: str) -> Problem:
    (folder / "x.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(BadPlaybook) as bad:
        read_yaml(folder / "x.yaml")
    return bad.value.problems[0]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    (
        ("a: 1\nb: [2,\n", 3, "did not find expected node content"),
        ("a: 1\nb: 2\na: 3\n", 3, "duplicate key 'a'"),
        ("a:\n  - b\n  - c: 2026-13-01\n", 3, "'2026-13-01' is no timestamp"),
        ("a: 1\nb: !!python/object:os.system x\n", 2, "means nothing here"),
        ("a: &x {b: 1}\nc:\n  <<: *x\n", 3, "a key must be a single value"),
        ("? [1]\n: 2\n", 1, "a key must be a single value"),
        ("a: 1\n---\nb: 2\n", 2, "another document"),
        ("a: *nobody\n", 1, "undefined alias"),
        ("a: &x [*x]\n", 1, "too deep"),
        ("[" * 100_000, 0, "too deep"),
        ("- " * 100_000, 0, "too deep"),
        ("a: \x00\n", 0, "control characters"),
    ),
)
def test_bad_yaml_is_told_with_its_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    problem = refused(tmp_path, text)
    assert (problem.file, problem.line) == ("x.yaml", line)
    assert words in problem.problem


def test_aliases_of_aliases_grow_no_further_than_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "MOST", 10_000)
    laughs = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9))
    assert "too many values" in refused(tmp_path, f"a0: &a0 ha\n{laughs}").problem


def test_texts_numbers_and_dates_are_those_of_yaml_1_2(tmp_path: Path) -> None:
    text = 'a: on\nb: yes\nc: 22:00\nd: 012\ne: "03"\nf: 03.5\ng: ~\nh: true\ni: &i [1]\nj: *i\n'
    (tmp_path / "x.yaml").write_text(text, encoding="utf-8")
    located = read_yaml(tmp_path / "x.yaml")
    expected = {"a": "on", "b": "yes", "c": "22:00", "d": 12, "e": "03", "f": 3.5, "g": None, "h": True}
    assert located.value == expected | {"i": [1], "j": [1]}
    assert located.line_of(("e",)) == 5
    assert located.line_of(("j", 0)) == 9, "an alias stands where its anchor does"


def test_items_know_their_own_lines(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("rules:\n  - id: a\n    when:\n      area: [x]\n  - id: b\n", encoding="utf-8")
    first, second = read_yaml(tmp_path / "x.yaml").items("rules")
    assert (first.line, first.line_of(("when", "area", 0))) == (2, 4)
    assert (second.line, second.line_of(("id",)), second.line_of(("nowhere",))) == (5, 5, 5)
