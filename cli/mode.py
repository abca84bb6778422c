"""``whistle mode show|enter|confirm|leave``: the mode in force in each area; a change needs a second person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.markup import escape
from rich.table import Table

from cli import client, places
from cli.output import emit_json, local_time, out, say
from cli.trouble import MISUSED, Trouble
from shared.vocabulary import NORMAL, Role

app = typer.Typer(help="Show, enter and leave modes (平战转换).", no_args_is_help=True)

Area = Annotated[str, typer.Argument(help="The area: county, town or village.", metavar="AREA")]
Reason = Annotated[str, typer.Option(help="Why; it stands on every case that the change reaches.")]


@app.command()
def show(
    *,
    area: Annotated[str | None, typer.Option(help="Only this area and what lies below it.")] = None,
    history: Annotated[bool, typer.Option("--history", help="Also earlier changes, newest first.")] = False,
    url: places.Url = None,
    key: places.Key = None,
    data: places.Data = None,
    as_json: places.Json = False,
) -> None:
    """Show which mode is in force where, since when, by whom, and what the change did to open cases."""
    where = places.find(url=url, key=key, data=data)
    with client.client(
        where.notifier_url(), where.key_for(Role.OPERATOR, Role.AUDITOR, Role.LEADER, Role.DESK)
    ) as http:
        told = client.get(http, "/v1/modes", area=area)
    if as_json:
        emit_json(told)
        return
    if not told["in_force"]:
        say("every area is in normal mode")
    else:
        out.print(_table(told["in_force"]))
    if history:
        out.print(_table(told["history"]))


@app.command()
def enter(
    *,
    area: Area,
    mode: Annotated[str, typer.Argument(help="The mode's id in the playbook.", metavar="MODE")],
    reason: Reason,
    url: places.Url = None,
    key: places.Key = None,
    data: places.Data = None,
    as_json: places.Json = False,
) -> None:
    """Propose to enter a mode; it comes into force when a second person confirms it."""
    _propose(area, mode, reason=reason, where=places.find(url=url, key=key, data=data), as_json=as_json)


@app.command()
def leave(
    *,
    area: Area,
    reason: Reason,
    url: places.Url = None,
    key: places.Key = None,
    data: places.Data = None,
    as_json: places.Json = False,
) -> None:
    """Propose to leave the mode in force in an area; what it changed is settled as its profile says."""
    _propose(area, NORMAL, reason=reason, where=places.find(url=url, key=key, data=data), as_json=as_json)


@app.command()
def confirm(
    *,
    change: Annotated[str, typer.Argument(help="The id that `enter` or `leave` printed.", metavar="CHANGE")],
    url: places.Url = None,
    key: places.Key = None,
    data: places.Data = None,
    as_json: places.Json = False,
) -> None:
    """Confirm a change as the second person, with another key than the first."""
    try:
        change_id = UUID(change)
    except ValueError as error:
        raise Trouble(
            f"{change!r} is no id of a change",
            why="it is a UUID, as `whistle mode enter` and `whistle mode leave` print it",
            mend="copy it from there",
            status=MISUSED,
        ) from error
    where = places.find(url=url, key=key, data=data)
    with client.client(where.intake_url(), where.key_for(Role.LEADER, Role.OPERATOR)) as http:
        changed = client.post(http, f"/v1/modes/{change_id}/confirm")
    if as_json:
        emit_json(changed)
        return
    say(f"[green]✓[/] {_what(changed)}; open cases there are settled next")
    say("next: [bold]whistle mode show[/]")


def _propose(area: str, mode: str, *, reason: str, where: places.Places, as_json: bool) -> None:
    with client.client(where.intake_url(), where.key_for(Role.OPERATOR, Role.LEADER, Role.DESK)) as http:
        proposed = client.post(http, "/v1/modes", {"area": area, "mode": mode, "reason": reason})
    if as_json:
        emit_json(proposed)
        return
    until = f" until {local_time(proposed['expires_at'])}" if proposed.get("expires_at") else ""
    say(f"[yellow]…[/] {_what(proposed)} as soon as a second person confirms it{until}")
    out.print(proposed["change_id"], markup=False)
    say(f"next, with another key: [bold]whistle mode confirm {proposed['change_id']}[/]")


def _what(change: Mapping[str, Any]) -> str:
    if change["mode"] == NORMAL:
        return f"{change['area']} leaves [bold]{escape(change['before'])}[/]"
    return f"{change['area']} enters [bold]{escape(change['mode'])}[/]"


def _table(changes: list[Mapping[str, Any]]) -> Table:
    table = Table(box=None, padding=(0, 2))
    for column in ("area", "mode", "since", "by", "confirmed by", "reason", "cases"):
        table.add_column(column)
    for change in changes:
        by, second = change["by"], change.get("confirmed_by")
        settled = change.get("settled") or {}
        table.add_row(
            change["area"],
            escape(change["mode"]),
            local_time(change["changed_at"], date=True),
            escape(by.get("name") or by["id"]),
            escape((second.get("name") or second["id"]) if second else "by a rule"),
            escape(change["reason"]),
            ", ".join(f"{name} {count}" for name, count in settled.items()) or "–",
        )
    return table
