"""The files of one folder, read one after the other: what was read, where it stood, and what was wrong."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from shared.playbook.check.finding import Finding
from shared.playbook.files.rows import Row
from shared.playbook.located import Located, read_csv, read_geojson
from shared.playbook.nodes import read_yaml
from shared.playbook.problems import BadPlaybook, Problem
from shared.playbook.reading import read, read_all

RowT = TypeVar("RowT", bound=Row)
ItemT = TypeVar("ItemT")

FILES: Final = {
    "playbook": "playbook.yaml",
    "areas": "areas.csv",
    "cells": "cells.geojson",
    "zones": "zones.geojson",
    "departments": "departments.csv",
    "categories": "categories.yaml",
    "duties": "duties.csv",
    "enforcement": "enforcement.csv",
    "rules": "rules.yaml",
    "groups": "rules.yaml",
    "matters": "matters.yaml",
    "modes": "modes.yaml",
    "warnings": "warnings.yaml",
    "clocks": "clocks.csv",
    "chains": "chains.yaml",
    "calendar": "calendar.yaml",
    "officers": "officers.csv",
    "shifts": "shifts.csv",
}
"""The file in which each part of a playbook stands."""

OPTIONAL: Final = frozenset({"zones", "enforcement", "matters", "modes", "chains", "warnings"})
"""Parts that a county need not have: without the file there are none."""


class Sheets:
    """One pass over the files of a folder."""

    def __init__(self, folder: Path) -> None:
        """Read nothing yet."""
        self.problems: list[Problem] = []
        self._folder = folder
        self._broken: set[str] = set()
        self._places: dict[tuple[str, str | int], Located] = {}

    def document(self, part: str, kind: type[RowT]) -> RowT | None:
        """Return a YAML file as one value; None when it is wrong."""
        located = self.open(part, lambda path: [read_yaml(path)])
        if not located:
            return None
        self.keep(part, "", located[0])
        return self.read(part, kind, located[0])

    def rows(self, part: str, kind: type[RowT]) -> list[RowT]:
        """Return the good rows of a CSV file."""
        names = [info.alias or name for name, info in kind.model_fields.items()]
        columns = {name: name not in kind.optional_columns for name in names}
        return self._each(part, kind, self.open(part, lambda path: read_csv(path, columns)))

    def features(self, part: str, kind: type[RowT]) -> list[RowT]:
        """Return the good features of a GeoJSON file."""
        return self._each(part, kind, self.open(part, read_geojson))

    def items(self, part: str, kind: type[RowT], file: type[Row]) -> list[RowT]:
        """Return the good items of a YAML file that holds one list."""
        return self._each(part, kind, self.listed(part, file))

    def listed(self, part: str, file: type[Row]) -> list[Located]:
        """Return the items of a YAML file that holds one list named as the part, each located by itself."""
        located = self.open(part, lambda path: [read_yaml(path)])
        if not located:
            return []
        document = located[0]
        items = document.value.get(part) if isinstance(document.value, dict) else None
        if not isinstance(items, list) or not items or set(document.value) != {part}:
            self.read(part, file, document)
            return []
        return document.items(part)

    def open(self, part: str, read_file: Callable[[Path], list[Located]]) -> list[Located]:
        """Return what `read_file` finds in the file of `part`; nothing when it is wrong, or need not be there."""
        path = self._folder / FILES[part]
        if part in OPTIONAL and not path.exists():
            return []
        try:
            return read_file(path)
        except BadPlaybook as bad:
            self.problems += bad.problems
            self._broken.add(part)
            return []

    def read(self, part: str, kind: type[RowT], located: Located) -> RowT | None:
        """Return one row; None when it is wrong."""
        row = read(kind, located)
        if isinstance(row, list):
            self.wrong(part, row)
            return None
        return row

    def wrong(self, part: str, problems: Iterable[Problem]) -> None:
        """Keep `problems`; what only follows from an unreadable part is not told beside them."""
        self.problems += problems
        self._broken.add(part)

    def keep(self, part: str, item: str | int, located: Located) -> None:
        """Remember where an item stands; the first place counts."""
        self._places.setdefault((part, item), located)

    def place(self, part: str, item: str | int) -> Located:
        """Return where an item stands, or its whole file when that is not known."""
        return self._places.get((part, item)) or Located(file=FILES[part], line=0, value=None)

    def unique(self, part: str, items: Sequence[ItemT], key: Callable[[ItemT], str]) -> dict[str, ItemT]:
        """Index `items`, saying which keys stand twice."""
        counts = Counter(key(item) for item in items)
        for index, item in enumerate(items):
            name = key(item)
            place = self._places.get((part, index), self._places.get((part, name)))
            if place is not None:
                self.keep(part, name, place)
            if counts[name] > 1 and place is not None:
                self.problems.append(place.problem((), f"{name!r} stands {counts[name]} times"))
        return {key(item): item for item in items}

    def located(self, findings: Sequence[Finding]) -> Iterator[Problem]:
        """Give each finding its file and line; drop those that only follow from an unreadable part."""
        for finding in findings:
            if self._broken.isdisjoint(finding.needs):
                path: Any = finding.path
                other = "" if finding.other is None else f" (line {self.place(finding.part, finding.other).line})"
                yield self.place(finding.part, finding.item).problem(path, finding.problem + other, finding.allowed)

    def _each(self, part: str, kind: type[RowT], items: Sequence[Located]) -> list[RowT]:
        rows, wrong = read_all(kind, items)
        if wrong:
            self.wrong(part, wrong)
        for index, (located, _) in enumerate(rows):
            self._places[part, index] = located
        return [row for _, row in rows]
