"""Expressions of rules: typed at load, and what passes there never fails on a case."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.playbook.expression import FIELDS, Answer, Asking, BadExpression, compiled, values_of
from shared.playbook.expression.fields import INT, STRING, TIMESTAMP, Value
from tests.fakes.story import Story

SHANGHAI = ZoneInfo("Asia/Shanghai")
NIGHT = datetime(2026, 11, 21, 15, 30, tzinfo=UTC)
"""23:30 on a Saturday in Shanghai."""


def sample(**changes: Value) -> dict[str, Value]:
    kinds: dict[str, Value] = {INT: 2, STRING: "x", TIMESTAMP: NIGHT}
    values = {name: kinds.get(field.kind, ["a", "b"]) for name, field in FIELDS.items()}
    return values | changes


@pytest.mark.parametrize(
    ("source", "values", "holds"),
    (
        ('reports >= 3 && category.startsWith("03")', {"reports": 3, "category": "03.001"}, True),
        ('reports >= 3 && category.startsWith("03")', {"reports": 2, "category": "03.001"}, False),
        ('tags.exists(t, t.startsWith("vip-"))', {"tags": ["x", "vip-1"]}, True),
        ('tags.exists(t, t.startsWith("vip-"))', {"tags": []}, False),
        ('!("quiet" in tags) && severity <= 2', {"tags": ["loud"], "severity": 1}, True),
        ('source in ["grid", "hotline"]', {"source": "hotline"}, True),
        ('source in ["grid", "hotline"]', {"source": "sensor"}, False),
        ('at - opened_at > duration("2h30m")', {"opened_at": NIGHT - timedelta(hours=3)}, True),
        ('at - opened_at > duration("2h30m")', {"opened_at": NIGHT - timedelta(hours=2)}, False),
        ('level == "town" ? returns > 1 : earlier > 1', {"level": "town", "returns": 1, "earlier": 9}, False),
        ('text.matches("水.{0,4}爆") || text.contains("burst")', {"text": "水管又爆了"}, True),
        ('condition == ""', {"condition": ""}, True),
        ('size(tags.filter(t, t != "a")) == 1', {}, True),
        ("severity * 2 + reports == 6", {}, True),
        ('duration(("1h")) < duration( "2h" ) && text.matches(("^x$"))', {}, True),
        ('opened_at < timestamp("2026-11-21T23:31:00+08:00")', {"opened_at": NIGHT}, True),
    ),
)
def test_an_expression_says_whether_it_holds(source: str, values: dict[str, Value], holds: bool) -> None:
    assert compiled(source).answer(sample(**values)) == Answer(holds=holds)


@pytest.mark.parametrize(
    ("source", "at", "words", "allowed"),
    (
        ("sevrity > 1", 0, "no field 'sevrity'; did you mean 'severity'?", "severity"),
        ('severity == "II"', 12, "int and string", "int"),
        ("category > 3", 11, "string and int", "string"),
        ('source == "gird"', 10, "source is never 'gird'; did you mean 'grid'?", "grid"),
        ('source in ["grid", "phone"]', 10, "source is never 'phone'", "hotline"),
        ("reports", 0, "of kind int", "bool"),
        ("reports >= 3 && reopened", 16, "of kind int", "bool"),
        ("!reports", 1, "of kind int", "bool"),
        ("100 / reports > 3", 4, "can fail", "*"),
        ('tags[0] == "a"', 4, "an index can fail", "in"),
        ("size(text) > 3", 5, "has no size", "size(a list)"),
        ("at.getHour() >= 22", 3, "did you mean 'getHours'?", "getHours(…)"),
        ('text.contain("x")', 5, "did you mean 'contains'?", "contains(…)"),
        ('text.contains("GAS")', 14, "lower case", "'gas'"),
        ("text.contains(3)", 14, "of kind int", "string"),
        ("text.matches(category)", 13, "must be written out", 'matches("…")'),
        ('reports > 9 && text.matches("a[")', 28, "not a valid regex", ""),
        ('duration("7d") < at - opened_at', 9, "no duration", 'duration("48h"), duration("1h30m")'),
        ('at > timestamp("2026-11-21")', 15, "no timestamp", 'timestamp("2026-11-21T08:00:00+08:00")'),
        ('false && at > timestamp("2026-13-01T00:00:00Z")', 24, "out of range", ""),
        ("at + 1 > opened_at", 3, "no timestamp + int", "timestamp + duration"),
        ("at + opened_at > at", 3, "no timestamp + timestamp", "timestamp + duration"),
        ("tags < tags", 5, "no order", "=="),
        ("tags == []", 8, "empty list", "size(…) == 0"),
        ('["a", 1] == tags', 6, "string and int", "string"),
        ('"a" in text', 7, "no list", "a list after `in`"),
        ("1 in tags", 5, "int and string", "int"),
        ("tags.exists(text, true)", 12, "has a meaning already", "a new name, such as t"),
        ("tags.exists(t, u == t)", 15, "no field 'u'", "text"),
        ("tags.map(t, t) == 1", 18, "list(string) and int", "list(string)"),
        ('level == "town" ? true : 3', 25, "bool and int", "bool"),
        ("reports == 1u", 11, "not for rules", "a number"),
        ("reports < 9999999999", 10, "too large", "up to 1000000000"),
        ("lower(text) == text", 0, "no function 'lower'", "size(…)"),
        ('{"a": 1} == {"a": 1}', 0, "not for rules", "[a, list]"),
        ("reports = 3", 8, "token recognition", ""),
        ("reports >= 3 and severity > 1", 13, "mismatched input 'and'", ""),
        ("reports >", 9, "mismatched input '<EOF>'", ""),
        ("!" * 900 + "true", 32, "too many brackets", "up to 32"),
        ("true" + " " * 997, 1000, "1001 characters", "up to 1000"),
        ("(" * 40 + "true" + ")" * 40, 32, "too many brackets", "up to 32"),
    ),
)  # fmt: skip
def test_a_mistake_in_an_expression_is_told_with_its_place_and_what_is_allowed(
    source: str, at: int, words: str, allowed: str
) -> None:
    with pytest.raises(BadExpression) as bad:
        compiled(source)
    assert words in bad.value.problem
    assert bad.value.at == at
    assert allowed in (*bad.value.allowed, "")


def test_a_text_that_the_playbook_closes_is_checked_against_it() -> None:
    known = {"mode": ("normal", "flood-II")}
    assert compiled('mode == "flood-II"', known).fields == ("mode",)
    with pytest.raises(BadExpression, match="mode is never 'flood-I'; did you mean 'flood-II'"):
        compiled('mode != "normal" && mode == "flood-I"', known)


def test_clock_times_are_the_countys() -> None:
    case = Story("x", area="990101001", at=NIGHT).view
    late = compiled("at.getHours() >= 22 && at.getDayOfWeek() == 6 && at.getMinutes() == 30")
    in_zone = {
        zone: values_of(late.fields, Asking(case=case, text="", at=NIGHT, zone=zone)) for zone in (SHANGHAI, UTC)
    }
    assert late.answer(in_zone[SHANGHAI]).holds
    assert not late.answer(in_zone[UTC]).holds


def test_every_field_has_the_kind_it_declares() -> None:
    asking = Asking(case=Story("x", area="990101001", at=NIGHT).view, text="x", at=NIGHT, zone=SHANGHAI)
    python = {"int": int, "string": str, "list(string)": list, "timestamp": datetime}
    for name, value in values_of(FIELDS, asking).items():
        assert isinstance(value, python[FIELDS[name].kind]), name
        assert not isinstance(value, StrEnum), "the engine takes plain texts"


ATOMS = st.sampled_from(
    [
        "true",
        'text.contains("x")',
        'category.startsWith("03")',
        'source == "grid"',
        'level != "town"',
        'tags.exists(t, t == "a" || category == t)',
        'tags.all(t, t != "")',
        "reports + severity * 2 >= returns - earlier",
        'size(tags.map(t, t + "x")) in [1, 2, reopened]',
        'at - opened_at > duration("1h")',
        "opened_at.getHours() < 6",
        'text.matches("^[0-9]+$")',
        "-severity < -2",
    ]
)
SOURCES = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(("&&", "||", "==", "!=")), inner).map(lambda p: f"({p[0]}) {p[1]} ({p[2]})"),
        inner.map(lambda each: f"!({each})"),
        st.tuples(inner, inner, inner).map(lambda p: f"({p[0]}) ? ({p[1]}) : ({p[2]})"),
    ),
    max_leaves=6,
)
VALUES = st.fixed_dictionaries(
    {
        name: {
            "int": st.integers(0, 1_000_000),
            "string": st.sampled_from(field.words) if field.words else st.text(max_size=12),
            "list(string)": st.lists(st.text(max_size=8), max_size=4),
            "timestamp": st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  hypothesis wants naive bounds
        }[field.kind]
        for name, field in FIELDS.items()
    }
)


@given(source=SOURCES, values=VALUES)
def test_what_passes_the_check_never_fails_on_a_case(source: str, values: dict[str, Value]) -> None:
    assert compiled(source).answer(values).trouble == ""


@given(st.text(alphabet="abt01.'\"()[]{}<>=!&|?:,+-*/% \n", max_size=24))
def test_no_text_makes_the_check_fail_otherwise_than_by_name(source: str) -> None:
    assert 0 <= place_of_the_mistake(source) <= len(source)


def place_of_the_mistake(source: str) -> int:
    try:
        compiled(source)
    except BadExpression as bad:
        return bad.at
    return 0
