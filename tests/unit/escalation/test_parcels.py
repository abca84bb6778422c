"""Records pass through Faust in parcels, and through the fold in batches: nothing lost, nothing out of order."""

from types import SimpleNamespace
from typing import Any, cast

from aiokafka import ConsumerRecord
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from services.escalation.agents import batched, divided
from services.escalation.faust_app import PARCEL, LedgerConsumer, parcels
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


class Read(LedgerConsumer):
    """A consumer that has read two partitions and is handed them; no group, no thread."""

    def __init__(self, records: dict[TP, list[Any]]) -> None:
        self._records = records
        self._next: dict[TP, int] = {}
        self._again: dict[TP, int] = {}
        self.sought: list[dict[TP, int]] = []
        self._thread = cast("Any", SimpleNamespace(seek_wait=self._sought))
        self._buffered_partitions = set()
        self.active = set(records)
        self.flow_active = True
        self.app = cast("Any", SimpleNamespace(consumer_generation_id=1))

    should_stop = False

    async def _sought(self, offsets: dict[TP, int]) -> None:
        self.sought.append(offsets)

    def _get_active_partitions(self) -> set[TP]:
        return self.active

    def _is_over(self, generation: int) -> bool:
        return False

    async def _wait_next_records(self, timeout: float) -> Any:  # noqa: ASYNC109  Faust's
        return self._records, self.active


async def test_what_was_read_of_a_partition_is_handed_on_though_its_queue_fills_up_meanwhile() -> None:
    long, short = TP("t", 0), TP("t", 1)
    read = [ConsumerRecord("t", 0, at, 0, 0, None, b"", 0, 0, 0, ()) for at in range(3 * PARCEL)]
    consumer = Read({long: read, short: read[:1]})
    consumer.app.in_recovery = False
    came: dict[TP, int] = {long: 0, short: 0}
    async for tp, message in consumer.getmany(1.0):
        came[tp] += len(cast("list[Any]", message.value))
        consumer.on_buffer_full(tp)
    assert came == {long: 3 * PARCEL, short: 1}


def record(at: int) -> Any:
    return ConsumerRecord("t", 0, at, 0, 0, None, b"", 0, 0, 0, ())


async def handed_on(consumer: Read, *offsets: int) -> list[int]:
    consumer._records = {TP("t", 0): [record(at) for at in offsets]}
    return [one.offset async for _, message in consumer.getmany(1.0) for one in cast("list[Any]", message.value)]


async def test_what_lies_beyond_records_that_were_let_go_is_read_again_with_them() -> None:
    consumer, place = Read({TP("t", 0): []}), TP("t", 0)
    consumer._next = {place: 29}
    # 29 to 37 were read after the seek that ends a rebalance, and let go before the flow went on.
    assert await handed_on(consumer, *range(38, 38 + 2 * PARCEL)) == []
    assert consumer.sought == [{place: 29}]
    assert await handed_on(consumer, 29, 30) == [29, 30]
    assert await handed_on(consumer, 31) == [31]
    assert await handed_on(consumer, 29) == [29], "a repeat is the ledger's to skip"
    assert len(consumer.sought) == 1


async def test_records_that_the_log_does_not_hold_are_handed_on_for_the_fold_to_end_at_the_hole() -> None:
    consumer = Read({TP("t", 0): []})
    consumer._next = {TP("t", 0): 29}
    assert await handed_on(consumer, 38) == []
    assert await handed_on(consumer, 38) == [38]
    assert len(consumer.sought) == 1


@given(st.integers(0, 25), st.integers(1, 7))
def test_batches_are_full_but_the_last(count: int, most: int) -> None:
    records = [Record("t", 0, offset, None, None, (), 0) for offset in range(count)]
    batches = list(batched(records, most))
    assert [one for batch in batches for one in batch] == records
    assert all(len(batch) == most for batch in batches[:-1])
    assert all(batches)


@given(st.lists(st.tuples(st.sampled_from(("case", "order")), st.integers(0, 11))), st.integers(1, 5))
def test_of_what_is_folded_side_by_side_all_of_one_number_stays_together_and_in_order(
    read: list[tuple[str, int]], most: int
) -> None:
    records = [Record(topic, number, offset, None, None, (), 0) for offset, (topic, number) in enumerate(read)]
    lists = divided(records, most)
    assert len(lists) <= most
    assert sorted(one.offset for part in lists for one in part) == [one.offset for one in records]
    for part in lists:
        assert [one.offset for one in part] == sorted(one.offset for one in part)
    homes = [{one.partition for one in part} for part in lists]
    assert sum(map(len, homes)) == len(set().union(*homes))
