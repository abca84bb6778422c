"""Limits on requests over real sockets, where a client can lie about a length, drip, or leave."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from starlette.responses import StreamingResponse

from shared.runtime.problems import Limits, ProblemHooks, install
from shared.runtime.serving import HttpServer
from shared.runtime.wire import HEADER_LIMIT_BYTES

HOST = "127.0.0.1"
DEADLINE_SECONDS = 10


def an_app() -> FastAPI:
    app = FastAPI()

    @app.post("/echo")
    async def echo(request: Request) -> Any:
        return await request.json()

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def lines() -> AsyncIterator[bytes]:
            for number in range(1000):
                yield f"data: {number}\n\n".encode()
                await asyncio.sleep(0.01)

        return StreamingResponse(lines(), media_type="text/event-stream")

    @app.get("/breaks")
    async def breaks() -> StreamingResponse:
        async def lines() -> AsyncIterator[bytes]:
            yield b"first\n"
            raise RuntimeError("half-way")

        return StreamingResponse(lines())

    install(app, ProblemHooks(limits=Limits(read_seconds=0.5)))
    return app


@pytest.fixture
async def server() -> AsyncIterator[HttpServer]:
    server = HttpServer(an_app(), HOST, 0, grace_seconds=1)
    await server.start()
    yield server
    await server.stop()


async def answer_to(server: HttpServer, parts: Iterable[bytes]) -> bytes:
    """What the server says to ``parts``, until it closes the connection."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        reader, writer = await asyncio.open_connection(HOST, server.port)
        try:
            for part in parts:
                writer.write(part)
                await writer.drain()
        except ConnectionError:
            pass  # it stopped reading, which is its right once it has answered
        try:
            return await reader.read()
        except ConnectionError:
            return b""  # it closed on bytes that it had not read
        finally:
            writer.close()


def head(*lines: str) -> bytes:
    return "\r\n".join(
        ("POST /echo HTTP/1.1", f"Host: {HOST}", "Content-Type: application/json", *lines, "", "")
    ).encode()


async def test_a_whole_request_comes_back(server: HttpServer) -> None:
    async with httpx.AsyncClient(base_url=f"http://{HOST}:{server.port}") as client:
        for _ in range(2):
            assert (await client.post("/echo", json={"text": "路灯坏了"})).json() == {"text": "路灯坏了"}


async def test_a_declared_length_over_the_limit_is_refused_unread(server: HttpServer) -> None:
    answer = await answer_to(server, [head("Content-Length: 1000000000")])
    assert answer.startswith(b"HTTP/1.1 413")
    assert b'"limit_bytes":262144' in answer


async def test_a_client_that_sends_a_megabyte_sees_the_refusal(server: HttpServer) -> None:
    async with httpx.AsyncClient(base_url=f"http://{HOST}:{server.port}") as client:
        for _ in range(3):
            answer = await client.post("/echo", json={"text": "长" * 350_000})
            assert (answer.status_code, answer.json()["limit_bytes"]) == (413, 262144)


CHUNK = b"10000\r\n" + b" " * 0x10000 + b"\r\n"


async def test_a_body_in_chunks_is_counted(server: HttpServer) -> None:
    answer = await answer_to(server, [head("Transfer-Encoding: chunked"), *[CHUNK] * 16, b"0\r\n\r\n"])
    assert answer.startswith(b"HTTP/1.1 413")


async def test_a_body_without_end_is_cut_off(server: HttpServer) -> None:
    sent = 0

    def chunks() -> Iterator[bytes]:
        nonlocal sent
        yield head("Transfer-Encoding: chunked")
        while True:
            sent += 0x10000
            yield CHUNK

    await answer_to(server, chunks())
    assert sent < 64 * 1024 * 1024


async def test_a_body_that_drips_is_cut_off(server: HttpServer) -> None:
    answer = await answer_to(server, [head("Content-Length: 100"), b"{"])
    assert answer.startswith(b"HTTP/1.1 408")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["type"] == "/problems/too-slow"


async def test_a_head_over_the_limit_is_refused(server: HttpServer) -> None:
    answer = await answer_to(server, [head(f"X-Long: {'a' * HEADER_LIMIT_BYTES * 64}", "Content-Length: 0")])
    assert answer[:10] in {b"HTTP/1.1 4", b""}


async def test_a_client_that_leaves_half_way_harms_nobody(server: HttpServer, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(5):
        _, writer = await asyncio.open_connection(HOST, server.port)
        writer.write(head("Content-Length: 100") + b"{")
        await writer.drain()
        writer.close()
    async with httpx.AsyncClient(base_url=f"http://{HOST}:{server.port}") as client:
        async with client.stream("GET", "/stream") as response:
            assert response.headers["x-content-type-options"] == "nosniff"
            async for _line in response.aiter_lines():
                break
        assert (await client.post("/echo", json=[1])).json() == [1]
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def test_a_stream_that_breaks_is_logged_and_cut(server: HttpServer, caplog: pytest.LogCaptureFixture) -> None:
    async with httpx.AsyncClient(base_url=f"http://{HOST}:{server.port}") as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get("/breaks")
    assert "a request failed" in [record.message for record in caplog.records]


async def test_a_stop_ends_open_streams_within_its_grace() -> None:
    server = HttpServer(an_app(), HOST, 0, grace_seconds=1)
    await server.start()
    async with (
        httpx.AsyncClient(base_url=f"http://{HOST}:{server.port}") as client,
        client.stream("GET", "/stream") as response,
    ):
        lines = response.aiter_lines()
        await anext(lines)
        await asyncio.wait_for(server.stop(), DEADLINE_SECONDS)
        with pytest.raises(httpx.RemoteProtocolError):
            _ = [line async for line in lines]
