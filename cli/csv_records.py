"""Records of a CSV file as it comes from elsewhere: any of the usual encodings, and a broken record loses no other."""

from __future__ import annotations

import codecs
import csv
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

from cli.trouble import Trouble

AUTO: Final = "auto"
NATIONAL: Final = "gb18030"
"""Reads GBK and GB 2312 as well."""
MOST_LINES: Final = 200
"""Of one record: a quote that is still open after so many was never meant."""
LINE_CHARACTERS: Final = 256 * 1024
UNREADABLE: Final = "\ufffd"
_CHUNK: Final = 1 << 20
_UNCLOSED: Final = "unexpected end of data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record by the number of its first line; ``broken`` says why it is none, ``text`` is how it stands there."""

    line: int
    row: Mapping[str, str]
    text: str
    broken: str | None = None


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    text: str
    whole: bool = True


class CsvFile:
    """A CSV file with a head; ``encoding`` may be ``auto``."""

    def __init__(self, path: Path, *, encoding: str = AUTO) -> None:
        self.path = path
        self.encoding = encoding_of(path) if encoding == AUTO else encoding

    def columns(self) -> list[str]:
        """The names in the head.

        Raises:
            Trouble: the file cannot be read, or has no head that can be.
        """
        with self._open() as file:
            head = next(_records(_lines(file)), None)
            if head is None or head.broken is not None:
                why = "it is empty" if head is None else f"line {head.line}: {head.broken}"
                raise Trouble(f"{self.path} has no head", why=why, mend="check the path, --encoding and the first line")
            return [name.strip() for name in head.fields]

    def __iter__(self) -> Iterator[Record]:
        """Read record by record.

        Raises:
            Trouble: see ``columns``.
        """
        columns = self.columns()
        with self._open() as file:
            records = _records(_lines(file))
            next(records, None)
            for found in records:
                yield _record(found, columns)

    def _open(self) -> TextIO:
        try:
            codecs.lookup(self.encoding)
            return self.path.open(encoding=self.encoding, errors="replace", newline="")
        except (OSError, LookupError) as error:
            raise Trouble(
                f"{self.path} cannot be read", why=str(error), mend="check the path and --encoding"
            ) from error


def encoding_of(path: Path) -> str:
    """UTF-8 or UTF-16 by its mark, else UTF-8 when all of the file is, else the national one.

    Of a file that is neither as a whole, the one that fewer bytes speak against; the others break their records.

    Raises:
        Trouble: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            start = file.read(4)
        for mark, name in _MARKS.items():
            if start.startswith(mark):
                return name
        return min(("utf-8", NATIONAL), key=lambda name: _unreadable(path, name))
    except OSError as error:
        raise Trouble(f"{path} cannot be read", why=error.strerror or str(error), mend="check the path") from error


_MARKS: Final = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def _unreadable(path: Path, encoding: str) -> int:
    """How many places of the file cannot be read so."""
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    count = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            count += decoder.decode(chunk).count(UNREADABLE)
    return count + decoder.decode(b"", final=True).count(UNREADABLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    line: int
    fields: tuple[str, ...]
    text: str
    broken: str | None = None


def _lines(file: TextIO) -> Iterator[_Line]:
    """Physical lines from 1; of one that is too long the rest is thrown away unread."""
    number = 0
    while text := file.readline(LINE_CHARACTERS):
        number += 1
        whole = text.endswith(("\n", "\r")) or len(text) < LINE_CHARACTERS
        yield _Line(number, text, whole)
        while not whole:
            rest = file.readline(LINE_CHARACTERS)
            whole = not rest or rest.endswith(("\n", "\r"))


def _records(lines: Iterator[_Line]) -> Iterator[_Found]:
    """Records, which may have lines in their quotes.

    A record that cannot be read is given up with its first line alone: reading goes on behind that line.
    """
    waiting: deque[_Line] = deque()
    while True:
        first = waiting.popleft() if waiting else next(lines, None)
        if first is None:
            return
        if not first.text.strip():
            continue
        taken = [first]
        is_open = first.whole and _is_open(first.text)
        while is_open and len(taken) < MOST_LINES:
            following = waiting.popleft() if waiting else next(lines, None)
            if following is None:
                break
            taken.append(following)
            is_open = following.text.count('"') % 2 == 0
        found = _open_for_ever(first) if is_open else _read(taken)
        if found.broken is not None:
            waiting.extendleft(reversed(taken[1:]))
        yield found


def _is_open(text: str) -> bool:
    """Whether a line ends inside of quotes; a quote in the middle of a field opens none."""
    try:
        list(csv.reader([text], strict=True))
    except csv.Error as error:
        return _UNCLOSED in str(error)
    return False


def _open_for_ever(line: _Line) -> _Found:
    return _Found(line=line.number, fields=(), text=line.text, broken="a quote is opened and not closed")


def _read(lines: list[_Line]) -> _Found:
    first, text = lines[0], "".join(line.text for line in lines)
    broken = _broken(lines, text)
    if broken is None:
        try:
            (fields,) = csv.reader([line.text for line in lines], strict=True)
            return _Found(line=first.number, fields=tuple(fields), text=text)
        except (csv.Error, ValueError) as error:
            broken = f"it is no CSV: {error}"
    return _Found(line=first.number, fields=(), text=first.text, broken=broken)


def _broken(lines: list[_Line], text: str) -> str | None:
    if not all(line.whole for line in lines):
        return f"the line is longer than {LINE_CHARACTERS} characters"
    return "it has bytes that cannot be read in this encoding" if UNREADABLE in text else None


def _record(found: _Found, columns: list[str]) -> Record:
    broken = found.broken
    if broken is None and len(found.fields) != len(columns):
        broken = f"the record has {len(found.fields)} columns, the head {len(columns)}"
    row = {} if broken else dict(zip(columns, found.fields, strict=True))
    return Record(line=found.line, row=row, text=found.text, broken=broken)
