"""Rows of a CSV or NDJSON file, one by one, however large it is."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TextIO

from cli.trouble import Trouble

FIELD_LIMIT: Final = 1 << 20
NDJSON: Final = frozenset({".ndjson", ".jsonl", ".json"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbered:
    """One row with its number, counted from 1; ``broken`` says why there is none."""

    number: int
    row: Mapping[str, Any]
    broken: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFile:
    """A file of rows."""

    path: Path
    encoding: str = "utf-8-sig"

    def columns(self) -> list[str]:
        """The columns that mappings may name: the head of a CSV, the fields of the first NDJSON row.

        Raises:
            Trouble: when the file cannot be read, or is empty.
        """
        if self.path.suffix.lower() not in NDJSON:
            with self._open() as file:
                head = self._guarded(lambda: next(csv.reader(file), None))
                if head:
                    return [name.strip() for name in head]
        else:
            for numbered in self:
                if numbered.broken is None:
                    return _names_in(numbered.row)
        raise Trouble(f"{self.path} has no rows", why="it is empty", mend="check the path")

    def __iter__(self) -> Iterator[Numbered]:
        """Read row by row.

        Raises:
            Trouble: when the file cannot be opened or decoded.
        """
        with self._open() as file:
            rows = self._ndjson(file) if self.path.suffix.lower() in NDJSON else self._csv(file)
            while (numbered := self._guarded(lambda: next(rows, None))) is not None:
                yield numbered

    def count(self) -> int:
        """How many rows there are; reads the file once."""
        return sum(1 for _ in self)

    def _open(self) -> TextIO:
        try:
            return self.path.open(encoding=self.encoding, newline="")
        except (OSError, LookupError) as error:
            raise Trouble(
                f"{self.path} cannot be read", why=str(error), mend="check the path and --encoding"
            ) from error

    def _guarded(self, read: Any) -> Any:  # noqa: ANN401  what is read
        try:
            return read()
        except UnicodeDecodeError as error:
            raise Trouble(
                f"{self.path} is not written in {self.encoding}",
                why=f"byte 0x{error.object[error.start]:02x} cannot be read",
                mend="name the encoding: --encoding gb18030 for many Chinese spreadsheets",
            ) from error
        except csv.Error as error:
            raise Trouble(f"{self.path} is no CSV", why=str(error), mend="check its quotes and separators") from error

    @staticmethod
    def _csv(file: TextIO) -> Iterator[Numbered]:
        csv.field_size_limit(FIELD_LIMIT)
        reader = csv.DictReader(file)
        reader.fieldnames = [name.strip() for name in reader.fieldnames or ()]
        for number, row in enumerate(reader, start=1):
            if None in row:
                yield Numbered(number=number, row={}, broken="the row has more columns than the head")
            else:
                yield Numbered(number=number, row=row)

    @staticmethod
    def _ndjson(file: TextIO) -> Iterator[Numbered]:
        lines = (line for line in file if line.strip())
        for number, line in enumerate(lines, start=1):
            try:
                row = json.loads(line)
            except ValueError as error:
                yield Numbered(number=number, row={}, broken=f"not JSON: {error}")
                continue
            if isinstance(row, dict):
                yield Numbered(number=number, row=row)
            else:
                yield Numbered(number=number, row={}, broken="no JSON object")


def _names_in(row: Mapping[str, Any]) -> list[str]:
    """The fields of a row, and by dots those of the objects in it."""
    nested = (f"{name}.{inner}" for name, value in row.items() if isinstance(value, Mapping) for inner in value)
    return [*row, *nested]
