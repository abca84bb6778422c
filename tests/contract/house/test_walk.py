"""The walk table of the README is true, and every make target says what it is for."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.contract.house.files import ROOT, SERVICES, modules, source, tree

ROW = re.compile(r"^\|(?P<cells>.*services/.*)\|\s*$", re.MULTILINE)
CODE = re.compile(r"`([^`]+)`")
TARGET = re.compile(r"^(?P<name>[a-z0-9]+):(?!=)(?P<rest>.*)$", re.MULTILINE)
FIVE_STEPS = 5


def walk() -> list[list[str]]:
    """Return the names in backticks of each row of the walk table, in order."""
    return [CODE.findall(row["cells"]) for row in ROW.finditer(source(ROOT / "README.md"))]


def names_of(path: Path) -> set[str]:
    """Return the functions and classes of a module or of all modules of a package."""
    files = [path] if path.is_file() else [module for module in modules() if path in module.parents]
    return {
        node.name
        for file in files
        for node in ast.walk(tree(file))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }


def where(name: str, service: Path) -> Path:
    """Return the file or package that a cell of the table names."""
    place = ROOT / name if name.startswith("services/") else service / name
    return place if place.exists() else place.with_suffix("")


def test_the_walk_table_goes_through_all_services() -> None:
    rows = walk()
    assert len(rows) >= FIVE_STEPS
    assert {Path(row[0]).parts[1] for row in rows} == set(SERVICES)


def test_the_walk_table_names_files_and_functions_that_exist() -> None:
    missing = []
    for row in walk():
        service = ROOT / Path(row[0]).parts[0] / Path(row[0]).parts[1]
        for name in row:
            if name.startswith("whistle."):
                continue
            room, dot, function = name.partition(".")
            if dot and function != "py" and "/" not in name:
                if function not in names_of(where(f"{room}.py", service)):
                    missing.append(f"{service.name}: {name}")
            elif not where(name, service).exists():
                missing.append(f"{service.name}: {name}")
    assert not missing, "\n".join(missing)


def test_every_make_target_says_what_it_is_for() -> None:
    makefile = source(ROOT / "Makefile")
    silent = [found["name"] for found in TARGET.finditer(makefile) if " ## " not in found["rest"]]
    assert not silent, "\n".join(silent)


def test_every_make_target_is_declared_phony() -> None:
    makefile = source(ROOT / "Makefile")
    declared = re.search(r"^\.PHONY:(.*)$", makefile, re.MULTILINE)
    assert declared
    assert {found["name"] for found in TARGET.finditer(makefile)} == set(declared[1].split())
