"""Values that a fold makes by the thousand may be structs; nothing else of msgspec comes into a domain."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.contract.house.files import SERVICES, modules, relative, tree

ALLOWED = {"msgspec": {"Struct", "field", "structs"}, "msgspec.structs": {"replace"}}
"""What makes a value and a changed copy of it; what reads and writes JSON is not among it."""


def domains() -> list[Path]:
    return [path for service in SERVICES for path in modules(f"services/{service}/domain")]


def taken(path: Path) -> set[str]:
    """Return what a module takes of msgspec, a whole package too."""
    found = set[str]()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {one.name for one in node.names if one.name.split(".")[0] == "msgspec"}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "msgspec":
            allowed = ALLOWED.get(node.module or "", set())
            found |= {f"{node.module}.{one.name}" for one in node.names if one.name not in allowed}
    return found


@pytest.mark.parametrize("path", domains(), ids=relative)
def test_a_domain_takes_values_of_msgspec_and_no_json(path: Path) -> None:
    assert taken(path) == set()
