"""Cuts what a fetch brought into batches bounded in count and bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from shared.runtime.delivery.record import Partition, Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Records to handle together, each partition's in order, with what commits them.

    ``epochs`` says under which assignment each partition was read: work that is done after it has
    ended must not commit.
    """

    records: Sequence[Record]
    next_offsets: Mapping[Partition, int]
    epochs: Mapping[Partition, int]


def cut(
    fetched: Mapping[Partition, Sequence[Record]], epochs: Mapping[Partition, int], *, most: int, most_bytes: int
) -> Iterator[Batch]:
    """Yield the fetched records as batches of at most ``most`` records and ``most_bytes`` bytes.

    One record larger than the limit is a batch of its own.
    """
    flat = [record for records in fetched.values() for record in records]
    if len(flat) <= most and sum(_size(record) for record in flat) <= most_bytes:
        yield _batch(flat, epochs)
        return
    start = size = 0
    for index, record in enumerate(flat):
        if index > start and (index - start >= most or size + _size(record) > most_bytes):
            yield _batch(flat[start:index], epochs)
            start, size = index, 0
        size += _size(record)
    yield _batch(flat[start:], epochs)


def _size(record: Record) -> int:
    return len(record.value or b"") + len(record.key or b"")


def _batch(records: Sequence[Record], epochs: Mapping[Partition, int]) -> Batch:
    offsets = {(record.topic, record.partition): record.offset + 1 for record in records}
    next_offsets = {Partition(*place): offset for place, offset in offsets.items()}
    return Batch(
        records=records, next_offsets=next_offsets, epochs={place: epochs.get(place, 0) for place in next_offsets}
    )
