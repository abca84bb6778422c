"""Cuts what a fetch brought into batches bounded in count and bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from shared.runtime.delivery.record import Partition, Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Records to handle together, each partition's in order, with what commits them.

    ``epochs`` says under which assignment each partition was read: work that is done after it has
    ended must not commit. ``counts`` are its records by partition.
    """

    records: Sequence[Record]
    next_offsets: Mapping[Partition, int]
    epochs: Mapping[Partition, int]
    counts: Mapping[Partition, int]


def cut(
    fetched: Mapping[Partition, Sequence[Record]], epochs: Mapping[Partition, int], *, most: int, most_bytes: int
) -> Iterator[Batch]:
    """Yield the fetched records as batches of at most ``most`` records and ``most_bytes`` bytes.

    One record larger than the limit is a batch of its own.
    """
    pieces: dict[Partition, Sequence[Record]] = {}
    count = size = 0
    for place, records in fetched.items():
        sizes = [_size(record) for record in records]
        whole = sum(sizes)
        if count + len(records) <= most and size + whole <= most_bytes:
            pieces[place] = records
            count, size = count + len(records), size + whole
            continue
        start = 0
        for index, bytes_here in enumerate(sizes):
            if (count or index > start) and (count + index - start >= most or size + bytes_here > most_bytes):
                if index > start:
                    pieces[place] = records[start:index]
                yield _batch(pieces, epochs)
                pieces, count, size, start = {}, 0, 0, index
            size += bytes_here
        if start < len(records):
            pieces[place] = records[start:]
            count += len(records) - start
    if pieces:
        yield _batch(pieces, epochs)


def _size(record: Record) -> int:
    return len(record.value or b"") + len(record.key or b"")


def _batch(pieces: Mapping[Partition, Sequence[Record]], epochs: Mapping[Partition, int]) -> Batch:
    return Batch(
        records=[record for records in pieces.values() for record in records],
        next_offsets={place: records[-1].offset + 1 for place, records in pieces.items()},
        epochs={place: epochs.get(place, 0) for place in pieces},
        counts={place: len(records) for place, records in pieces.items()},
    )
