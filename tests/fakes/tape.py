"""Events as the records that a log would hand out, each with the next offset of its partition."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from shared.events.codec import encode
from shared.events.envelope import Event
from shared.runtime.delivery import Partition, Record


class Tape:
    """Writes events to partitions by case, as keys would."""

    def __init__(self, *, partitions: int = 12) -> None:
        self._partitions = partitions
        self.ends: Counter[Partition] = Counter()

    def write(self, events: Iterable[Event[Any]]) -> list[Record]:
        return [self._write(event) for event in events]

    def garbage(self, topic: str, number: int = 0) -> Record:
        return self._put(Partition(topic, number), b"k", b"{not json", ())

    def _write(self, event: Event[Any]) -> Record:
        message = encode(event)
        number = event.data.case.case_id.int % self._partitions
        return self._put(Partition(message.topic, number), message.key, message.value, message.headers)

    def _put(self, place: Partition, key: bytes, value: bytes, headers: tuple[tuple[str, bytes], ...]) -> Record:
        offset = self.ends[place]
        self.ends[place] += 1
        return Record(place.topic, place.number, offset, key, value, headers, 0)
