"""``whistle keys new|list``: API keys in the file that the services read."""

from __future__ import annotations

import fcntl
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.markup import escape
from rich.table import Table

from cli import places
from cli.key_fits import unchecked
from cli.output import emit_json, local_time, out, say
from cli.trouble import MISUSED, Trouble
from shared.runtime.auth import NewKey, new_key, rotated
from shared.runtime.clock import utc_now
from shared.runtime.keyfile import Key, KeyFileInvalid, read_keys, write_keys
from shared.vocabulary import Refused, Role

app = typer.Typer(help="Make and list API keys.", no_args_is_help=True)

File = Annotated[
    Path | None, typer.Option("--file", help="The file of hashed keys (default: WHISTLE_KEYS_FILE).", dir_okay=False)
]


@app.command()
def new(
    *,
    name: Annotated[str | None, typer.Option(help="Whose key it is, for people.")] = None,
    role: Annotated[Role | None, typer.Option(help="What its bearer may be.")] = None,
    area: Annotated[str | None, typer.Option(help="Its area: the code covers everything below it.")] = None,
    department: Annotated[str | None, typer.Option(help="The department's id, for the role department.")] = None,
    duty: Annotated[
        list[str] | None,
        typer.Option(
            help="A category's code that its bearer has to do with; several times, none: all.", metavar="CODE"
        ),
    ] = None,
    key_id: Annotated[str | None, typer.Option("--id", help="An id of your own: a-z, 0-9, -.")] = None,
    expires: Annotated[str | None, typer.Option(help="When it ends, such as 365d or 12h; never if absent.")] = None,
    rotate: Annotated[
        str | None, typer.Option(help="Give this key a second secret instead of making a new key.", metavar="KEY_ID")
    ] = None,
    grace: Annotated[str, typer.Option(help="How long the old secret goes on after --rotate.")] = "7d",
    playbook: Annotated[
        Path | None,
        typer.Option(help="Check department and duties against this one, not the one in force.", file_okay=False),
    ] = None,
    file: File = None,
    data: places.Data = None,
    as_json: places.Json = False,
) -> None:
    """Make a key. Its secret is shown once, here, and stored nowhere."""
    path = _file(file, data)
    now = utc_now()
    expires_at = None if expires is None else now + duration(expires, "--expires")
    if rotate is None and area is not None:
        why_not = unchecked(area=area, department=department, duties=duty or (), folder=playbook, data=data)
        if why_not is not None:
            say(
                f"[yellow]![/] department and duties were not checked: {escape(why_not)}; --playbook FOLDER checks them"
            )
    with _locked(path):
        keys = {one.id: one for one in (_read(path) if path.exists() else ())}
        if rotate is not None:
            made = rotated(_known(keys, rotate, path), now=now, grace=duration(grace, "--grace"), expires_at=expires_at)
        else:
            made = _made(
                keys,
                name,
                role,
                area,
                department=department,
                duties=duty or (),
                key_id=key_id,
                expires_at=expires_at,
            )
        keys[made.key.id] = made.key
        write_keys(path, keys.values())
    if as_json:
        emit_json({"id": made.key.id, "token": made.token, "file": str(path)})
        return
    say(f"[green]✓[/] key [bold]{made.key.id}[/] ({made.key.role}, {made.key.area}) is in {escape(str(path))}")
    say("  its secret, shown this once:")
    out.print(made.token, markup=False)
    say("  running services take it into force within two seconds; use it as WHISTLE_KEY or --key")


@app.command("list")
def list_keys(file: File = None, data: places.Data = None, as_json: places.Json = False) -> None:
    """List the keys of the file; secrets cannot be shown."""
    path = _file(file, data)
    keys = _read(path)
    if as_json:
        for key in keys:
            emit_json(_as_json(key))
        return
    table = Table(box=None, padding=(0, 1))
    for heading in ("id", "role", "area", "department", "duties", "name", "secrets"):
        table.add_column(heading)
    now = utc_now()
    for key in keys:
        lives = ", ".join(_life(one.expires_at, now) for one in key.secrets)
        table.add_row(
            key.id, key.role, key.area, key.department or "–", " ".join(key.duties) or "–", escape(key.name), lives
        )
    out.print(table)


def duration(text: str, option: str) -> timedelta:
    """``365d``, ``12h`` or ``30m`` as a duration.

    Raises:
        Trouble: when it reads otherwise.
    """
    match = re.fullmatch(r"([1-9][0-9]{0,5})([dhm])", text)
    if match is None:
        raise Trouble(
            f"{option} {text} is no duration",
            why="it is not a number with a unit",
            mend="write it like 365d, 12h or 30m",
            status=MISUSED,
        )
    return int(match[1]) * _UNITS[match[2]]


_UNITS: Final = {"d": timedelta(days=1), "h": timedelta(hours=1), "m": timedelta(minutes=1)}


def _file(file: Path | None, data: Path | None) -> Path:
    chosen = file or places.find(data=data).keys_file
    if chosen is None:
        raise Trouble(
            "It is not known which file holds the keys",
            why="neither --file nor WHISTLE_KEYS_FILE is set, and no local platform runs",
            mend="give --file keys.yaml; the services read the one that WHISTLE_KEYS_FILE names",
            status=MISUSED,
        )
    return chosen


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Let one writer at a time read, change and replace the file."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.with_name(f".{path.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise Trouble(
            f"{path} cannot be written", why=error.strerror or str(error), mend="check the folder and its rights"
        ) from error


def _read(path: Path) -> list[Key]:
    try:
        return read_keys(path)
    except KeyFileInvalid as error:
        raise Trouble(
            "The keys cannot be read",
            why=error.reason,
            mend=f"allowed: {', '.join(error.allowed)}" if error.allowed else "make the file with `whistle keys new`",
        ) from error


def _known(keys: dict[str, Key], key_id: str, path: Path) -> Key:
    if key_id in keys:
        return keys[key_id]
    raise Trouble(
        f"There is no key {key_id} in {path}",
        why=f"it holds {', '.join(keys) or 'none'}",
        mend="see `whistle keys list`",
    )


def _made(
    keys: dict[str, Key],
    name: str | None,
    role: Role | None,
    area: str | None,
    *,
    department: str | None,
    duties: Sequence[str],
    key_id: str | None,
    expires_at: datetime | None,
) -> NewKey:
    if name is None or role is None or area is None:
        raise Trouble(
            "A new key needs a name, a role and an area",
            why="at least one of --name, --role and --area is missing",
            mend=f"whistle keys new --name '县热线' --role source --area 990101 (roles: {', '.join(Role)})",
            status=MISUSED,
        )
    if key_id in keys:
        raise Trouble(f"The key {key_id} exists already", why="an id names one key", mend="another --id, or --rotate")
    try:
        return new_key(
            role=role,
            area=area,
            name=name,
            department=department,
            duties=duties,
            key_id=key_id,
            expires_at=expires_at,
        )
    except Refused as error:
        raise Trouble(
            f"--{error.field} does not fit: {error.reason}",
            why="a key is one role in one area",
            mend=f"allowed: {'; '.join(error.allowed)}",
            status=MISUSED,
        ) from error


def _as_json(key: Key) -> dict[str, object]:
    return {
        "id": key.id,
        "name": key.name,
        "role": key.role,
        "area": key.area,
        "department": key.department,
        "duties": list(key.duties),
        "secrets": [{"expires_at": one.expires_at and one.expires_at.isoformat()} for one in key.secrets],
    }


def _life(expires_at: datetime | None, now: datetime) -> str:
    if expires_at is None:
        return "[green]live[/]"
    if expires_at <= now:
        return "[red]ended[/]"
    return f"[yellow]until {local_time(expires_at, date=True)}[/]"
