"""A log in memory with one consumer group, for handlers' tests and under the same contract suite as Kafka."""

from __future__ import annotations

import asyncio
import zlib
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

from shared.events.codec import Message
from shared.runtime.delivery import Partition, Rebalanced, Record, TooLarge
from shared.runtime.delivery.log import Assignments


class MemoryBroker:
    """The partitions of every topic, what the group has committed, and who is in it."""

    def __init__(self, *, partitions: int = 4, largest: int = 1_000_000) -> None:
        self.partitions = partitions
        self.largest = largest
        self.records: dict[Partition, list[Record]] = defaultdict(list)
        self.committed: dict[Partition, int] = {}
        self.notes: dict[Partition, str] = {}
        self.members: list[MemoryLog] = []
        self.generation = 0
        self.arrived = asyncio.Condition()
        self.turn = asyncio.Lock()

    async def put(self, messages: Sequence[Message]) -> None:
        if any(len(message.value) > self.largest for message in messages):
            raise TooLarge(f"more than {self.largest} bytes")
        for message in messages:
            place = Partition(message.topic, zlib.crc32(message.key) % self.partitions)
            offset = len(self.records[place])
            self.records[place].append(Record(*place, offset, message.key, message.value, message.headers, 0))
        async with self.arrived:
            self.arrived.notify_all()

    async def rebalance(self) -> None:
        """Drain every member, then deal the partitions anew; each member reads on from what is committed."""
        async with self.turn:
            before = [member for member in self.members if member.owned is not None]
            for member in before:
                member.owned = None
            await asyncio.gather(*(member.assignments.revoked() for member in before))
            self.generation += 1
            for place, member in enumerate(list(self.members)):
                await member.take(range(place, self.partitions, len(self.members)))
            async with self.arrived:
                self.arrived.notify_all()


class MemoryLog:
    """One member of the group as a delivery loop sees it."""

    assignments: Assignments

    def __init__(self, broker: MemoryBroker, topics: Sequence[str]) -> None:
        self.broker = broker
        self.topics = topics
        self.owned: dict[Partition, int] | None = None
        self.generation = 0

    async def open(self, assignments: Assignments) -> None:
        self.assignments = assignments
        self.broker.members.append(self)
        self.rebalancing = asyncio.create_task(self.broker.rebalance())

    async def take(self, numbers: Sequence[int]) -> None:
        places = [Partition(topic, number) for topic in self.topics for number in numbers]
        self.generation = self.broker.generation
        self.owned = {place: self.broker.committed.get(place, 0) for place in places}
        await self.assignments.assigned(frozenset(places))

    async def fetch(self, *, most: int, wait: timedelta) -> Mapping[Partition, Sequence[Record]]:
        try:
            async with asyncio.timeout(wait.total_seconds()), self.broker.arrived:
                await self.broker.arrived.wait_for(lambda: any(self._waiting()))
        except TimeoutError:
            return {}
        fetched = {}
        for place in self._waiting():
            fetched[place] = self.broker.records[place][self.owned[place] :][:most] if self.owned else []
            most -= len(fetched[place])
            self._pass(place, len(fetched[place]))
        return {place: records for place, records in fetched.items() if records}

    def _waiting(self) -> list[Partition]:
        owned = self.owned or {}
        return [place for place, position in owned.items() if position < len(self.broker.records[place])]

    def _pass(self, place: Partition, count: int) -> None:
        if self.owned is not None:
            self.owned[place] += count

    async def publish(self, messages: Sequence[Message]) -> None:
        await self.broker.put(messages)

    async def commit(self, offsets: Mapping[Partition, int], notes: Mapping[Partition, str]) -> None:
        if self.generation != self.broker.generation:
            raise Rebalanced("the group has moved on")
        self.broker.committed.update(offsets)
        self.broker.notes.update({place: notes.get(place, "") for place in offsets})

    async def notes(self, partitions: Collection[Partition]) -> Mapping[Partition, str]:
        return {place: note for place, note in self.broker.notes.items() if place in partitions and note}

    async def lag(self) -> Mapping[Partition, int]:
        records, committed = self.broker.records, self.broker.committed
        return {place: len(records[place]) - committed.get(place, 0) for place in self.owned or {}}

    async def close(self) -> None:
        if self in self.broker.members:
            self.broker.members.remove(self)
            self.owned = None
            self.rebalancing = asyncio.create_task(self.broker.rebalance())
