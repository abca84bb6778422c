"""``whistle clocks repair`` and ``whistle clocks reconcile``: escalation's own programs, run where its rows are.

They write its tables by its own rules, so they belong to it (docs/decisions/0029): this starts them with what is known
of Kafka and PostgreSQL, and where escalation is not installed says the command that runs them in the cluster.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final
from uuid import UUID

import typer

from cli import places
from cli.output import language
from cli.trouble import MISUSED, Trouble

POD: Final = "kubectl -n whistle exec escalation-0 -c escalation --"


def repair(
    *,
    case: Annotated[UUID, typer.Argument(help="The case's id.", metavar="CASE")],
    by: Annotated[str | None, typer.Option(help="Who repairs, by name; kept with the repair.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why; kept with the repair.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the difference and write nothing.")] = False,
    kafka: places.Kafka = None,
    data: places.Data = None,
    as_json: places.Json = False,
) -> None:
    """Replay a case's facts, show how its clocks differ from what they demand, and put them right."""
    given = [
        *_option("--by", by),
        *_option("--reason", reason),
        *_flag("--dry-run", dry_run),
        *_flag("--json", as_json),
    ]
    _run("repair", [str(case), *given], kafka=kafka, data=data)


def reconcile(*, kafka: places.Kafka = None, data: places.Data = None, as_json: places.Json = False) -> None:
    """Read the log of cases to where it is folded, and compare the open cases there with those that are stored."""
    _run("reconcile", _flag("--json", as_json), kafka=kafka, data=data)


def _run(program: str, arguments: Sequence[str], *, kafka: str | None, data: Path | None) -> None:
    module = f"services.escalation.{program}"
    if importlib.util.find_spec(module) is None:
        raise Trouble(
            f"whistle clocks {program} cannot run here",
            why="it works on escalation's own database, and escalation is not installed beside this program",
            mend=f"run it in escalation's pod: {POD} python -m {module} {' '.join(arguments)}",
            status=MISUSED,
        )
    where = places.find(kafka=kafka, data=data)
    known = {"WHISTLE_KAFKA": where.bootstrap(), "WHISTLE_POSTGRES": where.database(), "WHISTLE_LANG": language()}
    ended = subprocess.run(  # noqa: S603  a program of our own, its arguments checked by typer
        [sys.executable, "-m", module, *arguments], env={**os.environ, **known}, check=False
    )
    raise typer.Exit(ended.returncode)


def _option(name: str, value: str | None) -> list[str]:
    return [] if value is None else [f"{name}={value}"]


def _flag(name: str, given: bool) -> list[str]:
    return [name] if given else []
