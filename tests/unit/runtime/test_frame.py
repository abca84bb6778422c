"""Every answer has our headers once; what an app says itself stays, but for the trace, which is ours to tell."""

from __future__ import annotations

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from shared.runtime.requests import RequestFrame


async def headers_of(**own: str) -> list[tuple[bytes, bytes]]:
    said: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await Response("x", headers={name.replace("_", "-"): value for name, value in own.items()})(
            scope, receive, send
        )

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        said.append(message)

    scope = {"type": "http", "method": "GET", "scheme": "http", "path": "/", "headers": []}
    await RequestFrame(app, failed=lambda _: Response(status_code=500))(scope, receive, send)
    headers: list[tuple[bytes, bytes]] = said[0]["headers"]
    return headers


async def test_what_the_app_says_itself_stands_once() -> None:
    headers = await headers_of(cache_control="max-age=60")
    assert [value for name, value in headers if name == b"cache-control"] == [b"max-age=60"]
    assert len({name for name, _ in headers}) == len(headers)


async def test_an_app_cannot_name_another_trace() -> None:
    headers = await headers_of(traceresponse="00-made-up-00")
    told = [value for name, value in headers if name == b"traceresponse"]
    assert len(told) == 1
    assert told != [b"00-made-up-00"]
