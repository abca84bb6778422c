"""The files of the project, as a reader of the repository sees them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
SERVICES = ("intake", "router", "escalation", "notifier")
CODE = ("shared", "services", "cli", "deploy", "tests", "playbooks")
NOT_OURS = {".git", ".venv", "build", "dist", "node_modules", "__pycache__"}
TEXT = {".md", ".py", ".toml", ".txt", ".yaml", ".yml", ".json", ".sql", ".html", ".css", ".js", ".csv", ".geojson", ""}


@cache
def all_files() -> tuple[Path, ...]:
    """Every text file of the project, without what tools made."""
    return tuple(path for path in _walk(ROOT) if path.suffix in TEXT)


def _walk(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name in NOT_OURS or path.name.endswith(("_cache", ".egg-info")) or path.is_symlink():
            continue
        if path.is_dir():
            if not (path.name.startswith(".") and path.name != ".ci"):
                yield from _walk(path)
        else:
            yield path


def modules(*folders: str) -> list[Path]:
    """Every Python module below ``folders`` of the root, all code when none is named."""
    wanted = [ROOT / folder for folder in folders or CODE]
    return [path for path in all_files() if path.suffix == ".py" and any(folder in path.parents for folder in wanted)]


def relative(path: Path) -> str:
    """Return ``path`` as the project names it."""
    return str(path.relative_to(ROOT))


@cache
def source(path: Path) -> str:
    """Return the text of a file."""
    return path.read_text(encoding="utf-8")


@cache
def tree(path: Path) -> ast.Module:
    """Return a module as its syntax tree."""
    return ast.parse(source(path))
