"""The port ``CaseLog`` on Kafka: one case's partition of the topics that are folded and of what clocks have said."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

from aiokafka.partitioner import DefaultPartitioner

from services.escalation.history import History, history
from shared.runtime.delivery import Partition, Record


class KafkaCaseLog:
    """See ``CaseLog``."""

    def __init__(self, read: History, *, topics: Sequence[str], said: str) -> None:
        self._read = read
        self._topics = topics
        self._said = said
        self._number = 0
        self._reached: dict[Partition, int] = {}

    def partition_of(self, case_id: UUID) -> int:
        """See ``CaseLog.partition_of``; as every producer here chooses it."""
        numbers = self._read.partitions(self._topics[0])
        number: int = DefaultPartitioner()(str(case_id).encode(), numbers, numbers)
        return number

    async def begin(self, number: int, *, since: datetime | None) -> None:
        """See ``CaseLog.begin``."""
        self._number, self._reached = number, {}
        await self._read.begin([*self._folded, self._spoken], since=since)

    async def catch_up(self, ledger: Mapping[Partition, int]) -> None:
        """See ``CaseLog.catch_up``."""
        until = {one: ledger.get(one, 0) for one in self._folded}
        await self._read.read({**until, **await self._read.ends([self._spoken])})
        self._reached = until

    def behind(self, ledger: Mapping[Partition, int]) -> int:
        """See ``CaseLog.behind``."""
        return sum(max(0, end - self._reached.get(one, 0)) for one, end in ledger.items())

    def folded(self, ledger: Mapping[Partition, int]) -> Sequence[Record]:
        """See ``CaseLog.folded``."""
        return self._read.below({one: ledger.get(one, 0) for one in self._folded})

    def said(self) -> Sequence[Record]:
        """See ``CaseLog.said``."""
        return [one for one in self._read.records if one.topic == self._said]

    @property
    def is_whole(self) -> bool:
        """See ``CaseLog.is_whole``."""
        return all(self._read.is_whole(one) for one in self._folded)

    @property
    def _folded(self) -> list[Partition]:
        return [Partition(topic, self._number) for topic in self._topics]

    @property
    def _spoken(self) -> Partition:
        return Partition(self._said, self._number)


@asynccontextmanager
async def case_log(bootstrap: str, case_id: UUID, *, topics: Sequence[str], said: str) -> AsyncIterator[KafkaCaseLog]:
    """The log of one case.

    Raises:
        LogAway: Kafka does not answer, or has not these topics.
    """
    async with history(bootstrap, [*topics, said], key=case_id) as read:
        yield KafkaCaseLog(read, topics=topics, said=said)
