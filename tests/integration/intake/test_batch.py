"""Many reports in one request: an answer a line, in order, while the request is still being sent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest

from services.intake.api import make_api
from services.intake.api.limits import RateLimits, Rates
from services.intake.handlers import Size, Together
from shared.runtime.auth import KeyRing
from shared.runtime.serving import HttpServer
from tests.integration.intake.harness import REPORT, Intake, bearer
from tests.integration.intake.waiting import until

NDJSON = {"Content-Type": "application/x-ndjson"}


def line(**changes: Any) -> bytes:
    return json.dumps({**REPORT, **changes}, ensure_ascii=False).encode()


async def send(intake: Intake, *lines: bytes, key: str | None = None, who: str = "hotline") -> list[dict[str, Any]]:
    headers = NDJSON | bearer(who) | ({} if key is None else {"Idempotency-Key": key})
    answer = await intake.http.post("/v1/reports/batch", content=b"\n".join(lines), headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(one) for one in answer.text.splitlines()]


async def test_each_line_has_its_answer_in_its_place_and_a_wrong_one_stops_no_other(intake: Intake) -> None:
    before = await intake.rows("case_snapshot")
    answers = await send(
        intake,
        line(),
        b"",
        b"{no json",
        line(text=""),
        line(area="990199"),
        line(drill=True),
        line(text="x" * 300_000),
        b'{"source": "hotline", "text": "\xff"}',
        line(surprise=1),
        b"[]",
        line(),
    )
    assert [(one["line"], one["status"]) for one in answers] == [
        (1, 201),
        (3, 400),
        (4, 422),
        (5, 422),
        (6, 422),
        (7, 413),
        (8, 400),
        (9, 422),
        (10, 422),
        (11, 201),
    ]
    assert answers[2]["problem"]["errors"][0]["field"] == "/text"
    (error,) = answers[7]["problem"]["errors"]
    assert (error["field"], error["problem"]) == ("/surprise", "this field is not known")
    assert error["allowed"][0] == "leave it out"
    assert error["allowed"][1].startswith("known fields: source, text, area")
    assert error["allowed"][1].endswith(", key")
    assert await intake.rows("case_snapshot") == before + 2


async def test_a_line_is_refused_just_as_a_single_report_is(intake: Intake) -> None:
    for changes in ({"text": "\u0007"}, {"category": "99.999"}, {"place": {"lon": 200, "lat": 0}}, {"area": "990102"}):
        single = await intake.report(**changes)
        (answer,) = await send(intake, line(**changes))
        assert answer["status"] == single.status_code
        assert answer["problem"] == {name: value for name, value in single.json().items() if name != "trace_id"}


async def test_a_broken_upload_sent_again_makes_no_second_case(intake: Intake) -> None:
    before = await intake.rows("case_snapshot")
    lines = [line(text=f"路灯{number}不亮") for number in range(20)]
    first = await send(intake, *lines[:12], key="upload-7")
    again = await send(intake, *lines, key="upload-7")
    assert [one.get("replayed", False) for one in again] == [True] * 12 + [False] * 8
    assert [one["report"] for one in again[:12]] == [one["report"] for one in first]
    assert await intake.rows("case_snapshot") == before + 20


async def test_a_line_has_a_key_of_its_own_which_is_the_single_doors_too(intake: Intake) -> None:
    single = await intake.report(headers={"Idempotency-Key": "ref-1"})
    same, twice, other, bad = await send(
        intake, line(key="ref-1"), line(key="ref-1"), line(key="ref-1", text="别的事"), line(key="a b")
    )
    assert same["report"] == twice["report"] == single.json()
    assert same["replayed"]
    assert other["problem"]["type"] == "/problems/idempotency-key-reused"
    assert bad["problem"]["errors"][0]["field"] == "/key"


async def test_the_door_is_shut_as_a_whole_only_for_who_asks_and_how(intake: Intake) -> None:
    nobody = await intake.http.post("/v1/reports/batch", content=line(), headers=NDJSON)
    as_json = await intake.http.post("/v1/reports/batch", json=dict(REPORT), headers=bearer("hotline"))
    assert (nobody.status_code, as_json.status_code) == (401, 415)
    (answer,) = await send(intake, line(), who="auditor")
    assert answer["status"] == 403


async def test_more_lines_than_may_wait_are_taken_as_there_is_room(intake: Intake, keyring: KeyRing) -> None:
    doors = replace(intake.doors, papers=Together(Size(together=10, waiting=20, waiting_of_one=15)))
    app = make_api(doors, keyring, intake.metrics)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://intake") as http:
        answers = await send(replace(intake, http=http), *(line(text=f"井盖{number}") for number in range(300)))
    assert [one["status"] for one in answers] == [201] * 300
    assert [one["line"] for one in answers] == list(range(1, 301))


async def test_when_postgresql_is_away_each_line_says_so(intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise ConnectionResetError("PostgreSQL is away")

    monkeypatch.setattr(type(intake.doors.store), "transaction", lambda _self: away())
    answers = await send(intake, line(), line(), b"{")
    assert [one["status"] for one in answers] == [503, 503, 400]


class Line:
    """A connection by hand, that sends a chunk and reads a line as it likes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def begin(self, headers: Mapping[str, str]) -> None:
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        start = f"POST /v1/reports/batch HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n{head}\r\n"
        self._writer.write(start.encode())

    async def send(self, content: bytes) -> None:
        self._writer.write(f"{len(content):x}\r\n".encode() + content + b"\r\n")
        await self._writer.drain()

    async def answer(self) -> dict[str, Any]:
        while not (text := await self._reader.readline()).startswith(b"{"):
            assert text, "the connection was closed"
        answer: dict[str, Any] = json.loads(text)
        return answer

    def leave(self) -> None:
        self._writer.transport.abort()


@asynccontextmanager
async def a_line(intake: Intake, keyring: KeyRing) -> AsyncIterator[Line]:
    limits = RateLimits(rates=Rates(key="off"))
    server = HttpServer(make_api(intake.doors, keyring, intake.metrics, limits), "127.0.0.1", 0)
    await server.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    one = Line(reader, writer)
    try:
        await one.begin(NDJSON | bearer("hotline"))
        yield one
    finally:
        one.leave()
        await server.stop()


async def test_a_line_is_answered_before_the_next_is_sent(intake: Intake, keyring: KeyRing) -> None:
    async with a_line(intake, keyring) as connection, asyncio.timeout(20):
        for number in range(1, 4):
            await connection.send(line() + b"\n")
            assert (await connection.answer())["line"] == number


async def test_who_leaves_loses_no_whole_line_and_half_a_line_is_no_report(intake: Intake, keyring: KeyRing) -> None:
    before = await intake.rows("case_snapshot")
    async with a_line(intake, keyring) as connection, asyncio.timeout(20):
        await connection.send(line(text="第一") + b"\n" + line(text="第二") + b"\n" + line(text="第三"))
        await connection.answer()
        connection.leave()

        async def both() -> bool:
            return await intake.rows("case_snapshot") >= before + 2

        await until(both)
    assert await intake.rows("case_snapshot") == before + 2


async def test_a_client_that_sends_before_it_reads_is_held_back_and_not_kept_in_memory(
    intake: Intake, keyring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.intake.api.upload.ANSWERS_HELD_BYTES", 10_000)
    chunk = b"".join(line(text="") + b"\n" for _ in range(200))
    async with a_line(intake, keyring) as connection, asyncio.timeout(60):
        sent = await chunks_taken(connection, chunk, most=500)
    assert 0 < sent < 500


async def chunks_taken(connection: Line, chunk: bytes, *, most: int) -> int:
    """How many chunks the other side takes before it takes none for two seconds."""
    for sent in range(most):
        try:
            async with asyncio.timeout(2):
                await connection.send(chunk)
        except TimeoutError:
            return sent
    return most
