"""The guard at the moment of connecting: the address that is checked is the one that is reached."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from services.notifier.channels.webhook import SystemResolver, WebhookSender
from services.notifier.domain.delivery import Answered, Reason, Unreached
from services.notifier.domain.target_url import UrlRules
from services.notifier.ports import Claim
from tests.integration.notifier.harness import House, Names, house
from tests.integration.notifier.sink import Sink, sink


@pytest.fixture
async def receiver() -> AsyncIterator[Sink]:
    async with sink() as opened:
        yield opened


def claim(url: str) -> Claim:
    return Claim(
        delivery_id=UUID(int=1),
        lease=UUID(int=2),
        subscription_id=UUID(int=3),
        url=url,
        secrets=("whsec_" + "A" * 43 + "=",),
        body="{}",
        attempt=1,
        traceparent=None,
    )


@pytest.mark.parametrize(
    "addresses",
    (["127.0.0.1"], ["10.0.0.7"], ["169.254.169.254"], ["::1"], ["8.8.8.8", "192.168.0.1"], ["::ffff:127.0.0.1"]),
)
async def test_a_name_that_has_come_to_lead_inside_is_not_connected_to(
    notifier: House, receiver: Sink, addresses: list[str]
) -> None:
    sender = WebhookSender(Names({"rebound.whistle-receiver.cn": addresses}), UrlRules(), timeout_seconds=2)
    answer = await sender.send(claim("https://rebound.whistle-receiver.cn/hook"), now=notifier.clock())
    await sender.close()
    assert isinstance(answer, Unreached)
    assert answer.reason is Reason.ADDRESS_REFUSED
    assert receiver.got == []


@pytest.mark.parametrize("addresses", (["127.0.0.1"], ["1.1.1.1", "10.1.1.1"], ["fd00::1"]))
async def test_a_name_that_leads_inside_is_refused_when_subscribing(dsn: str, addresses: list[str]) -> None:
    async with house(dsn, webhook_private=False) as notifier:
        notifier.names.known["inside.whistle-receiver.cn"] = addresses
        url = "https://inside.whistle-receiver.cn/hook"
        problem = await notifier.post("town", "/v1/subscriptions", {"url": url}, status=422)
        assert problem["errors"][0]["field"] == "/url"


async def test_the_checked_address_is_connected_to_and_the_host_keeps_its_name(receiver: Sink, notifier: House) -> None:
    sender = WebhookSender(
        Names({"receiver.whistle-receiver.cn": ["127.0.0.1"]}), UrlRules(private=True), timeout_seconds=2
    )
    url = f"http://receiver.whistle-receiver.cn:{receiver.port}/hook"
    assert await sender.send(claim(url), now=notifier.clock()) == Answered(status=204)
    await sender.close()
    assert receiver.got[0].headers["host"] == f"receiver.whistle-receiver.cn:{receiver.port}"


async def test_every_way_to_fail_has_its_reason(receiver: Sink, notifier: House) -> None:
    sender = WebhookSender(SystemResolver(), UrlRules(private=True), timeout_seconds=0.5)
    receiver.answer = lambda _got: (200, {}, 3.0)
    reasons = {}
    broken = await asyncio.start_server(_says(b"nonsense\r\n\r\n"), "127.0.0.1", 0)
    port = broken.sockets[0].getsockname()[1]
    for name, url in {
        "slow": receiver.url,
        "nobody": "http://127.0.0.1:9/hook",
        "broken": f"http://127.0.0.1:{port}/",
        "no tls": f"https://127.0.0.1:{port}/",
        "unknown": "http://does-not-exist.invalid/",
    }.items():
        answer = await sender.send(claim(url), now=notifier.clock())
        assert isinstance(answer, Unreached), name
        reasons[name] = answer.reason
    await sender.close()
    broken.close()
    await broken.wait_closed()
    assert reasons == {
        "slow": Reason.TIMEOUT,
        "nobody": Reason.CONNECT_FAILED,
        "broken": Reason.BROKEN_ANSWER,
        "no tls": Reason.TLS_FAILED,
        "unknown": Reason.NAME_UNKNOWN,
    }


def _says(text: bytes) -> Any:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(text)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    return serve


async def test_an_endless_answer_is_not_read_to_its_end(notifier: House) -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n")
        try:
            while True:
                writer.write(b"x" * 65536)
                await writer.drain()
        except (ConnectionError, OSError):
            writer.close()

    server = await asyncio.start_server(endless, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    sender = WebhookSender(SystemResolver(), UrlRules(private=True), timeout_seconds=5)
    assert await sender.send(claim(f"http://127.0.0.1:{port}/"), now=notifier.clock()) == Answered(status=200)
    await sender.close()
    server.close()
