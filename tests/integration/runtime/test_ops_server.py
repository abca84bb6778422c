"""The ops port over real sockets: what a prober and a scraper see, and what it leaves alone."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import AsyncIterator

import httpx
import pytest
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics_families
from prometheus_client.parser import text_string_to_metric_families

from shared.runtime.health import Health, OpsServer

HOST = "127.0.0.1"


class Service:
    """What the probes ask about; the tests turn it."""

    def __init__(self) -> None:
        self.live = Health.of(delivery=None)
        self.ready = Health.of(kafka=None, postgres=None)
        self.registry = CollectorRegistry()
        Counter("whistle_test_records", "Records read", registry=self.registry).inc(3)


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
async def ops(service: Service) -> AsyncIterator[OpsServer]:
    server = OpsServer(
        HOST, 0, live=lambda: service.live, ready=lambda: service.ready, registry=service.registry, stall_seconds=0.5
    )
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def client(ops: OpsServer) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"http://{HOST}:{ops.port}") as client:
        yield client


async def test_a_live_and_ready_service_answers_200(client: httpx.AsyncClient) -> None:
    assert (await client.get("/livez")).status_code == 200
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["ok"]) == (200, True)


async def test_a_service_that_makes_no_progress_is_not_live_and_says_why(
    client: httpx.AsyncClient, service: Service
) -> None:
    service.live = Health.of(delivery="no record handled for 61 s with 12 waiting")
    answer = await client.get("/livez")
    assert answer.status_code == 503
    assert answer.json()["checks"]["delivery"] == {"ok": False, "why": "no record handled for 61 s with 12 waiting"}


async def test_an_outage_makes_a_service_unready_but_leaves_it_live(
    client: httpx.AsyncClient, service: Service
) -> None:
    service.ready = Health.of(kafka=None, postgres="no connection for 12 s")
    assert (await client.get("/livez")).status_code == 200
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["checks"]["postgres"]["why"]) == (503, "no connection for 12 s")


async def test_a_probe_that_fails_is_an_answer_too() -> None:
    def broken() -> Health:
        raise RuntimeError("secret")

    server = OpsServer(HOST, 0, live=broken, ready=broken, registry=CollectorRegistry())
    await server.start()
    try:
        async with httpx.AsyncClient() as client:
            answer = await client.get(f"http://{HOST}:{server.port}/readyz")
    finally:
        await server.stop()
    assert answer.status_code == 503
    assert "secret" not in answer.text


async def test_a_held_up_event_loop_is_not_live(client: httpx.AsyncClient) -> None:
    assert (await client.get("/livez")).status_code == 200
    said: list[str] = []
    # Once the loop is free, the tick may have its turn before the answer: a few times, then, and never in none.
    for _ in range(10):
        asking = asyncio.create_task(client.get("/livez"))
        await asyncio.sleep(0)
        time.sleep(0.7)  # noqa: ASYNC251  the fault under test: something blocks the loop
        said += [
            str(answer.json()["checks"]["event_loop"]["why"]) for answer in (await asking, await client.get("/livez"))
        ]
        if "has not ticked" in said[-1] + said[-2]:
            return
    pytest.fail(f"held up ten times, and live: {said}")


async def test_metrics_come_as_text_and_as_open_metrics_when_asked(client: httpx.AsyncClient) -> None:
    plain = await client.get("/metrics")
    assert plain.headers["content-type"].startswith("text/plain")
    families = text_string_to_metric_families(plain.text)
    (family,) = (one for one in families if one.name == "whistle_test_records")
    assert family.samples[0].value == 3
    opened = await client.get("/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"})
    assert opened.headers["content-type"].startswith("application/openmetrics-text")
    assert opened.text.endswith("# EOF\n")
    opened_families = open_metrics_families(opened.text)  # type: ignore[no-untyped-call]
    assert [one.name for one in opened_families] == ["whistle_test_records"]


async def test_the_server_leaves_the_signals_of_the_service_alone(ops: OpsServer) -> None:
    heard = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, heard.set)
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(heard.wait(), 30)
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
    async with httpx.AsyncClient() as client:
        assert (await client.get(f"http://{HOST}:{ops.port}/livez")).status_code == 200


async def test_a_taken_port_is_an_error_that_names_it() -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        server = OpsServer(HOST, port, live=Health.of, ready=Health.of)
        with pytest.raises(OSError, match=f"cannot listen on {HOST}:{port}: .*; choose another port"):
            await server.start()
        await server.stop()


async def test_a_stopped_server_gives_its_port_back(service: Service) -> None:
    first = OpsServer(HOST, 0, live=lambda: service.live, ready=lambda: service.ready, registry=service.registry)
    await first.start()
    port = first.port
    await first.stop()
    await first.stop()
    second = OpsServer(HOST, port, live=lambda: service.live, ready=lambda: service.ready, registry=service.registry)
    await second.start()
    assert second.port == port
    await second.stop()
