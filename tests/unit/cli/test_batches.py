"""A file of reports is sent until every line has its answer, and the same file again is the same reports."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from cli import batches
from cli.batches import send_file
from cli.sending import Tally
from cli.trouble import Trouble

Answer = Callable[[httpx.Request], httpx.Response]


@pytest.fixture(autouse=True)
def _small_and_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "LINES_A_REQUEST", 3)
    monkeypatch.setattr(batches, "FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(batches, "LONGEST_PAUSE_SECONDS", 0.002)
    monkeypatch.setattr(batches, "PATIENCE_SECONDS", 0.5)


class Door:
    """Intake's batch door: knows what it has kept, and answers the first requests as it is told."""

    def __init__(self, *, away: int = 0, cut: int = 0) -> None:
        self.kept: dict[str, str] = {}
        self.away = away
        self.cut = cut

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if self.away:
            self.away -= 1
            return httpx.Response(503, json={"detail": "PostgreSQL does not answer"})
        lines = enumerate(request.content.decode().splitlines(), start=1)
        answers = [self._answer(f"{request.headers['idempotency-key']}:{n}", n, text) for n, text in lines if text]
        if self.cut:
            self.cut -= 1
            answers.pop()
        return httpx.Response(200, text="".join(f"{json.dumps(one)}\n" for one in answers))

    def _answer(self, key: str, number: int, text: str) -> dict[str, object]:
        if text == "bad":
            problem = {"errors": [{"field": "/text", "problem": "is missing", "allowed": []}]}
            return {"line": number, "status": 422, "problem": problem}
        replayed = self.kept.get(key) == text
        self.kept[key] = text
        return {"line": number, "status": 201, "replayed": replayed, "report": {}}


def sent(door: Answer, file: Path, key: str | None = None) -> Tally:
    with httpx.Client(transport=httpx.MockTransport(door), base_url="http://intake") as http:
        return send_file(http, file, key=key)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "reports.ndjson"
    path.write_text("one\ntwo\n\nfour\nbad\nsix\nseven", encoding="utf-8")
    return path


def test_every_line_is_counted_and_a_refusal_named_by_its_line_in_the_file(file: Path) -> None:
    tally = sent(Door(), file)
    assert (tally.accepted, tally.repeated, tally.refused) == (5, 0, 1)
    assert tally.examples == {"422 /text: is missing": 5}


def test_the_same_file_again_is_the_same_reports_and_a_changed_one_is_not(file: Path) -> None:
    door = Door()
    sent(door, file)
    assert sent(door, file).repeated == 5
    file.write_text("one\nother", encoding="utf-8")
    assert sent(door, file).accepted == 2


def test_an_outage_and_an_answer_that_breaks_off_are_sat_out(file: Path) -> None:
    door = Door(away=2, cut=1)
    tally = sent(door, file)
    assert (tally.accepted + tally.repeated, tally.refused) == (5, 1)
    assert len(door.kept) == 5


def test_patience_has_an_end_that_says_how_to_go_on(file: Path) -> None:
    with pytest.raises(Trouble) as trouble:
        sent(Door(away=10_000), file)
    assert "run the same command again" in trouble.value.mend


def test_stdin_needs_a_name() -> None:
    with pytest.raises(Trouble, match="no name"):
        sent(Door(), Path("-"))
