"""Locked dependencies: ``requirements/*.txt`` made from ``pyproject.toml``, and checked against it without a network.

``python -m deploy.lock`` resolves anew; ``python -m deploy.lock --check`` fails when a lock no longer fits.
One file for each image, all constrained by ``dev.txt``, so that what was tested is what runs.
"""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "requirements"
IMAGES = ("intake", "router", "escalation", "notifier", "cli")
PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^ ;\\]+)(?P<marker> *;[^\\]*)?", re.MULTILINE)
HOST = re.compile(r"https?://|--(?:extra-)?index-url|--find-links")


def main() -> int:
    """Write the locks, or with ``--check`` say what is stale; the exit code is the answer."""
    if "--check" not in sys.argv[1:]:
        resolve()
    problems = list(stale())
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        print("the locks do not fit pyproject.toml: run `make lock`", file=sys.stderr)
    return 1 if problems else 0


def resolve() -> None:
    """Resolve every lock with uv; the development lock first, because the images follow its versions."""
    compile_lock("dev", "pyproject.toml", "--extra", "dev")
    for image in IMAGES:
        compile_lock(image, "pyproject.toml", "--extra", image, "--constraint", "requirements/dev.txt")


def compile_lock(name: str, *arguments: str) -> None:
    """Write ``requirements/<name>.txt`` for every platform, with hashes and without naming a registry."""
    command = [
        sys.executable,
        "-m",
        "uv",
        "pip",
        "compile",
        *arguments,
        "--universal",
        "--python-version",
        "3.11",
    ]
    form = [
        "--generate-hashes",
        "--no-header",
        "--no-annotate",
        "--quiet",
        "--output-file",
        f"requirements/{name}.txt",
    ]
    subprocess.run([*command, *form], cwd=ROOT, check=True, timeout=600)


def stale() -> Iterator[str]:
    """Say each way in which a lock fails ``pyproject.toml``: missing, not allowed, untested or naming a host."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    tested = pins(LOCKS / "dev.txt")
    for extra in ("dev", *IMAGES):
        path = LOCKS / f"{extra}.txt"
        locked = pins(path)
        yield from unmet(path.name, wanted(project, extra), locked)
        yield from (
            f"{path.name}: {name} {sorted(found)} is not what dev.txt tests {sorted(tested.get(name, set()))}"
            for name, found in locked.items()
            if not found <= tested.get(name, set())
        )
        yield from (f"{path.name}: names a host: {line}" for line in path.read_text().splitlines() if HOST.search(line))
    if version("uv") not in pins(LOCKS / "uv.txt").get("uv", set()):
        yield f"uv.txt: pins another uv than {version('uv')}, which is installed"


def unmet(lock: str, wanted: Iterable[Requirement], locked: dict[str, set[str]]) -> Iterator[str]:
    """Name each direct requirement that ``lock`` leaves out or pins outside its bounds."""
    for requirement in wanted:
        found = locked.get(canonicalize_name(requirement.name), set())
        if not found:
            yield f"{lock}: {requirement} is not locked"
        for pin in sorted(found):
            if not requirement.specifier.contains(pin, prereleases=True):
                yield f"{lock}: {requirement.name}=={pin} is outside {requirement.specifier}"


def wanted(project: dict[str, object], extra: str) -> list[Requirement]:
    """Return the direct requirements of the project with ``extra``, references to its own extras followed."""
    extras = project["optional-dependencies"]
    dependencies = project["dependencies"]
    if not isinstance(extras, dict) or not isinstance(dependencies, list):
        message = "pyproject.toml: dependencies must be a list and optional-dependencies a table"
        raise TypeError(message)
    found = {str(Requirement(line)): Requirement(line) for line in dependencies}
    waiting = [extra]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        for line in extras[name]:
            requirement = Requirement(line)
            if requirement.name == project["name"]:
                waiting.extend(requirement.extras)
            elif requirement.marker is None or requirement.marker.evaluate():
                found[str(requirement)] = requirement
    return list(found.values())


def pins(path: Path) -> dict[str, set[str]]:
    """Return the pinned versions by name; one name may have two, for different Python versions."""
    found: dict[str, set[str]] = {}
    for match in PIN.finditer(path.read_text()):
        found.setdefault(canonicalize_name(match["name"]), set()).add(match["version"])
    return found


if __name__ == "__main__":
    sys.exit(main())
