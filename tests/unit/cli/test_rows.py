"""Rows come out of CSV and NDJSON one by one; a broken one is named and the others go on."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.rows import RowFile
from cli.trouble import Trouble


def file(folder: Path, name: str, content: bytes) -> RowFile:
    path = folder / name
    path.write_bytes(content)
    return RowFile(path=path)


def test_a_csv_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    rows = file(tmp_path, "a.csv", "\ufefftext, area \n路灯坏了,990101\n".encode())
    assert rows.columns() == ["text", "area"]
    assert [dict(one.row) for one in rows] == [{"text": "路灯坏了", "area": "990101"}]
    assert rows.count() == 1


def test_a_quoted_line_break_stays_in_its_row(tmp_path: Path) -> None:
    (one,) = file(tmp_path, "a.csv", b'text,area\n"a\nb",1\n')
    assert one.row["text"] == "a\nb"


def test_a_csv_row_that_is_too_long_is_broken_and_the_next_goes_on(tmp_path: Path) -> None:
    broken, good = file(tmp_path, "a.csv", b"text,area\na,1,2\nb,2\n")
    assert broken.broken == "the row has more columns than the head"
    assert (good.number, good.row["text"]) == (2, "b")


def test_a_broken_line_of_ndjson_is_named_and_the_next_goes_on(tmp_path: Path) -> None:
    rows = list(file(tmp_path, "a.ndjson", b'{"text": "a"}\n{"text":\n\n[1]\n{"text": "b"}\n'))
    assert [one.number for one in rows] == [1, 2, 3, 4]
    assert [one.broken is None for one in rows] == [True, False, False, True]
    assert "no JSON object" in str(rows[2].broken)


def test_ndjson_columns_show_what_can_be_mapped(tmp_path: Path) -> None:
    assert file(tmp_path, "a.jsonl", b'broken\n{"text": "a", "place": {"lon": 1}}\n').columns() == [
        "text",
        "place",
        "place.lon",
    ]


def test_another_encoding_is_said_with_how_to_name_it(tmp_path: Path) -> None:
    rows = file(tmp_path, "a.csv", "text\n路灯坏了\n".encode("gb18030"))
    with pytest.raises(Trouble) as caught:
        list(rows)
    assert "gb18030" in caught.value.mend
    named = RowFile(path=rows.path, encoding="gb18030")
    assert [one.row["text"] for one in named] == ["路灯坏了"]


@pytest.mark.parametrize("name", ("a.csv", "a.ndjson"))
def test_an_empty_file_has_no_columns(tmp_path: Path, name: str) -> None:
    with pytest.raises(Trouble, match="has no rows"):
        file(tmp_path, name, b"").columns()
