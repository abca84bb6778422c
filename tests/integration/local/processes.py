"""What the platform tests share: small programs to keep, and a look at the process table."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from deploy.local.processes import Keeper, Program
from deploy.local.progress import Quiet

PATIENCE_SECONDS = 60.0


def until(condition: Callable[[], bool], what: str, *, seconds: float = PATIENCE_SECONDS) -> None:
    """Return when ``condition`` holds; fail with ``what`` when it does not within ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s until {what}"
        time.sleep(0.05)


def processes_naming(text: str) -> list[str]:
    """Return the command lines of this machine's processes that contain ``text``."""
    found = (process.info for process in psutil.process_iter(["pid", "cmdline", "status"]))
    return [
        f"{info['pid']} {' '.join(info['cmdline'] or ())}"
        for info in found
        if any(text in word for word in info["cmdline"] or ())
    ]


def python_program(folder: Path, code: str, *, ready_seconds: float = 20.0, stop_seconds: float = 5.0) -> Program:
    """A child that runs ``code`` and is ready as soon as the file ``ready`` exists in ``folder``."""
    return Program(
        name="sample",
        command=(sys.executable, "-c", code, str(folder)),
        log=folder / "sample.log",
        why_not_ready=lambda: None if (folder / "ready").exists() else "there is no file ready",
        ready_seconds=ready_seconds,
        stop_seconds=stop_seconds,
    )


def keeper_of(program: Program) -> tuple[Keeper, Quiet]:
    """A keeper of ``program`` and the listener that it speaks to."""
    progress = Quiet()
    return Keeper(program, progress), progress
