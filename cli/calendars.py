"""``whistle calendar fill``: a year's announced holidays and make-up days into a county's calendar.yaml."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.markup import escape

from cli import places
from cli.output import emit_json, say
from cli.trouble import MISUSED, Trouble
from shared.playbook.model import YearStatus

if TYPE_CHECKING:
    from ruamel.yaml.comments import CommentedMap

app = typer.Typer(help="Working time: the calendar of a county.", no_args_is_help=True)

FILE: Final = "calendar.yaml"
PARTS: Final = ("holidays", "makeup_days")
EXCHANGED: Final = "调休"
_NAMES: Final = {"清明": "清明节", "端午": "端午节", "中秋": "中秋节"}
"""Feasts that the library calls shorter than the law does."""
_NATIONAL: Final = frozenset({"元旦", "春节", "清明节", "劳动节", "端午节", "中秋节", "国庆节"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """What the State Council announced of one year: days off and workdays on weekends, by date."""

    holidays: Mapping[date, str]
    makeup_days: Mapping[date, str]


@app.callback()
def _calendar() -> None:
    pass


@app.command()
def fill(
    *,
    year: Annotated[int, typer.Argument(help="The year, as 2026.")],
    folder: Annotated[Path, typer.Argument(help="The playbook's folder.", exists=True, file_okay=False)],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
    as_json: places.Json = False,
) -> None:
    """Write a year's announced holidays and make-up days into calendar.yaml; other years and comments stay."""
    announced = announced_of(year)
    path = folder / FILE
    text, changes = filled(_read(path), year, announced)
    if changes and not dry_run:
        _write(path, text)
    if as_json:
        emit_json({"file": str(path), "year": year, "changes": changes, "written": bool(changes) and not dry_run})
        return
    for change in changes:
        say(escape(change))
    held = f"{len(announced.holidays)} days off, {len(announced.makeup_days)} make-up days"
    done = "would change" if dry_run and changes else "is filled" if changes else "has it all already"
    say(f"[green]✓[/] {escape(str(path))} {done}: {year}, {held}")
    if changes:
        say(f"next: [bold]whistle playbook check {escape(str(folder))}[/]")


def announced_of(year: int) -> Announced:
    """What ``chinese-calendar`` knows of ``year``.

    Raises:
        Trouble: nothing, because the notice is not out or the library is older than it.
    """
    from chinese_calendar import Holiday
    from chinese_calendar.constants import holidays, workdays

    known = sorted({day.year for day in holidays})
    if year not in known:
        raise Trouble(
            f"The holidays of {year} are not known",
            why=f"year: chinese-calendar knows the notices of {known[0]} to {known[-1]}",
            mend="update chinese-calendar when the notice is out (November); until then write the year as "
            f"`{YearStatus.PROVISIONAL}` with its statutory days by hand",
            status=MISUSED,
        )
    names = {feast.value: _NAMES.get(feast.chinese, feast.chinese) for feast in Holiday}
    return Announced(
        holidays={day: names[name] for day, name in sorted(holidays.items()) if day.year == year},
        makeup_days={day: f"{names[name]}{EXCHANGED}" for day, name in sorted(workdays.items()) if day.year == year},
    )


def filled(text: str, year: int, announced: Announced) -> tuple[str, list[str]]:
    """``text`` of a calendar.yaml with ``announced`` as its ``year``, and what was changed; the rest stays as it was.

    Raises:
        Trouble: it is no calendar.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.comments import CommentedMap
    from ruamel.yaml.error import YAMLError

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 10_000
    try:
        document = yaml.load(text)
    except YAMLError as error:
        raise _no_calendar(str(error)) from error
    if not isinstance(document, CommentedMap) or not isinstance(document.get("years"), CommentedMap):
        raise _no_calendar("it has no years")
    changes = list[str]()
    if document["years"].get(year) != YearStatus.ANNOUNCED:
        changes.append(f"years: {year} is {YearStatus.ANNOUNCED}, was {document['years'].get(year, 'not there')}")
        _put(document["years"], year, str(YearStatus.ANNOUNCED))
    for part in PARTS:
        if not isinstance(document.get(part), CommentedMap):
            document[part] = CommentedMap()
        changes += _fill(part, document[part], year, getattr(announced, part))
    written = io.StringIO()
    yaml.dump(document, written)
    return (written.getvalue() if changes else text), changes


def _fill(part: str, days: CommentedMap, year: int, wanted: Mapping[date, str]) -> list[str]:
    changes = list[str]()
    for day in [day for day in days if isinstance(day, date) and day.year == year and day not in wanted]:
        # A county's own day off (壮族三月三) is in no notice, and stays.
        if str(days[day]).removesuffix(EXCHANGED) in _NATIONAL:
            changes.append(f"{part}: {day} {days.pop(day)} is taken out")
    for day, name in wanted.items():
        if days.get(day) != name:
            changes.append(f"{part}: {day} {name}{f', was {days[day]}' if day in days else ''}")
            _put(days, day, name)
    return changes


def _put(entries: CommentedMap, key: object, value: str) -> None:
    if key in entries:
        entries[key] = value
    else:
        entries.insert(sum(1 for other in entries if str(other) < str(key)), key, value)


def _no_calendar(why: str) -> Trouble:
    return Trouble(f"{FILE} cannot be filled", why=why, mend="whistle playbook check FOLDER", status=MISUSED)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Trouble(f"{path} cannot be read", why=str(error), mend="give the folder of a playbook") from error


def _write(path: Path, text: str) -> None:
    # Whole or not at all: a calendar cut short would be read as one without holidays.
    fresh = path.with_name(f".{path.name}.new")
    try:
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(path)
    except OSError as error:
        raise Trouble(f"{path} cannot be written", why=str(error), mend="check the folder") from error
