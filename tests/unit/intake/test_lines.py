"""A stream is cut into the same lines however its bytes come, and a line that is too long stops no other."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from services.intake.api.lines import Lines


def cut(*chunks: bytes, most: int = 100) -> list[tuple[int, bytes | None]]:
    lines = Lines(most)
    return [line for chunk in chunks for line in lines.feed(chunk)] + list(lines.close())


def test_lines_have_their_numbers_and_empty_ones_are_passed_over() -> None:
    assert cut(b"a\n\r\n  \nb\r\nc") == [(1, b"a"), (4, b"b"), (5, b"c")]


def test_a_line_that_is_too_long_is_named_and_the_next_one_is_read() -> None:
    assert cut(b"x" * 60, b"x" * 60, b"\nok\n") == [(1, None), (2, b"ok")]
    assert cut(b"ok\n", b"x" * 101) == [(1, b"ok"), (2, None)]
    assert cut(b"x" * 100 + b"\n") == [(1, b"x" * 100)]


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=8))
def test_where_the_stream_is_broken_makes_no_difference(stream: bytes, places: list[int]) -> None:
    edges = [0, *sorted(min(place, len(stream)) for place in places), len(stream)]
    chunks = [stream[one:other] for one, other in pairwise(edges)]
    assert cut(*chunks, most=20) == cut(stream, most=20)


def test_no_more_than_one_line_is_held() -> None:
    lines = Lines(1000)
    for _ in range(10_000):
        assert list(lines.feed(b"y" * 1000)) == []
    assert len(lines._begun) <= 1000
    assert list(lines.feed(b"\n")) == [(1, None)]
