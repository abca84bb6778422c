"""Files under ``docs`` that are made from the code: written, or compared with what is there."""

from __future__ import annotations

import difflib
import sys
from pathlib import Path
from typing import Final

DOCS: Final = Path(__file__).resolve().parents[2] / "docs"
SHOWN: Final = 40


def keep(path: Path, text: str, *, check: bool) -> int:
    """Write ``text`` to ``path``; with ``check`` only compare, and show what differs. The exit status."""
    there = path.read_text(encoding="utf-8") if path.exists() else ""
    if not check:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return 0
    if there == text:
        return 0
    lines = difflib.unified_diff(there.splitlines(), text.splitlines(), "there", "should be", lineterm="")
    sys.stderr.write("\n".join([f"{path.name} is stale; `make schema` writes it anew", *list(lines)[:SHOWN], ""]))
    return 1
