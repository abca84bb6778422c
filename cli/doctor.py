"""``whistle doctor``: looks at every part, and says of each fault what, why and how to mend it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from typing import Annotated, Final

import typer
from rich.markup import escape

from cli import places
from cli.checks.finding import Finding, Grade, skipped
from cli.checks.http import check_apis, check_probes
from cli.checks.modes import check_modes
from cli.output import emit_json, out, say
from cli.trouble import FAILED, MISUSED, Trouble

MARKS: Final[Mapping[Grade, str]] = {
    Grade.FINE: "[green]✓[/]",
    Grade.LOOK: "[yellow]![/]",
    Grade.BROKEN: "[bold red]✗[/]",
    Grade.SKIPPED: "[dim]–[/]",
}


def doctor(
    *,
    ops: Annotated[
        list[str] | None, typer.Option(help="NAME=URL of a service's ops port; several times.", metavar="NAME=URL")
    ] = None,
    url: places.Url = None,
    key: places.Key = None,
    kafka: places.Kafka = None,
    data: places.Data = None,
    as_json: places.Json = False,
) -> None:
    """Check services, key, canary, modes, Kafka, PostgreSQL, playbook, dead letters. Exit status 1: one is broken."""
    where = places.find(url=url, key=key, kafka=kafka, data=data)
    where = replace(where, ops={**where.ops, **dict(_pair(one) for one in ops or [])})
    worst = Grade.FINE
    for finding in findings(where):
        show(finding, as_json=as_json)
        if finding.grade in {Grade.LOOK, Grade.BROKEN} and worst is not Grade.BROKEN:
            worst = finding.grade
    if worst is Grade.BROKEN:
        raise typer.Exit(FAILED)
    if not as_json:
        say("\nnothing is broken" + ("; see the lines marked !" if worst is Grade.LOOK else ""))


def findings(where: places.Places) -> Iterator[Finding]:
    """Every check, in the order in which one depends on another."""
    if where.why_not_local:
        yield skipped("local platform", where.why_not_local, mend="`whistle demo` starts one")
    yield from check_apis(where)
    yield from check_probes(where)
    yield from check_modes(where)
    if where.kafka is None:
        yield skipped("kafka", "its address is not known", mend="give --kafka HOST:PORT, or set WHISTLE_KAFKA")
    else:
        from cli.checks.kafka import check_kafka

        yield from check_kafka(where.kafka)


def show(finding: Finding, *, as_json: bool) -> None:
    """Print one finding."""
    if as_json:
        emit_json(asdict(finding))
        return
    out.print(f"{MARKS[finding.grade]} [bold]{escape(finding.name)}[/]  {escape(finding.what)}")
    if finding.why:
        out.print(f"    [bold]why[/]   {escape(finding.why)}")
    if finding.mend:
        out.print(f"    [bold]mend[/]  {escape(finding.mend)}")


def _pair(option: str) -> tuple[str, str]:
    name, sign, url = option.partition("=")
    if not sign or not url.startswith(("http://", "https://")):
        raise Trouble(
            f"--ops {option} cannot be used",
            why="it does not read NAME=URL",
            mend="write it like --ops router=http://127.0.0.1:9082",
            status=MISUSED,
        )
    return name, url.rstrip("/")
