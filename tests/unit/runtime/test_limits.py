"""When setting records aside must end, and how a fetch is cut into batches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.runtime.delivery import NO_LIMITS, Partition, Record, Rejected, RejectionLimits, Rejections, TooManyRejected
from shared.runtime.delivery.batch import cut

HERE = Partition("t", 0)


def records(start: int, count: int, *, partition: int = 0) -> list[Record]:
    return [Record("t", partition, start + n, b"k", b"v", (), 0) for n in range(count)]


def bad(some: Sequence[Record]) -> list[Rejected]:
    return [Rejected(record=record, reason=f"bad {record.offset}") for record in some]


class Past:
    """A partition as a loop walks through it: what is judged well is kept."""

    def __init__(self, limits: RejectionLimits) -> None:
        self.rejections = Rejections(limits)
        self.offset = 0

    def take(self, pattern: str, *, partition: int = 0) -> None:
        """One batch: ``x`` is rejected, ``.`` is good, ``-`` is passed over."""
        some = records(self.offset, len(pattern), partition=partition)
        self.offset += len(pattern)
        rejected = bad([record for record, what in zip(some, pattern, strict=True) if what == "x"])
        passed = [record for record, what in zip(some, pattern, strict=True) if what == "-"]
        self.rejections.keep(self.rejections.judge(some, rejected, passed_over=passed))

    def take_all(self, batches: Sequence[str]) -> None:
        for batch in batches:
            self.take(batch)


ROW = RejectionLimits(max_rejected_ratio=0, max_rejected_in_a_row=5)
RATIO = RejectionLimits(max_rejected_ratio=0.5, of_last=20, at_least=4, max_rejected_in_a_row=0)


@pytest.mark.parametrize(
    "batches",
    (
        ["xxxxx"],
        ["xxxxx.xxxxx"],
        ["xxx", "xx.x", "xxxx"],
        ["xxxxx", "....", "xxxxx"],
        ["x.x.x.x.x.x.x."],
        ["xxxxx", "."],
    ),
)
def test_a_run_within_the_limit_goes_on(batches: list[str]) -> None:
    past = Past(ROW)
    past.take_all(batches)


@pytest.mark.parametrize("batches", (["xxxxxx"], [".", "xxx", "xxx"], ["x"] * 6, ["xxxxx", "----", "x"], ["xx-xx--xx"]))
def test_a_run_beyond_the_limit_stops_across_batches_and_records_that_were_not_tried(batches: list[str]) -> None:
    past = Past(ROW)
    with pytest.raises(TooManyRejected, match="6 records in a row of t/0"):
        past.take_all(batches)


def test_each_partition_has_a_run_of_its_own() -> None:
    past = Past(ROW)
    for _ in range(5):
        past.take("x", partition=0)
        past.take("x", partition=1)
    assert past.rejections.in_a_row == 5
    past.take(".", partition=1)
    with pytest.raises(TooManyRejected, match="t/0"):
        past.take("x", partition=0)


def test_half_of_the_last_records_stops_and_a_few_never_do() -> None:
    past = Past(RATIO)
    past.take("xxx")
    past.take("." * 20)
    past.take("x." * 10)
    with pytest.raises(TooManyRejected, match="11 of the last 20 records"):
        past.take("xx")


def test_records_that_were_not_tried_do_not_thin_the_ratio() -> None:
    past = Past(RATIO)
    past.take("...x---" * 3)
    past.take("-" * 1000)
    with pytest.raises(TooManyRejected, match="10 of the last 19 records"):
        past.take("x--" * 9)


def test_a_batch_that_is_tried_again_counts_once() -> None:
    rejections = Rejections(ROW)
    some = records(0, 3)
    attempts = [rejections.judge(some, bad(some)) for _ in range(10)]
    rejections.keep(attempts[-1])
    assert rejections.in_a_row == 3


def test_the_error_says_how_many_where_the_first_reason_and_how_to_mend_it() -> None:
    past = Past(ROW)
    past.take(".x.")
    with pytest.raises(TooManyRejected) as stopped:
        past.take("xxxxxxx")
    said = str(stopped.value)
    assert stopped.value.partition == HERE
    for part in ("6 records in a row of t/0", "offset 3: bad 3", "release before", "WHISTLE_MAX_REJECTED_IN_A_ROW"):
        assert part in said


def test_without_limits_everything_may_be_rejected() -> None:
    past = Past(NO_LIMITS)
    past.take("x" * 5000)
    assert past.rejections.in_a_row == 5000


@given(st.lists(st.text(alphabet="x.-", min_size=1, max_size=12), max_size=12))
def test_the_limits_are_those_of_a_plain_count(batches: list[str]) -> None:
    limits = RejectionLimits(max_rejected_ratio=0.5, of_last=10, at_least=3, max_rejected_in_a_row=4)
    past, tried = Past(limits), ""
    for batch in batches:
        expected = False
        for what in batch.replace("-", ""):
            tried += what
            window = tried[-10:]
            count = window.count("x")
            run = len(tried) - len(tried.rstrip("x"))
            expected |= what == "x" and (run > 4 or (count >= 3 and count > 0.5 * len(window)))
        try:
            past.take(batch)
        except TooManyRejected:
            assert expected
            return
        assert not expected


@given(
    st.dictionaries(st.integers(0, 4), st.lists(st.integers(0, 50), min_size=1, max_size=30), max_size=5),
    st.integers(1, 20),
    st.integers(1, 200),
)
def test_a_fetch_is_cut_in_order_into_bounded_batches(sizes: dict[int, list[int]], most: int, most_bytes: int) -> None:
    fetched = {
        Partition("t", number): [Record("t", number, 10 + n, None, b"x" * size, (), 0) for n, size in enumerate(here)]
        for number, here in sizes.items()
    }
    batches = list(cut(fetched, dict.fromkeys(fetched, 7), most=most, most_bytes=most_bytes))
    assert [r for batch in batches for r in batch.records] == [r for here in fetched.values() for r in here]
    for batch in batches:
        assert 1 <= len(batch.records) <= most
        assert len(batch.records) == 1 or sum(r.size for r in batch.records) <= most_bytes
        assert batch.counts == Counter(Partition(r.topic, r.partition) for r in batch.records)
        assert batch.next_offsets == {Partition(r.topic, r.partition): r.offset + 1 for r in batch.records}
        assert batch.epochs == dict.fromkeys(batch.counts, 7)
