"""The commands against the whole system: what a person types, and what comes back."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from deploy.local.keys import DEMO_COUNTY
from deploy.local.services import ROOT
from tests.e2e.conftest import Whistle

if TYPE_CHECKING:
    from deploy.local.platform import Platform

VILLAGE = f"{DEMO_COUNTY}001001"
DEADLINE_SECONDS = 60


HOUSES = itertools.count(1)
"""Each report is of another house, on a road of which none tells: the same words of one place would be one case."""


def sent(whistle: Whistle) -> dict[str, Any]:
    text = f"丰收路{next(HOUSES)}号燃气味很重，疑似管道漏气"
    status, out, err = whistle("send", text, "--area", VILLAGE, "--json")
    assert status == 0, err
    accepted: dict[str, Any] = json.loads(out)
    return accepted


def test_a_report_is_sent_and_followed_until_somebody_has_it(whistle: Whistle) -> None:
    status, out, err = whistle("send", "幸福路口燃气味很重，疑似管道漏气", "--area", VILLAGE, "--tag", "市场")
    assert status == 0
    assert "→ lead" in out
    assert "trace" in out
    assert "whistle explain" in err


def test_a_source_may_send_though_it_may_not_read(system: Platform, whistle: Whistle) -> None:
    token = system.keys.token(f"{DEMO_COUNTY}-source")
    status, out, err = whistle("send", "路灯坏了", "--area", VILLAGE, "--key", token)
    assert status == 0
    assert "✓ case" in out
    assert "cannot be followed from here" in err


def test_explain_says_rule_playbook_conditions_and_timeline(whistle: Whistle) -> None:
    case_id = sent(whistle)["case_id"]
    story = until_routed(whistle, case_id)
    explanation = next(order["explanation"] for order in story["orders"] if order["role"] == "lead")
    status, out, _ = whistle("explain", case_id, "--all")
    assert status == 0
    for part in (
        explanation["rule_id"],
        explanation["rule_version"],
        explanation["playbook"]["version"],
        explanation["playbook"]["digest"][:12],
        "✓ held",
        explanation["conditions"][0]["actual"],
        "timeline",
        "Case opened",
        "clocks",
    ):
        assert part in out


def until_routed(whistle: Whistle, case_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        status, out, _ = whistle("explain", case_id, "--json")
        if status == 0:
            story: dict[str, Any] = json.loads(out)
            if any(order["role"] == "lead" and order["explanation"] for order in story["orders"]):
                return story
        time.sleep(0.2)
    raise AssertionError(f"case {case_id} has no explained order")


def test_explain_last_takes_the_newest_case(whistle: Whistle) -> None:
    case_id = sent(whistle)["case_id"]
    until_routed(whistle, case_id)
    assert json.loads(whistle("explain", "last", "--json")[1])["case"]["case_id"] == case_id


def test_status_counts(whistle: Whistle) -> None:
    until_routed(whistle, sent(whistle)["case_id"])
    status, out, _ = whistle("status", "--json")
    assert status == 0
    assert sum(json.loads(out)["cases"].values()) >= 1
    assert "routed" in whistle("status")[1]


def test_tail_shows_history_and_stops_after_a_count(whistle: Whistle) -> None:
    until_routed(whistle, sent(whistle)["case_id"])
    status, out, _ = whistle("tail", "--after", "0", "--count", "2", "--type", "whistle.order.issued.v1")
    assert status == 0
    assert len(out.splitlines()) == 2
    assert all("Order to" in line for line in out.splitlines())
    told = json.loads(whistle("tail", "--after", "0", "-n", "1", "--json")[1])
    assert told["type"].startswith("whistle.")


class Tail:
    """``whistle tail --json`` as a person runs it: a process of its own, its lines as they come."""

    def __init__(self, data: Path) -> None:
        command = [sys.executable, "-m", "cli", "tail", "--json", "--type", "whistle.case.opened.v1"]
        environment = os.environ | {"WHISTLE_DATA": str(data), "PYTHONUNBUFFERED": "1"}
        # Tests that run in the background ignore an interrupt, and so would what they start.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self.process = subprocess.Popen(
            command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.cases: list[str] = []
        self.words: list[str] = []
        self._threads = [threading.Thread(target=self._read), threading.Thread(target=self._listen)]
        for thread in self._threads:
            thread.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.cases.append(json.loads(line)["case"]["case_id"])

    def _listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.words.append(line)

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        status = self.process.wait(DEADLINE_SECONDS)
        for thread in self._threads:
            thread.join(DEADLINE_SECONDS)
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.process.stdout.close()
        self.process.stderr.close()
        return status


@pytest.fixture
def tail(system: Platform) -> Iterator[Tail]:
    running = Tail(system.data)
    yield running
    if running.process.poll() is None:
        running.end(9)


def seen(look: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not look():
        assert time.monotonic() < deadline, f"not seen: {what}"
        time.sleep(0.05)


def test_tail_goes_on_where_it_was_when_the_notifier_comes_back(system: Platform, whistle: Whistle, tail: Tail) -> None:
    cases: list[str] = []

    def first_seen() -> bool:
        # Nobody says from outside when the stream is open: send until one report is heard.
        cases.append(sent(whistle)["case_id"])
        time.sleep(0.5)
        return bool(tail.cases)

    seen(first_seen, "the first case on the stream")
    system.stop_part("notifier")
    missed = [sent(whistle)["case_id"] for _ in range(3)]
    system.start_part("notifier")
    seen(lambda: set(missed) <= set(tail.cases), "the cases opened while the notifier was away")
    assert len(tail.cases) == len(set(tail.cases))
    assert any("listening again" in words for words in tail.words)
    assert tail.end(2) == 0


def test_doctor_finds_nothing_broken(whistle: Whistle) -> None:
    status, out, _ = whistle("doctor")
    assert status == 0, out
    parts = ("intake probes", "notifier clock", "group whistle-router", "topics", "playbook", "dead letters", "canary")
    for part in (*parts, "modes"):
        assert part in out


def test_doctor_names_what_is_away_and_how_to_mend_it(system: Platform, whistle: Whistle) -> None:
    system.stop_part("router")
    try:
        status, out, _ = whistle("doctor", "--json", "--kafka", "127.0.0.1:1")
    finally:
        system.start_part("router")
    assert status == 1
    found = {finding["name"]: finding for finding in map(json.loads, out.splitlines())}
    assert {name for name, finding in found.items() if finding["grade"] == "broken"} == {"router probes", "kafka"}
    for name in ("router probes", "kafka"):
        assert found[name]["why"]
        assert found[name]["mend"]


ROWS = """nr,what,where
1,路灯不亮已经三天,990101001001
2,井盖丢失很危险,990101001001
3,,990101001001
4,水管爆裂,990199
5,路面塌陷,990101001002
"""


def test_replay_sends_a_file_once_however_often_it_runs(whistle: Whistle, tmp_path: Path) -> None:
    file, refused = tmp_path / "rows.csv", tmp_path / "refused.ndjson"
    file.write_text(ROWS, encoding="utf-8")
    command = (
        "replay", str(file), "--map", "id=nr", "--map", "text=what", "--map", "area=where", "--set", "source=hotline",
        "--dataset", uuid.uuid4().hex, "--refused", str(refused), "--json",
    )  # fmt: skip
    first = json.loads(whistle(*command)[1])
    again = json.loads(whistle(*command)[1])
    assert (first["accepted"], first["repeated"], first["refused"]) == (3, 0, 2)
    assert (again["accepted"], again["repeated"], again["refused"]) == (0, 3, 2)
    noted = [json.loads(line) for line in refused.read_text(encoding="utf-8").splitlines()]
    assert {note["row"]: note["reason"].split(":")[0] for note in noted} == {3: "422 /text", 4: "422 /area"}


def test_replay_rides_over_an_intake_that_goes_away(system: Platform, whistle: Whistle, tmp_path: Path) -> None:
    file = tmp_path / "rows.ndjson"
    rows = [{"source": "grid", "text": f"第{n}处垃圾堆积", "area": VILLAGE} for n in range(60)]
    file.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    restarting = threading.Timer(1.0, system.restart, ["intake"])
    restarting.start()
    try:
        status, out, err = whistle("replay", str(file), "--rate", "20", "--dataset", uuid.uuid4().hex, "--json")
    finally:
        restarting.join()
    assert status == 0, err
    tally = json.loads(out)
    assert tally["accepted"] + tally["repeated"] == 60
    assert tally["refused"] == 0


def test_a_new_key_is_good_at_once(whistle: Whistle) -> None:
    _, out, _ = whistle("keys", "new", "--name", "站点", "--role", "source", "--area", VILLAGE)
    token = out.strip()
    deadline = time.monotonic() + 10
    while (answer := whistle("send", "路灯坏了", "--area", VILLAGE, "--key", token, "--json"))[0] != 0:
        assert time.monotonic() < deadline, answer[2]
        time.sleep(0.2)
    status, _, err = whistle("send", "路灯坏了", "--area", f"{DEMO_COUNTY}101", "--key", token)
    assert status == 1
    assert "403" in err or "422" in err
    assert "站点" in whistle("keys", "list")[1]


def test_the_playbook_in_force_is_shown_and_may_be_published_again(whistle: Whistle) -> None:
    before = json.loads(whistle("playbook", "show", "--json")[1].splitlines()[0])
    status, _, err = whistle("playbook", "publish", str(ROOT / "playbooks" / "yunlu"))
    assert status == 0, err
    assert (
        json.loads(whistle("playbook", "show", DEMO_COUNTY, "--json")[1])["county"] == before["county"] == DEMO_COUNTY
    )
    status, _, err = whistle("playbook", "show", "110101")
    assert (status, "No playbook is in force for county 110101" in err) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    (
        (("explain", str(uuid.UUID(int=7))), "404"),
        (("status", "--url", "http://127.0.0.1:1"), "does not answer"),
        (("status", "--key", "wk_nobody_wrong"), "401"),
        (("send", "路灯坏了", "--area", "110101"), "422"),
        (("send", "路灯坏了", "--area", "12"), "/area"),
        (("tail", "--key", "wk_nobody_wrong"), "401"),
        (("tail", "--area", "110101"), "403"),
    ),
)
def test_a_failure_says_what_why_and_how_to_mend(whistle: Whistle, arguments: tuple[str, ...], words: str) -> None:
    status, out, err = whistle(*arguments)
    assert status == 1
    assert out == ""
    assert words in err
    assert "why" in err
    assert "mend" in err
