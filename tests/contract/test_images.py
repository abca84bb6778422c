"""The images: what a service imports is what its locked requirements bring and what the Dockerfile copies."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from deploy.lock import pins
from tests.contract.house.files import ROOT, SERVICES, source, tree

DOCKERFILE = ROOT / "deploy" / "docker" / "Dockerfile"
OURS = {"shared", "services", "cli", "deploy", "tests"}
COPY = re.compile(r"^COPY (?!--from)(?P<what>.+) /app/\S*$", re.MULTILINE)
# `whistle demo` needs the whole local platform and says so when it is not there.
NOT_IN_AN_IMAGE = {"deploy.local.demo"}


def module_file(name: str) -> Path | None:
    """Return the file of one of our modules, None when ``name`` is none."""
    place = ROOT.joinpath(*name.split("."))
    found = (place.with_suffix(".py"), place / "__init__.py", place if place.is_dir() else None)
    return next((path for path in found if path is not None and path.exists()), None)


def imports(path: Path) -> Iterator[str]:
    """Yield the modules that a file imports when it runs; what only the type checker sees is left out."""
    typing_only = {
        id(inner)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree(path)):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def closure(start: str) -> tuple[set[str], set[str]]:
    """Return our modules and the foreign packages that running ``start`` can import."""
    ours: set[str] = set()
    foreign: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name in ours | NOT_IN_AN_IMAGE:
            continue
        root = name.partition(".")[0]
        if root not in OURS:
            foreign.add(root)
            continue
        path = module_file(name)
        if path is None:
            continue  # a name inside a module
        ours.add(name)
        waiting.append(name.rpartition(".")[0] or name)
        if path.is_file():
            waiting.extend(imports(path))
    return ours, foreign - set(sys.stdlib_module_names)


def copied(target: str) -> list[Path]:
    """Return what the Dockerfile copies into an image, its base included."""
    stages = re.split(r"^FROM ", source(DOCKERFILE), flags=re.MULTILINE)
    wanted = [
        stage for stage in stages if re.search(rf" AS (?:service|{target})$", stage.splitlines()[0] if stage else "")
    ]
    return [ROOT / word for stage in wanted for line in COPY.finditer(stage) for word in line["what"].split()]


@pytest.mark.parametrize("image", (*SERVICES, "cli"))
def test_the_lock_of_an_image_brings_every_package_that_it_imports(image: str) -> None:
    start = "cli.__main__" if image == "cli" else f"services.{image}.__main__"
    owners = packages_distributions()
    locked = {name.replace("_", "-").lower() for name in pins(ROOT / "requirements" / f"{image}.txt")}
    _, foreign = closure(start)
    assert foreign
    missing = [
        package
        for package in sorted(foreign)
        if not {owner.replace("_", "-").replace(".", "-").lower() for owner in owners.get(package, [package])} & locked
    ]
    assert not missing, f"requirements/{image}.txt lacks {', '.join(missing)}"


@pytest.mark.parametrize("image", (*SERVICES, "cli"))
def test_an_image_holds_every_module_of_ours_that_it_imports(image: str) -> None:
    start = "cli.__main__" if image == "cli" else f"services.{image}.__main__"
    ours, _ = closure(start)
    inside = copied(image)
    missing = []
    for name in sorted(ours):
        path = module_file(name)
        if path is None or path.is_dir() or name in {"services", "deploy"}:
            continue
        if not any(place == path or place in path.parents for place in inside):
            missing.append(name)
    assert not missing, f"the image {image} lacks {', '.join(missing)}"


def test_hadolint_has_nothing_to_say() -> None:
    hadolint = shutil.which("hadolint", path=str(Path(sys.executable).parent)) or shutil.which("hadolint")
    if hadolint is None:
        pytest.skip("hadolint is not installed: the Dockerfile goes unchecked")
    done = subprocess.run([hadolint, DOCKERFILE], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout
