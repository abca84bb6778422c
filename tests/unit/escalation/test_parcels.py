"""Records pass through Faust in parcels, and through the fold in batches: nothing lost, nothing out of order."""

from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from services.escalation.agents import batched
from services.escalation.faust_app import PARCEL, parcels
from shared.runtime.delivery import Record


@given(st.dictionaries(st.integers(0, 11), st.integers(0, 3 * PARCEL + 1), max_size=5))
def test_each_partition_comes_whole_and_in_order(read: dict[int, int]) -> None:
    records = {TP("t", number): list(range(count)) for number, count in read.items()}
    came: dict[TP, list[int]] = {tp: [] for tp in records}
    for tp, parcel in parcels(records):
        assert 0 < len(parcel) <= PARCEL
        came[tp].extend(parcel)
    assert came == records


def test_a_long_partition_does_not_keep_the_others_waiting() -> None:
    long, short = TP("t", 0), TP("t", 1)
    order = [tp for tp, _ in parcels({long: list(range(10 * PARCEL)), short: [0]})]
    assert order[:2] == [long, short]


@given(st.integers(0, 25), st.integers(1, 7))
def test_batches_are_full_but_the_last(count: int, most: int) -> None:
    records = [Record("t", 0, offset, None, None, (), 0) for offset in range(count)]
    batches = list(batched(records, most))
    assert [one for batch in batches for one in batch] == records
    assert all(len(batch) == most for batch in batches[:-1])
    assert all(batches)
