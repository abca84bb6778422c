"""What people have said reports are about: examples to learn from, of files and of the case topic."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec

from cli.simulation.history import records_of_cases
from cli.trouble import Trouble
from shared.events.case import CaseFiled, CaseOpened, CaseRecategorised
from shared.events.parts import CaseView, Guess
from shared.learning.training import Example
from shared.vocabulary import Purpose

MOST_BYTES: Final = 1 << 30
SHOWN: Final = 5
COLUMNS: Final = ("text", "category")
_TOLD: Final = {one.TYPE.encode(): one for one in (CaseOpened, CaseFiled, CaseRecategorised)}


class _Word(msgspec.Struct, frozen=True):
    """What one event says of a case's category; the rest of it is skipped unread."""

    case: CaseView
    text: str = ""
    guess: Guess | None = None


@dataclass(slots=True)
class Lessons:
    """Examples with what was passed over, and why the first of those were."""

    examples: list[Example] = field(default_factory=list)
    passed_over: int = 0
    reasons: list[str] = field(default_factory=list)

    def add(self, text: str, category: str, *, place: str) -> None:
        """Take an example, or note why not."""
        text, category = text.strip(), category.strip()
        if text and category:
            self.examples.append(Example(text=text, category=category))
        else:
            self.lost(place, "text and category must both be there")

    def lost(self, place: str, why: str) -> None:
        """Note what cannot be used."""
        self.passed_over += 1
        if len(self.reasons) < SHOWN:
            self.reasons.append(f"{place}: {why}")


def of_files(paths: Sequence[Path]) -> Lessons:
    """The examples of CSV files with the columns text and category; others are ignored. UTF-8 or GB 18030.

    Raises:
        Trouble: a file cannot be read, or lacks a column.
    """
    lessons = Lessons()
    for path in paths:
        rows = csv.DictReader(io.StringIO(_text_of(path), newline=""))
        missing = [column for column in COLUMNS if column not in (rows.fieldnames or ())]
        if missing:
            raise Trouble(
                f"{path} teaches nothing",
                why=f"it has no column {' and no column '.join(missing)}",
                mend="name the columns text and category in its first line",
            )
        try:
            for row in rows:
                lessons.add(row["text"] or "", row["category"] or "", place=f"{path.name}:{rows.line_num}")
        except csv.Error as error:
            raise Trouble(
                f"{path.name}:{rows.line_num} cannot be read", why=str(error), mend="mend the line"
            ) from error
    return lessons


async def of_topic(bootstrap: str, *, county: str, since: datetime) -> Lessons:
    """What people named in the cases of ``county``: by the report itself, on filing, or later; the last word counts.

    Raises:
        Trouble: Kafka does not answer, or stops answering.
    """
    lessons, texts, named = Lessons(), dict[UUID, str](), dict[UUID, str]()
    async for records in records_of_cases(bootstrap, since=since):
        for place, kind, word in _words(records, lessons):
            case = word.case
            if case.county != county or case.purpose is not Purpose.REAL:
                continue
            if word.text:
                texts[case.case_id] = word.text
            if kind is not CaseOpened or word.guess is None:
                named[case.case_id] = case.category
                if case.case_id not in texts:
                    lessons.lost(place, "its text is not in the events that were read")
    for case_id, category in named.items():
        if case_id in texts:
            lessons.add(texts[case_id], category, place=str(case_id))
    return lessons


def _words(records: Iterable[Any], lessons: Lessons) -> Iterator[tuple[str, type, _Word]]:
    for record in records:
        kind = next((_TOLD[value] for name, value in record.headers if name == "ce_type" and value in _TOLD), None)
        if kind is None:
            continue
        place = f"{record.topic}/{record.partition}@{record.offset}"
        try:
            yield place, kind, msgspec.json.decode(record.value or b"", type=_Word)
        except msgspec.DecodeError as error:
            lessons.lost(place, str(error))


def _text_of(path: Path) -> str:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise Trouble(f"{path} is too large", why=f"more than {MOST_BYTES} bytes", mend="give it in parts")
        raw = path.read_bytes()
    except OSError as error:
        raise Trouble(f"{path} cannot be read", why=str(error), mend="check the path") from error
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Trouble(f"{path} cannot be read", why="it is neither UTF-8 nor GB 18030", mend="save it as UTF-8")
