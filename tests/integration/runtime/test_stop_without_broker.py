"""A broker that goes for good while a batch is in flight: a stop ends all the same, within its limits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from deploy.local.places import default_cache
from deploy.local.progress import Quiet
from deploy.local.servers import running_kafka
from shared.runtime.delivery import DeliveryLoop, Publisher
from tests.integration.conftest import Broker
from tests.integration.runtime.test_delivery_contract import Forward, numbered
from tests.integration.runtime.test_kafka_away import HASTY
from tests.integration.runtime.worlds import QUICK, KafkaWorld, until
from tests.platform import data_folder

LONGEST_STOP_SECONDS = 40


@pytest.fixture
def leaving_broker() -> Iterator[Broker]:
    with (
        data_folder("leaving-kafka") as data,
        running_kafka(data, cache=default_cache(), progress=Quiet()) as (keeper, place),
    ):
        yield Broker(bootstrap=place.bootstrap, keeper=keeper)


async def test_a_loop_stops_in_time_when_the_broker_is_gone_for_good(leaving_broker: Broker) -> None:
    world = KafkaWorld(leaving_broker.bootstrap)
    await world.open()
    # On a busy machine a broker that has just started needs more time than the hasty one gives it.
    await world.put(numbered(world.source, 200))
    await world.publisher.stop()
    world.publisher = Publisher(leaving_broker.bootstrap, client_id="hasty", settings=HASTY)
    handle = Forward(world.target)
    loop = DeliveryLoop(world.member(), handle, settings=replace(QUICK, batch_records=10, stop=timedelta(seconds=5)))
    running = asyncio.create_task(loop.run())
    await until(lambda: loop.progress.records > 20)
    handle.gate.clear()
    handle.entered.clear()
    await asyncio.wait_for(handle.entered.wait(), 30)
    began = time.monotonic()
    stopping = asyncio.create_task(loop.stop())
    await asyncio.to_thread(leaving_broker.keeper.stop)
    handle.gate.set()
    async with asyncio.timeout(2 * LONGEST_STOP_SECONDS):
        await stopping
        await running
        await world.publisher.stop()
    assert time.monotonic() - began < LONGEST_STOP_SECONDS
