"""Sending many rows: bounded, patient with outages, and a tally that adds up."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from cli import sending
from cli.sending import Outgoing, Pace, Sender, Tally
from cli.trouble import Trouble

Answer = Callable[[httpx.Request], httpx.Response]


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(sending, "LONGEST_PAUSE_SECONDS", 0.002)


async def rows(count: int) -> AsyncIterator[Outgoing]:
    for number in range(1, count + 1):
        yield Outgoing(number=number, name=str(number), report={"text": str(number)}, idempotency_key=f"k{number}")


async def sent(answer: Answer, count: int, *, concurrency: int = 4, patience: float = 1.0) -> Tally:
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://intake") as http:
        sender = Sender(http, concurrency=concurrency, patience_seconds=patience, answered=lambda _row, _reason: None)
        return await sender.send_all(rows(count))


def number_of(request: httpx.Request) -> int:
    return int(json.loads(request.content)["text"])


async def test_every_row_has_its_answer() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        match number_of(request) % 3:
            case 0:
                return httpx.Response(201, json={})
            case 1:
                return httpx.Response(201, json={}, headers={"Idempotent-Replayed": "true"})
            case _:
                problem = {"errors": [{"field": "/area", "problem": "not there", "allowed": []}]}
                return httpx.Response(422, json=problem)

    tally = await sent(answer, 30)
    assert (tally.accepted, tally.repeated, tally.refused, tally.total) == (10, 10, 10, 30)
    assert tally.reasons == {"422 /area: not there": 10}
    assert tally.examples == {"422 /area: not there": 2}


async def test_an_outage_is_sat_out() -> None:
    tries: list[int] = []

    def answer(request: httpx.Request) -> httpx.Response:
        tries.append(number_of(request))
        match len(tries):
            case 1:
                raise httpx.ConnectError("refused")
            case 2:
                return httpx.Response(503, json={}, headers={"Retry-After": "1"})
            case _:
                return httpx.Response(201, json={})

    tally = await sent(answer, 1)
    assert (tally.accepted, tries) == (1, [1, 1, 1])


async def test_an_outage_beyond_the_patience_ends_the_run() -> None:
    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(503, json={"title": "away", "detail": "PostgreSQL is away"})

    with pytest.raises(Trouble, match="503 away"):
        await sent(answer, 100, patience=0.01)


@pytest.mark.parametrize("status", (401, 404, 500))
async def test_what_will_not_get_better_ends_the_run_at_once(status: int) -> None:
    asked = 0

    def answer(_request: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        return httpx.Response(status, json={})

    with pytest.raises(Trouble, match=str(status)):
        await sent(answer, 1000, concurrency=2)
    assert asked <= 2


async def test_no_more_requests_are_open_than_asked_for() -> None:
    open_now = most = 0

    async def answer(_request: httpx.Request) -> httpx.Response:
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        await asyncio.sleep(0)
        open_now -= 1
        return httpx.Response(201, json={})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://intake") as http:
        sender = Sender(http, concurrency=3, patience_seconds=1, answered=lambda _row, _reason: None)
        await sender.send_all(rows(50))
    assert most == 3


def test_rare_reasons_are_counted_together_beyond_a_bound() -> None:
    tally = Tally()
    for number in range(1000):
        tally.refuse(number, f"reason {number}")
    assert len(tally.reasons) == sending.REASONS_KEPT + 1
    assert sum(tally.reasons.values()) == tally.refused == 1000


FIRST = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.mark.parametrize(
    ("pace", "index", "minutes", "seconds"),
    (
        (Pace(), 5, 10, 0.0),
        (Pace(rate=2), 5, 10, 2.5),
        (Pace(speed=1), 5, 10, 600.0),
        (Pace(speed=60), 5, 10, 10.0),
        (Pace(speed=60), 5, -10, 0.0),
    ),
)
def test_a_row_is_due_when_its_pace_says(pace: Pace, index: int, minutes: int, seconds: float) -> None:
    assert pace.delay(index, FIRST + timedelta(minutes=minutes), FIRST) == seconds
