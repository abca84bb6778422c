"""``whistle act``: what it sends for each action's own fields, and what it says of a moment that nobody can tell."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

import cli.__main__ as program
from cli import client
from cli.trouble import MISUSED
from services.intake.api.bodies import ActionBody
from services.intake.domain.life.states import Action
from shared.runtime.clock import utc_now

CASE = str(uuid4())
OPTIONS: dict[str, list[str]] = {
    "file": ["--category", "01.001", "--condition", "broken", "--severity", "2"],
    "refuse": ["--code", "not_ours", "--reason", "外县", "--words", "请向邻县反映"],
    "recategorise": ["--category", "01.001", "--reason", "是井盖"],
    "merge": ["--into", str(uuid4()), "--reason", "同一件事"],
    "split": ["--report", str(uuid4()), "--reason", "另一件事"],
    "note": ["--note", "已联系"],
    "hand_over": ["--service", "119", "--receipt", "119-7"],
    "pause": ["--code", "material", "--until", "5d", "--reason", "等"],
    "hang": ["--until", "2026-12-01T18:00:00+08:00", "--reason", "列入计划"],
    "extend": ["--until", "3d", "--reason", "等配件"],
    "approve": ["--extension", str(uuid4())],
    "decline_extension": ["--extension", str(uuid4()), "--reason", "不必"],
    "supervise": ["--until", "1d", "--reason", "今日办结", "--to", "desk/990101001"],
    "reply": ["--supervision", str(uuid4()), "--note", "已办"],
    "send_back": ["--until", "12h", "--reason", "没办完"],
    "appeal": ["--ground", "overdue", "--reason", "停电"],
    "review": ["--not-upheld", "--reason", "不属实", "--appeal", str(uuid4())],
    "rate_department": ["--speed", "4", "--quality", "5"],
    "resolve": [
        *("--note", "好", "--accepted-at", "2026-11-21T08:00:00+08:00", "--spoken-with", "张女士"),
        *("--done", "更换", "--done-by", "2026-11-21T12:00:00+08:00"),
    ],
}


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What was sent to an intake that answers every action."""
    bodies: list[dict[str, Any]] = []
    acted = {"state": "signed", "version": 4, "allowed": ["note"], "extension_id": "e1"}

    def answer(request: httpx.Request) -> httpx.Response:
        bodies.append(json.loads(request.content))
        return httpx.Response(200, json=acted)

    monkeypatch.setenv("WHISTLE_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("WHISTLE_KEY", "wk_a_b")
    transport = httpx.MockTransport(answer)

    def to_intake(url: str, key: str | None = None) -> httpx.Client:
        return httpx.Client(transport=transport, base_url=url, headers=client.headers(key))

    monkeypatch.setattr(client, "client", to_intake)
    return bodies


def whistle(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = program.run(list(arguments))
    said = capsys.readouterr()
    return status, said.out, said.err


@pytest.mark.parametrize("action", OPTIONS)
def test_each_action_is_sent_with_its_fields_as_intake_reads_them(
    capsys: pytest.CaptureFixture[str], sent: list[dict[str, Any]], action: str
) -> None:
    status, _, err = whistle(capsys, "act", CASE, action, *OPTIONS[action])
    assert status == 0, err
    (body,) = sent
    request = ActionBody.model_validate_json(json.dumps(body)).as_request()
    assert request.action is Action(action)
    given = {option.removeprefix("--") for option in OPTIONS[action] if option.startswith("--")}
    fields = sum(len(value) if isinstance(value, dict) and name == "reply" else 1 for name, value in body.items())
    assert fields == len(given) + 1, "nothing is lost on the way"
    assert "extension e1" in err


def test_a_span_is_reckoned_from_now_and_a_moment_without_an_offset_is_refused(
    capsys: pytest.CaptureFixture[str], sent: list[dict[str, Any]]
) -> None:
    whistle(capsys, "act", CASE, "hang", "--until", "3d", "--reason", "等")
    until = datetime.fromisoformat(sent[0]["until"])
    assert timedelta(days=3) - timedelta(minutes=1) < until - utc_now() <= timedelta(days=3)
    status, _, err = whistle(capsys, "act", CASE, "hang", "--until", "2026-12-01T18:00:00", "--reason", "等")
    assert (status, "offset" in err) == (MISUSED, True)
    status, _, err = whistle(capsys, "act", CASE, "hang", "--until", "soon", "--reason", "等")
    assert (status, "--until soon" in err) == (MISUSED, True)
    assert len(sent) == 1, "what nobody can tell is not sent"


def test_what_is_open_is_said_once() -> None:
    problem = {
        "title": "This action is not open now",
        "errors": [{"field": "/action", "problem": "sign is not open", "allowed": ["arrive", "note"]}],
        "allowed": ["arrive", "note"],
    }
    said = client.trouble_of(httpx.Response(409, json=problem, request=httpx.Request("POST", "http://intake/v1/x")))
    assert said.mend == "open now: arrive, note"
