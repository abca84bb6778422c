"""``whistle audit …``: read the audit, note its head, and check that nothing in it was changed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final
from uuid import UUID

import httpx
import typer
from rich.markup import escape
from rich.table import Table

from cli import client, places
from cli.output import emit_json, local_time, out, say
from cli.trouble import MISUSED, Trouble
from shared.vocabulary import Role

app = typer.Typer(help="Who did or saw what, when, why and from where; sealed against change.", no_args_is_help=True)

_NO_CASE: Final = str(UUID(int=0))


@app.command()
def show(
    *,
    case: Annotated[UUID | None, typer.Option(help="The case whose facts are read.", metavar="CASE")] = None,
    report: Annotated[
        UUID | None, typer.Option(help="The report, for looks at who reported.", metavar="REPORT")
    ] = None,
    modes: Annotated[
        str | None, typer.Option(help="The area, for changes of mode in it and below it.", metavar="AREA")
    ] = None,
    url: places.Url = None,
    key: places.Key = None,
    data: places.Data = None,
    as_json: places.Json = False,
) -> None:
    """Print the audit of a case, of looks at a report, or of changes of mode."""
    if [case, report, modes].count(None) != 2:  # noqa: PLR2004  one of three
        raise Trouble(
            "It is not clear what to show",
            why="one of --case, --report and --modes is needed",
            mend="see --help",
            status=MISUSED,
        )
    with _http(url, key, data) as http:
        entries = _entries(http, case_id=_text(case), report_id=_text(report), modes_of=modes)
    if as_json:
        for entry in entries:
            emit_json(entry)
        return
    table = Table(box=None, padding=(0, 1))
    for heading in ("at", "what", "who", "key", "from", "why"):
        table.add_column(heading)
    for one in entries:
        what = one["kind"].removeprefix("whistle.case.").removesuffix(".v1").removeprefix("whistle.")
        shown = (what, one["who"], one["key_id"], one["origin"], one["why"])
        table.add_row(local_time(one["at"], date=True), *(escape(text) for text in shown))
    out.print(table)


@app.command()
def head(
    *,
    url: places.Url = None,
    key: places.Key = None,
    data: places.Data = None,
    as_json: places.Json = False,
) -> None:
    """Print the last head as BLOCK:HEX. Noted outside, it proves later that nothing before it was changed."""
    with _http(url, key, data) as http:
        found = client.get(http, "/v1/audit/head")
    if as_json:
        emit_json(found)
        return
    out.print(f"{found['block']}:{found['head']}", markup=False)
    if found["waiting"]:
        say(f"{found['waiting']} entries wait to be sealed, the oldest for {found['waiting_seconds']:.0f} s")


@app.command()
def verify(
    *,
    noted: Annotated[
        str | None,
        typer.Option("--head", help="A head noted before, as `whistle audit head` printed it.", metavar="BLOCK:HEX"),
    ] = None,
    url: places.Url = None,
    key: places.Key = None,
    data: places.Data = None,
    as_json: places.Json = False,
) -> None:
    """Recompute the whole chain, compare each fact and each change of mode, and look for what has no entry.

    Exit 1 names the first entry that does not hold.
    """
    expected = None if noted is None else _noted(noted)
    with _http(url, key, data) as http:
        blocks, entries = _chain(http, expected)
        _facts(http)
    if as_json:
        emit_json({"blocks": blocks, "entries": entries, "holds": True})
        return
    say(f"[green]✓[/] the audit holds: {blocks} blocks, {entries} entries" + (", with the head noted" if noted else ""))


def _chain(http: httpx.Client, expected: tuple[int, str] | None) -> tuple[int, int]:
    after, entries, more, met = 0, 0, True, expected is None
    while more:
        # One block at a time just before the one that was noted, so that its head is seen.
        most = 10 if expected is None or after >= expected[0] else min(10, expected[0] - after)
        step = client.get(http, "/v1/audit/check", after=after, most=most)
        _must_hold(step)
        after, entries, more = step["last"], entries + step["entries"], step["more"]
        if expected is not None and after == expected[0]:
            _must_be_noted(step["head"], expected)
            met = True
    if not met and expected is not None:
        raise Trouble(
            f"The audit ends at block {after}, before block {expected[0]} that was noted",
            why="blocks at its end were removed, or this is another installation's",
            mend="docs/privacy.md: the audit does not hold",
        )
    return after, entries


def _facts(http: httpx.Client) -> None:
    after: str | None = _NO_CASE
    while after is not None:
        step = client.get(http, "/v1/audit/check-facts", after=after, most=500)
        _must_hold(step)
        after = step["last"]


def _must_hold(step: dict[str, Any]) -> None:
    flaw = step["flaw"]
    if flaw is not None:
        raise Trouble("The audit does not hold", why=flaw["words"], mend="docs/privacy.md: the audit does not hold")


def _must_be_noted(head: str, expected: tuple[int, str]) -> None:
    if head != expected[1]:
        raise Trouble(
            f"Block {expected[0]} is another than was noted",
            why=f"its head is {head}",
            mend="docs/privacy.md: the audit does not hold",
        )


def _noted(text: str) -> tuple[int, str]:
    number, _, head = text.strip().partition(":")
    if not number.isdigit() or len(head) != 64 or int(number) == 0:  # noqa: PLR2004  a SHA-256 in hex
        raise Trouble(
            f"{text!r} is no head",
            why="it does not read BLOCK:HEX",
            mend="copy it from where `whistle audit head` was noted",
            status=MISUSED,
        )
    return int(number), head.lower()


def _entries(http: httpx.Client, **subject: str | None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    turn, entry = 0, 0
    while True:
        page = client.get(http, "/v1/audit", after_turn=turn, after_entry=entry, most=500, **subject)["entries"]
        found += page
        if len(page) < 500:  # noqa: PLR2004  a full page may have another behind it
            return found
        turn, entry = page[-1]["turn"], page[-1]["entry"]


def _text(subject: UUID | None) -> str | None:
    return None if subject is None else str(subject)


def _http(url: str | None, key: str | None, data: Path | None) -> httpx.Client:
    where = places.find(url=url, key=key, data=data)
    return client.client(where.intake_url(), where.key_for(Role.AUDITOR, Role.OPERATOR))
