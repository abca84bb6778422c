"""CSV and GeoJSON read into plain values that still know the line each came from."""

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from shared.playbook.problems import BadPlaybook, Problem

MAX_BYTES = 32 * 1024 * 1024
"""Above this a file is a mistake (a county has about 5,000 cells, some 10 MB)."""

FieldPath: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """One value of a file: a YAML document, a CSV row or a GeoJSON feature, with its lines."""

    file: str
    line: int
    value: Any
    lines: dict[FieldPath, int] = field(default_factory=dict)

    def line_of(self, path: Sequence[str | int]) -> int:
        """Return the line of `path`, or of the nearest thing around it that has one."""
        for end in range(len(path), 0, -1):
            if tuple(path[:end]) in self.lines:
                return self.lines[tuple(path[:end])]
        return self.line

    def problem(self, path: Sequence[str | int], problem: str, allowed: Sequence[str] = ()) -> Problem:
        """Say what is wrong at `path` of this value."""
        return Problem(
            file=self.file,
            line=self.line_of(path),
            field=".".join(str(part) for part in path),
            problem=problem,
            allowed=tuple(allowed),
        )

    def part(self, path: FieldPath, value: object) -> "Located":
        """Return the value at `path` as a located value of its own."""
        size = len(path)
        inner = {key[size:]: line for key, line in self.lines.items() if key[:size] == path}
        return Located(file=self.file, line=self.line_of(path), value=value, lines=inner)

    def items(self, key: str) -> list["Located"]:
        """Return the items of the list at `key`, each located by itself, in one pass over the lines."""
        values = self.value[key]
        inner: list[dict[FieldPath, int]] = [{} for _ in values]
        starts = [self.line] * len(values)
        for path, line in self.lines.items():
            if len(path) > 1 and path[0] == key and isinstance(path[1], int):
                if len(path) > 2:  # noqa: PLR2004  the list, its place in it, and what is inside
                    inner[path[1]][path[2:]] = line
                else:
                    starts[path[1]] = line
        parts = zip(values, starts, inner, strict=True)
        return [Located(file=self.file, line=line, value=value, lines=lines) for value, line, lines in parts]


def read_text(path: Path) -> str:
    """Return the file's text, UTF-8 with or without a byte order mark.

    Raises:
        BadPlaybook: missing, too large, or not UTF-8 (with the line of the first bad byte).
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise BadPlaybook([_whole(path, "the file is missing")]) from None
    if len(raw) > MAX_BYTES:
        raise BadPlaybook([_whole(path, f"{len(raw)} bytes are too many", [f"up to {MAX_BYTES}"])])
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        problem = Problem(file=path.name, line=line, field="", problem="not UTF-8", allowed=("UTF-8",))
        raise BadPlaybook([problem]) from None


def read_csv(path: Path, columns: Mapping[str, bool]) -> list[Located]:
    """Return one dict a row, empty cells left out, blank rows and `#` rows skipped.

    `columns` says of each whether it must be there.

    Raises:
        BadPlaybook: a column missing or unknown, or rows with too many or too few cells.
    """
    reader = csv.reader(io.StringIO(read_text(path)), strict=True)
    try:
        rows = [(reader.line_num, _stripped(cells)) for cells in reader if _says_something(cells)]
    except csv.Error as error:
        raise BadPlaybook([Problem(file=path.name, line=reader.line_num, field="", problem=str(error))]) from None
    if not rows:
        raise BadPlaybook([_whole(path, "no header row", tuple(columns))])
    (header_line, header), *body = rows
    problems = _header_problems(path, header_line, header, columns)
    problems += [
        Problem(
            file=path.name,
            line=line,
            field="",
            problem=f"{len(cells)} cells under {len(header)} columns",
            allowed=(f"{len(header)} cells",),
        )
        for line, cells in body
        if len(cells) != len(header)
    ]
    if problems:
        raise BadPlaybook(problems)
    return [
        Located(file=path.name, line=line, value={k: v for k, v in zip(header, cells, strict=True) if v})
        for line, cells in body
    ]


def read_geojson(path: Path) -> list[Located]:
    """Return the features of a FeatureCollection, each with the line on which it starts.

    Raises:
        BadPlaybook: not JSON, or no FeatureCollection.
    """
    text = read_text(path)
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise BadPlaybook([Problem(file=path.name, line=error.lineno, field="", problem=error.msg)]) from None
    is_collection = isinstance(document, dict) and document.get("type") == "FeatureCollection"
    if not is_collection or not isinstance(document.get("features"), list):
        raise BadPlaybook([_whole(path, "no FeatureCollection", ["a GeoJSON FeatureCollection"])])
    lines = list(_feature_lines(text))
    features = document["features"]
    known = lines if len(lines) == len(features) else [1] * len(features)
    return [Located(file=path.name, line=line, value=feature) for line, feature in zip(known, features, strict=True)]


def _whole(path: Path, problem: str, allowed: Sequence[str] = ()) -> Problem:
    return Problem(file=path.name, line=0, field="", problem=problem, allowed=tuple(allowed))


def _stripped(cells: Sequence[str]) -> list[str]:
    return [cell.strip() for cell in cells]


def _says_something(cells: Sequence[str]) -> bool:
    return any(cell.strip() for cell in cells) and not cells[0].lstrip().startswith("#")


def _header_problems(path: Path, line: int, header: list[str], columns: Mapping[str, bool]) -> list[Problem]:
    missing = [
        (column, "the column is missing") for column, needed in columns.items() if needed and column not in header
    ]
    unknown = [(column, "unknown column") for column in header if column not in columns]
    twice = [(column, "the column stands twice") for column in set(header) if header.count(column) > 1]
    return [
        Problem(file=path.name, line=line, field=column, problem=problem, allowed=tuple(columns))
        for column, problem in [*missing, *unknown, *twice]
    ]


def _feature_lines(text: str) -> Iterator[int]:
    """Yield the line of each feature by decoding them one after the other where they stand."""
    found = re.search(r'"features"\s*:\s*\[', text)
    if found is None:
        return
    decoder = json.JSONDecoder()
    space = re.compile(r"[\s,]*")
    at, line, counted = found.end(), 1, 0
    while True:
        start = space.match(text, at)
        at = start.end() if start else at
        if at >= len(text) or text[at] == "]":
            return
        line += text.count("\n", counted, at)
        counted = at
        yield line
        _, at = decoder.raw_decode(text, at)
