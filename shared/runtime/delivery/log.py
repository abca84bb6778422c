"""The port between a delivery loop and a log: Kafka in production, a fake in memory in tests."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from shared.runtime.delivery.record import Partition, Record

if TYPE_CHECKING:
    from shared.events.codec import Message


class Rebalanced(Exception):  # noqa: N818  the group moved on, which is no fault
    """A commit came too late: the partitions have been given to another member, who repeats the batch."""


class PublishFailed(Exception):  # noqa: N818  it did not happen yet; sending again is safe
    """Some of the messages may not be acknowledged; all of them may be sent again."""


class TooLarge(Exception):  # noqa: N818  a permanent no of the broker
    """One of the messages is larger than its topic allows; sending it again cannot help."""


class Assignments(Protocol):
    """Who is told, and waited for, when partitions come and go."""

    async def revoked(self) -> None:
        """Every partition is about to go; the log fetches nothing until this returns."""

    async def assigned(self, partitions: frozenset[Partition]) -> None:
        """These partitions, and no others, are ours; they are read from their committed offsets."""


class Log(Protocol):
    """A partitioned log as one member of a consumer group sees it."""

    async def open(self, assignments: Assignments) -> None:
        """Connect and join the group without waiting for partitions."""

    async def fetch(self, *, most: int, wait: timedelta) -> Mapping[Partition, Sequence[Record]]:
        """Return at most ``most`` records, each partition's in order, or none after ``wait``.

        Never returns records of an assignment that has been revoked. Nothing runs between the
        moment the log hands records out and the caller's next statement.
        """

    async def publish(self, messages: Sequence[Message]) -> None:
        """Return when every message is acknowledged by all in-sync replicas, in order per key.

        Raises: PublishFailed when some may not be, and to send all of them again is then safe;
            TooLarge when the broker will never take one of them.
        """

    async def commit(self, offsets: Mapping[Partition, int], notes: Mapping[Partition, str]) -> None:
        """Record that everything before each offset is done, and a few words beside it for whoever reads on there.

        Raises: Rebalanced when the group has moved on.
        """

    async def notes(self, partitions: Collection[Partition]) -> Mapping[Partition, str]:
        """Return the words beside the last commit of each partition; none for one without."""

    async def lag(self) -> Mapping[Partition, int]:
        """Return how many records of each partition of ours lie between commit and end.

        Raises: an error while the log cannot be asked, which is no lag but an outage.
        """

    async def close(self) -> None:
        """Leave the group and let go of every connection, within a bounded time."""
