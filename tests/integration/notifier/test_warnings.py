"""Early warnings in the read side: kept by their newest event, told to the feed once, hidden from departments."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from services.notifier.consumer import Teller
from services.notifier.domain.audience import Filter, Scope
from services.notifier.store.feed import PostgresFeed
from services.notifier.store.read_side import PostgresReadSide
from services.notifier.store.warnings import PostgresWarnings
from shared.events.codec import adapter, encode
from shared.events.envelope import Event, derive_id
from shared.events.examples import examples_of
from shared.events.topics import PAYLOADS
from shared.runtime.delivery import Record
from shared.runtime.migrate import migrate
from shared.runtime.postgres import PoolSettings, open_pool

NOW = datetime(2026, 11, 21, 1, 12, 30, tzinfo=UTC)
COUNTY, TOWN, OTHER = Scope(area="990101"), Scope(area="990101001"), Scope(area="990101002")


def event(kind: str, name: str, version: int) -> Event[Any]:
    data = adapter(PAYLOADS[kind]).validate_python(examples_of(kind)[name], strict=False)
    return Event(
        id=derive_id(data.warning.warning_id, "version", str(version)),
        source="/whistle/escalation",
        subject=data.warning.county,
        time=NOW,
        sequence=version,
        data=data,
    )


RAISED = event("whistle.warning.raised.v1", "water-in-a-town", 1)
GROWN = event("whistle.warning.updated.v1", "water-grows", 2)
ENDED = event("whistle.warning.ended.v1", "as-usual", 3)


@pytest.fixture
async def pool(postgres: str) -> AsyncIterator[Any]:
    await migrate(postgres, ["notifier"])
    made = await open_pool(postgres, "notifier", settings=PoolSettings(largest=4))
    await made.execute("TRUNCATE early_warning, feed")
    yield made
    await made.close()


async def test_a_warning_is_kept_by_its_newest_event_in_whatever_order_they_come(pool: Any) -> None:
    store = PostgresWarnings(pool)
    await store.keep([GROWN])
    await store.keep([RAISED, GROWN, RAISED])
    (row,) = await store.find(COUNTY, area=None, ended=False)
    assert (row.warning.observed, row.ended_at) == (14, None)
    await store.keep([ENDED])
    assert await store.find(COUNTY, area=None, ended=False) == []
    (row,) = await store.find(TOWN, area=None, ended=True)
    assert row.ended_at == ENDED.data.ended_at


async def test_who_is_elsewhere_and_a_department_see_none(pool: Any) -> None:
    store = PostgresWarnings(pool)
    await store.keep([RAISED])
    assert len(await store.find(TOWN, area=None, ended=False)) == 1
    assert await store.find(OTHER, area=None, ended=False) == []
    assert await store.find(COUNTY, area="990101002", ended=False) == []
    assert await store.find(Scope(area="990101", department="gas"), area=None, ended=False) == []


async def test_the_feed_tells_it_once_in_both_languages_to_the_desks_of_its_area(pool: Any) -> None:
    teller = Teller(read_side=PostgresReadSide(pool), clock=lambda: NOW, warnings=PostgresWarnings(pool))
    messages = [encode(one) for one in (RAISED, GROWN)]
    records = [Record(one.topic, 0, offset, one.key, one.value, one.headers, 0) for offset, one in enumerate(messages)]
    broken = Record(messages[0].topic, 0, 9, b"990101", b"{", messages[0].headers, 0)
    for _ in range(2):
        outcome = await teller.handle([*records, broken])
        assert [one.record for one in outcome.rejected] == [broken]
    feed = PostgresFeed(pool)
    latest = (await feed.bounds()).latest
    heard = await feed.history(0, latest, scope=TOWN, asked=Filter(types=frozenset({"whistle.warning"})), most=10)
    assert [row.facets.type for row in heard.rows] == [RAISED.type, GROWN.type]
    assert all(
        "风险预警" in row.data and "Early warning" in row.data and '"case":null' in row.data for row in heard.rows
    )
    assert (await feed.history(0, latest, scope=OTHER, asked=Filter(), most=10)).rows == ()
