"""Both worlds in which what is promised of delivery must hold."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.integration.runtime.worlds import KafkaWorld, MemoryWorld, World


@pytest.fixture(params=["memory", "kafka"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    if request.param == "memory":
        yield MemoryWorld()
        return
    kafka = KafkaWorld(request.getfixturevalue("kafka"))
    await kafka.open()
    yield kafka
    await kafka.close()
