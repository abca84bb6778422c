"""The run of stages: which run side by side, what ends the run, what is said of it, tests counted as pytest reports."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deploy.local.ports import SAFE_PORTS
from tests import stages
from tests.stages import Count, Group, Run, Stage

SUITE = '<testsuites><testsuite tests="7" failures="1" errors="1" skipped="2"/></testsuites>'
SECONDS = 60
WAIT = """
import pathlib, time
until = time.monotonic() + 60
while not pathlib.Path({for_!r}).exists():
    assert time.monotonic() < until
    time.sleep(0.02)
"""
MAKE = "import pathlib; pathlib.Path({file!r}).touch()\n"
SLEEPER = """
import pathlib, time
try:
    pathlib.Path({began!r}).touch()
    time.sleep(600)
except KeyboardInterrupt:
    time.sleep(0.3)
    pathlib.Path({ended!r}).touch()
"""


@pytest.fixture(autouse=True)
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let logs and reports go to a folder of the test's own, and signals be as they were afterwards."""
    monkeypatch.setattr(stages, "LOGS", tmp_path)
    monkeypatch.setattr(stages, "ROOT", tmp_path)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    return tmp_path


def python(name: str, code: str) -> Stage:
    """Return a stage that runs ``code``."""
    return Stage(name=name, command=(sys.executable, "-c", code))


def run(monkeypatch: pytest.MonkeyPatch, *groups: Group) -> int:
    """Run ``groups`` as those of ``--quick``."""
    monkeypatch.setitem(stages.CHOICES, "--quick", groups)
    return stages.main(["--quick"])


def test_the_first_stage_that_fails_ends_the_run(
    logs: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    chosen = (python("first", "print('fine')"), python("second", "raise SystemExit(3)"), python("third", ""))
    assert run(monkeypatch, Group(stages=chosen), Group(stages=(python("fourth", ""),))) == 1
    said = capfd.readouterr().out
    assert "first | fine\n" in said
    assert "stopped at second" in said
    assert "not run: third, fourth" in said
    assert (logs / "first.log").read_text(encoding="utf-8") == "fine\n"
    assert not (logs / "third.log").exists()


def test_stages_of_one_group_run_side_by_side(logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = str(logs / "one"), str(logs / "other")
    first = python("first", MAKE.format(file=one) + WAIT.format(for_=other))
    second = python("second", MAKE.format(file=other) + WAIT.format(for_=one))
    assert run(monkeypatch, Group(stages=(first, second), at_once=2)) == 0


def test_no_two_stages_of_a_group_start_servers_on_one_port(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    code = "from deploy.local.ports import usable_ports as u; print('ports', u()[0], u()[-1])"
    monkeypatch.setattr(stages, "ROOT", Path(__file__).parents[2])
    assert run(monkeypatch, Group(stages=tuple(python(name, code) for name in "abc"))) == 0
    said = [line.split()[-2:] for line in capfd.readouterr().out.splitlines() if "| ports" in line]
    ports = [port for first, last in said for port in range(int(first), int(last) + 1)]
    assert len(said) == 3
    assert len(set(ports)) == len(ports) == len(SAFE_PORTS)


def test_what_runs_beside_one_that_fails_comes_to_its_end_and_nothing_more_begins(
    logs: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    beside = python("beside", WAIT.format(for_=str(logs / "seen")) + "print('to the end')")
    group = Group(stages=(python("failing", "raise SystemExit(3)"), beside, python("next", "")), at_once=2)
    ran = Run()
    with ThreadPoolExecutor() as threads:
        over = threads.submit(ran.group, group)
        soon(lambda: bool(ran.results), "the first has failed")
        (logs / "seen").touch()
        over.result(SECONDS)
    stages.tell(ran.results, (group,))
    said = capfd.readouterr().out
    assert "beside | to the end\n" in said
    assert "stopped at failing" in said
    assert "stopped at beside" not in said
    assert "not run: next" in said


def soon(look: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + SECONDS
    while not look():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


@pytest.mark.parametrize("how", (signal.SIGINT, signal.SIGTERM), ids=str)
def test_an_interrupt_ends_all_stages_and_waits_until_they_have_cleared_up(logs: Path, how: signal.Signals) -> None:
    names = ("one", "two")
    made = {name: SLEEPER.format(began=str(logs / name), ended=str(logs / f"{name}-ended")) for name in names}
    code = (
        "import signal, sys, pathlib; from tests import stages\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)  # as in the background of a shell\n"
        f"stages.LOGS = stages.ROOT = pathlib.Path({str(logs)!r})\n"
        f"chosen = [stages.Stage(name=n, command=(sys.executable, '-c', c)) for n, c in {made!r}.items()]\n"
        "stages.CHOICES['--quick'] = (stages.Group(stages=tuple(chosen), at_once=2),)\n"
        "sys.exit(stages.main(['--quick']))\n"
    )
    root = Path(__file__).parents[2]
    with subprocess.Popen((sys.executable, "-c", code), cwd=root, stdout=subprocess.DEVNULL) as ran:
        try:
            soon(lambda: all((logs / name).exists() for name in names), "both have begun")
            ran.send_signal(how)
            assert ran.wait(SECONDS) == stages.INTERRUPTED
        finally:
            ran.kill()
    assert all((logs / f"{name}-ended").exists() for name in names)


def test_the_last_line_counts_the_tests(
    logs: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    write = f"import pathlib; pathlib.Path({str(logs / 'unit.xml')!r}).write_text({SUITE!r})"
    stage = Stage(name="unit", command=(sys.executable, "-c", write, "pytest"))
    assert run(monkeypatch, Group(stages=(stage,))) == 0
    assert capfd.readouterr().out.splitlines()[-1] == "3 passed, 2 failed, 2 skipped"


def test_a_session_that_dies_without_a_report_counts_as_a_failure() -> None:
    assert stages.counted(Stage(name="unit", command=("pytest",))) == Count(failed=1)


def test_a_report_of_an_earlier_run_is_not_counted_again(logs: Path) -> None:
    (logs / "unit.xml").write_text(SUITE, encoding="utf-8")
    stage = Stage(name="unit", command=(sys.executable, "-c", "raise SystemExit(4)", "pytest"))
    Run().one(stage, range(20000, 20010))
    assert stages.counted(stage) == Count(failed=1)


def test_every_file_of_tests_is_run_by_one_stage() -> None:
    """What one stage leaves out is another's."""
    root = Path(__file__).parents[2]
    chosen = [stage.command for group in stages.EVERYTHING for stage in group.stages if stages.is_pytest(stage)]
    files = [path.relative_to(root) for path in root.glob("tests/**/test_*.py")]
    assert files
    often = {str(file): sum(runs(command, file) for command in chosen) for file in files}
    assert {file: times for file, times in often.items() if times != 1} == {}


def runs(command: tuple[str, ...], file: Path) -> bool:
    """Say whether pytest, called by ``command``, runs ``file``."""
    asked = any(file.is_relative_to(word) for word in command if word.startswith("tests/"))
    left_out = [word.removeprefix("--ignore=") for word in command if word.startswith("--ignore=")]
    return asked and not any(file.is_relative_to(word) for word in left_out)
