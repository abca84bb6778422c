"""Early warning over the real PostgreSQL: counted with the fold, raised once, whoever looks and whatever is killed."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.escalation.domain.warning.reports import Report
from services.escalation.domain.warning.rounds import Asked
from services.escalation.domain.warning.usual import KEPT
from services.escalation.handlers import fold_batch
from services.escalation.handlers.pasts import Pasts
from services.escalation.handlers.warning import MOST_FRESH, WatchReport, watch_county
from services.escalation.store.postgres import PostgresStore
from services.escalation.store.warning import PostgresWarnings, PostgresWatching, count
from services.escalation.warning_ports import Watching
from services.escalation.warnings import Watch
from shared.events.codec import decode
from shared.events.envelope import Event
from shared.events.warning import MOST_CASES, WarningEnded, WarningRaised, WarningUpdated
from shared.playbook.model import Playbook, Text, WarningCase, WarningRule
from shared.playbook.shelf import UnknownCounty
from shared.runtime.clock import utc_now
from shared.runtime.delivery import RejectionLimits, Rejections
from shared.runtime.migrate import migrate
from shared.runtime.postgres import PoolSettings, open_pool
from shared.vocabulary import Purpose
from tests.fakes.clock_county import clock_county
from tests.fakes.reports import burst, steady
from tests.fakes.small_county import COUNTY, WEST, WEST_VILLAGE
from tests.fakes.story import Story
from tests.fakes.tape import Tape

RULE = WarningRule(
    id="town-day",
    name=Text(zh="镇街诉求激增", en="More than usual in a town"),
    window_minutes=1440,
    at_least=5,
    odds=1_000_000,
    open_case=WarningCase(),
)
SPOT = replace(RULE, id="hot-spot", window_minutes=360, within_metres=300, open_case=None)


def county(*rules: WarningRule) -> Playbook:
    return replace(clock_county(), warnings={rule.id: rule for rule in rules})


@dataclass
class Bench:
    """A database with a county in it."""

    pool: Any
    now: datetime = field(default_factory=utc_now)
    playbook: Playbook = field(default_factory=lambda: county(RULE))
    tape: Tape = field(default_factory=Tape)

    def of(self, area: str) -> Playbook:
        if not area.startswith(COUNTY):
            raise UnknownCounty(area, {COUNTY: self.playbook})
        return self.playbook

    async def set_aside(self, rejected: Any, *, now: datetime) -> None:
        raise AssertionError((rejected, now))

    async def count(self, reports: Sequence[Report], *, fresh: bool = True) -> None:
        async with self.pool.acquire() as connection, connection.transaction():
            await count(connection, reports)
            if not fresh:
                await connection.execute("UPDATE warning_report SET fresh = false")

    async def history(self) -> None:
        await self.count(steady(self.now - timedelta(days=42), days=40, each_day=1), fresh=False)

    async def look(self) -> WatchReport:
        return await watch_county(COUNTY, store=PostgresWarnings(self.pool), playbook=self.playbook, pasts=Pasts())

    async def fold(self, store: PostgresStore, *stories: Story) -> None:
        records = self.tape.write([event for story in stories for event in story.events])
        await fold_batch(
            records,
            store=store,
            playbooks=self,
            letters=self,
            rejections=Rejections(RejectionLimits()),
            now=self.now,
        )

    async def said(self) -> list[Event[Any]]:
        rows = await self.pool.fetch(
            "SELECT value, headers FROM outbox WHERE topic = 'whistle.warning.v1' ORDER BY position"
        )
        headers = [[(name, text.encode()) for name, text in json.loads(row["headers"])] for row in rows]
        return [decode(row["value"], head) for row, head in zip(rows, headers, strict=True)]


@pytest.fixture
async def bench(postgres: str) -> AsyncIterator[Bench]:
    await migrate(postgres, ["escalation"])
    pool = await open_pool(postgres, "escalation", settings=PoolSettings(largest=6))
    await pool.execute("TRUNCATE clock, case_facts, ledger, outbox, warning_report, warning")
    yield Bench(pool)
    await pool.close()


async def test_a_burst_is_raised_with_its_figures_once_updated_and_ended(bench: Bench) -> None:
    await bench.history()
    start = bench.now - timedelta(hours=2)
    await bench.count(burst(start, 14, minutes=5))
    await bench.look()
    (raised,) = [event.data for event in await bench.said()]
    assert isinstance(raised, WarningRaised)
    assert (raised.warning.area, raised.warning.rule, raised.warning.county) == (WEST, "town-day", COUNTY)
    assert raised.case is not None
    assert raised.warning.observed >= 5
    assert raised.warning.odds >= RULE.odds
    assert raised.warning.usual < 2
    assert start < raised.raised_at < bench.now
    for _ in range(3):
        await bench.look()
    assert len(await bench.said()) == 1
    await bench.count(burst(start + timedelta(hours=1), 40, minutes=1, name="more"))
    await bench.look()
    assert [type(event.data) for event in (await bench.said())[1:]] == [WarningUpdated]
    await bench.pool.execute("UPDATE warning_report SET at = at - interval '30 hours'")
    await bench.look()
    last = (await bench.said())[-1]
    assert isinstance(last.data, WarningEnded)
    assert last.data.peak >= 50
    versions = [event.sequence for event in await bench.said()]
    assert versions == sorted(set(versions))
    assert len({event.id for event in await bench.said()}) == 3


async def test_reports_are_counted_with_the_fold_those_that_join_too_and_drills_never(bench: Bench) -> None:
    story = Story("counted", area=WEST_VILLAGE, at=bench.now - timedelta(hours=1))
    story.opened()
    story.joined()
    story.joined()
    drill = Story("drill", area=WEST_VILLAGE, at=bench.now - timedelta(hours=1))
    drill.purpose = Purpose.DRILL
    drill.opened()
    await bench.fold(PostgresStore(bench.pool), story, drill)
    rows = await bench.pool.fetch("SELECT case_id, county, fresh FROM warning_report")
    assert [(row["case_id"], row["county"], row["fresh"]) for row in rows] == [(story.case_id, COUNTY, True)] * 3


async def test_a_fold_that_is_killed_counts_nothing_and_its_repeat_counts_once(bench: Bench) -> None:
    story = Story("killed", area=WEST_VILLAGE, at=bench.now - timedelta(hours=1))
    story.opened()
    records = bench.tape.write(story.events)
    store = PostgresStore(bench.pool)

    async def fold(folding_store: Any) -> None:
        await fold_batch(
            records,
            store=folding_store,
            playbooks=bench,
            letters=bench,
            rejections=Rejections(RejectionLimits()),
            now=bench.now,
        )

    with pytest.raises(ConnectionAbortedError):
        await fold(_Dying(bench.pool))
    assert await bench.pool.fetchval("SELECT count(*) FROM warning_report") == 0
    await fold(store)
    await fold(store)
    assert await bench.pool.fetchval("SELECT count(*) FROM warning_report") == 1


class _Dying(PostgresStore):
    """A store whose folds end with an error after everything was written."""

    def folding(self) -> Any:
        return _dies(super().folding())


async def test_a_look_that_is_killed_leaves_all_as_it_was_and_the_next_says_the_same(bench: Bench) -> None:
    await bench.history()
    await bench.count(burst(bench.now - timedelta(hours=2), 14, minutes=5))

    class Dying(PostgresWarnings):
        def watching(self, county: str) -> Any:
            return _dies(super().watching(county))

    with pytest.raises(ConnectionAbortedError):
        await watch_county(COUNTY, store=Dying(bench.pool), playbook=bench.playbook, pasts=Pasts())
    assert await bench.said() == []
    assert await bench.pool.fetchval("SELECT count(*) FROM warning_report WHERE fresh") == 14
    await bench.look()
    assert [type(event.data) for event in await bench.said()] == [WarningRaised]


class _dies:  # noqa: N801  used as a function
    """Ends the transaction with an error after everything was written."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    async def __aenter__(self) -> Any:
        return await self._inner.__aenter__()

    async def __aexit__(self, *_: object) -> None:
        error = ConnectionAbortedError("killed")
        await self._inner.__aexit__(type(error), error, None)
        raise error


async def test_two_replicas_raise_one_warning(bench: Bench) -> None:
    await bench.history()
    await bench.count(burst(bench.now - timedelta(hours=2), 14, minutes=5))
    watches = [Watch(PostgresWarnings(bench.pool), playbooks=bench) for _ in range(4)]
    await asyncio.gather(*(watch.turn() for watch in watches))
    await watches[0].turn()
    assert len([event for event in await bench.said() if isinstance(event.data, WarningRaised)]) == 1
    assert sum(watch.changes["raised"] for watch in watches) == 1


async def test_a_report_of_the_future_counts_as_made_now_and_an_old_one_raises_nothing(bench: Bench) -> None:
    await bench.history()
    await bench.count([replace(one, at=bench.now + timedelta(hours=5)) for one in burst(bench.now, 3)])
    assert await bench.pool.fetchval("SELECT count(*) FROM warning_report WHERE at > clock_timestamp()") == 0
    await bench.count(burst(bench.now - timedelta(days=4), 12, name="old"))
    await bench.count(burst(bench.now - KEPT - timedelta(days=1), 12, name="too old"))
    assert await bench.pool.fetchval("SELECT count(*) FROM warning_report WHERE fresh") == 3
    assert await bench.pool.fetchval("SELECT count(*) FROM warning_report") == 80 + 3 + 12
    await bench.look()
    assert await bench.said() == []


async def test_it_says_the_same_as_the_replay_in_whatever_batches_reports_come(bench: Bench) -> None:
    bench.playbook = county(RULE, SPOT)
    await bench.history()
    new = burst(bench.now - timedelta(hours=3), 16, minutes=8)
    for part in (new[8:], new[:3], new[3:8]):
        await bench.count(part)
        await bench.look()
    raised = [event.data for event in await bench.said() if isinstance(event.data, WarningRaised)]
    assert [one.warning.rule for one in raised] == ["town-day"]


async def test_what_is_old_is_forgotten_in_slices(bench: Bench) -> None:
    await bench.count(steady(bench.now - timedelta(days=30), days=20, each_day=2), fresh=False)
    await bench.pool.execute("UPDATE warning_report SET at = at - interval '75 days'")
    store = PostgresWarnings(bench.pool)
    gone = [await store.forget(older_than=KEPT, most=50) for _ in range(3)]
    assert gone == [50, 30, 0]


async def test_a_county_whose_playbook_is_not_here_waits_and_holds_up_nobody(bench: Bench) -> None:
    await bench.history()
    strangers = [replace(one, county="990102", area="990102001001") for one in burst(bench.now, 3, name="stranger")]
    await bench.count([*strangers, *burst(bench.now - timedelta(hours=2), 14, minutes=5)])
    watch = Watch(PostgresWarnings(bench.pool), playbooks=bench)
    await watch.turn()
    assert watch.changes["raised"] == 1
    assert await bench.pool.fetchval("SELECT count(*) FROM warning_report WHERE fresh") == 3


async def test_more_than_one_round_takes_is_looked_at_in_turn_and_kept_in_little(bench: Bench) -> None:
    await bench.history()
    flood = burst(bench.now - timedelta(minutes=100), MOST_FRESH + 500, minutes=0.05)
    await bench.count(flood)
    first = await bench.look()
    assert (first.looked, first.more) == (MOST_FRESH, True)
    said = [event.data for event in await bench.said()]
    assert [type(one) for one in said] == [WarningRaised, WarningUpdated]
    # What waits for a later round is not told by this one.
    assert max(one.warning.until for one in said) <= flood[MOST_FRESH - 1].at
    second = await bench.look()
    assert (second.looked, second.more) == (500, False)
    assert await bench.pool.fetchval("SELECT count(*) FROM warning_report WHERE fresh") == 0
    (kept,) = await bench.pool.fetch(
        """SELECT body->'seen'->'candidate'->'observed' AS observed, body->'told' AS told,
                  jsonb_array_length(body->'seen'->'candidate'->'reports') AS reports FROM warning"""
    )
    assert kept["reports"] == MOST_CASES
    assert kept["observed"] == kept["told"]
    assert int(kept["told"]) > MOST_FRESH


async def test_histories_are_read_once_a_day_and_only_where_something_depends_on_them(bench: Bench) -> None:
    await bench.history()
    await bench.count(burst(bench.now - timedelta(hours=2), 14, minutes=5))
    bench.playbook = county(replace(RULE, at_least=15))
    read, pasts = list[Asked](), Pasts()

    class Counted(PostgresWatching):
        async def counts(self, asked: Asked, zone: ZoneInfo) -> Any:
            read.append(asked)
            return await super().counts(asked, zone)

    class Counting(PostgresWarnings):
        @asynccontextmanager
        async def watching(self, county: str) -> AsyncIterator[Watching | None]:
            async with bench.pool.acquire() as connection, connection.transaction():
                yield Counted(connection, county)

    async def look() -> WatchReport:
        return await watch_county(COUNTY, store=Counting(bench.pool), playbook=bench.playbook, pasts=pasts)

    assert (await look()).looked == 14
    assert read == [], "fewer than enough, however unusual"
    for number in range(3):
        await bench.count(burst(bench.now - timedelta(minutes=30), 12, minutes=1, name=f"more {number}"))
        await look()
    assert [asked.subject.area for asked in read] == [WEST]
    assert len(await bench.said()) == 3
