"""The live stream over real HTTP and PostgreSQL: no gap, no double, no leak, and no reader that holds up others."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from datetime import timedelta

import pytest

from shared.runtime.auth import KeyRing
from shared.vocabulary import Severity
from tests.fakes.notifier import Life, department, whole_life
from tests.integration.notifier.harness import (
    KEYS,
    OTHER_VILLAGE,
    TOWN,
    VILLAGE,
    Heard,
    House,
    bearer,
    house,
    listen,
    listening,
    until,
)


async def everything(notifier: House) -> list[int]:
    rows = await notifier.pool.fetch("SELECT position FROM feed ORDER BY position")
    return [row["position"] for row in rows]


@pytest.mark.parametrize("run", range(3))
async def test_history_and_live_meet_without_gap_or_double_under_concurrent_writers(notifier: House, run: int) -> None:
    writers, batches = 6, 12
    before = [whole_life(f"before-{run}-{number}") for number in range(30)]
    for life in before:
        await notifier.tell(life.events)
    start = (await notifier.feed.bounds()).floor

    async def write(writer: int) -> None:
        for batch in range(batches):
            await notifier.tell(whole_life(f"{run}-{writer}-{batch}", area=f"99010100{writer}200").events)

    async def join_late(delay: float) -> Heard:
        await asyncio.sleep(delay)
        heard = Heard()
        tasks.append(asyncio.create_task(listen(notifier.url, "county", heard, after=start or 0)))
        return heard

    tasks: list[asyncio.Task[None]] = []
    writing = asyncio.gather(*(write(writer) for writer in range(writers)))
    readers = await asyncio.gather(*(join_late(number * 0.05) for number in range(10)))
    await writing
    positions = await everything(notifier)
    assert len(positions) == (30 + writers * batches) * len(before[0].events)
    for heard in readers:
        await until(lambda heard=heard: len(heard.positions) >= len(positions))  # type: ignore[misc]  # a default binds the loop's value
        assert heard.positions == positions
        assert len(set(heard.ids)) == len(positions)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_without_a_position_only_what_is_new_is_heard(notifier: House) -> None:
    await notifier.tell(whole_life("old").events)
    async with listening(notifier.url, "county") as heard:
        life = Life(name="new")
        await notifier.tell(life.events)
        await until(lambda: heard.events)
        assert heard.ids == [str(life.events[0].id)]
        assert heard.words() == ["live"]


async def test_a_reader_resumes_from_its_last_id_by_header_or_query(notifier: House) -> None:
    life = whole_life("resume")
    await notifier.tell(life.events)
    positions = await everything(notifier)
    async with listening(notifier.url, "county", after=positions[4]) as by_query:
        assert by_query.positions == positions[5:]
    heard = Heard()
    headers = {"Last-Event-ID": str(positions[9])}
    task = asyncio.create_task(listen(notifier.url, "county", heard, headers=headers, after=positions[0]))
    await until(heard.words)
    assert heard.positions == positions[10:]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_position_that_cannot_be_resumed_gets_a_resync_and_goes_on_from_now(notifier: House) -> None:
    life = whole_life("resync")
    await notifier.tell(life.events)
    positions = await everything(notifier)
    await notifier.pool.execute(
        "UPDATE feed SET told_at = told_at - interval '9 days' WHERE position <= $1", positions[5]
    )
    await notifier.feed.prune(notifier.clock() - timedelta(days=7), most=100)
    async with (
        listening(notifier.url, "county", after=positions[2]) as old,
        listening(notifier.url, "county", after=positions[-1] + 1000) as ahead,
        listening(notifier.url, "county", after=0) as whole,
        listening(notifier.url, "county", after=positions[5]) as exact,
    ):
        assert [(name, said["reason"]) for name, said in old.said if name == "resync"] == [("resync", "too_old")]
        assert [(name, said["reason"]) for name, said in ahead.said if name == "resync"] == [("resync", "ahead")]
        assert (old.positions, old.last_id, ahead.last_id) == ([], positions[-1], positions[-1])
        assert (whole.positions, whole.words()) == (positions[6:], ["live"])
        assert (exact.positions, exact.words()) == (positions[6:], ["live"])
        await notifier.tell(Life(name="after-resync").events)
        await until(lambda: old.events and ahead.events)


async def test_a_town_hears_nothing_of_another_town_in_history_or_live(notifier: House) -> None:
    await notifier.tell(whole_life("mine-before", area=VILLAGE).events)
    await notifier.tell(whole_life("theirs-before", area=OTHER_VILLAGE).events)
    async with (
        listening(notifier.url, "town", after=0) as town,
        listening(notifier.url, "other", after=0) as other,
        listening(notifier.url, "neighbour", after=0) as neighbour,
        listening(notifier.url, "auditor", after=0) as auditor,
    ):
        await notifier.tell(whole_life("mine-live", area=VILLAGE).events)
        await notifier.tell(whole_life("theirs-live", area=OTHER_VILLAGE).events)
        await until(lambda: len(auditor.events) == 56)
        await until(lambda: len(town.events) == len(other.events) == 28)
        assert {event["case"]["area"] for event in town.events} == {VILLAGE}
        assert {event["case"]["area"] for event in other.events} == {OTHER_VILLAGE}
        assert neighbour.events == []


async def test_a_department_hears_of_its_own_orders_only(notifier: House) -> None:
    life = Life(name="two-departments")
    water, power = life.order(department("water")), life.order(department("power"))
    async with listening(notifier.url, "water", after=0) as live:
        await notifier.tell(life.events)
        life.sign(water)
        life.sign(power)
        await notifier.tell(life.events)
        await until(lambda: len(live.events) == 3)
        async with listening(notifier.url, "water", after=0) as history:
            expected = ["whistle.order.issued.v1", "whistle.case.routed.v1", "whistle.case.signed.v1"]
            for heard in (live, history):
                assert [event["type"] for event in heard.events] == expected
                assert {event["data"].get("target", {"id": "water"})["id"] for event in heard.events} == {"water"}


@pytest.mark.parametrize(
    ("query", "status"),
    (
        ({"area": "990101002"}, 403),
        ({"area": "990101"}, 403),
        ({"area": "9901"}, 422),
        ({"level": "province"}, 422),
        ({"severity": "0"}, 422),
        ({"severity": "V"}, 422),
        ({"category": "a b"}, 422),
        ({"type": "whistle/*"}, 422),
        ({"case": "x"}, 422),
        ({"after": "-1"}, 422),
        ({"after": "x"}, 422),
        ({"after": str(2**70)}, 422),
    ),
)
async def test_a_filter_that_is_wrong_or_not_ones_own_is_refused_by_name(
    notifier: House, query: dict[str, str], status: int
) -> None:
    answer = await notifier.client.get("/v1/stream", params=query, headers=bearer("town"))
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"][0]["field"].lstrip("?") in query


@pytest.mark.parametrize("header", ("abc", "-1", "1e3", "9" * 30))
async def test_a_last_event_id_that_is_no_position_is_refused(notifier: House, header: str) -> None:
    headers = {**bearer("town"), "Last-Event-ID": header.encode().decode("latin-1")}
    answer = await notifier.client.get("/v1/stream", headers=headers)
    assert answer.status_code == 422


async def test_a_key_is_needed_and_a_source_may_not_listen(notifier: House) -> None:
    assert (await notifier.client.get("/v1/stream")).status_code == 401
    assert (await notifier.client.get("/v1/stream", headers=bearer("source"))).status_code == 403


async def test_filters_are_heeded_alike_in_history_and_live(notifier: House) -> None:
    grave = Life(name="grave", severity=Severity.I, category="03.001", area=VILLAGE)
    plain = Life(name="plain", severity=Severity.IV, category="01.002", area=VILLAGE)
    grave.order(department("gas"))
    plain.order(department("water"))
    await notifier.tell([*grave.events, *plain.events])
    queries: list[dict[str, str]] = [
        {"severity": "1,2"},
        {"severity": "I"},
        {"category": "03"},
        {"department": "gas", "area": TOWN},
        {"case": str(grave.case_id)},
        {"type": "whistle.order", "severity": "1"},
    ]
    for query in queries:
        async with listening(notifier.url, "town", after=0, **query) as heard:
            seen = len(heard.events)
            assert seen > 0, query
            for severity, category, lead in ((Severity.I, "03.002", "gas"), (Severity.IV, "01.001", "water")):
                life = Life(name=f"{query}-{lead}", severity=severity, category=category)
                life.order(department(lead))
                await notifier.tell(life.events)
            if "case" not in query:
                await until(lambda heard=heard, seen=seen: len(heard.events) > seen)  # type: ignore[misc]
            assert {event["case"]["severity"] for event in heard.events} == {1}, query


async def test_a_quiet_stream_beats_with_the_servers_clock_and_moves_its_position_on(notifier: House) -> None:
    async with listening(notifier.url, "other") as heard:
        await notifier.tell(whole_life("elsewhere", area=VILLAGE).events)
        latest = (await notifier.feed.bounds()).latest
        await until(lambda: heard.last_id == latest)
        assert heard.events == []
        beat = [said for name, said in heard.said if name == "heartbeat"][-1]
        assert set(beat) == {"position", "now"}


async def test_a_reader_that_stops_reading_is_cut_off_and_others_go_on(dsn: str) -> None:
    with socket.socket() as slow:
        await _stop_reading(dsn, slow)


async def _stop_reading(dsn: str, slow: socket.socket) -> None:
    async with (
        house(dsn, stream_queue=50, stream_write_seconds=0.5) as notifier,
        listening(notifier.url, "county") as quick,
    ):
        host, port = "127.0.0.1", notifier.http.port
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        slow.connect((host, port))
        request = f"GET /v1/stream HTTP/1.1\r\nHost: x\r\nAuthorization: {bearer('county')['Authorization']}\r\n\r\n"
        slow.sendall(request.encode())
        await until(lambda: notifier.hub.streams == 2)
        told = 0
        # More than the kernel buffers between the two ends can grow to, so that the writer must come to wait.
        for number in range(2000):
            life = whole_life(f"flood-{number}")
            await notifier.tell(life.events)
            told += len(life.events)
            if notifier.hub.streams == 1:
                break
        # On a busy machine the writer comes to wait only after all is told; then it is cut off within its half second.
        await until(lambda: notifier.hub.streams == 1)
        await until(lambda: len(quick.events) == told)


async def test_a_reader_cut_off_for_slowness_resumes_and_has_everything_once(dsn: str) -> None:
    async with house(dsn, stream_queue=5) as notifier:
        lives = [whole_life(f"burst-{number}") for number in range(40)]
        heard = Heard()
        begin = (await notifier.feed.bounds()).latest

        async def follow() -> None:
            while True:
                await listen(notifier.url, "county", heard, after=begin if heard.last_id is None else heard.last_id)

        following = asyncio.create_task(follow())
        await until(lambda: "live" in heard.words())
        for life in lives:
            await notifier.tell(life.events)
        await until(lambda: len(heard.events) >= len(lives) * len(lives[0].events))
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        assert heard.positions == await everything(notifier)
        assert any(said.get("reason") == "slow" for name, said in heard.said if name == "goodbye")


async def test_a_key_has_so_many_streams_and_no_more_and_gets_them_back(dsn: str) -> None:
    async with house(dsn, streams_each=2) as notifier:
        async with listening(notifier.url, "town"), listening(notifier.url, "town"):
            answer = await notifier.client.get("/v1/stream", headers=bearer("town"))
            assert answer.status_code == 429
            assert "retry-after" in answer.headers
            async with listening(notifier.url, "other"):
                pass
        await until(lambda: notifier.hub.streams == 0)
        async with listening(notifier.url, "town"):
            pass


async def test_a_key_that_ends_takes_its_streams_with_it(notifier: House) -> None:
    async with listening(notifier.url, "town") as heard:
        ring = KeyRing([key.key for name, key in KEYS.items() if name != "town"])
        notifier.keyring._keys = ring._keys
        await until(lambda: heard.ended)
        assert heard.said[-1][1]["reason"] == "key"


async def test_a_stop_ends_streams_with_a_goodbye_and_their_position(dsn: str) -> None:
    heard = Heard()
    async with house(dsn) as notifier:
        listener = asyncio.create_task(listen(notifier.url, "county", heard))
        await until(heard.words)
        await notifier.tell(Life(name="last").events)
        await until(lambda: heard.events)
    with contextlib.suppress(Exception):
        await listener
    assert heard.said[-1][0] == "goodbye"
    assert heard.said[-1][1]["reason"] == "stopping"
    assert heard.last_id == heard.positions[-1]


async def test_the_position_of_a_list_is_where_its_stream_begins(notifier: House) -> None:
    life = whole_life("list-then-stream")
    await notifier.tell(life.events[:5])
    page = await notifier.get("county", "/v1/cases")
    await notifier.tell(life.events)
    async with listening(notifier.url, "county", after=page["position"]) as heard:
        assert heard.ids == [str(event.id) for event in life.events[5:]]
        assert heard.events[-1]["case"]["state"] == "closed"


async def test_polling_alone_keeps_the_stream_going(dsn: str) -> None:
    async with house(dsn, listen=False) as notifier, listening(notifier.url, "county") as heard:
        await notifier.tell(Life(name="polled").events)
        await until(lambda: heard.events)
