"""The glossary is true: what a row names is defined where it says, and is spoken of there by its word."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.contract.house.files import ROOT, all_files, source, tree

PLACE = re.compile(r"`(?P<path>[\w./-]+/[\w./-]*)`(?: \(`(?P<name>[\w.]+)`\))?")
FEWEST_ROWS = 60
STEM = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table."""

    words: tuple[str, ...]
    places: tuple[tuple[Path, str], ...]
    """Files or folders, each with what is named in brackets behind it, if anything."""


def rows() -> list[Row]:
    lines = source(ROOT / "docs" / "glossary.md").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")][1:]
    return [
        Row(
            words=tuple(re.split(r", |: ", word)),
            places=tuple((ROOT / match["path"], match["name"] or "") for match in PLACE.finditer(where)),
        )
        for word, _, _, where in cells
    ]


def files_in(place: Path) -> Iterator[Path]:
    return (path for path in all_files() if path == place or place in path.parents)


def said_in(place: Path) -> str:
    """The text of a file, or of all in a folder with their names, in lower case; `SomeName` reads some name."""
    text = "\n".join(f"{path.stem} {source(path)}" for path in files_in(place))
    return re.sub(r"[_\s]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)).lower()


def defined_in(place: Path) -> set[str]:
    """The classes and functions of a module, and what a class holds as `Class.name`."""
    found: set[str] = set()
    for path in files_in(place):
        for node in tree(path).body if path.suffix == ".py" else ():
            if isinstance(node, ast.ClassDef):
                inner = [one.target for one in node.body if isinstance(one, ast.AnnAssign)]
                found |= {f"{node.name}.{one.id}" for one in inner if isinstance(one, ast.Name)}
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                found.add(node.name)
    return found


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.words[0])
def test_what_a_row_names_is_defined_where_it_says(row: Row) -> None:
    assert row.places
    assert [str(place) for place, _ in row.places if not place.exists()] == []
    assert [name for place, name in row.places if name and name not in defined_in(place)] == []


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.words[0])
def test_a_row_is_spoken_of_by_its_words_where_it_is_defined(row: Row) -> None:
    said = " ".join(said_in(place) for place, _ in row.places)
    assert [word for word in row.words if any(part not in said for part in stems(word))] == []


def stems(word: str) -> list[str]:
    """How all forms of its words begin: what is a supervision is also told as supervised, a rating as rated."""
    return [part[:STEM] for part in re.findall(r"[a-z0-9]{3,}", word.lower())]


def test_one_word_is_for_one_thing() -> None:
    words = [word for row in rows() for word in row.words]
    assert len(rows()) >= FEWEST_ROWS
    assert [word for word, times in Counter(words).items() if times > 1] == []
