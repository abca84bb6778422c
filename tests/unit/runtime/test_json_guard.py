"""Most bodies are not walked; what is found in one is the same as if each were."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.runtime import body
from shared.runtime.body import check_json
from shared.runtime.problem import Problem

DEPTH = 4
TEXTS = st.text(
    st.sampled_from(["a", "1", "e", "E", "{", "[", "\\", "u", "0", "d", "8", "\x00", "\ud800", "\U0001f600"])
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=12,
)
PIECES = st.lists(
    st.sampled_from(
        ["1e999", "-1E9", "1" * 310 + ".0", "9" * 5000, '"\\u0000"', '"\\ud83d\\ude00"', '"\\\\u0000"', "[[[[[", "NaN"]
    )
)


def said(text: str) -> tuple[object, ...]:
    try:
        check_json(text, depth=DEPTH)
    except Problem as problem:
        return problem.status, problem.detail
    return ("good",)


@given(
    st.builds(json.dumps, VALUES, ensure_ascii=st.booleans()) | st.builds(lambda parts: f"[{','.join(parts)}]", PIECES)
)
@example("[1e999]")
@example("[" * DEPTH + "]" * DEPTH)
@example("[" * (DEPTH + 1) + "]" * (DEPTH + 1))
@example('{"a":' * 2 + "1" + "}" * 2)
def test_what_is_said_of_a_body_is_what_walking_it_says(text: str) -> None:
    quick = said(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(body, "_SUSPECT", re.compile(""))
        assert quick == said(text)


def test_a_number_that_python_will_not_read_is_refused() -> None:
    assert said("9" * 5000)[0] == 400
