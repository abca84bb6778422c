"""``whistle simulate DRAFT``: past cases through the playbook in force and through a draft; who would have got what."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, Final

import typer
from rich.markup import escape

from cli import places
from cli.keys import duration
from cli.output import emit_json, out, say
from cli.trouble import MISUSED, Trouble
from shared.runtime.clock import utc_now

if TYPE_CHECKING:
    from cli.simulation.history import Opening, Read
    from shared.playbook.model import Playbook

MOVED: Final = 3
"""Exit status when a case of severity I or II moves and nobody has allowed it."""

Instant = Annotated[
    str | None,
    typer.Option("--at", help="Decide as at this instant: roster, time windows, validity.", metavar="INSTANT"),
]
Mode = Annotated[str | None, typer.Option("--mode", help="Decide as if this mode were in force.", metavar="MODE")]


def simulate(
    *,
    draft: Annotated[Path, typer.Argument(help="The folder of the draft playbook.", exists=True, file_okay=False)],
    since: Annotated[str, typer.Option(help="How far back, as 7d or 12h.", metavar="DURATION")] = "7d",
    at: Instant = None,
    mode: Mode = None,
    file: Annotated[
        Path | None, typer.Option("--file", help="Replay this NDJSON file instead of Kafka.", dir_okay=False)
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(help="Compare with this folder instead of the playbook in force.", exists=True, file_okay=False),
    ] = None,
    save: Annotated[Path | None, typer.Option(help="Also write the cases to this NDJSON file.", dir_okay=False)] = None,
    allow_moved: Annotated[
        bool, typer.Option("--allow-moved", help="End well even if a case of severity I or II moves.")
    ] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the groups and loads as CSV.")] = False,
    kafka: places.Kafka = None,
    data: places.Data = None,
    as_json: places.Json = False,
) -> None:
    """Show whom past cases would go to under a draft. Exit status 3 when one of severity I or II moves."""
    from cli.in_force import read, read_in_force
    from cli.simulation import report
    from cli.simulation.compare import Assumed, Comparison
    from cli.simulation.history import Read

    moment = instant_of(at)
    begins = utc_now() - duration(since, "--since")
    after = read(draft)
    bootstrap = None
    if against is None or file is None:
        bootstrap = places.find(kafka=kafka, data=data).bootstrap()
    if against is not None:
        before = read(against)
    else:
        before = _in_force(asyncio.run(read_in_force(bootstrap or "")), after.county)
    _same_county(before, after)
    known_mode(mode, before, after)
    comparison, told = Comparison(before, after, assumed=Assumed(at=moment, mode=mode)), Read()
    history = _history(file, bootstrap, county=after.county, since=begins, read=told)
    asyncio.run(_replay(history, comparison, save))
    _print(comparison, told, as_json=as_json, as_csv=as_csv)
    grave = comparison.tally.grave_moved
    if grave and not allow_moved:
        say(
            f"[bold red]✗[/] {grave} {'case' if grave == 1 else 'cases'} of severity I or II would move: "
            f"{' '.join(report.grave_examples(comparison.tally))}\n"
            "  [bold]mend[/]  change the draft, or say that it is meant: --allow-moved"
        )
        raise typer.Exit(MOVED)


def instant_of(text: str | None) -> datetime | None:
    """The instant of ``--at``.

    Raises:
        Trouble: it has no date and time with an offset.
    """
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise Trouble(
            f"--at {text} is no instant",
            why="it needs a date, a time and an offset" if moment is None else "it has no offset",
            mend="write it like 2026-11-21T22:30+08:00",
            status=MISUSED,
        )
    return moment


def known_mode(mode: str | None, *playbooks: Playbook) -> None:
    """Refuse a mode that no playbook has.

    Raises:
        Trouble: naming the modes there are.
    """
    known = {"normal", *(code for playbook in playbooks for code in playbook.modes)}
    if mode is not None and mode not in known:
        raise Trouble(
            f"There is no mode {mode}",
            why="neither playbook has it",
            mend=f"allowed: {', '.join(sorted(known))}",
            status=MISUSED,
        )


def _in_force(shelf: Any, county: str) -> Playbook:  # noqa: ANN401  imported late, to keep `--help` fast
    from shared.playbook.shelf import UnknownCounty

    try:
        playbook: Playbook = shelf.of(county)
    except UnknownCounty as error:
        raise Trouble(
            f"There is nothing to compare with: {error.reason}",
            why=f"Kafka has {', '.join(error.allowed) or 'none'}",
            mend="publish one: `whistle playbook publish FOLDER`; or compare with a folder: --against FOLDER",
        ) from error
    return playbook


def _same_county(before: Playbook, after: Playbook) -> None:
    if before.county != after.county:
        raise Trouble(
            f"The draft is of {after.county}, what it is compared with of {before.county}",
            why="a county's past cases say nothing about another's playbook",
            mend="name two folders of the same county",
            status=MISUSED,
        )


async def _history(
    file: Path | None, bootstrap: str | None, *, county: str, since: datetime, read: Read
) -> AsyncIterator[Sequence[Opening]]:
    from cli.simulation.history import from_file, from_kafka

    if file is not None:
        for batch in from_file(file, read):
            yield [opening for opening in batch if opening.case.county == county]
        return
    async for batch in from_kafka(bootstrap or "", county=county, since=since, read=read):
        yield batch


async def _replay(history: AsyncIterator[Sequence[Opening]], comparison: Any, save: Path | None) -> None:  # noqa: ANN401  imported late
    from cli.simulation.history import line_of

    with _opened(save) if save is not None else nullcontext() as kept:
        async for batch in history:
            comparison.add(batch)
            if kept is not None:
                kept.writelines(line_of(opening) for opening in batch)


def _opened(file: Path) -> BinaryIO:
    try:
        return file.open("wb")
    except OSError as error:
        raise Trouble(f"{file} cannot be written", why=str(error), mend="check the path of --save") from error


def _print(comparison: Any, read: Read, *, as_json: bool, as_csv: bool) -> None:  # noqa: ANN401  imported late
    from cli.simulation import report

    if as_json:
        emit_json(report.json_of(comparison, read))
    elif as_csv:
        print(report.csv_of(comparison), end="")
    elif comparison.tally.cases:
        for part in report.shown(comparison, read):
            out.print(part)
    else:
        say("no case was opened in that time: look further back (--since 30d), or replay a file (--file)")
    if read.unreadable and (as_json or as_csv):
        say(f"[yellow]{read.unreadable} records could not be read[/]; the first: {escape(read.first_reason)}")
