"""``whistle warnings``: what is more than usual now and why; and what a history would have raised."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from cli import client, places
from cli.csv_records import AUTO, CsvFile
from cli.output import emit_json, local_time, out, say
from cli.trouble import MISUSED, Trouble
from shared.vocabulary import Role

app = typer.Typer(help="Early warning (风险预警): more reports than usual.", no_args_is_help=True)


@app.command("list")
def standing(
    *,
    area: Annotated[str | None, typer.Option(help="Of this area and what lies inside it.")] = None,
    ended: Annotated[bool, typer.Option("--ended", help="Those that are over as well.")] = False,
    url: places.Url = None,
    key: places.Key = None,
    data: places.Data = None,
    as_json: places.Json = False,
) -> None:
    """Show the warnings that stand, with their figures and why."""
    where = places.find(url=url, key=key, data=data)
    with client.client(
        where.notifier_url(), where.key_for(Role.OPERATOR, Role.AUDITOR, Role.LEADER, Role.DESK)
    ) as http:
        found = client.get(http, "/v1/warnings", area=area, ended="true" if ended else None)
    if as_json:
        emit_json(found)
        return
    if not found["warnings"]:
        say("nothing is more than usual")
        return
    for one in found["warnings"]:
        _show(one)


@app.command()
def simulate(
    *,
    folder: Annotated[Path, typer.Argument(help="The playbook's folder.", exists=True, file_okay=False)],
    history: Annotated[
        Path,
        typer.Argument(
            help="A CSV file of past reports: at (ISO 8601 with offset, or local), area, category; lon, lat if known.",
            exists=True,
            dir_okay=False,
        ),
    ],
    encoding: Annotated[str, typer.Option(help="The file's encoding; auto tells UTF-8, UTF-16 and GB18030.")] = AUTO,
    as_json: places.Json = False,
) -> None:
    """Replay past reports against warnings.yaml and print what would have been raised; nothing is sent."""
    # Brings scipy along, which no other command needs.
    from cli import in_force, warning_replay

    playbook = in_force.read(folder)
    if not playbook.warnings:
        raise Trouble(
            f"{folder} has no warnings.yaml", why="nothing is watched", mend="see playbooks/README.md", status=MISUSED
        )
    warning_replay.run(CsvFile(history, encoding=encoding), playbook, as_json=as_json)


def _show(one: Mapping[str, Any]) -> None:
    warning = one["warning"]
    since = local_time(one["raised_at"]) if one["raised_at"] else "?"
    over = f" [dim]over since {local_time(one['ended_at'])}[/]" if one["ended_at"] else ""
    opened = " [cyan]opened a case[/]" if one["opens_case"] else ""
    out.print(f"[bold]{escape(one['title']['zh'])}[/] {escape(warning['area'])} since {since}{over}{opened}")
    out.print(f"  {escape(one['why']['zh'])}")
    out.print(f"  [dim]{escape(one['why']['en'])}[/]")
    out.print(f"  [dim]{escape(warning['rule'])} {warning['warning_id']}, {warning['case_count']} cases[/]")
