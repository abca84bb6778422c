"""``whistle privacy …``: see, export and erase what is kept of a person; retention; new keys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from cli import client, places
from cli.output import emit_json, out, say
from cli.trouble import MISUSED, Trouble
from shared.vocabulary import Role

app = typer.Typer(
    help="Personal data: see, export, erase, retain, change keys. Each is written into the audit.", no_args_is_help=True
)

Reason = Annotated[str, typer.Option(help="Why; it stands in the audit.")]
Phone = Annotated[str, typer.Option(help="The person's phone, however it is written.")]
OptionalPhone = Annotated[str | None, typer.Option(help="The person's phone: all reports of it.")]
_KEEPERS = (Role.OPERATOR, Role.LEADER)


@app.command()
def reporter(
    *,
    report: Annotated[UUID, typer.Argument(help="The report's id.", metavar="REPORT")],
    reason: Reason,
    url: places.Url = None,
    key: places.Key = None,
    data: places.Data = None,
    as_json: places.Json = False,
) -> None:
    """See who reported, as much of it as the key may."""
    seen = _post(f"/v1/reports/{report}/reporter", {"reason": reason}, url=url, key=key, data=data)
    if as_json:
        emit_json(seen)
        return
    for name in ("sight", "name", "phone", "address", "contact", "text"):
        if seen.get(name):
            out.print(f"{name:8} {seen[name]}", markup=False)


@app.command()
def export(
    *,
    phone: Phone,
    reason: Reason,
    url: places.Url = None,
    key: places.Key = None,
    data: places.Data = None,
) -> None:
    """Print everything that is kept of one person, as JSON."""
    told = _post("/v1/privacy/export", {"phone": phone, "reason": reason}, url=url, key=key, data=data)
    out.print(json.dumps(told, ensure_ascii=False, indent=1), markup=False, emoji=False)
    say(f"[green]✓[/] {len(told['reports'])} reports" + ("" if told["complete"] else ", and there are more"))


@app.command()
def erase(
    *,
    phone: OptionalPhone = None,
    report: Annotated[UUID | None, typer.Option(help="One report alone.", metavar="REPORT")] = None,
    reason: Reason,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; it cannot be undone.")] = False,
    url: places.Url = None,
    key: places.Key = None,
    data: places.Data = None,
    as_json: places.Json = False,
) -> None:
    """Take out who reported, the text's own words and photos. Facts and figures stay."""
    if (phone is None) == (report is None):
        raise Trouble(
            "It is not clear what to erase",
            why="one of --phone and --report is needed, and not both",
            mend="whistle privacy erase --phone 13800138000 --reason '…'",
            status=MISUSED,
        )
    if not yes and not typer.confirm("This cannot be undone. Go on?", err=True):
        raise typer.Abort
    body = {"phone": phone, "report_id": report and str(report), "reason": reason}
    asked = {name: value for name, value in body.items() if value is not None}
    done = {"reports": 0, "photos": 0}
    more = True
    while more:
        step = _post("/v1/privacy/erase", asked, url=url, key=key, data=data)
        done = {name: done[name] + step[name] for name in done}
        more = bool(step["left"])
    if as_json:
        emit_json(done)
        return
    say(f"[green]✓[/] erased: {done['reports']} reports, {done['photos']} photos")


@app.command()
def retain(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count, and leave everything.")] = False,
    url: places.Url = None,
    key: places.Key = None,
    data: places.Data = None,
    as_json: places.Json = False,
) -> None:
    """Take out what has outlived the county's retention. Intake does it by itself once a day."""
    outlived, more, body = 0, True, {"dry_run": dry_run}
    while more:
        step = _post("/v1/privacy/retain", body, url=url, key=key, data=data)
        outlived, more = outlived + step["outlived"], step["more"]
        body = {"dry_run": dry_run, "after_at": step["after_at"], "after_id": step["after_id"]}
    if as_json:
        emit_json({"outlived": outlived, "dry_run": dry_run})
        return
    say(f"[green]✓[/] {outlived} reports have outlived their time" + (", nothing was changed" if dry_run else ""))


@app.command()
def rewrap(
    *,
    reason: Reason,
    url: places.Url = None,
    key: places.Key = None,
    data: places.Data = None,
    as_json: places.Json = False,
) -> None:
    """After a new first key in WHISTLE_SECRET_KEY: have every data key wrapped by it, until the old one can go."""
    done, left, unreadable, after = {"rewrapped": 0, "resealed": 0}, 1, 0, None
    while left or after:
        body = {"reason": reason} | ({"after": after} if after else {})
        step = _post("/v1/privacy/rewrap", body, url=url, key=key, data=data)
        done = {name: done[name] + step[name] for name in done}
        left, after, unreadable = step["left"], step["after"], unreadable + step["unreadable"]
        if left and not step["rewrapped"]:
            break
    if left or unreadable:
        raise Trouble(
            f"{left} data keys and {unreadable} rows open with no key in force",
            why="a key that wraps them is not in WHISTLE_SECRET_KEY",
            mend="put it back behind the new one, and run this again",
        )
    if as_json:
        emit_json(done)
        return
    say(f"[green]✓[/] {done['rewrapped']} data keys wrapped anew, {done['resealed']} rows sealed anew")
    say("  the old key may go from WHISTLE_SECRET_KEY")


def _post(path: str, body: dict[str, Any], *, url: str | None, key: str | None, data: Path | None) -> Any:  # noqa: ANN401  any JSON
    where = places.find(url=url, key=key, data=data)
    with client.client(where.intake_url(), where.key_for(*_KEEPERS)) as http:
        return client.post(http, path, body)
