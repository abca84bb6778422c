"""The program as a person starts it: nothing that listens, and still a sentence instead of a traceback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CLOSED = "127.0.0.1:1"


@pytest.mark.parametrize(
    "arguments",
    (
        ("playbook", "show", "--kafka", CLOSED),
        ("playbook", "publish", "playbooks/yunlu", "--kafka", CLOSED),
        ("status", "--url", f"http://{CLOSED}", "--key", "wk_a_b"),
        ("send", "路灯坏了", "--url", f"http://{CLOSED}", "--key", "wk_a_b"),
        ("tail", "--url", f"http://{CLOSED}", "--key", "wk_a_b"),
        ("doctor", "--url", f"http://{CLOSED}", "--key", "wk_a_b", "--kafka", CLOSED),
    ),
    ids=lambda arguments: arguments[0],
)
def test_a_closed_port_is_said_with_what_why_and_how_to_mend(arguments: tuple[str, ...], tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "cli", *arguments],
        env={"WHISTLE_DATA": str(tmp_path), "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    said = ended.stdout + ended.stderr
    assert ended.returncode == 1, said
    assert "does not answer" in said
    assert "why" in said
    assert "mend" in said
    assert "Traceback" not in said
    assert "Unable connect" not in said
    assert len(said.splitlines()) < 20


def test_a_reader_that_leaves_ends_the_command_quietly() -> None:
    command = f"{sys.executable} -m cli --help | head -1"
    ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert ended.stderr == ""
