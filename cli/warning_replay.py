"""A county's past reports replayed against its warnings.yaml; apart, for it brings scipy along."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from rich.markup import escape
from rich.table import Table

from cli.csv_records import CsvFile, Record
from cli.output import emit_json, out, say
from cli.trouble import MISUSED, Trouble
from services.escalation.domain.warning.announce import told
from services.escalation.domain.warning.episodes import Change, End, Raise
from services.escalation.domain.warning.replay import replay
from services.escalation.domain.warning.reports import Report
from services.escalation.domain.warning.usual import LEAST_DAYS
from shared.events.envelope import WHISTLE
from shared.events.parts import Place
from shared.playbook.model import Playbook

MOST: Final = 2_000_000
"""Reports that are replayed at once: they are held in memory, some 400 bytes each."""
COLUMNS: Final = ("at", "area", "category")


def run(file: CsvFile, playbook: Playbook, *, as_json: bool) -> None:
    """Replay the reports of ``file`` and print what would have been raised.

    Raises:
        Trouble: the file cannot be read, with line and field.
    """
    reports = sorted(_reports(file, playbook), key=lambda one: one.at)
    changes = list(replay(reports, tuple(playbook.warnings.values()), ZoneInfo(playbook.timezone)))
    days = (reports[-1].at - reports[0].at).days + 1 if reports else 0
    if as_json:
        emit_json({"reports": len(reports), "days": days, "changes": [_plain(change, playbook) for change in changes]})
        return
    _print(changes, playbook)
    raised = sum(isinstance(change, Raise) for change in changes)
    judged = max(days - LEAST_DAYS, 0)
    say(
        f"{len(reports)} reports of {days} days: {raised} warnings in {judged} days (the first {LEAST_DAYS} only teach)"
    )


def _print(changes: list[Change], playbook: Playbook) -> None:
    table = Table(box=None, padding=(0, 2))
    for column in ("raised", "rule", "area", "category", "why"):
        table.add_column(column)
    for change in changes:
        if isinstance(change, Raise):
            warning = told(change.episode, playbook)
            at = change.episode.raised_at.astimezone(ZoneInfo(playbook.timezone))
            row = (f"{at:%Y-%m-%d %H:%M}", warning.rule, warning.area, warning.category, warning.reason_en)
            table.add_row(*(escape(cell) for cell in row))
    if table.row_count:
        out.print(table)


def _plain(change: Change, playbook: Playbook) -> dict[str, Any]:
    word = "raised" if isinstance(change, Raise) else "ended" if isinstance(change, End) else "updated"
    return {"change": word, "raised_at": change.episode.raised_at, "warning": told(change.episode, playbook)}


def _reports(file: CsvFile, playbook: Playbook) -> Iterator[Report]:
    """The reports of a file.

    Raises:
        Trouble: a column is missing, a row cannot be read, or there are too many.
    """
    missing = [name for name in COLUMNS if name not in file.columns()]
    if missing:
        raise _bad(file, 1, f"no column {', '.join(missing)}", f"columns {', '.join(COLUMNS)}; lon and lat beside")
    for number, record in enumerate(file):
        if number >= MOST:
            raise _bad(file, record.line, f"more than {MOST:,} reports", "a shorter history")
        yield _report(file, record, playbook)


def _report(file: CsvFile, record: Record, playbook: Playbook) -> Report:
    row = record.row
    if record.broken is not None:
        raise _bad(file, record.line, record.broken, "a whole record")
    area, category = row["area"].strip(), row["category"].strip()
    if not (area.isdigit() and area.startswith(playbook.county)):
        raise _bad(file, record.line, f"area: {area!r} is not of {playbook.county}", "a code of the county")
    if not playbook.category_line(category):
        raise _bad(file, record.line, f"category: no category {category!r}", "a code of categories.yaml")
    report_id = _id(file, record)
    return Report(
        report_id=report_id,
        case_id=report_id,
        county=playbook.county,
        area=area,
        category=category,
        at=_at(file, record, ZoneInfo(playbook.timezone)),
        place=_place(file, record),
    )


def _id(file: CsvFile, record: Record) -> UUID:
    return uuid5(WHISTLE, f"{file.path.name}:{record.line}")


def _at(file: CsvFile, record: Record, zone: ZoneInfo) -> datetime:
    try:
        at = datetime.fromisoformat(record.row["at"].strip())
    except ValueError:
        raise _bad(file, record.line, f"at: {record.row['at']!r} is no time", "2026-11-21T08:00:00+08:00") from None
    return at if at.tzinfo is not None else at.replace(tzinfo=zone)


def _place(file: CsvFile, record: Record) -> Place | None:
    lon, lat = (record.row.get(name, "").strip() for name in ("lon", "lat"))
    if not lon and not lat:
        return None
    try:
        place = Place(lon=float(lon), lat=float(lat))
    except ValueError:
        raise _bad(file, record.line, f"lon, lat: {lon!r}, {lat!r} are no degrees", "WGS-84 degrees") from None
    if not (-180 <= place.lon <= 180 and -90 <= place.lat <= 90):  # noqa: PLR2004  degrees
        raise _bad(file, record.line, f"lon, lat: {lon}, {lat} lie nowhere", "WGS-84 degrees")
    return place


def _bad(file: CsvFile, line: int, why: str, allowed: str) -> Trouble:
    return Trouble(f"{file.path}, line {line}", why=why, mend=f"allowed: {allowed}", status=MISUSED)
