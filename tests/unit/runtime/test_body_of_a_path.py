"""A path may take other bodies than JSON, and read one as it comes; the rest of the app does not."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI, Request

from shared.runtime.problems import Limits, ProblemHooks, install

XML = {"content-type": "application/xml"}
LINES = {"content-type": "application/x-ndjson"}


def an_app() -> FastAPI:
    app = FastAPI()

    async def size(request: Request) -> int:
        return len(await request.body())

    async def parts(request: Request) -> list[int]:
        return [len(part) async for part in request.stream() if part]

    for path, endpoint in (("/json", size), ("/xml", size), ("/lines", parts)):
        app.post(path)(endpoint)
    xml = Limits(media_types=frozenset({"application/xml"}), body_bytes=100, drain_bytes=200)
    lines = Limits(media_types=frozenset({"application/x-ndjson"}), body_bytes=50, streamed=True)
    install(app, ProblemHooks(special={"/xml": xml, "/lines": lines}))
    return app


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(an_app()), base_url="http://whistle") as client:
        yield client


async def chunks(*sizes: int) -> AsyncIterator[bytes]:
    for size in sizes:
        yield b"a" * size


async def test_a_path_takes_its_own_kind_of_body_and_no_other(client: httpx.AsyncClient) -> None:
    # in GB18030: XML says itself in what it is written
    taken = await client.post("/xml", content="<a>路</a>".encode("gb18030"), headers=XML)
    assert taken.json() == 9
    assert (await client.post("/xml", json={})).status_code == 415
    assert (await client.post("/json", content=b"<a/>", headers=XML)).status_code == 415


async def test_a_path_has_its_own_size(client: httpx.AsyncClient) -> None:
    assert (await client.post("/xml", content=b"a" * 101, headers=XML)).json()["limit_bytes"] == 100
    assert (await client.post("/json", json="a" * 101)).status_code == 200


async def test_a_streamed_body_comes_in_parts(client: httpx.AsyncClient) -> None:
    assert (await client.post("/lines", content=chunks(20, 20), headers=LINES)).json() == [20, 20]
    assert (await client.post("/lines", content=chunks(20), headers=XML)).status_code == 415


@pytest.mark.parametrize("sizes", ((51,), (20, 20, 20)))
async def test_a_streamed_body_is_counted_on_its_way(client: httpx.AsyncClient, sizes: tuple[int, ...]) -> None:
    answer = await client.post("/lines", content=chunks(*sizes), headers=LINES)
    assert (answer.status_code, answer.json()["limit_bytes"]) == (413, 50)
    declared = await client.post("/lines", content=b"a" * sum(sizes), headers=LINES)
    assert declared.status_code == 413
