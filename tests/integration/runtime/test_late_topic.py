"""A member that is there before the topic that it reads."""

from __future__ import annotations

from tests.integration.runtime.test_delivery_contract import Forward, all_committed, numbered
from tests.integration.runtime.worlds import KafkaWorld, running, until


async def test_a_member_that_is_there_before_its_topic_reads_it_soon_after_it_is_made(kafka: str) -> None:
    world = KafkaWorld(kafka)
    await world.publisher.start()
    handle = Forward(world.target)
    async with running(world.member(), handle) as loop:
        await until(lambda: "has no topic" in (loop.progress.failing or ""))
        await world.open()
        await world.put(numbered(world.source, 20))
        await all_committed(world, 20)
        assert loop.progress.failing is None
    await world.close()
