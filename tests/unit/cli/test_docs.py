"""docs/cli.md names every command and every option of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from cli.__main__ import app

TEXT = Path("docs/cli.md").read_text(encoding="utf-8")


def commands() -> Iterator[tuple[str, Any]]:
    """Every command by the heading under which it is explained."""
    root: Any = typer.main.get_command(app)
    for name, command in root.commands.items():
        for inner in getattr(command, "commands", {"": command}).values():
            yield name, inner


@pytest.mark.parametrize(("name", "command"), list(commands()))
def test_every_command_and_option_is_explained(name: str, command: Any) -> None:
    section = TEXT.partition(f"## `whistle {name}`")[2].partition("\n## ")[0]
    assert section, f"docs/cli.md has no section on whistle {name}"
    general = TEXT.partition("## `whistle demo`")[0]
    options = {max(one.opts, key=len) for one in command.params if one.opts[0].startswith("-")}
    named = set(re.findall(r"--[a-z-]+", section + general))
    assert options - named - {"--help"} == set()
