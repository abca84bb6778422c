"""``whistle import reports FILE``: a hotline's export into intake; stopped anywhere, the same command goes on."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.markup import escape
from rich.table import Table

from cli import client, places
from cli.csv_records import AUTO, CsvFile
from cli.importing import ROWS_AT_A_TIME, Plan, rows_of, run
from cli.mapping import BadMapping, Rules, document_of
from cli.output import emit_json, out, say
from cli.sending import Tally, stopped
from cli.trouble import FAILED, MISUSED, Trouble
from shared.vocabulary import Role

SHOWN_ROWS: Final = 3
SHOWN_REASONS: Final = 15
INTERRUPTED: Final = 130

app = typer.Typer(no_args_is_help=True, help="Bring in what another system exports.")


@app.callback()
def _group() -> None:
    """Bring in what another system exports."""


@app.command()
def reports(
    *,
    file: Annotated[Path, typer.Argument(help="A .csv file with a head.", exists=True, dir_okay=False)],
    map_: Annotated[
        Path,
        typer.Option("--map", help="YAML: field → column, template, table of values.", exists=True, dir_okay=False),
    ],
    encoding: Annotated[str, typer.Option(help="The file's encoding; auto tells UTF-8, UTF-16 and GB18030.")] = AUTO,
    dataset: Annotated[
        str | None,
        typer.Option(help="With a row's id its name for ever; give one when exports overlap (default: the file)."),
    ] = None,
    rejects: Annotated[Path | None, typer.Option(help="Rows not taken (default: FILE.rejects.csv).")] = None,
    together: Annotated[
        int, typer.Option(min=1, max=ROWS_AT_A_TIME, help="Rows a request; the notes are written after each.")
    ] = ROWS_AT_A_TIME,
    patience: Annotated[float, typer.Option(help="Seconds to wait for a service that is away.")] = 120.0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be sent.")] = False,
    url: places.Url = None,
    key: places.Key = None,
    data: places.Data = None,
    as_json: places.Json = False,
) -> None:
    """Send each row of an export as a report; rows that cannot be taken go to a file, with line and reason."""
    export = _checked(CsvFile(file, encoding=encoding), map_)
    plan = Plan.of(export, _rules(map_), dataset=dataset, rejects=rejects, together=together)
    if dry_run:
        _show_rows(plan)
        return
    if plan.started.done_line:
        say(f"going on behind line {plan.started.done_line}, where an earlier run has stopped")
    where = places.find(url=url, key=key, data=data)
    tally = _run(plan, where.intake_url(), where.key_for(Role.OPERATOR, Role.SOURCE), patience)
    _show(tally, plan, as_json=as_json)


def _rules(mapping: Path) -> Rules:
    try:
        return Rules.of(document_of(mapping))
    except BadMapping as error:
        raise _bad_mapping(error) from error


def _checked(file: CsvFile, mapping: Path) -> CsvFile:
    try:
        _rules(mapping).check(file.columns())
    except BadMapping as error:
        raise _bad_mapping(error) from error
    return file


def _bad_mapping(error: Exception) -> Trouble:
    return Trouble(
        "The mapping cannot be used",
        why=str(error),
        mend="see `whistle import` in docs/cli.md; --dry-run shows what it makes of the first rows",
        status=MISUSED,
    )


def _show_rows(plan: Plan) -> None:
    for row in islice(rows_of(plan), SHOWN_ROWS):
        emit_json({"line": row.record.line, "report": row.report, "broken": row.broken})
    rest = [row.broken is not None for row in rows_of(plan)]
    say(f"{len(rest)} rows in {plan.file.encoding}, {sum(rest)} of them cannot become a report; nothing was sent")


def _run(plan: Plan, url: str, token: str, patience: float) -> Tally:
    try:
        with client.client(url, token) as http:
            return run(plan, http, patience_seconds=patience)
    except Trouble as trouble:
        raise stopped(trouble, 0) from trouble
    except KeyboardInterrupt:
        say("\n[yellow]stopped[/]; the same command goes on where it was")
        raise typer.Exit(INTERRUPTED) from None


def _show(tally: Tally, plan: Plan, *, as_json: bool) -> None:
    if as_json:
        emit_json({"accepted": tally.accepted, "repeated": tally.repeated, "refused": tally.refused})
    else:
        table = Table(box=None, padding=(0, 2), show_header=False)
        table.add_row("[green]accepted[/]", str(tally.accepted), "")
        table.add_row("there already", str(tally.repeated), "")
        table.add_row("[yellow]not taken[/]", str(tally.refused), "")
        for reason, count in tally.reasons.most_common(SHOWN_REASONS):
            table.add_row("", str(count), f"{escape(reason)}  [dim]first in line {tally.examples[reason]}[/]")
        out.print(table)
    if tally.refused:
        say(f"rows not taken, each with its line and reason: [bold]{escape(str(plan.rejects))}[/]")
    if tally.total and tally.total == tally.refused:
        raise typer.Exit(FAILED)
