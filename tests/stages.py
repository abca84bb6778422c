"""The stages of ``make test``, in order, each with its time; the last line counts the tests.

A stage's output goes to the terminal and to ``build/test/<stage>.log``; the first stage that fails ends the run.
"""

import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "build" / "test"
HOUR_SECONDS = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One thing that must hold, and the command that says whether it does."""

    name: str
    command: tuple[str, ...]
    mend: str = ""


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


def tests(name: str, *folders: str) -> Stage:
    """Return the stage that runs pytest once over ``folders``: one session, so that Kafka starts once."""
    return Stage(name=name, command=module("pytest", *folders, f"--junitxml={LOGS / name}.xml", "-ra"))


LINT = (
    Stage(name="lint", command=module("ruff", "check", "."), mend="make fmt"),
    Stage(name="format", command=module("ruff", "format", "--check", "."), mend="make fmt"),
    Stage(name="types", command=module("mypy")),
    Stage(name="imports", command=(str(Path(sys.executable).with_name("lint-imports")),)),
)
# Generated files: the command without its last word writes them.
GENERATED = (
    Stage(name="schema", command=module("shared.events.schema", "--check"), mend="make schema"),
    Stage(name="playbook schema", command=module("shared.playbook.schemas", "--check"), mend="make schema"),
    Stage(name="state graph", command=module("services.intake.graph", "--check"), mend="make schema"),
    Stage(name="intake openapi", command=module("services.intake.openapi", "--check"), mend="make schema"),
    Stage(name="kafka manifests", command=module("deploy.k8s.kafka", "--check"), mend="make schema"),
)
LOCKS = (Stage(name="locks", command=module("deploy.lock", "--check"), mend="make lock"),)
QUICK_TESTS = (tests("unit", "tests/unit"), tests("contract", "tests/contract"))
SLOW_TESTS = (tests("integration and e2e", "tests/integration", "tests/e2e"),)

CHOICES = {
    "--quick": (*LINT, *GENERATED, *LOCKS, *QUICK_TESTS),
    "--verify": (*GENERATED, *LOCKS),
    "--generate": tuple(Stage(name=s.name, command=s.command[:-1]) for s in GENERATED),
}
EVERYTHING = (*LINT, *GENERATED, *LOCKS, *QUICK_TESTS, *SLOW_TESTS)


def main(arguments: Sequence[str]) -> int:
    """Run the chosen stages until one fails, then print a line for each and the count of tests."""
    stages = CHOICES[arguments[0]] if arguments else EVERYTHING
    LOGS.mkdir(parents=True, exist_ok=True)
    lines: list[str] = []
    count = Count()
    failed: Stage | None = None
    for stage in stages:
        started = time.monotonic()
        code = run(stage)
        count += counted(stage)
        lines.append(f"  {'ok    ' if code == 0 else 'FAILED'} {stage.name:<20} {time.monotonic() - started:7.1f} s")
        if code != 0:
            failed = stage
            break
    print("\n" + "\n".join(lines))
    if failed is not None:
        print(why(failed, left=[s.name for s in stages[len(lines) :]]))
    if any(is_pytest(stage) for stage in stages[: len(lines)]):
        print(f"{count.passed} passed, {count.failed} failed, {count.skipped} skipped")
    return 1 if failed is not None else 0


def run(stage: Stage) -> int:
    """Run ``stage``, its output shown and kept, and return its exit code."""
    print(f"\n== {stage.name}: {' '.join(shown(stage.command))}", flush=True)
    report(stage).unlink(missing_ok=True)
    with (
        (LOGS / f"{stage.name}.log").open("wb") as log,
        subprocess.Popen(
            stage.command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as process,
    ):
        for line in process.stdout or ():
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
            log.write(line)
        return process.wait(timeout=HOUR_SECONDS)


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


def why(failed: Stage, *, left: Sequence[str]) -> str:
    """Say which stage failed, where its output lies, how to mend it and what was not run."""
    parts = [f"\nstopped at {failed.name}: see {(LOGS / failed.name).relative_to(ROOT)}.log"]
    parts += [f"to mend it: {failed.mend}"] if failed.mend else []
    parts += [f"not run: {', '.join(left)}"] if left else []
    return "\n".join(parts)


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
