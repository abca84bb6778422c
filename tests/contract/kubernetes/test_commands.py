"""What pods are told to run: command lines that `whistle` takes, of files that its image holds."""

from __future__ import annotations

from typing import Any

import pytest
import typer.main

from cli.__main__ import app
from tests.contract.kubernetes.manifests import K8S, ROOT, containers, objects_of

IMAGE = "/app/"
"""Where the image keeps what lies at the repository's root."""


def command_lines() -> list[list[str]]:
    """The arguments of every pod that runs `whistle`."""
    workloads = objects_of(K8S / "overlays" / "dev").workloads
    return [one["args"] for workload in workloads for one in containers(workload) if "/cli:" in one["image"]]


def test_a_pods_command_line_is_one_that_whistle_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHISTLE_MODELS", "/models")
    root: Any = typer.main.get_command(app)
    taken = []
    for said in command_lines():
        group, command, *rest = [word.replace(IMAGE, f"{ROOT}/") for word in said]
        # Refuses an option that is not there, a file that is not there, and one that is missing.
        root.commands[group].commands[command].make_context(command, rest)
        taken.append(f"{group} {command}")
    assert sorted(taken) == ["classify train", "playbook publish"]
