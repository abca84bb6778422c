"""An error about a body names the fields that are known where it happened, and no regular expression."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from services.intake.api import describe_api
from services.notifier.api.endpoints import bare_api
from services.notifier.api.filters import _CODE, _word
from shared.runtime.known_fields import described
from shared.runtime.patterns import WORDS
from shared.runtime.problems import problem_of_validation
from shared.vocabulary import AREA_PATTERN, Refused


class Inner(BaseModel, extra="forbid"):
    lon: float
    lat: float = 0.0


class Outer(BaseModel, extra="forbid"):
    place: Annotated[Inner | None, Field(description="where")] = None
    several: tuple[Inner, ...] = ()
    by_name: dict[str, Inner] = {}
    starts: Annotated[str, Field(alias="startsAt")] = ""


def told(kind: Any, value: object) -> list[tuple[str, tuple[str, ...]]]:
    """Field and what is allowed, as the problem says it."""
    with pytest.raises(ValidationError) as wrong:
        TypeAdapter(kind).validate_python(value)
    errors = [{**one, "loc": ("body", *one["loc"])} for one in wrong.value.errors()]
    return [(one.field, tuple(one.allowed)) for one in problem_of_validation(described(errors, kind)).errors]


INNER = ("leave it out", "known fields: lon, lat")


@pytest.mark.parametrize(
    ("kind", "value", "field", "allowed"),
    (
        (Outer, {"x": 1}, "/x", ("leave it out", "known fields: place, several, by_name, startsAt")),
        (Outer, {"place": {"lon": 1, "x": 1}}, "/place/x", INNER),
        (Outer, {"several": [{"lon": 1}, {"lon": 1, "x": 1}]}, "/several/1/x", INNER),
        (Outer, {"by_name": {"a": {"lon": 1, "x": 1}}}, "/by_name/a/x", INNER),
        (list[Inner], [{"lon": 1, "x": 1}], "/0/x", INNER),
        (Outer, {"place": 5}, "/place", ("a JSON object with lon",)),
        (Outer, [], "/", ("a JSON object; known fields: place, several, by_name, startsAt",)),
    ),
)
def test_the_fields_that_are_known_there_are_named(
    kind: Any, value: object, field: str, allowed: tuple[str, ...]
) -> None:
    assert told(kind, value) == [(field, allowed)]


@pytest.mark.parametrize(
    ("kind", "allowed"),
    ((Inner, "a JSON object with lon"), (list[Inner], "a JSON list of objects with lon"), (None, "a value")),
)
def test_an_empty_body_is_told_what_is_wanted(kind: Any, allowed: str) -> None:
    nothing = [{"type": "missing", "loc": ("body",), "msg": "Field required", "input": None}]
    (error,) = problem_of_validation(described(nothing, kind)).errors
    assert (error.problem, error.allowed) == ("the body is empty", (allowed,))


def test_an_error_of_the_query_is_none_of_the_body() -> None:
    error = {"type": "missing", "loc": ("query", "area"), "msg": "Field required"}
    assert described([error], Outer) == [error]


def test_a_wrong_form_is_told_in_words() -> None:
    ((field, allowed),) = told(Annotated[str, Field(pattern=AREA_PATTERN)], "西村")
    assert (field, allowed) == ("/", (WORDS[AREA_PATTERN],))


def test_a_filter_of_another_form_is_told_in_words() -> None:
    with pytest.raises(Refused) as refused:
        _word(_CODE)("路灯")
    assert refused.value.allowed == ("1 to 32 letters, digits, dots and hyphens",)


def patterns(part: object) -> Iterator[str]:
    if isinstance(part, Mapping):
        if isinstance(part.get("pattern"), str):
            yield part["pattern"]
        for inner in part.values():
            yield from patterns(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from patterns(inner)


def test_every_pattern_of_the_interfaces_has_its_words() -> None:
    met = {*patterns(describe_api().openapi()), *patterns(bare_api().openapi())}
    assert met - WORDS.keys() == set()
    assert WORDS.keys() - met == set()
