"""The command line as tests type it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from cli.__main__ import run

if TYPE_CHECKING:
    from deploy.local.platform import Platform

Whistle = Callable[..., tuple[int, str, str]]


@pytest.fixture
def whistle(system: Platform, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Whistle:
    """Run a command in this process; return its exit status, stdout and stderr."""
    for name in ("URL", "INTAKE_URL", "NOTIFIER_URL", "KEY", "KAFKA", "KEYS_FILE"):
        monkeypatch.delenv(f"WHISTLE_{name}", raising=False)
    monkeypatch.setenv("WHISTLE_DATA", str(system.data))
    monkeypatch.setenv("WHISTLE_LANG", "en")

    def call(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = run(list(arguments))
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return status, said.out, said.err

    return call
