"""Rows become reports as the mapping says, and what does not fit is named by field."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.mapping import (
    FIELDS,
    BadMapping,
    BadRow,
    Rules,
    document_of,
    idempotency_key,
    occurred_at,
    report_of,
    row_id,
)
from shared.playbook.load import load

ROW = {
    "case_id": "FZ00001",
    "title": "路灯不亮",
    "content": "三天了",
    "district": "鼓楼区",
    "date": "2020-12-01 08:30:00",
    "kind": "投诉/求助",
    "lng": "102.5",
    "latt": "25.1",
    "urgent": "高",
    "empty": " ",
}


def rules(**document: Any) -> Rules:
    return Rules.of(document)


def test_every_kind_of_rule_finds_its_value() -> None:
    mapping = rules(
        text="{title}。{content}",
        source={"value": "hotline"},
        area={"column": "district", "table": {"鼓楼区": "990101001"}, "otherwise": "990101"},
        severity={"column": "urgent", "table": {"高": 2, "低": 4}},
        occurred_at={"column": "date", "offset": "+08:00"},
        tags={"column": "kind", "split": "/"},
        lon="lng",
        lat="latt",
        address="district",
        phone={"column": "empty"},
    )
    assert report_of(ROW, mapping) == {
        "source": "hotline",
        "text": "路灯不亮。三天了",
        "area": "990101001",
        "severity": 2,
        "tags": ["投诉", "求助"],
        "occurred_at": "2020-12-01T08:30:00+08:00",
        "place": {"lon": 102.5, "lat": 25.1, "address": "鼓楼区"},
    }


def test_without_a_mapping_columns_named_like_fields_are_taken() -> None:
    row = {"source": "grid", "text": "井盖丢失", "area": "990101001001", "tags": ["a", "b"], "severity": 3, "other": 1}
    assert report_of(row, rules()) == {
        "source": "grid",
        "text": "井盖丢失",
        "area": "990101001001",
        "tags": ["a", "b"],
        "severity": 3,
    }


def test_a_value_outside_the_table_gets_the_other_one() -> None:
    mapping = rules(area={"column": "district", "table": {"仓山区": "990101002"}, "otherwise": "990101"})
    assert report_of(ROW, mapping)["area"] == "990101"


def test_an_empty_cell_gets_the_other_value_too() -> None:
    assert report_of(ROW, rules(category={"column": "empty", "otherwise": "01"}))["category"] == "01"


def test_nested_fields_are_reached_by_dots() -> None:
    row = {"place": {"lon": 1.5, "lat": 2}, "text": "x"}
    assert report_of(row, rules(lon="place.lon", lat="place.lat"))["place"] == {"lon": 1.5, "lat": 2.0}


def test_an_address_without_a_point_goes_to_the_reporter() -> None:
    report = report_of({"text": "x", "address": "幸福路 1 号", "phone": "000-1"}, rules())
    assert report["reporter"] == {"phone": "000-1", "address": "幸福路 1 号"}


@pytest.mark.parametrize(
    ("document", "words"),
    (
        ({"colour": "a"}, "colour is no field of a report, allowed: id, source"),
        ({"text": 3}, "text: allowed is a column"),
        ({"text": {"columm": "a"}}, "text: columm is not known, allowed: column"),
        ({"text": {"column": "a", "value": "b"}}, "text: needs one of"),
        ({"occurred_at": {"column": "a", "offset": "8"}}, "offset '8' is no offset"),
        (["text"], "a mapping file holds lines"),
    ),
)
def test_a_wrong_mapping_says_what_is_allowed(document: object, words: str) -> None:
    with pytest.raises(BadMapping, match=words):
        Rules.of(document)


@pytest.mark.parametrize("option", ("text", "=a", "text="))
def test_an_option_of_another_form_is_refused(option: str) -> None:
    with pytest.raises(BadMapping, match="does not read FIELD="):
        Rules.of({}, columns=[option])


def test_options_go_before_the_file() -> None:
    mapping = Rules.of({"text": "title", "source": "kind"}, columns=["text=content"], constants=["source=grid"])
    assert report_of(ROW, mapping) == {"text": "三天了", "source": "grid"}


def test_a_column_that_is_not_there_is_named_before_anything_is_sent() -> None:
    with pytest.raises(BadMapping, match="text: there is no column titel, allowed: content, title"):
        rules(text="{titel}。{content}").check(["title", "content"])


@pytest.mark.parametrize(
    ("document", "words"),
    (
        ({"severity": "title"}, "severity: '路灯不亮' is no whole number"),
        ({"lon": "title", "lat": "latt"}, "lon: '路灯不亮' is no number"),
        ({"occurred_at": "title"}, "occurred_at: '路灯不亮' is no time"),
        ({"occurred_at": "date"}, "has no offset"),
    ),
)
def test_a_value_of_the_wrong_kind_is_named_by_its_field(document: dict[str, str], words: str) -> None:
    with pytest.raises(BadRow, match=words):
        report_of(ROW, rules(**document))


def test_a_time_may_bring_its_own_offset() -> None:
    moment = occurred_at({"occurred_at": "2020/12/01 08:30:00+08:00"}, rules())
    assert moment is not None
    assert moment.isoformat() == "2020-12-01T08:30:00+08:00"


def test_a_row_is_named_by_its_id_or_by_place_and_content() -> None:
    assert row_id(ROW, rules(id="case_id"), 7) == "FZ00001"
    assert row_id(ROW, rules(), 7) == row_id(dict(reversed(ROW.items())), rules(), 7)
    assert row_id(ROW, rules(), 7) != row_id(ROW, rules(), 8)
    assert row_id(ROW, rules(), 7) != row_id({**ROW, "content": "四天了"}, rules(), 7)


def test_a_row_without_its_id_is_refused() -> None:
    with pytest.raises(BadRow, match="id: the row has none"):
        row_id(ROW, rules(id="empty"), 1)


@given(st.text(), st.text(), st.text())
def test_a_row_has_one_key_in_one_data_set(dataset: str, name: str, other: str) -> None:
    key = idempotency_key(dataset, name)
    assert key == idempotency_key(dataset, name)
    assert (key == idempotency_key(dataset, other)) == (name == other)
    assert (key == idempotency_key(other, name)) == (dataset == other)
    assert key.isascii()
    assert len(key) <= 128


cells = st.none() | st.text(max_size=8) | st.integers() | st.lists(st.text(max_size=3), max_size=2)


@given(st.dictionaries(st.sampled_from(FIELDS), cells))
def test_any_row_becomes_a_report_or_is_refused_by_a_field(row: dict[str, Any]) -> None:
    try:
        made = set(report_of(row, rules()))
    except BadRow as error:
        made = {str(error).partition(":")[0]}
    assert made <= {*FIELDS, "place", "reporter"}


@pytest.mark.parametrize(
    ("content", "why"),
    (
        (b"text: a\narea: [\n", "line 3: no YAML"),
        (b"text: a\ntext: b\n", "line 2: no YAML"),
        (b"text: \xc2\xb7\xff", "not UTF-8: byte 9"),
        (b"text: \x07", "no YAML"),
    ),
)
def test_a_mapping_that_cannot_be_read_is_named_with_its_line(tmp_path: Path, content: bytes, why: str) -> None:
    file = tmp_path / "hotline.yaml"
    file.write_bytes(content)
    with pytest.raises(BadMapping) as said:
        document_of(file)
    assert str(said.value).startswith(str(file))
    assert why in str(said.value)
    assert "\n" not in str(said.value)


def test_the_mapping_that_ships_means_what_the_demo_county_means() -> None:
    shipped = document_of(Path("docs/examples/hotline-12345.yaml"))
    assert isinstance(shipped, dict)
    county = load(Path("playbooks/yunlu"), today=date(2026, 11, 21))
    assert {county.areas[code].name.zh: code for code in shipped["area"]["table"].values()} == shipped["area"]["table"]
    for words, code in shipped["category"]["table"].items():
        assert any(word in words for word in county.categories[code].words), f"{code} is no category for {words}"
