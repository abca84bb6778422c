"""The run of stages: stops at the first that fails, says what was not run, counts tests as pytest reports them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests import stages
from tests.stages import Count, Stage

SUITE = '<testsuites><testsuite tests="7" failures="1" errors="1" skipped="2"/></testsuites>'


@pytest.fixture(autouse=True)
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let logs and reports go to a folder of the test's own."""
    monkeypatch.setattr(stages, "LOGS", tmp_path)
    monkeypatch.setattr(stages, "ROOT", tmp_path)
    return tmp_path


def python(name: str, code: str) -> Stage:
    """Return a stage that runs ``code``."""
    return Stage(name=name, command=(sys.executable, "-c", code))


def test_the_first_stage_that_fails_ends_the_run(
    logs: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    chosen = (python("first", "print('fine')"), python("second", "raise SystemExit(3)"), python("third", ""))
    monkeypatch.setitem(stages.CHOICES, "--quick", chosen)
    assert stages.main(["--quick"]) == 1
    said = capfd.readouterr().out
    assert "stopped at second" in said
    assert "not run: third" in said
    assert (logs / "first.log").read_text(encoding="utf-8") == "fine\n"
    assert not (logs / "third.log").exists()


def test_the_last_line_counts_the_tests(
    logs: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    write = f"import pathlib; pathlib.Path({str(logs / 'unit.xml')!r}).write_text({SUITE!r})"
    stage = Stage(name="unit", command=(sys.executable, "-c", write, "pytest"))
    monkeypatch.setitem(stages.CHOICES, "--quick", (stage,))
    assert stages.main(["--quick"]) == 0
    assert capfd.readouterr().out.splitlines()[-1] == "3 passed, 2 failed, 2 skipped"


def test_a_session_that_dies_without_a_report_counts_as_a_failure() -> None:
    assert stages.counted(Stage(name="unit", command=("pytest",))) == Count(failed=1)


def test_a_report_of_an_earlier_run_is_not_counted_again(logs: Path) -> None:
    (logs / "unit.xml").write_text(SUITE, encoding="utf-8")
    stage = Stage(name="unit", command=(sys.executable, "-c", "raise SystemExit(4)", "pytest"))
    stages.run(stage)
    assert stages.counted(stage) == Count(failed=1)
