"""A connection goes back to its pool as it is: nothing may be left on it that outlives its transaction."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from tests.contract.house.files import modules, relative, source

OUTLIVES: Final = {
    "a lock of the session": r"\bpg_(?:try_)?advisory_lock(?:_shared)?\b",
    "a setting of the session": r"[\"';]\s*SET (?!LOCAL\b)(?:SESSION )?\"?[a-z_.]+\"? *(?:=|TO\b)",
    "a table of the session": r"\bCREATE (?:TEMP|TEMPORARY)\b",
    "a cursor that is held": r"\bWITH HOLD\b",
    "listening": r"[\"']\s*LISTEN\b|\.add_listener\(",
}
ON_THEIR_OWN: Final = {
    "shared/runtime/migrate.py": "one connection, closed at the end",
    "services/notifier/listening.py": "one connection, closed at the end",
}


def _pooled() -> list[Path]:
    """The modules of services and what they share, without those that open a connection of their own."""
    served = [path for path in modules() if relative(path).startswith(("services/", "shared/"))]
    return [path for path in served if relative(path) not in ON_THEIR_OWN]


@pytest.mark.parametrize("what", OUTLIVES)
def test_no_statement_leaves_something_on_a_connection(what: str) -> None:
    found = [relative(path) for path in _pooled() if re.search(OUTLIVES[what], source(path))]
    assert not found, f"{what}: {found}"


@pytest.mark.parametrize(
    ("what", "text"),
    (
        ("a lock of the session", 'fetch("SELECT pg_advisory_lock($1)")'),
        ("a setting of the session", "execute(\"SET work_mem = '1GB'\")"),
        ("a setting of the session", 'execute("SET LOCAL a.b = 1; SET search_path TO x")'),
        ("a table of the session", 'execute("CREATE TEMP TABLE x ()")'),
        ("listening", "await connection.add_listener(channel, heard)"),
    ),
)
def test_what_would_stay_is_found(what: str, text: str) -> None:
    assert re.search(OUTLIVES[what], text)


def test_who_is_excused_is_there() -> None:
    assert set(ON_THEIR_OWN) <= {relative(path) for path in modules()}
