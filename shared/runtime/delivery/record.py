"""The values that pass through a delivery loop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from shared.events.codec import Message

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Partition(NamedTuple):
    """One partition of one topic."""

    topic: str
    number: int


class Record(NamedTuple):
    """One record as it lies in the log; ``headers`` keep their order and their repeats.

    A tuple and not a dataclass: a loop makes a hundred thousand of them a second.
    """

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    timestamp_ms: int

    @property
    def timestamp(self) -> datetime:
        """When its producer made it, or when the broker took it, as the topic is configured."""
        return _EPOCH + timedelta(milliseconds=self.timestamp_ms)

    @property
    def size(self) -> int:
        """Bytes of key and value."""
        return len(self.key or b"") + len(self.value or b"")

    def header(self, name: str) -> bytes | None:
        """Return the first header of that name."""
        # A plain loop: a generator costs three times as much, and this is asked of every record.
        for key, value in self.headers:
            if key == name:
                return value
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A record that nobody can read or apply; it goes to the dead-letter topic with its reason."""

    record: Record
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a batch led to: messages to send in this order, and records to set aside.

    ``passed_over`` are records that called for nothing and were not tried: a run of rejected records
    goes on across them.
    """

    messages: Sequence[Message] = ()
    rejected: Sequence[Rejected] = ()
    passed_over: Sequence[Record] = ()


Handle: TypeAlias = Callable[[Sequence[Record]], Awaitable[Outcome]]
"""Turns a batch into its outcome; its own transaction is committed before it returns.

Called again with the same records after a crash or an error, so a repeat must lead to the same ids.
An exception means an outage: the same batch is tried again, in order, until it succeeds.
"""
