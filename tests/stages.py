"""The stages of ``make test``, each with its time; the last line counts the tests.

Groups run one after the other; of a group so many stages run side by side as it says. A stage's output goes to the
terminal behind the stage's name, and to ``build/test/<stage>.log``. After a stage has failed none is started any more;
those that run beside it come to their end. Ctrl-C ends them all.
"""

import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from deploy.local.ports import PORTS, SAFE_PORTS

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "build" / "test"
HOUR_SECONDS = 3600
ENDING_SECONDS = 60
"""What a stage may take to stop its servers after Ctrl-C."""
INTERRUPTED = 130
LIVES = "tests/unit/escalation/test_life_machine.py"
FAULTS = ("tests/e2e/test_kill.py", "tests/e2e/test_clock_faults.py")
CLOCKS = ("tests/integration/escalation", "tests/integration/facts")
INTAKE = "tests/integration/intake"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One thing that must hold, and the command that says whether it does."""

    name: str
    command: tuple[str, ...]
    mend: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Stages of which ``at_once`` run side by side, begun in their order: the longest come first."""

    stages: tuple[Stage, ...]
    at_once: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """Tests by result; an error in a fixture counts as failed."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: Self) -> "Count":
        return Count(
            passed=self.passed + other.passed,
            failed=self.failed + other.failed,
            skipped=self.skipped + other.skipped,
        )


def module(*words: str) -> tuple[str, ...]:
    """Return the command that runs ``words`` as a module of this Python."""
    return (sys.executable, "-m", *words)


def session(name: str, *paths: str, without: Sequence[str] = ()) -> Stage:
    """Return the stage that runs pytest once over ``paths``: one session, so that Kafka starts once."""
    left_out = [f"--ignore={path}" for path in without]
    return Stage(name=name, command=module("pytest", *paths, *left_out, f"--junitxml={LOGS / name}.xml", "-ra"))


LINT = (
    Stage(name="lint", command=module("ruff", "check", "."), mend="make fmt"),
    Stage(name="format", command=module("ruff", "format", "--check", "."), mend="make fmt"),
)
TYPES = (
    Stage(name="types", command=module("mypy")),
    Stage(name="imports", command=(str(Path(sys.executable).with_name("lint-imports")),)),
)
# Generated files: the command without its last word writes them.
GENERATED = (
    Stage(name="schema", command=module("shared.events.schema", "--check"), mend="make schema"),
    Stage(name="playbook schema", command=module("shared.playbook.schemas", "--check"), mend="make schema"),
    Stage(name="state graph", command=module("services.intake.graph", "--check"), mend="make schema"),
    Stage(name="intake openapi", command=module("services.intake.openapi", "--check"), mend="make schema"),
    Stage(name="notifier openapi", command=module("services.notifier.openapi", "--check"), mend="make schema"),
    Stage(name="kafka manifests", command=module("deploy.k8s.kafka", "--check"), mend="make schema"),
)
LOCKS = (Stage(name="locks", command=module("deploy.lock", "--check"), mend="make lock"),)
QUICK_TESTS = (
    session("lives of clocks", LIVES),
    session("unit", "tests/unit", without=(LIVES,)),
)
CONTRACTS = (session("contract", "tests/contract"),)
# Who breaks systems has them to themselves; they and the tests on engines wait more than they compute.
SLOW_TESTS = (
    session("integration", "tests/integration", without=(*CLOCKS, INTAKE)),
    session("clocks on engines", *CLOCKS),
    session("intake on engines", INTAKE),
    session("faults", *FAULTS),
    session("e2e", "tests/e2e", without=FAULTS),
)

QUICK = (
    Group(stages=LINT),
    Group(stages=(*QUICK_TESTS, *TYPES, *CONTRACTS, *GENERATED, *LOCKS), at_once=2),
)
CHOICES: dict[str, tuple[Group, ...]] = {
    "--quick": QUICK,
    "--verify": (Group(stages=(*GENERATED, *LOCKS)),),
    "--generate": (Group(stages=tuple(Stage(name=s.name, command=s.command[:-1]) for s in GENERATED)),),
}
EVERYTHING = (*QUICK, Group(stages=SLOW_TESTS, at_once=2))


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How one stage came out."""

    stage: Stage
    code: int
    seconds: float

    def __str__(self) -> str:
        return f"  {'FAILED' if self.code else 'ok    '} {self.stage.name:<20} {self.seconds:7.1f} s"


@dataclass(slots=True, kw_only=True)
class Run:
    """Stages that run, and how those that ran came out, in the order in which they ended."""

    results: list[Result] = field(default_factory=list)
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _over: bool = False

    def group(self, group: Group) -> None:
        """Run the stages of ``group``; whatever interrupts the wait for them ends them."""
        share = len(SAFE_PORTS) // len(group.stages)
        ports = (SAFE_PORTS[n * share : (n + 1) * share] for n in range(len(group.stages)))
        with ThreadPoolExecutor(max_workers=group.at_once) as threads:
            try:
                for _ in threads.map(self.one, group.stages, ports):
                    pass
            except BaseException:
                self.end()
                raise

    def one(self, stage: Stage, ports: range) -> None:
        """Run ``stage`` with ``ports`` unless another has failed, and keep how it came out."""
        if self._over:
            return
        started = time.monotonic()
        code = self.stage(stage, ports)
        if code != 0:
            self._over = True
        self.results.append(Result(stage=stage, code=code, seconds=time.monotonic() - started))

    def stage(self, stage: Stage, ports: range) -> int:
        """Run ``stage``, its output shown and kept, and return its exit code; servers beside it take other ports."""
        say(f"\n== {stage.name}: {' '.join(shown(stage.command))}\n".encode())
        report(stage).unlink(missing_ok=True)
        with (
            (LOGS / f"{stage.name}.log").open("wb") as log,
            subprocess.Popen(
                stage.command,
                cwd=ROOT,
                env={**os.environ, PORTS: f"{ports[0]}-{ports[-1]}"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                # A terminal's Ctrl-C comes from ``end`` alone: a second one would cut short the stop of servers.
                start_new_session=True,
            ) as process,
        ):
            self._running[stage.name] = process
            for line in process.stdout or ():
                say(f"{stage.name} | ".encode() + line)
                log.write(line)
            code = process.wait(timeout=HOUR_SECONDS)
        del self._running[stage.name]
        return code

    def end(self) -> None:
        """End what runs as Ctrl-C does, by force what does not follow."""
        self._over = True
        ending = list(self._running.values())
        for process in ending:
            process.send_signal(signal.SIGINT)
        deadline = time.monotonic() + ENDING_SECONDS
        for process in ending:
            try:
                process.wait(timeout=max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()


def main(arguments: Sequence[str]) -> int:
    """Run the chosen stages until one fails, then print a line for each and the count of tests."""
    groups = CHOICES[arguments[0]] if arguments else EVERYTHING
    LOGS.mkdir(parents=True, exist_ok=True)
    # Whoever stops a job sends the one; who starts it in the background has the other ignored, by all stages too.
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, signal.default_int_handler)
    ran = Run()
    try:
        for group in groups:
            ran.group(group)
    except KeyboardInterrupt:
        tell(ran.results, groups)
        return INTERRUPTED
    tell(ran.results, groups)
    return 1 if any(result.code for result in ran.results) else 0


def tell(results: Sequence[Result], groups: Iterable[Group]) -> None:
    """Print a line for each stage that ran, what is to be done, and the count of tests."""
    print("\n" + "\n".join(map(str, results)))
    for result in results:
        if result.code != 0:
            print(why(result.stage))
    ran = [result.stage for result in results]
    if left := [stage.name for group in groups for stage in group.stages if stage not in ran]:
        print(f"not run: {', '.join(left)}")
    if any(is_pytest(stage) for stage in ran):
        count = sum(map(counted, ran), start=Count())
        print(f"{count.passed} passed, {count.failed} failed, {count.skipped} skipped")


def say(line: bytes) -> None:
    """Show ``line`` at once and whole, whoever else speaks."""
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()


def counted(stage: Stage) -> Count:
    """Return the tests that ``stage`` ran, from pytest's own report; none when it is no test stage or died early."""
    path = report(stage)
    if not path.exists():
        return Count(failed=1) if is_pytest(stage) else Count()
    total = Count()
    for suite in ET.parse(path).getroot().iter("testsuite"):
        number = {word: int(suite.get(word, "0")) for word in ("tests", "failures", "errors", "skipped")}
        bad = number["failures"] + number["errors"]
        total += Count(
            passed=number["tests"] - bad - number["skipped"],
            failed=bad,
            skipped=number["skipped"],
        )
    return total


def why(failed: Stage) -> str:
    """Say which stage failed, where its output lies and how to mend it."""
    said = f"\nstopped at {failed.name}: see {(LOGS / failed.name).relative_to(ROOT)}.log"
    return f"{said}\nto mend it: {failed.mend}" if failed.mend else said


def report(stage: Stage) -> Path:
    """Return where pytest writes its report of ``stage``."""
    return LOGS / f"{stage.name}.xml"


def is_pytest(stage: Stage) -> bool:
    """Say whether ``stage`` runs tests."""
    return "pytest" in stage.command


def shown(command: Sequence[str]) -> list[str]:
    """Return ``command`` as a person would type it."""
    return [Path(word).name if word.startswith("/") else word for word in command]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
