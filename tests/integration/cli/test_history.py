"""Past cases are read from a real broker from an instant on, to the end as it is at the start, and not beyond."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from cli.simulation.history import Read, from_kafka
from cli.trouble import Trouble
from shared.events.codec import Message, encode
from shared.events.topics import CASE
from shared.runtime.clock import utc_now
from shared.runtime.delivery import Publisher
from tests.fakes.router import a_case, event, opened

CASES = 60


def county_of_its_own() -> str:
    """A county that no other test uses: the topic is everybody's."""
    return f"99{uuid4().int % 10_000:04}"


def openings(county: str, count: int) -> list[Message]:
    cases = (a_case(f"{county}001001", case_id=uuid4()) for _ in range(count))
    return [encode(event(opened(case), id=uuid4())) for case in cases]


async def read_back(kafka: str, county: str, since: datetime) -> tuple[list[UUID], Read]:
    read = Read()
    found: list[UUID] = []
    async for batch in from_kafka(kafka, county=county, since=since, read=read):
        found += [opening.case.case_id for opening in batch]
    return found, read


def later_than(instant: datetime) -> datetime:
    """An instant of another millisecond: the broker counts in those."""
    while (now := utc_now()) < instant + timedelta(milliseconds=2):
        pass
    return now


async def test_every_case_since_an_instant_is_read_once_and_what_is_unreadable_is_counted(kafka: str) -> None:
    county, publisher = county_of_its_own(), Publisher(kafka, client_id="history-test")
    before = utc_now() - timedelta(seconds=1)
    first = openings(county, CASES)
    garbage = replace(first[0], value=b'{"case": 1}')
    other = openings(county_of_its_own(), 5)
    try:
        await publisher.publish([*first, garbage, *other])
        between = later_than(utc_now())
        later_than(between)
        second = openings(county, CASES)
        await publisher.publish(second)
    finally:
        await publisher.stop()
    found, read = await read_back(kafka, county, before)
    assert sorted(str(one) for one in found) == sorted(message.key.decode() for message in (*first, *second))
    assert read.unreadable >= 1
    assert CASE.name in read.first_reason
    later, _ = await read_back(kafka, county, between)
    assert sorted(str(one) for one in later) == sorted(message.key.decode() for message in second)


async def test_nothing_since_then_is_no_wait(kafka: str) -> None:
    async with asyncio.timeout(20):
        found, _ = await read_back(kafka, county_of_its_own(), utc_now() + timedelta(hours=1))
    assert found == []


async def test_a_broker_that_is_away_is_said() -> None:
    with pytest.raises(Trouble, match="does not answer"):
        await read_back("127.0.0.1:1", "990199", utc_now())
