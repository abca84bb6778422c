"""HTTP as it comes over a socket: nobody makes a connection hold more than a head, and nothing is read two ways."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator

import pytest
from fastapi import FastAPI, Request

from shared.runtime.problems import Limits, ProblemHooks, install
from shared.runtime.serving import HttpServer
from shared.runtime.wire import HEADER_LIMIT_BYTES

HOST = "127.0.0.1"
DEADLINE_SECONDS = 10
MOST_SENT = 8 * 1024 * 1024
"""What the sockets of both ends hold, and to spare; without a bound all that is sent would be read."""

PIECE = b"a" * 4096


def an_app() -> FastAPI:
    app = FastAPI()

    @app.post("/echo")
    async def echo(request: Request) -> dict[str, str]:
        return {"body": (await request.body()).decode(), "x": request.headers.get("x", "")}

    install(app, ProblemHooks(limits=Limits(read_seconds=2)))
    return app


@pytest.fixture
async def server() -> AsyncIterator[HttpServer]:
    server = HttpServer(an_app(), HOST, 0, grace_seconds=1)
    await server.start()
    yield server
    await server.stop()


async def told(server: HttpServer, parts: Iterable[bytes], *, answers: int = 1) -> bytes:
    """What the server says until it closes, or has said so many answers whole."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        reader, writer = await asyncio.open_connection(HOST, server.port)
        try:
            for part in parts:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(0)
        except ConnectionError:
            pass  # it has answered and reads no more
        said = b""
        try:
            while said.count(b'"x":') < answers and (come := await reader.read(65536)):
                said += come
        except ConnectionError:
            pass  # it closed on bytes that it had not read
        finally:
            writer.close()
        return said


def post(*lines: str, body: bytes = b"") -> bytes:
    head = ("POST /echo HTTP/1.1", "Content-Type: application/json", *lines, "", "")
    return "\r\n".join(head).encode() + body


ASKED = post("Host: here", "Content-Length: 4", body=b"true")
CHUNKED = post("Host: here", "Transfer-Encoding: chunked")


class Endless:
    """Pieces after a beginning, and how much of it was taken."""

    def __init__(self, begin: bytes, piece: bytes) -> None:
        self._begin = begin
        self._piece = piece
        self.sent = 0

    def __iter__(self) -> Iterator[bytes]:
        yield self._begin
        while self.sent < 2 * MOST_SENT:
            self.sent += len(self._piece)
            yield self._piece


@pytest.mark.parametrize(
    ("begin", "piece"),
    (
        pytest.param(b"POST /", PIECE, id="a target without end"),
        pytest.param(b"P" * 5, b"", id="no method"),
        pytest.param(b"POST /echo HTTP/1.1\r\nX-", PIECE, id="a header's name without end"),
        pytest.param(b"POST /echo HTTP/1.1\r\nX: ", PIECE, id="a header's value without end"),
        pytest.param(b"POST /echo HTTP/1.1\r\n", b"A: b\r\n" * 500, id="headers without end"),
        pytest.param(CHUNKED + b"1;", PIECE, id="what is said of a chunk, without end"),
        pytest.param(CHUNKED + b"0\r\nX: ", PIECE, id="a line after the body without end"),
        pytest.param(CHUNKED + b"0\r\n", b"A: b\r\n" * 500, id="lines after the body without end"),
    ),
)
async def test_what_has_no_end_is_cut_off(server: HttpServer, begin: bytes, piece: bytes) -> None:
    asked = Endless(begin, piece) if piece else [begin]
    said = await told(server, asked)
    assert not isinstance(asked, Endless) or asked.sent < MOST_SENT
    assert said == b"" or said.startswith(b"HTTP/1.1 400")


async def test_a_head_within_the_limit_is_taken_in_any_pieces(server: HttpServer) -> None:
    long = "v" * (HEADER_LIMIT_BYTES - 200)
    asked = post("Host: here", f"X: {long}", "Content-Length: 4", body=b"true")
    pieces = [asked[place : place + 100] for place in range(0, len(asked), 100)]
    said = await told(server, pieces)
    assert said.startswith(b"HTTP/1.1 200")
    assert f'"x":"{long}"'.encode() in said


async def test_the_limit_is_of_each_request(server: HttpServer) -> None:
    one = post("Host: here", f"X: {'v' * (HEADER_LIMIT_BYTES // 2)}", "Content-Length: 4", body=b"true")
    assert (await told(server, [one] * 8, answers=8)).count(b"HTTP/1.1 200") == 8


async def test_requests_sent_without_waiting_are_answered_in_order(server: HttpServer) -> None:
    asked = [post("Host: here", f"X: {number}", "Content-Length: 4", body=b"true") for number in range(5)]
    said = await told(server, [b"".join(asked)], answers=5)
    assert [said.index(f'"x":"{number}"'.encode()) for number in range(5)] == sorted(
        said.index(f'"x":"{number}"'.encode()) for number in range(5)
    )


@pytest.mark.parametrize(
    "lines",
    (
        pytest.param(["Content-Length: 4"], id="nobody is asked"),
        pytest.param(["Host: one", "Host: two", "Content-Length: 4"], id="two are asked"),
        pytest.param(["Host: h", "Content-Length: 4", "Content-Length: 5"], id="two lengths"),
        pytest.param(["Host: h", "Content-Length: 4", "Transfer-Encoding: chunked"], id="a length and chunks"),
        pytest.param(["Host: h", "Transfer-Encoding: chunked, identity"], id="chunks that are not last"),
        pytest.param(["Host: h", "Content-Length : 4"], id="a space before the colon"),
        pytest.param(["Host: h", "Content-Length: +4"], id="a length with a sign"),
        pytest.param(["Host: h", "Content-Length: 4", " folded: 1"], id="a line that goes on"),
        pytest.param(["Host: h", "Content-Length: 4", "X: a\x00b"], id="a zero byte"),
    ),
)
async def test_what_could_be_read_two_ways_is_refused(server: HttpServer, lines: list[str]) -> None:
    said = await told(server, [post(*lines, body=b"true")])
    assert said.startswith(b"HTTP/1.1 400")


async def test_the_space_round_a_value_is_none_of_it(server: HttpServer) -> None:
    said = await told(server, [post("Host: here", "X: \t v w \t ", "Content-Length: 4", body=b"true")])
    assert b'"x":"v w"' in said


@pytest.mark.parametrize("size", (1, 7, 100_000))
async def test_an_offer_of_another_protocol_is_passed_over(server: HttpServer, size: int) -> None:
    offer = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk")
    first = post("Host: here", *offer, "Content-Length: 6", body=b'"nope"')
    asked = first + post("Host: here", *offer, "Content-Length: 4", body=b"true")
    pieces = [asked[place : place + size] for place in range(0, len(asked), size)]
    said = await told(server, pieces, answers=2)
    assert said.count(b"HTTP/1.1 200") == 2
    assert said.index(b"nope") < said.index(b'"body":"true"')


async def test_nobody_is_connected_with_somebody_else(server: HttpServer) -> None:
    said = await told(server, [b"CONNECT elsewhere:443 HTTP/1.1\r\nHost: elsewhere\r\n\r\n"])
    assert said.startswith(b"HTTP/1.1 400")


async def test_whoever_waits_to_be_told_to_go_on_is_told(server: HttpServer) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        reader, writer = await asyncio.open_connection(HOST, server.port)
        writer.write(post("Host: here", "Content-Length: 4", "Expect: 100-continue"))
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"true")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        writer.close()


async def test_a_wrong_request_harms_no_other(server: HttpServer) -> None:
    assert (await told(server, [b"\x16\x03\x01 hello\r\n\r\n"])).startswith(b"HTTP/1.1 400")
    assert (await told(server, [ASKED])).startswith(b"HTTP/1.1 200")
