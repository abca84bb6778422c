"""``whistle replay FILE``: reports from a CSV or NDJSON file, at their own speed or another; run again to resume."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from cli import client, places
from cli.mapping import BadMapping, BadRow, Rules, document_of, idempotency_key, occurred_at, report_of, row_id
from cli.output import emit_json, err, out, say
from cli.rows import Numbered, RowFile
from cli.sending import Outgoing, Pace, Sender, Tally, stopped
from cli.trouble import FAILED, MISUSED, Trouble
from shared.vocabulary import Role

SHOWN_REASONS: Final = 15
SHOWN_ROWS: Final = 3
INTERRUPTED: Final = 130


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Which rows are sent as what, and how fast."""

    file: RowFile
    rules: Rules
    dataset: str
    skip: int
    limit: int | None
    pace: Pace


def replay(
    *,
    file: Annotated[Path, typer.Argument(help="A .csv or .ndjson file of reports.", exists=True, dir_okay=False)],
    mapping: Annotated[
        Path | None, typer.Option(help="YAML: field → column, template or table.", exists=True, dir_okay=False)
    ] = None,
    map_: Annotated[list[str] | None, typer.Option("--map", help="FIELD=COLUMN; several times.")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="FIELD=VALUE for every row; several times.")] = None,
    encoding: Annotated[str, typer.Option(help="The file's encoding, such as gb18030.")] = "utf-8-sig",
    dataset: Annotated[
        str | None, typer.Option(help="The name that, with a row's id, makes a repeat harmless (default: file name).")
    ] = None,
    speed: Annotated[
        float | None, typer.Option(help="Follow the rows' own times: 1 = as it was, 60 = a minute a second.")
    ] = None,
    rate: Annotated[float | None, typer.Option(help="Rows a second, instead of --speed.")] = None,
    concurrency: Annotated[int, typer.Option(min=1, max=64, help="Requests at a time.")] = 8,
    skip: Annotated[int, typer.Option(min=0, help="Leave out so many rows at the beginning.")] = 0,
    limit: Annotated[int | None, typer.Option(min=1, help="Send at most so many rows.")] = None,
    patience: Annotated[float, typer.Option(help="Seconds to wait for a service that is away.")] = 120.0,
    refused: Annotated[Path | None, typer.Option(help="Write refused rows with their reasons here (NDJSON).")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be sent.")] = False,
    url: places.Url = None,
    key: places.Key = None,
    data: places.Data = None,
    as_json: places.Json = False,
) -> None:
    """Send the reports of a file; sending it again makes no second case."""
    plan = Plan(
        file=RowFile(path=file, encoding=encoding),
        rules=_rules(mapping, map_ or [], set_ or []),
        dataset=dataset or file.name,
        skip=skip,
        limit=limit,
        pace=_pace(speed, rate),
    )
    _check(plan)
    if dry_run:
        _show_rows(plan)
        return
    where = places.find(url=url, key=key, data=data)
    address, token = where.intake_url(), where.key_for(Role.OPERATOR, Role.SOURCE)
    tally = _run(plan, address, token, concurrency=concurrency, patience=patience, refused=refused)
    _show(tally, as_json=as_json)


def outgoing(plan: Plan) -> Iterator[Outgoing]:
    """The rows of ``plan``, each as what is sent; one that cannot be sent carries its reason."""
    for numbered in plan.file:
        if numbered.number <= plan.skip:
            continue
        if plan.limit is not None and numbered.number > plan.skip + plan.limit:
            return
        yield _outgoing(plan, numbered)


def _outgoing(plan: Plan, numbered: Numbered) -> Outgoing:
    number = numbered.number
    if numbered.broken is not None:
        return Outgoing(number=number, name=str(number), report={}, idempotency_key="", broken=numbered.broken)
    try:
        name = row_id(numbered.row, plan.rules, number)
        return Outgoing(
            number=number,
            name=name,
            report=report_of(numbered.row, plan.rules),
            idempotency_key=idempotency_key(plan.dataset, name),
            occurred_at=occurred_at(numbered.row, plan.rules),
        )
    except BadRow as error:
        return Outgoing(number=number, name=str(number), report=numbered.row, idempotency_key="", broken=str(error))


def _rules(mapping: Path | None, columns: list[str], constants: list[str]) -> Rules:
    try:
        document = {} if mapping is None else document_of(mapping)
        return Rules.of(document, columns=columns, constants=constants)
    except BadMapping as error:
        raise _bad_mapping(error) from error


def _bad_mapping(error: Exception) -> Trouble:
    return Trouble(
        "The mapping cannot be used",
        why=str(error),
        mend="see `whistle replay --help` and docs/cli.md; --dry-run shows what it makes of the first rows",
        status=MISUSED,
    )


def _pace(speed: float | None, rate: float | None) -> Pace:
    if (speed is not None and rate is not None) or (speed or 1) <= 0 or (rate or 1) <= 0:
        raise Trouble(
            "The speed is not clear",
            why="--speed and --rate exclude each other, and both are more than 0",
            mend="give one of them, or none to send as fast as intake takes it",
            status=MISUSED,
        )
    return Pace(speed=speed, rate=rate)


def _check(plan: Plan) -> None:
    try:
        plan.rules.check(plan.file.columns())
    except BadMapping as error:
        raise _bad_mapping(error) from error


def _show_rows(plan: Plan) -> None:
    total = broken = 0
    for row in outgoing(plan):
        total += 1
        broken += row.broken is not None
        if total <= SHOWN_ROWS:
            emit_json({"row": row.number, "id": row.name, "report": row.report, "broken": row.broken})
    say(f"{total} rows, {broken} of them cannot become a report; nothing was sent (--dry-run)")


def _run(plan: Plan, url: str, token: str, *, concurrency: int, patience: float, refused: Path | None) -> Tally:
    with ExitStack() as stack:
        notes = stack.enter_context(refused.open("w", encoding="utf-8")) if refused else None
        progress = stack.enter_context(_progress())
        bar = progress.add_task(plan.file.path.name, total=_total(plan))

        def answered(row: Outgoing, reason: str | None) -> None:
            progress.advance(bar)
            if reason is not None and notes is not None:
                line = {"row": row.number, "id": row.name, "reason": reason, "report": row.report}
                notes.write(f"{json.dumps(line, ensure_ascii=False, default=str)}\n")

        return _send(plan, url, token, concurrency=concurrency, patience=patience, answered=answered)


def _send(
    plan: Plan,
    url: str,
    token: str,
    *,
    concurrency: int,
    patience: float,
    answered: Callable[[Outgoing, str | None], None],
) -> Tally:
    sender: Sender | None = None

    async def work() -> Tally:
        nonlocal sender
        async with client.async_client(url, token) as http:
            sender = Sender(http, concurrency=concurrency, patience_seconds=patience, answered=answered)
            return await sender.send_all(_paced(plan))

    try:
        return asyncio.run(work())
    except Trouble as trouble:
        raise stopped(trouble, sender.tally.total if sender else 0) from trouble
    except KeyboardInterrupt:
        done = sender.tally.total if sender else 0
        say(f"\n[yellow]stopped after {done} rows[/]; the same command goes on: rows already there make no second case")
        raise typer.Exit(INTERRUPTED) from None


async def _paced(plan: Plan) -> AsyncIterator[Outgoing]:
    loop = asyncio.get_running_loop()
    began = loop.time()
    first: datetime | None = None
    for index, row in enumerate(outgoing(plan)):
        first = first or row.occurred_at
        wait = began + plan.pace.delay(index, row.occurred_at, first) - loop.time()
        if wait > 0:
            await asyncio.sleep(wait)
        yield row


def _total(plan: Plan) -> int:
    rest = max(0, plan.file.count() - plan.skip)
    return rest if plan.limit is None else min(rest, plan.limit)


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    )


def _show(tally: Tally, *, as_json: bool) -> None:
    if as_json:
        emit_json(_as_json(tally))
        return
    table = Table(box=None, padding=(0, 2), show_header=False)
    table.add_column(style="bold")
    table.add_column(justify="right")
    table.add_column()
    table.add_row("[green]accepted[/]", str(tally.accepted), "")
    table.add_row("there already", str(tally.repeated), "")
    table.add_row("[yellow]refused[/]", str(tally.refused), "")
    for reason, count in tally.reasons.most_common(SHOWN_REASONS):
        table.add_row("", str(count), f"{escape(reason)}  [dim]first in row {tally.examples[reason]}[/]")
    out.print(table)
    say("next: [bold]whistle status[/]   [bold]whistle tail --after 0[/]")
    if tally.total and tally.total == tally.refused:
        raise typer.Exit(FAILED)


def _as_json(tally: Tally) -> dict[str, Any]:
    return {
        "accepted": tally.accepted,
        "repeated": tally.repeated,
        "refused": tally.refused,
        "reasons": [
            {"reason": reason, "count": count, "first_row": tally.examples[reason]}
            for reason, count in tally.reasons.most_common()
        ],
    }
