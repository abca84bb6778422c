"""A folder of files → one playbook, or every mistake in it with file, line and field."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final, TypeVar

from shared.playbook import files
from shared.playbook.check import Finding, check
from shared.playbook.located import FieldPath, Located, read_csv, read_geojson, read_yaml
from shared.playbook.model import Category, Playbook, Power, Roster, Text
from shared.playbook.problems import BadPlaybook, Problem
from shared.playbook.reading import read
from shared.playbook.record import sealed
from shared.vocabulary import Severity

RowT = TypeVar("RowT", bound=files.Row)
ItemT = TypeVar("ItemT")

FILES: Final = {
    "playbook": "playbook.yaml",
    "areas": "areas.csv",
    "cells": "cells.geojson",
    "departments": "departments.csv",
    "categories": "categories.yaml",
    "duties": "duties.csv",
    "rules": "rules.yaml",
    "clocks": "clocks.csv",
    "calendar": "calendar.yaml",
    "officers": "officers.csv",
    "shifts": "shifts.csv",
}
"""The part that each file of a playbook's folder holds."""


def load(folder: Path, *, today: date) -> Playbook:
    """Return the playbook of `folder`, checked and with its digest.

    `today` is the day from which the calendar must reach as far as the longest clock.

    Raises:
        BadPlaybook: anything wrong, all of it at once.
    """
    return _Reading(folder).playbook(today)


class _Reading:
    """One pass over the files: what was read, where it stood, and what was wrong."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._problems: list[Problem] = []
        self._broken: set[str] = set()
        self._places: dict[tuple[str, str | int], Located] = {}

    def playbook(self, today: date) -> Playbook:
        header = self._document("playbook", files.PlaybookFile)
        areas = [row.value() for row in self._rows("areas", files.AreaRow)]
        cells = [row.value() for row in self._features("cells", files.CellFeature)]
        departments = [row.value() for row in self._rows("departments", files.DepartmentRow)]
        categories = list(self._categories())
        duties = [row.value() for row in self._rows("duties", files.DutyRow)]
        rules = [row.value() for row in self._rules()]
        clocks = [row.value() for row in self._rows("clocks", files.ClockRow)]
        calendar = self._document("calendar", files.CalendarFile)
        officers = [row.value() for row in self._rows("officers", files.OfficerRow)]
        shifts = [row.value() for row in self._rows("shifts", files.ShiftRow)]
        areas_by_code = self._unique("areas", areas, lambda area: area.code)
        departments_by_id = self._unique("departments", departments, lambda each: each.id)
        categories_by_code = self._unique("categories", categories, lambda each: each.code)
        officers_by_id = self._unique("officers", officers, lambda officer: officer.id)
        if header is None or calendar is None:
            raise BadPlaybook(self._problems)
        draft = Playbook(
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
            rules=tuple(rules),
            clocks=tuple(clocks),
            calendar=calendar.value(),
            roster=Roster(officers=officers_by_id, shifts=tuple(shifts)),
            policy=header.policy.value(),
        )
        self._problems += self._located(check(draft, today=today))
        if self._problems:
            raise BadPlaybook(self._problems)
        return sealed(draft)

    def _document(self, part: str, kind: type[RowT]) -> RowT | None:
        located = self._open(part, lambda path: [read_yaml(path)])
        if not located:
            return None
        self._places[part, ""] = located[0]
        return self._read(part, kind, located[0])

    def _rows(self, part: str, kind: type[RowT]) -> list[RowT]:
        columns = [info.alias or name for name, info in kind.model_fields.items()]
        return self._each(part, kind, self._open(part, lambda path: read_csv(path, columns)))

    def _features(self, part: str, kind: type[RowT]) -> list[RowT]:
        return self._each(part, kind, self._open(part, read_geojson))

    def _rules(self) -> list[files.RuleNode]:
        return self._each("rules", files.RuleNode, self._listed("rules", "rules", files.RulesFile))

    def _listed(self, part: str, key: str, kind: type[files.Row]) -> list[Located]:
        """Return the items of a YAML file that holds one list, each located by itself."""
        located = self._open(part, lambda path: [read_yaml(path)])
        if not located:
            return []
        document = located[0]
        items = document.value.get(key) if isinstance(document.value, dict) else None
        if not isinstance(items, list) or not items or set(document.value) != {key}:
            self._read(part, kind, document)
            return []
        return [document.part((key, index), item) for index, item in enumerate(items)]

    def _categories(self) -> Iterator[Category]:
        for located in self._listed("categories", "categories", files.CategoriesFile):
            node = self._read("categories", files.CategoryNode, located)
            if node is not None:
                yield from self._branch(node, located, None)

    def _branch(self, node: files.CategoryNode, located: Located, above: Category | None) -> Iterator[Category]:
        category = Category(
            code=node.code,
            name=Text(zh=node.zh, en=node.en),
            parent=above.code if above else None,
            severity=node.severity or (above.severity if above else Severity.IV),
            power=node.power or (above.power if above else Power.HANDLE),
            words=node.words,
            conditions=tuple(condition.value() for condition in node.conditions),
        )
        self._places.setdefault(("categories", node.code), located)
        yield category
        for index, child in enumerate(node.children):
            path: FieldPath = ("children", index)
            yield from self._branch(child, located.part(path, located.value["children"][index]), category)

    def _open(self, part: str, read: Callable[[Path], list[Located]]) -> list[Located]:
        try:
            return read(self._folder / FILES[part])
        except BadPlaybook as bad:
            self._problems += bad.problems
            self._broken.add(part)
            return []

    def _each(self, part: str, kind: type[RowT], items: Sequence[Located]) -> list[RowT]:
        rows: list[RowT] = []
        for located in items:
            row = self._read(part, kind, located)
            if row is not None:
                self._places[part, len(rows)] = located
                rows.append(row)
        return rows

    def _read(self, part: str, kind: type[RowT], located: Located) -> RowT | None:
        row = read(kind, located)
        if isinstance(row, list):
            self._problems += row
            self._broken.add(part)
            return None
        return row

    def _unique(self, part: str, items: Sequence[ItemT], key: Callable[[ItemT], str]) -> dict[str, ItemT]:
        """Index `items`, saying which keys stand twice."""
        counts = Counter(key(item) for item in items)
        for index, item in enumerate(items):
            name = key(item)
            place = self._places.get((part, index), self._places.get((part, name)))
            if place is not None:
                self._places.setdefault((part, name), place)
            if counts[name] > 1 and place is not None:
                self._problems.append(place.problem((), f"{name!r} stands {counts[name]} times"))
        return {key(item): item for item in items}

    def _located(self, findings: Sequence[Finding]) -> Iterator[Problem]:
        """Give each finding its file and line; drop those that only follow from an unreadable part."""
        for finding in findings:
            if self._broken.isdisjoint(finding.needs):
                yield self._problem(finding)

    def _problem(self, finding: Finding) -> Problem:
        place = self._places.get((finding.part, finding.item))
        if place is None:
            place = Located(file=FILES[finding.part], line=0, value=None)
        path: Any = finding.path
        return place.problem(path, finding.problem, finding.allowed)
