"""What ``whistle explain`` prints is all there: wrapped on a terminal, in whole lines in a pipe."""

from __future__ import annotations

import io
from typing import Any, Final

import pytest
from rich.console import Console

from cli import asking, explain, output

ARITHMETIC: Final = " ".join(f"09-{day:02} 08:00-12:00, 14:00-18:00 gives 8h;" for day in range(1, 13)) + " the-end"
LONG_NAME: Final = "青萝镇综合行政执法和应急指挥中心第二值班室" * 3
CONDITION: Final = {
    "held": True,
    "field": "words",
    "operator": "holds one of",
    "expected": "gas, " * 50 + "last-word",
    "actual": "smell of " * 30 + "gas-there",
}
WIDTHS: Final = (40, 100)


def told() -> dict[str, Any]:
    """A story with a sentence in each place that is longer than any terminal."""
    at, both = "2026-11-21T08:00:00+00:00", {"zh": ARITHMETIC, "en": ARITHMETIC}
    order = {
        "stands": True,
        "role": "lead",
        "state": "issued",
        "target": {"kind": "department", "id": "gas", "name": LONG_NAME},
        "level": "county",
        "issued_at": at,
        "reason": "late",
        "explanation": {
            "words": ARITHMETIC,
            "words_en": ARITHMETIC,
            "playbook": {"version": "1", "digest": "8bb0a30f5bd6aa"},
            "rule_id": "gas-leak",
            "conditions": [CONDITION],
        },
    }
    case = {"severity": 1, "state": "open", "version": 3, "title": "漏气", "case_id": "c9", "area": "990101"}
    entry = {"at": at, "words": both, "actor": {"name": LONG_NAME}, "why": [{**both, "explanation": None}]}
    return {
        "case": {**case, "category": "03.001", "opened_at": at, "lead": None},
        "area_why": "as asked",
        "category_why": "as asked",
        "orders": [order],
        "clocks": [],
        "timeline": [entry],
    }


def printed(monkeypatch: pytest.MonkeyPatch, story: dict[str, Any], *, width: int, terminal: bool) -> list[str]:
    shown = io.StringIO()
    console = Console(
        file=shown, width=width, force_terminal=terminal, color_system=None, highlight=False, soft_wrap=True
    )
    monkeypatch.setattr(output, "out", console)
    monkeypatch.setenv("WHISTLE_LANG", "en")
    for part in explain.parts_of(story, near=True):
        output.show(part)
    return shown.getvalue().splitlines()


@pytest.mark.parametrize("width", WIDTHS)
def test_on_a_terminal_every_word_is_there_and_no_line_is_wider(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    lines = printed(monkeypatch, told(), width=width, terminal=True)
    shown = "".join("".join(lines).split())
    assert max(map(output.out.measure, lines), key=lambda size: size.maximum).maximum <= width
    # The sentence of the order, that of the timeline, and the reason below it.
    assert shown.count("the-end") == 3
    assert "last-word" in shown
    assert "gas-there" in shown
    assert "…" not in shown.replace("8bb0a30f5bd6…", "")


def test_in_a_pipe_every_sentence_is_one_whole_line(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = printed(monkeypatch, told(), width=output.PIPE_WIDTH, terminal=False)
    assert sum(ARITHMETIC in line for line in lines) == 3
    assert sum(LONG_NAME in line for line in lines) == 2
    (condition,) = [line for line in lines if str(CONDITION["expected"]) in line]
    assert "gas-there" in condition
    assert [line for line in lines if line != line.rstrip()] == []


def test_what_the_rules_say_is_whole_too(monkeypatch: pytest.MonkeyPatch) -> None:
    order = {"target": {"id": "gas"}, "role": "lead", "level": "county", "reason": "rule", "words": ARITHMETIC}
    tried = {"held": True, "rule_id": "gas-leak", "title": "漏气", "title_en": "Gas leak", "state": "active"}
    answer = {
        "playbook": {"version": "1", "digest": "8bb0a30f5bd6aa"},
        "unrouted": False,
        "orders": [{**order, "words_en": ARITHMETIC}],
        "walk": [{**tried, "ended": True, "conditions": [CONDITION]}],
        "near_misses": [],
        "shadows": [],
    }
    monkeypatch.setattr(explain, "parts_of", lambda *_, **__: asking.parts_of(answer, asking.Question()))
    for terminal in (True, False):
        shown = " ".join(printed(monkeypatch, {}, width=100, terminal=terminal))
        assert "the-end" in shown
        assert "last-word" in shown
        assert "gas-there" in shown
