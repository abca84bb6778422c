"""One child process: started in its own group, its output in a file, watched, and started again when it dies."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.accounts import Account
from deploy.local.progress import Progress, Tone

TETHER = Path(__file__).with_name("tether.py")
DEPARTURE_SECONDS = 20.0
TAIL_LINES = 20
LOG_BYTES = 32 * 1024 * 1024
POLL_SECONDS = 0.1
STILL_SECONDS = 15.0
# Doubled on each early death; a part that was ready for STEADY_SECONDS begins again with the shortest pause.
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 15.0
STEADY_SECONDS = 30.0


class PartFailed(RuntimeError):  # noqa: N818  named for what happened
    """A part of the platform could not do what was asked; says which, why, and its last lines."""

    def __init__(self, part: str, why: str, last_lines: Sequence[str] = ()) -> None:
        self.part, self.why, self.last_lines = part, why, tuple(last_lines)
        lines = "".join(f"\n    {line}" for line in self.last_lines)
        super().__init__(f"{part}: {why}" + (f"; its last lines:{lines}" if lines else ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What to run, how to tell that it is ready, and how to stop it."""

    name: str
    command: tuple[str, ...]
    log: Path
    why_not_ready: Callable[[], str | None]
    """The readiness probe: None when ready, else what is missing, in words."""
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    account: Account | None = None
    ready_seconds: float = 90.0
    stop_seconds: float = 25.0
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL


def tethered(command: Sequence[str], *, account: Account | None, death_signal: signal.Signals) -> list[str]:
    """Return the command line that runs ``command`` tied to this process and, if given, as ``account``."""
    who = "-" if account is None else f"{account.uid}:{account.gid}"
    return [sys.executable, "-I", "-S", str(TETHER), str(os.getpid()), str(int(death_signal)), who, *command]


def last_lines(log: Path, *, since: int = 0, count: int = TAIL_LINES) -> list[str]:
    """Return up to ``count`` last lines that were written to ``log`` after byte ``since``."""
    try:
        with log.open("rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(min(since, size), size - 64 * 1024))
            text = stream.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return []
    return [line for line in text.splitlines() if line.strip()][-count:]


class Keeper:
    """Keeps one program running from a thread of its own, from :meth:`start` until :meth:`stop`.

    The thread forks the child and stays for as long as the child should: the kernel's parent-death signal
    follows the thread that forked, not the process.
    """

    def __init__(self, program: Program, progress: Progress) -> None:
        self.program = program
        self.starts = 0
        self._progress = progress
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._changed = threading.Condition()
        self._process: subprocess.Popen[bytes] | None = None
        self._ready = False
        self._log_start = 0

    @property
    def pid(self) -> int | None:
        """The process id while the program runs."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    @property
    def is_ready(self) -> bool:
        """True while the program runs and has answered its readiness probe since it was started."""
        return self._ready

    @property
    def is_wanted(self) -> bool:
        """True from :meth:`begin` to :meth:`stop`, also while the program is down and waits for its next start."""
        return self._thread is not None

    def tail(self, count: int = TAIL_LINES) -> list[str]:
        """Return the last lines that the program wrote since its latest start."""
        return last_lines(self.program.log, since=self._log_start, count=count)

    def begin(self) -> Future[None]:
        """Start the program; the future ends when it is ready for the first time, or with :class:`PartFailed`."""
        if self._thread is not None:
            raise PartFailed(self.program.name, "is started already")
        first: Future[None] = Future()
        self._stopping.clear()
        self._thread = threading.Thread(target=self._keep, args=(first,), name=f"keep-{self.program.name}", daemon=True)
        self._thread.start()
        return first

    def start(self) -> None:
        """Start the program and return when it is ready.

        Raises:
            PartFailed: when it ended before it was ready, or was not ready in time.
        """
        first = self.begin()
        try:
            first.result()
        except BaseException:
            self.stop()
            raise

    def ask_to_stop(self) -> None:
        """Begin to stop the program, so that several can stop side by side; :meth:`stop` waits for the end."""
        self._stopping.set()

    def stop(self) -> None:
        """Stop the program and return when its whole process group is gone; does nothing when it is not started."""
        thread = self._thread
        if thread is None:
            return
        self._stopping.set()
        thread.join()
        self._thread = None

    def kill(self, signum: signal.Signals = signal.SIGKILL) -> None:
        """Send ``signum`` to the running program; for SIGKILL return when its death was noticed."""
        process = self._process
        if process is None or process.returncode is not None:
            raise PartFailed(self.program.name, "does not run, so it cannot be killed")
        process.send_signal(signum)
        if signum is signal.SIGKILL:
            with self._changed:
                self._changed.wait_for(lambda: self._process is not process, timeout=30)

    def await_ready(self, seconds: float | None = None) -> None:
        """Return when the program is ready (again).

        Raises:
            PartFailed: when it is not ready after ``seconds`` (its own limit when None).
        """
        limit = self.program.ready_seconds if seconds is None else seconds
        with self._changed:
            if not self._changed.wait_for(lambda: self._ready, timeout=limit):
                raise PartFailed(self.program.name, f"not ready after {limit:.0f} s", self.tail())

    def _keep(self, first: Future[None]) -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            began = time.monotonic()
            try:
                end = self._live(first)
            except Exception as error:  # noqa: BLE001 - said to the user, or handed to whoever waits for the start
                end = f"could not be run: {error}"
            if self._stopping.is_set():
                self._settle(first, "stopped before it was ready")
                return
            if not first.done():
                self._settle(first, end)
                return
            pause = FIRST_PAUSE_SECONDS if time.monotonic() - began > STEADY_SECONDS else pause
            self._progress.say(self.program.name, f"{end}; starting it again in {pause:g} s", tone=Tone.BAD)
            for line in self.tail(5):
                self._progress.say(self.program.name, f"  | {line}", tone=Tone.FAINT)
            if self._stopping.wait(pause):
                return
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    def _settle(self, first: Future[None], why: str) -> None:
        if not first.done():
            first.set_exception(PartFailed(self.program.name, why, self.tail()))

    def _live(self, first: Future[None]) -> str:
        """Run the program once to its end and say how it ended."""
        process = self._spawn()
        try:
            end = self._until_ready(process)
            if end is None:
                self._mark_ready(first)
                end = self._until_ended(process)
            return end
        finally:
            self._end(process)

    def _spawn(self) -> subprocess.Popen[bytes]:
        program = self.program
        program.log.parent.mkdir(parents=True, exist_ok=True)
        bound_log(program.log)
        with program.log.open("ab") as log:
            self._log_start = log.tell()
            process = subprocess.Popen(
                tethered(program.command, account=program.account, death_signal=program.death_signal),
                env=dict(program.environment) or None,
                cwd=program.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
        with self._changed:
            self._process = process
            self.starts += 1
        return process

    def _until_ready(self, process: subprocess.Popen[bytes]) -> str | None:
        """Wait for the probe; return why it will not come, or None when the program is ready."""
        deadline = time.monotonic() + self.program.ready_seconds
        say_at = time.monotonic() + STILL_SECONDS
        while not self._stopping.wait(POLL_SECONDS):
            if process.poll() is not None:
                return f"ended before it was ready ({describe_exit(process.returncode)})"
            missing = self.program.why_not_ready()
            if missing is None:
                return None
            if time.monotonic() > deadline:
                return f"was not ready after {self.program.ready_seconds:.0f} s: {missing}"
            if time.monotonic() > say_at:
                say_at += STILL_SECONDS
                self._progress.say(self.program.name, f"still starting: {missing}", tone=Tone.FAINT)
        return "stopped"

    def _mark_ready(self, first: Future[None]) -> None:
        with self._changed:
            self._ready = True
            self._changed.notify_all()
        if first.done():
            self._progress.say(self.program.name, "is back", tone=Tone.GOOD)
        else:
            first.set_result(None)

    def _until_ended(self, process: subprocess.Popen[bytes]) -> str:
        looks = 0
        while not self._stopping.wait(POLL_SECONDS):
            if process.poll() is not None:
                return f"ended by itself ({describe_exit(process.returncode)})"
            looks += 1
            if looks % 100 == 0:
                bound_log(self.program.log)
        return "stopped"

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        """Stop what still runs, ask first, and leave nothing of its group."""
        if process.poll() is None:
            process.send_signal(self.program.stop_signal)
            try:
                process.wait(self.program.stop_seconds)
            except subprocess.TimeoutExpired:
                self._progress.say(
                    self.program.name,
                    f"did not stop within {self.program.stop_seconds:.0f} s; killed",
                    tone=Tone.BAD,
                )
        kill_group(process.pid)
        process.wait()
        with self._changed:
            self._process = None
            self._ready = False
            self._changed.notify_all()


def await_departure(
    holder: Callable[[], int | None], *, part: str, why: Callable[[int], str], patience: float = DEPARTURE_SECONDS
) -> None:
    """Return when ``holder`` names no process any more; after its platform was killed a server needs a moment to go.

    Raises:
        PartFailed: with ``why`` of the process, when one is still there after ``patience`` seconds.
    """
    deadline = time.monotonic() + patience
    while (pid := holder()) is not None:
        if time.monotonic() > deadline:
            raise PartFailed(part, why(pid))
        time.sleep(0.1)


def kill_group(group: int) -> None:
    """Kill whatever is left of a process group."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return


def bound_log(log: Path) -> None:
    """Keep ``log`` and one older part of it below :data:`LOG_BYTES` each; safe while a child appends to it."""
    if log.exists() and log.stat().st_size > LOG_BYTES:
        shutil.copyfile(log, log.with_suffix(f"{log.suffix}.1"))
        os.truncate(log, 0)


def describe_exit(status: int) -> str:
    """Say an exit status in words: ``exit status 3`` or ``killed by SIGKILL``."""
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"killed by signal {-status}"
