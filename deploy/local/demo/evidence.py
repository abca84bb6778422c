"""Gathers what really happened, from Kafka's topics, the notifier's API and escalation's clocks."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import asyncpg
import httpx
from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.events.case import CaseFiled, CaseOpened, CaseReportJoined
from shared.events.codec import decode
from shared.events.envelope import Event, Payload
from shared.events.order import OrderIssued
from shared.events.parts import CaseView
from shared.events.sla import ClockBreached, ClockEscalated, ClockStepped, ClockWarned
from shared.events.topics import CASE, DEAD_LETTER, ORDER, SLA, Topic
from shared.runtime.delivery.dead_letter import REPLAYED
from shared.vocabulary import CaseState, Post, Purpose

READ_SECONDS: Final = 60.0
PAGE: Final = 200
ORDER_TOPICS: Final = tuple(topic.name for topic in ORDER.values())
TOPICS: Final = (CASE, *ORDER.values(), SLA, DEAD_LETTER)

Offsets = Mapping[TopicPartition, int]


@dataclass(slots=True)
class Told:
    """What the topics carry between two moments; ids as texts."""

    opened: set[str] = field(default_factory=set)
    unfiled: set[str] = field(default_factory=set)
    """Cases that wait for a person to file them: nobody routes them before."""
    joined: set[str] = field(default_factory=set)
    """Reports that became part of a case that was there already."""
    orders: dict[str, OrderIssued] = field(default_factory=dict)
    levels: dict[str, list[str]] = field(default_factory=dict)
    """Case id → the topics on which orders for it were issued, in the order of their issue."""
    warned: int = 0
    breached: int = 0
    escalated: list[ClockEscalated] = field(default_factory=list)
    steps: int = 0
    """Steps of chains that were taken."""
    led_to_leader: set[str] = field(default_factory=set)
    """Cases of which a leader on duty was told."""
    events: dict[str, Event[Payload]] = field(default_factory=dict)
    dead_letters: list[str] = field(default_factory=list)


async def ends(bootstrap: str, topics: Sequence[Topic] = TOPICS) -> dict[TopicPartition, int]:
    """Return the present end of every partition of ``topics``."""
    partitions = [TopicPartition(topic.name, n) for topic in topics for n in range(topic.partitions)]
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap) as consumer:
        return dict(await consumer.end_offsets(partitions))


async def starts(bootstrap: str, topics: Sequence[Topic] = (CASE,)) -> dict[TopicPartition, int]:
    """Return the first offset that is still kept of every partition of ``topics``."""
    partitions = [TopicPartition(topic.name, n) for topic in topics for n in range(topic.partitions)]
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap) as consumer:
        return dict(await consumer.beginning_offsets(partitions))


async def read(bootstrap: str, begin: Offsets, end: Offsets) -> Told:
    """Return what the partitions of ``begin`` carry from there up to ``end``.

    Raises:
        TimeoutError: when the broker does not hand out the records within :data:`READ_SECONDS`.
    """
    told = Told()
    wanted = {place: upto for place, upto in end.items() if place in begin and upto > begin[place]}
    if not wanted:
        return told
    async with asyncio.timeout(READ_SECONDS), AIOKafkaConsumer(bootstrap_servers=bootstrap) as consumer:
        consumer.assign(list(wanted))
        for place in wanted:
            consumer.seek(place, begin[place])
        while any([await consumer.position(place) < upto for place, upto in wanted.items()]):
            for place, records in (await consumer.getmany(timeout_ms=500)).items():
                for record in records:
                    if record.offset < wanted[place]:
                        _take(told, place.topic, record)
    return told


async def clocked_orders(dsn: str, orders: Iterable[str]) -> set[str]:
    """Return those of ``orders`` that escalation has started a clock for."""
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        rows = await connection.fetch(
            "SELECT DISTINCT order_id FROM escalation.clock WHERE order_id = ANY($1::uuid[])", list(orders), timeout=30
        )
    finally:
        await connection.close(timeout=5)
    return {str(row["order_id"]) for row in rows}


async def listed_cases(client: httpx.AsyncClient) -> set[str]:
    """Return the ids of all cases that the notifier lists for the client's key."""
    found: set[str] = set()
    cursor: str | None = None
    while True:
        query = httpx.QueryParams({"limit": PAGE, **({"cursor": cursor} if cursor else {})})
        response = await client.get("/v1/cases", params=query)
        response.raise_for_status()
        page: Mapping[str, Any] = response.json()
        found |= {str(case["case_id"]) for case in page["cases"]}
        cursor = page["next"]
        if cursor is None:
            return found


def _take(told: Told, topic: str, record: Any) -> None:  # noqa: ANN401  aiokafka's record is untyped
    if topic == DEAD_LETTER.name:
        if any(name == REPLAYED for name, _ in record.headers):
            return
        reason = next((value for name, value in record.headers if "reason" in name), b"no reason given")
        told.dead_letters.append(reason.decode("utf-8", "replace"))
        return
    if all(name != "ce_id" for name, _ in record.headers):
        # No event at all: whoever reads the topic sets it aside, and it counts as a dead letter.
        return
    event = decode(record.value, record.headers)
    case = getattr(event.data, "case", None)
    if isinstance(case, CaseView) and case.purpose is Purpose.CANARY:
        return
    told.events[str(event.id)] = event
    _count(told, topic, event.data)


def _count(told: Told, topic: str, data: Payload) -> None:
    match data:
        case CaseOpened(case=case):
            told.opened.add(str(case.case_id))
            if case.state is CaseState.RECEIVED:
                told.unfiled.add(str(case.case_id))
        case CaseFiled(case=case):
            told.unfiled.discard(str(case.case_id))
        case CaseReportJoined(report_id=report_id):
            told.joined.add(str(report_id))
        case OrderIssued(order=order):
            told.orders[str(order.order_id)] = data
            told.levels.setdefault(str(order.case_id), []).append(topic)
        case _:
            _count_late(told, data)


def _count_late(told: Told, data: Payload) -> None:
    match data:
        case ClockWarned():
            told.warned += 1
        case ClockBreached():
            told.breached += 1
        case ClockEscalated():
            told.escalated.append(data)
        case ClockStepped(case=case, to=to):
            told.steps += 1
            if any(one.post is Post.LEADER for one in to):
                told.led_to_leader.add(str(case.case_id))
        case _:
            return
