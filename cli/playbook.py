"""``whistle playbook check|publish|show``: a county's decisions, from files into force."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from cli import places
from cli.output import emit_json, out, say
from cli.trouble import Trouble

if TYPE_CHECKING:
    from shared.playbook.model import Playbook

app = typer.Typer(help="Check, publish and show playbooks.", no_args_is_help=True)

Folder = Annotated[Path, typer.Argument(help="The playbook's folder.", exists=True, file_okay=False)]


@app.command()
def check(folder: Folder, as_json: places.Json = False) -> None:
    """Read a folder and list everything that is wrong, with file, line and field."""
    from cli.in_force import facts_of, read

    playbook = read(folder)
    facts = facts_of(playbook)
    if as_json:
        emit_json(facts)
        return
    say(f"[green]✓[/] {escape(str(folder))} can come into force")
    out.print(table_of(facts))
    warn_of_years(playbook)
    say(f"next: [bold]whistle playbook publish {escape(str(folder))}[/]")


@app.command()
def publish(
    *,
    folder: Folder,
    kafka: places.Kafka = None,
    data: places.Data = None,
    as_json: places.Json = False,
) -> None:
    """Put a playbook into force: one record that every service switches to."""
    from cli.in_force import facts_of, put_into_force, read

    playbook = read(folder)
    bootstrap = places.find(kafka=kafka, data=data).bootstrap()
    asyncio.run(put_into_force(playbook, bootstrap))
    if as_json:
        emit_json(facts_of(playbook))
        return
    say(
        f"[green]✓[/] {playbook.county} {escape(playbook.name.zh)}: version [bold]{escape(playbook.version)}[/], "
        f"digest {playbook.digest[:12]}… is published"
    )
    warn_of_years(playbook)
    say("next: [bold]whistle playbook show[/]   [bold]whistle doctor[/]")


@app.command()
def show(
    *,
    county: Annotated[str | None, typer.Argument(help="County code, 6 digits; all if absent.")] = None,
    kafka: places.Kafka = None,
    data: places.Data = None,
    as_json: places.Json = False,
) -> None:
    """Show the playbooks in force, as Kafka holds them."""
    from cli.in_force import facts_of, read_in_force

    bootstrap = places.find(kafka=kafka, data=data).bootstrap()
    shelf = asyncio.run(read_in_force(bootstrap))
    wanted = [facts_of(playbook) for playbook in shelf.each() if county in (None, playbook.county)]
    if not wanted:
        known, refused = ", ".join(shelf.counties) or "none", shelf.last_refusal
        raise Trouble(
            f"No playbook is in force{f' for county {county}' if county else ''}",
            why=f"Kafka has {known}{f'; refused: {refused}' if refused else ''}",
            mend="whistle playbook publish FOLDER",
        )
    for facts in wanted:
        if as_json:
            emit_json(facts)
        else:
            out.print(table_of(facts))


def warn_of_years(playbook: Playbook) -> None:
    """Say so when the calendar soon ends; nothing else of a sound playbook."""
    from cli.checks.calendars import check_calendars
    from cli.checks.finding import Grade
    from shared.runtime.clock import utc_now

    finding = check_calendars([playbook], today=utc_now().date())
    if finding.grade is not Grade.FINE:
        say(f"[yellow]![/] {escape(finding.what)}: {escape(finding.why)}")
        say(f"    [bold]mend[/]  {escape(finding.mend)}")


def table_of(facts: Mapping[str, object]) -> Table:
    """What a playbook holds, for people."""
    table = Table(box=None, padding=(0, 2), show_header=False)
    table.add_column(style="bold")
    table.add_column()
    for name, value in facts.items():
        if isinstance(value, dict):
            text = ", ".join(f"{key} {one}" for key, one in value.items())
        elif isinstance(value, list):
            text = ", ".join(str(one) for one in value)
        else:
            text = str(value)
        table.add_row(name.replace("_", " "), escape(text))
    return table
