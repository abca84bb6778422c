"""The bare look-up that every peer does: a record's category and area name the topic that it goes to, unchanged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from shared.playbook.model import Playbook
from shared.vocabulary import TOWN_DIGITS, VILLAGE_DIGITS


class Case(msgspec.Struct):
    """What the look-up reads of a case."""

    category: str
    area: str


class Opened(msgspec.Struct):
    """What the look-up reads of an event; everything else is skipped."""

    case: Case


class Table:
    """Rows of ``category|area|level``; the village's row counts before the town's, and that before the category's."""

    def __init__(self, file: Path, prefix: str) -> None:
        rows = (row.rsplit("|", 1) for row in file.read_text(encoding="utf-8").splitlines())
        self._topics = {place: prefix + level for place, level in rows}
        self._decode = msgspec.json.Decoder(Opened).decode

    def topic_of(self, value: bytes) -> str:
        """Return the topic that the event goes to."""
        case = self._decode(value).case
        category, area, topics = case.category, case.area, self._topics
        return (
            topics.get(f"{category}|{area[:VILLAGE_DIGITS]}")
            or topics.get(f"{category}|{area[:TOWN_DIGITS]}")
            or topics[f"{category}|"]
        )


def write_table(playbook: Playbook, file: Path) -> int:
    """Write a row for each category and area that the rules name and one for each category; return how many."""
    rows = dict(_rows(playbook))
    file.write_text("\n".join(f"{place}|{level}" for place, level in rows.items()), encoding="utf-8")
    return len(rows)


def _rows(playbook: Playbook) -> Iterator[tuple[str, str]]:
    for code in playbook.categories:
        yield f"{code}|", "county"
    for number, rule in enumerate(playbook.rules):
        level = ("county", "town", "village")[number % 3]
        yield from (
            (f"{category}|{area}", level) for category in rule.when.categories for area in _leaves(rule.when.areas)
        )


def _leaves(areas: Iterable[str]) -> Iterator[str]:
    return (area for area in areas if len(area) in (TOWN_DIGITS, VILLAGE_DIGITS))
