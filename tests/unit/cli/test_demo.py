"""``whistle demo`` hands over to the local platform's demo, and says what is missing when that is not installed."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from cli.__main__ import run


def test_the_demo_gets_its_options_and_gives_its_status(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[tuple[int | None, Path | None, bool]] = []

    def demo(*, seconds: int | None, data: Path | None, keep: bool) -> int:
        asked.append((seconds, data, keep))
        return 3

    module = ModuleType("deploy.local.demo")
    module.run = demo  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "deploy.local.demo", module)
    assert run(["demo", "--seconds", "90", "--data", str(tmp_path)]) == 3
    assert run(["demo", "--keep"]) == 3
    assert asked == [(90, tmp_path, False), (None, None, True)]


def test_without_the_local_parts_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "deploy.local.demo", None)
    assert run(["demo"]) == 1
    assert "pip install whistle[local]" in capsys.readouterr().err
