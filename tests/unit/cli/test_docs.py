"""docs/cli.md names every command and every option of its own, and what it shows of a playbook works as written."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer.main

import cli.__main__ as program
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


ON_A_PLAYBOOK = re.findall(r"^    whistle ((?:clocks due|chain) .+)$", TEXT, flags=re.MULTILINE)


@pytest.mark.parametrize("line", ON_A_PLAYBOOK)
def test_an_example_that_asks_a_playbook_works_with_the_one_that_is_shipped(
    line: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("cli.in_force", "shared.runtime.clock"):
        monkeypatch.setattr(f"{module}.utc_now", lambda: datetime(2026, 6, 1, 4, tzinfo=UTC))
    words = shlex.split(line.replace("drafts/yunlu", "playbooks/yunlu"), comments=True)
    more = [] if "--playbook" in words else ["--playbook", "playbooks/yunlu"]
    status = program.run([*words, *more])
    said = capsys.readouterr()
    assert (status, said.err) == (0, "")
    assert said.out


def test_a_draft_is_copied_before_it_is_first_named() -> None:
    first = next(line for line in TEXT.splitlines() if "drafts/yunlu" in line)
    assert "cp -r playbooks/yunlu drafts/yunlu" in first


def test_the_table_of_exit_statuses_names_each_command_that_ends_with_3() -> None:
    (row,) = re.findall(r"^\| 3 \|.*$", TEXT, flags=re.MULTILINE)
    for command in ("simulate", "clocks repair --dry-run", "clocks reconcile"):
        assert f"`{command}`" in row
