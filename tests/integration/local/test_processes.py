"""A kept process: readiness, failure with its last lines, restart, stop to the last grandchild."""

import os
import signal
from pathlib import Path

import psutil
import pytest

from deploy.local import processes
from deploy.local.processes import LOG_BYTES, PartFailed, bound_log, last_lines
from tests.integration.local.processes import keeper_of, processes_naming, python_program, until

READY_AND_WAIT = """
import pathlib, sys, time
print("hello", flush=True)
pathlib.Path(sys.argv[1], "ready").touch()
time.sleep(600)
"""
UNTIL_TOLD = """
import pathlib, sys, time
pathlib.Path(sys.argv[1], "ready").touch()
while not pathlib.Path(sys.argv[1], "die").exists():
    time.sleep(0.02)
"""
DEAF = """
import pathlib, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path(sys.argv[1], "ready").touch()
time.sleep(600)
"""
WITH_GRANDCHILD = """
import pathlib, subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", sys.argv[1]])
pathlib.Path(sys.argv[1], "ready").touch()
time.sleep(600)
"""


def test_a_program_is_ready_when_its_probe_says_so_and_gone_after_stop(tmp_path: Path) -> None:
    keeper, _ = keeper_of(python_program(tmp_path, READY_AND_WAIT))
    keeper.start()
    running = (keeper.is_ready, keeper.tail())
    keeper.stop()
    assert running == (True, ["hello"])
    assert (keeper.is_ready, keeper.pid) == (False, None)
    assert processes_naming(str(tmp_path)) == []


def test_a_program_that_ends_before_it_is_ready_fails_with_its_last_lines(tmp_path: Path) -> None:
    keeper, _ = keeper_of(python_program(tmp_path, "print('no such disk'); raise SystemExit(3)"))
    with pytest.raises(PartFailed) as failure:
        keeper.start()
    assert failure.value.part == "sample"
    assert "exit status 3" in failure.value.why
    assert failure.value.last_lines == ("no such disk",)
    assert "no such disk" in str(failure.value)
    assert not keeper.is_wanted


def test_a_program_that_is_never_ready_fails_after_its_limit_and_is_gone(tmp_path: Path) -> None:
    program = python_program(tmp_path, "import time; print('thinking', flush=True); time.sleep(600)", ready_seconds=1)
    keeper, _ = keeper_of(program)
    with pytest.raises(PartFailed, match="not ready after 1 s: there is no file ready"):
        keeper.start()
    assert processes_naming(str(tmp_path)) == []


def test_a_slow_start_says_what_it_waits_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "STILL_SECONDS", 0.2)
    program = python_program(tmp_path, "import time; time.sleep(600)", ready_seconds=1)
    keeper, progress = keeper_of(program)
    with pytest.raises(PartFailed):
        keeper.start()
    assert "sample: still starting: there is no file ready" in progress.lines


def test_a_program_that_dies_is_said_and_started_again(tmp_path: Path) -> None:
    keeper, progress = keeper_of(python_program(tmp_path, READY_AND_WAIT))
    keeper.start()
    try:
        first = keeper.pid
        keeper.kill(signal.SIGKILL)
        keeper.await_ready()
        assert keeper.starts == 2
        assert keeper.pid != first
        assert any("killed by SIGKILL" in line for line in progress.lines)
        assert any("is back" in line for line in progress.lines)
    finally:
        keeper.stop()


def test_a_program_that_keeps_dying_is_started_with_longer_and_longer_pauses(tmp_path: Path) -> None:
    keeper, progress = keeper_of(python_program(tmp_path, UNTIL_TOLD))
    keeper.start()
    try:
        (tmp_path / "die").touch()
        until(lambda: any("again in 2 s" in line for line in progress.lines), "the third pause is said")
    finally:
        keeper.stop()
    pauses = [line.rsplit("again in ", 1)[1] for line in progress.lines if "again in" in line]
    assert pauses[:3] == ["0.5 s", "1 s", "2 s"]


def test_stop_ends_a_pause_too(tmp_path: Path) -> None:
    keeper, progress = keeper_of(python_program(tmp_path, UNTIL_TOLD))
    keeper.start()
    (tmp_path / "die").touch()
    until(lambda: any("again in" in line for line in progress.lines), "it died once")
    keeper.stop()
    assert processes_naming(str(tmp_path)) == []


def test_a_program_that_ignores_the_stop_signal_is_killed(tmp_path: Path) -> None:
    keeper, progress = keeper_of(python_program(tmp_path, DEAF, stop_seconds=0.5))
    keeper.start()
    keeper.stop()
    assert processes_naming(str(tmp_path)) == []
    assert any("did not stop" in line for line in progress.lines)


def test_stop_takes_the_children_of_the_program_too(tmp_path: Path) -> None:
    keeper, _ = keeper_of(python_program(tmp_path, WITH_GRANDCHILD))
    keeper.start()
    until(lambda: len(processes_naming(str(tmp_path))) == 2, "the grandchild runs")
    keeper.stop()
    until(lambda: processes_naming(str(tmp_path)) == [], "the grandchild is gone", seconds=5)


def test_a_program_runs_in_a_group_of_its_own_so_that_ctrl_c_reaches_only_the_platform(tmp_path: Path) -> None:
    keeper, _ = keeper_of(python_program(tmp_path, READY_AND_WAIT))
    keeper.start()
    try:
        assert keeper.pid is not None
        assert os.getpgid(keeper.pid) == keeper.pid != os.getpgid(0)
        assert psutil.Process(keeper.pid).parent() == psutil.Process()
    finally:
        keeper.stop()


def test_a_log_is_cut_before_it_fills_the_disk(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    with log.open("ab") as stream:
        stream.truncate(LOG_BYTES + 1)
        bound_log(log)
        stream.write(b"after\n")
        stream.flush()
    assert last_lines(log) == ["after"]
    assert (tmp_path / "a.log.1").stat().st_size == LOG_BYTES + 1
