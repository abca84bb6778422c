"""The hub hands each event to every reader that may hear it, and cuts off one that reads too slowly."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import pytest

from services.notifier.channels.stream import Hub, Reader, TooManyStreams, frame_of
from services.notifier.domain.audience import Facets, Filter, Scope
from services.notifier.store.feed import Bounds, FeedRow
from shared.vocabulary import Level, Severity


def row(position: int, area: str = "990101001200") -> FeedRow:
    facets = Facets(
        case_id=UUID(int=position),
        type="whistle.case.opened.v1",
        area=area,
        level=Level.VILLAGE,
        category="01.002",
        severity=Severity.III,
        departments=frozenset(),
    )
    return FeedRow(position=position, facets=facets, data=f'{{"n":{position}}}')


@dataclass(slots=True)
class FakeFeed:
    rows: list[FeedRow] = field(default_factory=list)
    away: bool = False

    async def bounds(self) -> Bounds:
        return Bounds(floor=0, latest=self.rows[-1].position if self.rows else 0)

    async def after(self, position: int, *, most: int) -> Sequence[FeedRow]:
        if self.away:
            raise OSError("away")
        return [one for one in self.rows if one.position > position][:most]


async def until(met: asyncio.Event | None = None, *, hub: Hub, position: int) -> None:
    async with asyncio.timeout(5):
        while hub.position < position:
            hub.notice()
            await asyncio.sleep(0)


def make_hub(feed: FakeFeed, *, most_streams: int = 10, most_each: int = 3) -> Hub:
    return Hub(feed, poll_seconds=0.01, most_streams=most_streams, most_each=most_each)


async def test_a_reader_gets_what_comes_after_it_joined_and_lies_in_its_scope() -> None:
    feed = FakeFeed([row(1)])
    hub = make_hub(feed)
    running = asyncio.create_task(hub.run())
    await hub.ready.wait()
    reader = Reader(Scope(area="990101001"), Filter(), most=10)
    assert hub.join(reader, 1) == 1
    feed.rows += [row(2), row(3, area="990101002200"), row(5)]
    await until(hub=hub, position=5)
    assert [frame.position for frame in await reader.take(1)] == [2, 5]
    assert reader.position == 5
    running.cancel()


async def test_a_reader_ahead_of_a_slower_hub_gets_nothing_twice() -> None:
    feed = FakeFeed([row(1)])
    hub = make_hub(feed)
    running = asyncio.create_task(hub.run())
    await hub.ready.wait()
    reader = Reader(Scope(area="990101"), Filter(), most=10)
    assert hub.join(reader, 3) == 3
    feed.rows += [row(2), row(3), row(4)]
    await until(hub=hub, position=4)
    assert [frame.position for frame in await reader.take(1)] == [4]
    running.cancel()


async def test_a_slow_reader_is_cut_off_and_others_are_not() -> None:
    feed = FakeFeed()
    hub = make_hub(feed)
    running = asyncio.create_task(hub.run())
    await hub.ready.wait()
    slow, quick = (Reader(Scope(area="990101"), Filter(), most=most) for most in (3, 100))
    for reader in (slow, quick):
        hub.join(reader, 0)
    feed.rows += [row(position) for position in range(1, 11)]
    await until(hub=hub, position=10)
    assert slow.overrun
    assert await slow.take(1) == []
    assert len(await quick.take(1)) == 10
    running.cancel()


async def test_a_feed_that_is_away_is_sat_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.notifier.channels.stream.AGAIN_SECONDS", 0.01)
    feed = FakeFeed([row(1)])
    hub = make_hub(feed)
    running = asyncio.create_task(hub.run())
    await hub.ready.wait()
    feed.away = True
    async with asyncio.timeout(5):
        while hub.failing is None:
            hub.notice()
            await asyncio.sleep(0)
    feed.away = False
    feed.rows.append(row(2))
    await until(hub=hub, position=2)
    assert not hub.failing
    running.cancel()


def test_streams_are_counted_by_key_and_in_all() -> None:
    hub = make_hub(FakeFeed(), most_streams=4, most_each=3)
    for _ in range(3):
        hub.enter("a")
    with pytest.raises(TooManyStreams):
        hub.enter("a")
    hub.enter("b")
    with pytest.raises(TooManyStreams):
        hub.enter("c")
    hub.leave("a")
    hub.enter("c")
    for key in ("a", "a", "b", "c"):
        hub.leave(key)
    assert (hub.streams, hub.empty.is_set()) == (0, True)


def test_a_frame_is_a_server_sent_event() -> None:
    assert frame_of(row(7)).text == b'id: 7\nevent: whistle.case.opened.v1\ndata: {"n":7}\n\n'
