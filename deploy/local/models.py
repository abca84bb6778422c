"""The demo county's model of what reports are about, taught by the command that a county uses, and kept.

What it learns from is shipped with the playbook, so one lesson does for every data folder: the cache keeps it under
the digest of all that it was taught from and by.
"""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.local.keys import DEMO_COUNTY
from deploy.local.playbooks import DEMO_PLAYBOOK
from deploy.local.processes import PartFailed, last_lines, tethered
from deploy.local.services import ROOT, inherited

PART: Final = "model"
LESSON_SECONDS: Final = 300
"""Five seconds on an idle machine; the limit is for one that is busy."""
_MODEL: Final = f"{DEMO_COUNTY}.skops"
_OURS: Final = f".{DEMO_COUNTY}.shipped"
"""Beside the model: the digest of the file that was put there, so that one trained by hand is known and stays."""
_TAUGHT_BY: Final = ("shared/learning/*.py", "cli/classify.py", "cli/lessons.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What the county learns from, and where what it has learned is kept."""

    playbook: Path = DEMO_PLAYBOOK
    cache: Path
    folder: Path
    """Where intake reads models from."""
    log: Path

    @property
    def kept(self) -> Path:
        """The model as it was taught once, in the cache."""
        return self.cache / "models" / self._digest() / _MODEL

    def _digest(self) -> str:
        taught_by = (path for pattern in _TAUGHT_BY for path in sorted(ROOT.glob(pattern)))
        whole = hashlib.sha256()
        for path in (*sorted(self.playbook.iterdir()), *taught_by):
            whole.update(f"{path.name}\0{_sha256(path)}\n".encode())
        return whole.hexdigest()[:32]


class Teaching:
    """A lesson that goes on beside the start of the servers; nothing runs when it was learned before."""

    def __init__(self, lesson: Lesson) -> None:
        self._lesson = lesson
        self._kept = lesson.kept
        self._desk: Path | None = None
        self._running: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        """Begin the lesson if its model is not in the cache; returns at once."""
        if not self._kept.exists():
            self._start()

    def finish(self) -> str:
        """Wait for the lesson's end, put the model where intake reads it, and say what is there.

        Raises:
            PartFailed: nothing could be learned, or not in time.
        """
        if self._running is not None:
            self._await(self._running)
        return _put(self._kept, self._lesson.folder)

    def stop(self) -> None:
        """End the lesson if it still goes on, and forget what is half learned; harmless at any time."""
        if self._running is not None and self._running.poll() is None:
            self._running.kill()
            self._running.wait()
        if self._desk is not None:
            shutil.rmtree(self._desk, ignore_errors=True)

    def _start(self) -> None:
        shelf = self._kept.parent.parent
        shelf.mkdir(parents=True, exist_ok=True)
        self._desk = Path(tempfile.mkdtemp(prefix=".lesson-", dir=shelf))
        self._desk.chmod(0o755)
        self._lesson.log.parent.mkdir(parents=True, exist_ok=True)
        with self._lesson.log.open("wb") as log:
            self._running = subprocess.Popen(
                tethered(list(_command(self._lesson.playbook, self._desk)), account=None, death_signal=signal.SIGKILL),
                env={**inherited(), "WHISTLE_LANG": "en"},
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def _await(self, running: subprocess.Popen[bytes]) -> None:
        try:
            status = running.wait(LESSON_SECONDS)
        except subprocess.TimeoutExpired:
            self.stop()
            raise PartFailed(PART, f"was not taught within {LESSON_SECONDS} s", last_lines(self._lesson.log)) from None
        if status != 0 or self._desk is None:
            self.stop()
            raise PartFailed(PART, f"could not be taught (exit status {status})", last_lines(self._lesson.log))
        try:
            self._desk.rename(self._kept.parent)
        except OSError:
            # Another platform on this cache has learned the same meanwhile.
            self.stop()


def _command(playbook: Path, models: Path) -> Iterator[str]:
    yield from (sys.executable, "-m", "cli", "classify", "train", "--county", DEMO_COUNTY)
    yield from ("--history", str(playbook / "messages.csv"), "--playbook", str(playbook), "--models", str(models))


def _put(kept: Path, folder: Path) -> str:
    """Put the model into ``folder`` unless one lies there that somebody has trained themselves."""
    folder.mkdir(parents=True, exist_ok=True)
    there, ours = folder / _MODEL, folder / _OURS
    wanted = _sha256(kept)
    found = _sha256(there) if there.exists() else ""
    if found not in ("", wanted) and (not ours.exists() or ours.read_text("utf-8") != found):
        return f"your own stays, {there}"
    if found != wanted:
        beside = folder / f".{_MODEL}.{os.getpid()}"
        shutil.copyfile(kept, beside)
        beside.replace(there)
    ours.write_text(wanted, "utf-8")
    return f"taught by the messages of its playbook, {there}"


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
