"""The locks fit ``pyproject.toml``, and the check of it names what does not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from deploy import lock


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the locks and of ``pyproject.toml`` that a test may spoil."""
    shutil.copytree(lock.LOCKS, tmp_path / "requirements")
    shutil.copy(lock.ROOT / "pyproject.toml", tmp_path)
    monkeypatch.setattr(lock, "ROOT", tmp_path)
    monkeypatch.setattr(lock, "LOCKS", tmp_path / "requirements")
    return tmp_path


def spoil(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_the_locks_fit() -> None:
    assert list(lock.stale()) == []


def test_a_new_requirement_that_is_not_locked_is_named(copy: Path) -> None:
    spoil(copy / "pyproject.toml", "router = [", 'router = ["left-pad", ')
    assert [problem for problem in lock.stale() if "router.txt: left-pad is not locked" in problem]


def test_a_pin_outside_its_bounds_is_named(copy: Path) -> None:
    spoil(copy / "requirements" / "router.txt", "aiokafka==0.14.0", "aiokafka==0.13.0")
    assert [problem for problem in lock.stale() if "aiokafka==0.13.0 is outside ==0.14.0" in problem]


def test_a_service_that_is_locked_to_another_version_than_was_tested_is_named(copy: Path) -> None:
    spoil(copy / "requirements" / "intake.txt", "\nidna==", "\nidna==0.")
    assert [problem for problem in lock.stale() if "is not what dev.txt tests" in problem]


def test_the_name_of_a_registry_is_named(copy: Path) -> None:
    path = copy / "requirements" / "router.txt"
    path.write_text(
        "--index-url https://index.example.org/simple\n" + path.read_text(encoding="utf-8"), encoding="utf-8"
    )
    assert [problem for problem in lock.stale() if "names a host" in problem]
