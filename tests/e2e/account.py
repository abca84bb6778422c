"""Everything that happened, from the topics and the tables themselves, for comparing ids as sets."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.events.case import CaseOpened
from shared.events.codec import decode
from shared.events.envelope import Event, Payload
from shared.events.order import OrderIssued
from shared.events.sla import ClockBreached, ClockEscalated, ClockStarted, ClockWarned
from shared.events.topics import CASE, DEAD_LETTER, ORDER, SLA
from shared.runtime.delivery import Origin, Record, marked, origin
from shared.vocabulary import OrderRole, WhenLate

TELLING: Final = (CASE, *ORDER.values(), SLA)
READ_SECONDS: Final = 180


@dataclass(slots=True)
class Topics:
    """Each event once, in the order in which a consumer that drops repeats meets it; ``records`` counts them all.

    ``positions`` say how far each partition is read.
    """

    events: dict[UUID, Event[Payload]] = field(default_factory=dict)
    dead_letters: list[Origin] = field(default_factory=list)
    records: int = 0
    positions: dict[TopicPartition, int] = field(default_factory=dict)

    def opened(self) -> dict[UUID, set[UUID]]:
        """Case id → the ids of its opening events."""
        found: dict[UUID, set[UUID]] = defaultdict(set)
        for event in self._of(CaseOpened):
            found[event.data.case.case_id].add(event.id)
        return found

    def issued(self) -> dict[tuple[UUID, str, str, OrderRole], set[UUID]]:
        """(cause, target, step) → the ids of the orders issued: one each, or an effect is doubled."""
        found: dict[tuple[UUID, str, str, OrderRole], set[UUID]] = defaultdict(set)
        for event in self._of(OrderIssued):
            order = event.data.order
            found[event.data.cause_id, order.target.kind, order.target.id, order.role].add(order.order_id)
        return found

    def said_by_clocks(self) -> dict[tuple[UUID, str, object], set[UUID]]:
        """(clock, type, how far) → the ids of what was said."""
        found: dict[tuple[UUID, str, object], set[UUID]] = defaultdict(set)
        for event in self.events.values():
            match event.data:
                case ClockStarted(clock=clock):
                    found[clock.clock_id, event.type, None].add(event.id)
                case ClockWarned(clock=clock, fraction=fraction):
                    found[clock.clock_id, event.type, fraction].add(event.id)
                case ClockBreached(clock=clock):
                    found[clock.clock_id, event.type, None].add(event.id)
                case ClockEscalated(clock=clock, to_level=level):
                    found[clock.clock_id, event.type, level].add(event.id)
                case _:
                    continue
        return found

    def orders(self) -> set[UUID]:
        """The ids of all orders issued."""
        return {event.data.order.order_id for event in self._of(OrderIssued)}

    def led(self) -> set[UUID]:
        """The ids of the cases that have an order for a lead."""
        return {event.data.order.case_id for event in self._of(OrderIssued) if event.data.order.role is OrderRole.LEAD}

    def order_events(self) -> set[UUID]:
        """The ids of the events by which orders were issued."""
        return {event.id for event in self._of(OrderIssued)}

    def unanswered(self) -> set[UUID]:
        """The escalations to which no order answers; who leads the case is not asked to watch over it too."""
        causes = {event.data.cause_id for event in self._of(OrderIssued)}
        asked = [event for event in self._of(ClockEscalated) if not _leads(event.data)]
        return {event.id for event in asked} - causes

    def versions(self) -> dict[str, list[int]]:
        """Case id → the versions told of it on the case topic, in that topic's order."""
        found: dict[str, list[int]] = defaultdict(list)
        for event in self.events.values():
            if event.type.startswith("whistle.case."):
                found[event.subject].append(event.sequence)
        return found

    def _of(self, payload: type[Payload]) -> list[Event[Any]]:
        return [event for event in self.events.values() if isinstance(event.data, payload)]


def _leads(late: ClockEscalated) -> bool:
    lead = late.case.lead
    return (
        late.when_late is WhenLate.OVERSEE and lead is not None and (lead.kind, lead.id) == (late.to.kind, late.to.id)
    )


async def read_topics(bootstrap: str, known: Topics | None = None) -> Topics:
    """Read every telling topic and the dead letters to the present end: from the beginning, or on from ``known``."""
    topics = Topics() if known is None else known
    places = [TopicPartition(topic.name, n) for topic in (*TELLING, DEAD_LETTER) for n in range(topic.partitions)]
    async with (
        asyncio.timeout(READ_SECONDS),
        AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest") as consumer,
    ):
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        for place, position in topics.positions.items():
            consumer.seek(place, position)
        while any([await consumer.position(place) < ends[place] for place in places]):
            for place, records in (await consumer.getmany(timeout_ms=300)).items():
                for r in records:
                    record = Record(r.topic, r.partition, r.offset, r.key, r.value, r.headers, r.timestamp)
                    if place.topic == DEAD_LETTER.name:
                        topics.dead_letters += [origin(record)] if marked(record) is None else []
                    else:
                        _take(topics, record)
                topics.positions[place] = records[-1].offset + 1
    return topics


def _take(topics: Topics, record: Record) -> None:
    if record.header("ce_id") is None:
        return  # put there by a test that wants to see it set aside
    event = decode(record.value, record.headers)
    topics.events.setdefault(event.id, event)
    topics.records += 1


async def column(dsn: str, query: str) -> set[UUID]:
    """The first column of the query's rows, as a set."""
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        return {row[0] for row in await connection.fetch(query, timeout=60)}
    finally:
        await connection.close(timeout=5)


async def count(dsn: str, query: str, *arguments: object) -> int:
    """The one number that the query asks for."""
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        return int(await connection.fetchval(query, *arguments, timeout=60))
    finally:
        await connection.close(timeout=5)
