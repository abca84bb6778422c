"""A CSV from elsewhere: read in its own encoding, record by record; a broken one costs itself and is named by line."""

from __future__ import annotations

import csv
import io
import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from cli.csv_records import LINE_CHARACTERS, CsvFile, encoding_of
from cli.trouble import Trouble

HEAD = "编号,内容,时间"
GOOD = "1,路灯不亮,2026-11-21"


def read(folder: Path, data: bytes | str, encoding: str = "auto") -> list[tuple[int, str | None, str | None]]:
    """Of each record its line, what its second column says, and why it is broken."""
    path = folder / "export.csv"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return [(one.line, one.row.get("内容"), one.broken) for one in CsvFile(path, encoding=encoding)]


@pytest.mark.parametrize("encoding", ("utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"))
def test_an_export_is_read_in_whatever_it_was_written(tmp_path: Path, encoding: str) -> None:
    assert read(tmp_path, f"{HEAD}\r\n{GOOD}\r\n".encode(encoding)) == [(2, "路灯不亮", None)]


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_bytes(f"{HEAD}\n{GOOD}\n".encode("utf-8-sig"))
    assert CsvFile(path).columns() == ["编号", "内容", "时间"]


def test_a_field_may_have_commas_quotes_and_lines(tmp_path: Path) -> None:
    data = f'{HEAD}\n1,"甲,乙\n第二行 ""丙""",x\n2,水管 5" 破裂,y\n'
    assert read(tmp_path, data) == [(2, '甲,乙\n第二行 "丙"', None), (4, '水管 5" 破裂', None)]


@pytest.mark.parametrize(
    ("broken", "says"),
    (
        ('1,"没有收尾,x', "quote"),
        ('1,"多了"字,x', "no CSV"),
        ("1,少一列", "2 columns, the head 3"),
        ("1,多一列,x,y", "4 columns, the head 3"),
        ("1," + "长" * LINE_CHARACTERS + ",x", "longer"),
    ),
)
def test_a_broken_record_is_named_by_its_line_and_the_rest_goes_on(tmp_path: Path, broken: str, says: str) -> None:
    found = read(tmp_path, f"{HEAD}\n{GOOD}\n{broken}\n{GOOD}\n\n{GOOD}\n")
    assert [(line, text) for line, text, reason in found if reason is None] == [
        (2, "路灯不亮"), (4, "路灯不亮"), (6, "路灯不亮")
    ]  # fmt: skip
    ((line, _, reason),) = [one for one in found if one[2] is not None]
    assert line == 3
    assert says in str(reason)


def test_a_quote_never_closed_swallows_nothing_behind_it(tmp_path: Path) -> None:
    found = read(tmp_path, f'{HEAD}\n{GOOD}\n1,"开了,x\n' + f"{GOOD}\n" * 1000)
    assert [line for line, _, reason in found if reason] == [3]
    assert len(found) == 1002


def test_bytes_of_another_encoding_break_their_record_alone(tmp_path: Path) -> None:
    data = f"{HEAD}\n".encode() + f"{GOOD}\n".encode() * 50 + b"1,\xff\xfe\xff,x\n" + f"{GOOD}\n".encode() * 50
    found = read(tmp_path, data)
    assert [(line, reason) for line, _, reason in found if reason] == [
        (52, "it has bytes that cannot be read in this encoding")
    ]
    assert sum(text == "路灯不亮" for _, text, _ in found) == 100


@pytest.mark.parametrize("data", (b"", b"\n\n"))
def test_a_file_without_a_head_says_so(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(Trouble) as trouble:
        read(tmp_path, data)
    assert "head" in trouble.value.what


def test_an_unknown_encoding_is_trouble_in_words(tmp_path: Path) -> None:
    with pytest.raises(Trouble) as trouble:
        read(tmp_path, HEAD, encoding="klingon")
    assert "--encoding" in trouble.value.mend


def test_many_open_quotes_cost_little_time_and_a_long_file_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    # Each of these lines opens a quote that two hundred others do not close.
    path.write_text(f"{HEAD}\n" + '5","开了,x\n' * 500 + f"{GOOD}\n" * 10_000, encoding="utf-8")
    tracemalloc.start()
    began = time.monotonic()
    count = sum(1 for _ in CsvFile(path))
    took, (_, peak) = time.monotonic() - began, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 10_500
    assert took < 30
    assert peak < 8 * 1024 * 1024


TEXT = st.text(st.characters(codec="gb18030", exclude_characters="\x00\ufffd"), max_size=8)


@seed(20261124)
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows=st.lists(st.tuples(TEXT, TEXT, TEXT), max_size=8), encoding=st.sampled_from(("utf-8", "gb18030")))
def test_whatever_a_spreadsheet_writes_comes_back(
    tmp_path: Path, rows: list[tuple[str, str, str]], encoding: str
) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([HEAD.split(","), *rows])
    path = tmp_path / "export.csv"
    path.write_bytes(out.getvalue().encode(encoding))
    found = [tuple(one.row.values()) for one in CsvFile(path, encoding=encoding)]
    assert found == rows


@seed(20261125)
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.one_of(st.binary(max_size=400), st.text(alphabet='a,"\n\r字', max_size=300).map(str.encode)))
def test_whatever_is_in_the_file_each_line_is_a_record_or_a_reason(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "export.csv"
    path.write_bytes(f"{HEAD}\n".encode() + data)
    encoding_of(path)
    lines = [one.line for one in CsvFile(path, encoding="utf-8") if one.broken or len(one.row) == 3]
    assert lines == sorted(set(lines))
