"""``whistle clocks import``: a city's table of time limits into a county's ``clocks.csv``."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.markup import escape

from cli import places
from cli.clock_table import (
    COLUMNS,
    NEEDED,
    DayMeans,
    HourMeans,
    Meaning,
    TableLimit,
    TableRead,
    names_of,
    read_table,
    told,
)
from cli.csv_records import AUTO, CsvFile
from cli.output import emit_json, out, say
from cli.trouble import MISUSED, Trouble
from shared.vocabulary import ClockKind, WhenLate

if TYPE_CHECKING:
    from shared.playbook.check.clocks import Rank
    from shared.playbook.model import Playbook

FILE: Final = "clocks.csv"
MARK: Final = "table"
"""Begins the id of every limit that an import added."""
MOST_SOURCE: Final = 200


def import_table(
    *,
    table: Annotated[Path, typer.Argument(help="The city's table, CSV.", exists=True, dir_okay=False)],
    playbook: Annotated[Path, typer.Option(help="The playbook's folder.", exists=True, file_okay=False)],
    hour: Annotated[HourMeans | None, typer.Option(help="What the table's 小时 is; there is no default.")] = None,
    day: Annotated[DayMeans | None, typer.Option(help="What the table's 天 and 日 are; there is no default.")] = None,
    basis: Annotated[str, typer.Option(help="The rule that the table is, in words; its file's name.")] = "",
    warn_at: Annotated[str, typer.Option(help="Where limits that are new warn.")] = "0.5 0.8",
    when_late: Annotated[
        WhenLate, typer.Option(help="What the level above does at limits that are new.")
    ] = WhenLate.OVERSEE,
    encoding: Annotated[str, typer.Option(help="Of the table.")] = AUTO,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
    as_json: places.Json = False,
) -> None:
    """Take the handling limits of a city's table over into clocks.csv; every line that cannot be read is told."""
    from cli.in_force import read

    book = read(playbook)
    meaning = _meaning(hour, day, working_day_hours=book.calendar.working_day_hours)
    file = CsvFile(table, encoding=encoding)
    found = read_table(file, _names(file), playbook=book, meaning=meaning)
    path = playbook / FILE
    before = _read(path)
    sheet = Sheet(before)
    terms = Terms(basis=basis or table.stem, warn_at=warn_at, when_late=when_late)
    left = put(found, sheet, book, terms)
    after = sheet.text()
    if after != before and not dry_run:
        _write(path, after)
    diff = list(unified_diff(before.splitlines(), after.splitlines(), FILE, FILE, lineterm="", n=0))
    _tell(found, diff, left, path=path, dry_run=dry_run, as_json=as_json)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a limit of the table has beside its figure."""

    basis: str
    warn_at: str
    when_late: WhenLate


class Sheet:
    """The text of a ``clocks.csv``; every record but those that are changed stays as it is written."""

    def __init__(self, text: str) -> None:
        self._mark = "\ufeff" if text.startswith("\ufeff") else ""
        lines = text.removeprefix("\ufeff").splitlines(keepends=True)
        self._end = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
        self._raw = list[str]()
        self.rows = list[list[str]]()
        reader = csv.reader(lines)
        start = 0
        for row in reader:
            self.rows.append([cell.strip() for cell in row])
            self._raw.append("".join(lines[start : reader.line_num]))
            start = reader.line_num
        self.head = next((row for row in self.rows if any(row) and not row[0].startswith("#")), [])

    def text(self) -> str:
        """The whole file."""
        return self._mark + "".join(self._raw)

    def find(self, name: str) -> dict[str, str]:
        """The record with the id ``name``."""
        return dict(zip(self.head, self.rows[self._place(name)], strict=True))

    def change(self, name: str, cells: dict[str, str]) -> None:
        """Write the record with the id ``name`` anew, if it says anything else now."""
        place = self._place(name)
        row = [cells.get(column, "") for column in self.head]
        if row != self.rows[place]:
            self.rows[place], self._raw[place] = row, self._written(row)

    def add(self, cells: dict[str, str]) -> None:
        """Add a record behind all others."""
        if self._raw and not self._raw[-1].endswith(("\n", "\r")):
            self._raw[-1] += self._end
        row = [cells.get(column, "") for column in self.head]
        self.rows.append(row)
        self._raw.append(self._written(row))

    def _place(self, name: str) -> int:
        column = self.head.index("id")
        return next(place for place, row in enumerate(self.rows) if len(row) > column and row[column] == name)

    def _written(self, row: Sequence[str]) -> str:
        line = io.StringIO(newline="")
        csv.writer(line, lineterminator=self._end).writerow(row)
        return line.getvalue()


def put(found: TableRead, sheet: Sheet, book: Playbook, terms: Terms) -> list[str]:
    """Write the limits of a table into ``sheet``; returns what was left as it stands, and why.

    A limit that the county has for the same category and condition keeps its id, its warnings and what comes when it
    is late, and takes the table's figure and source: so a second import of the same table changes nothing.
    """
    from shared.playbook.check.clocks import of_equal_rank

    standing = of_equal_rank(book)
    taken, left = {clock.id for clock in book.clocks}, list[str]()
    for one in found.limits:
        alike = [clock for _, clock in standing.get(_rank(one), ())]
        if any(clock.valid_from or clock.valid_until for clock in alike):
            names = ", ".join(clock.id for clock in alike)
            left.append(
                f"{_name(one)}: {names} have days of validity; which of them the table means is for a person to say"
            )
            continue
        figures = {
            "amount": f"{one.limit.amount:g}",
            "unit": one.limit.unit.value,
            "source": f"{terms.basis}：{one.source}"[:MOST_SOURCE],
        }
        if alike:
            sheet.change(alike[0].id, sheet.find(alike[0].id) | figures)
            continue
        name = _free(f"{MARK}-{_name(one)}", taken)
        asks = {"category": one.category, "condition": one.condition or ""}
        late = {"warn_at": terms.warn_at, "when_late": terms.when_late.value}
        sheet.add({"id": name, "kind": ClockKind.HANDLE.value, **asks, **figures, **late})
    known = {_name(one) for one in found.limits}
    gone = [c.id for c in book.clocks if c.id.startswith(f"{MARK}-") and c.id.removeprefix(f"{MARK}-") not in known]
    return [
        *left,
        *(f"{name}: no line of the table gives it any more; it stays until a person takes it out" for name in gone),
    ]


def _rank(one: TableLimit) -> Rank:
    from shared.playbook.model import PRECEDENCE

    asks = {"category": one.category, "condition": one.condition}
    return ClockKind.HANDLE, *(asks.get(name) for name in PRECEDENCE)


def _name(one: TableLimit) -> str:
    return one.category if one.condition is None else f"{one.category}-{one.condition}"


def _free(name: str, taken: set[str]) -> str:
    free = next(each for number in range(1, 1000) if (each := name if number == 1 else f"{name}-{number}") not in taken)
    taken.add(free)
    return free


def _meaning(hour: HourMeans | None, day: DayMeans | None, *, working_day_hours: float) -> Meaning:
    """What the table's words mean.

    Raises:
        Trouble: it was not said.
    """
    if hour is None or day is None:
        missing = [name for name, value in (("--hour", hour), ("--day", day)) if value is None]
        raise Trouble(
            f"The table's 小时 and 天 must be given a meaning: {' and '.join(missing)}",
            why="cities write 天 for working days or natural days, 小时 for working hours or continuous ones; "
            "taken for the wrong one, two days that begin on a Friday end two days too early or too late",
            mend="ask who wrote the table, then give --hour working|continuous|urgent and --day working|natural",
            status=MISUSED,
        )
    return Meaning(hour=hour, day=day, working_day_hours=working_day_hours)


def _names(file: CsvFile) -> dict[str, str]:
    columns = file.columns()
    names = names_of(columns)
    missing = [COLUMNS[name] for name in NEEDED if name not in names]
    if missing:
        raise Trouble(
            f"{file.path} is no table of time limits",
            why=f"it has no column {', '.join(' or '.join(each) for each in missing)}; it has {', '.join(columns)}",
            mend="name its columns so in the first line; basis, category and condition may be left out",
            status=MISUSED,
        )
    return names


def _tell(found: TableRead, diff: list[str], left: list[str], *, path: Path, dry_run: bool, as_json: bool) -> None:
    notes = [*told(found), *left]
    if as_json:
        unread = [asdict(one) for one in found.unread]
        limits = len(found.limits)
        lines = sum(len(one.lines) for one in found.limits)
        facts = {"limits": limits, "lines": lines, "unread": unread, "foreign": found.foreign, "left": left}
        emit_json({**facts, "diff": diff, "written": bool(diff) and not dry_run})
        return
    for line in diff:
        out.print(escape(line))
    for note in notes:
        say(f"[yellow]![/] {escape(note)}")
    done = "would change" if diff and dry_run else "is changed" if diff else "has it all already"
    foreign = sum(len(lines) for lines in found.foreign.values())
    counted = f"{len(found.limits)} limits, {len(found.unread)} lines not read, {foreign} lines on other matters"
    say(f"[green]✓[/] {escape(str(path))} {done}: {counted}")
    if diff:
        say(f"next: [bold]whistle playbook check {escape(str(path.parent))}[/]")


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Trouble(f"{path} cannot be read", why=str(error), mend="give the folder of a playbook") from error


def _write(path: Path, text: str) -> None:
    # Whole or not at all: half a list of limits would be a list of other limits.
    fresh = path.with_name(f".{path.name}.new")
    try:
        fresh.write_bytes(text.encode("utf-8"))
        fresh.replace(path)
    except OSError as error:
        raise Trouble(f"{path} cannot be written", why=str(error), mend="check the folder") from error
