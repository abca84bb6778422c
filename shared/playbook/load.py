"""A folder of files → one playbook, or every mistake in it with file, line and field."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from shared.playbook.check import check
from shared.playbook.files.chains import ChainNode, ChainsFile
from shared.playbook.files.header import PlaybookFile
from shared.playbook.files.places import AreaRow, CellFeature, DepartmentRow, ZoneFeature
from shared.playbook.files.templates import MatterNode, MattersFile, ModeNode, ModesFile
from shared.playbook.files.times import CalendarFile, ClockRow, OfficerRow, ShiftRow
from shared.playbook.files.warnings import WarningNode, WarningsFile
from shared.playbook.files.work import CategoriesFile, CategoryNode, DutyRow, EnforcementRow
from shared.playbook.garbage import held_off
from shared.playbook.located import Located
from shared.playbook.model import Category, Playbook, Power, Roster, Text
from shared.playbook.problems import BadPlaybook
from shared.playbook.record import sealed
from shared.playbook.ruletree import read_rules
from shared.playbook.sheets import FILES, Sheets
from shared.vocabulary import Severity

__all__ = ["FILES", "Loaded", "load", "load_located"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A sound playbook and the files it came from."""

    playbook: Playbook
    sheets: Sheets

    def place(self, part: str, item: str | int = "") -> Located:
        """Return where an item stands: rules, duties, clocks and shifts by index, the rest by code or id.

        `groups` are looked up by id, `playbook` and `calendar` without an item. Its `line_of` takes the
        path of a field inside it.
        """
        return self.sheets.place(part, item)


def load(folder: Path, *, today: date) -> Playbook:
    """Return the playbook of `folder`, checked and with its digest.

    `today` is the day from which the calendar must reach as far as the longest clock.

    Raises:
        BadPlaybook: anything wrong, all of it at once.
    """
    with held_off():
        return load_located(folder, today=today).playbook


def load_located(folder: Path, *, today: date) -> Loaded:
    """Return the playbook of `folder` as `load` does, with the file and line of everything in it.

    Raises:
        BadPlaybook: anything wrong, all of it at once.
    """
    sheets = Sheets(folder)
    draft = _draft(sheets)
    if draft is not None:
        sheets.problems += sheets.located(check(draft, today=today))
    if draft is None or sheets.problems:
        raise BadPlaybook(sheets.problems)
    return Loaded(playbook=sealed(draft), sheets=sheets)


def _draft(sheets: Sheets) -> Playbook | None:
    """Return what the files say, not checked yet; None when what everything hangs on could not be read."""
    header = sheets.document("playbook", PlaybookFile)
    areas = [row.value() for row in sheets.rows("areas", AreaRow)]
    cells = [row.value() for row in sheets.features("cells", CellFeature)]
    zones = [row.value() for row in sheets.features("zones", ZoneFeature)]
    departments = [row.value() for row in sheets.rows("departments", DepartmentRow)]
    categories = list(_categories(sheets))
    duties = [row.value() for row in sheets.rows("duties", DutyRow)]
    enforcement = [row.value() for row in sheets.rows("enforcement", EnforcementRow)]
    rules = read_rules(sheets)
    matters = [node.value() for node in sheets.items("matters", MatterNode, MattersFile)]
    modes = [node.value() for node in sheets.items("modes", ModeNode, ModesFile)]
    warnings = [node.value() for node in sheets.items("warnings", WarningNode, WarningsFile)]
    clocks = [row.value() for row in sheets.rows("clocks", ClockRow)]
    chains = [node.value() for node in sheets.items("chains", ChainNode, ChainsFile)]
    calendar = sheets.document("calendar", CalendarFile)
    officers = [row.value() for row in sheets.rows("officers", OfficerRow)]
    shifts = [row.value() for row in sheets.rows("shifts", ShiftRow)]
    areas_by_code = sheets.unique("areas", areas, lambda area: area.code)
    zones_by_id = sheets.unique("zones", zones, lambda zone: zone.id)
    departments_by_id = sheets.unique("departments", departments, lambda each: each.id)
    categories_by_code = sheets.unique("categories", categories, lambda each: each.code)
    matters_by_id = sheets.unique("matters", matters, lambda matter: matter.id)
    modes_by_id = sheets.unique("modes", modes, lambda mode: mode.id)
    warnings_by_id = sheets.unique("warnings", warnings, lambda rule: rule.id)
    chains_by_id = sheets.unique("chains", chains, lambda chain: chain.id)
    officers_by_id = sheets.unique("officers", officers, lambda officer: officer.id)
    if header is None or calendar is None:
        return None
    return Playbook(
        county=header.county,
        name=header.name.value(),
        version=header.version,
        digest="",
        timezone=header.timezone,
        speed=header.speed,
        areas=areas_by_code,
        cells=tuple(cells),
        departments=departments_by_id,
        categories=categories_by_code,
        duties=tuple(duties),
        rules=rules,
        clocks=tuple(clocks),
        calendar=calendar.value(),
        hours=calendar.hours(),
        roster=Roster(officers=officers_by_id, shifts=tuple(shifts)),
        policy=header.policy.value(),
        zones=zones_by_id,
        enforcement=tuple(enforcement),
        matters=matters_by_id,
        modes=modes_by_id,
        chains=chains_by_id,
        warnings=warnings_by_id,
    )


def _categories(sheets: Sheets) -> Iterator[Category]:
    for located in sheets.listed("categories", CategoriesFile):
        node = sheets.read("categories", CategoryNode, located)
        if node is not None:
            yield from _branch(node, located, None, sheets=sheets)


def _branch(node: CategoryNode, located: Located, above: Category | None, *, sheets: Sheets) -> Iterator[Category]:
    category = Category(
        code=node.code,
        name=Text(zh=node.zh, en=node.en),
        parent=above.code if above else None,
        severity=node.severity or (above.severity if above else Severity.IV),
        power=node.power or (above.power if above else Power.HANDLE),
        words=node.words,
        conditions=tuple(condition.value() for condition in node.conditions),
        standard=node.standard,
    )
    sheets.keep("categories", node.code, located)
    yield category
    if node.children:
        for child, place in zip(node.children, located.items("children"), strict=True):
            yield from _branch(child, place, category, sheets=sheets)
