"""A broker hangs and nothing may fire: that clocks wait is seen meanwhile."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path

from shared.runtime.clock import utc_now
from tests.fakes.clock_county import clock_county
from tests.fakes.small_county import WEST_VILLAGE
from tests.fakes.story import Story
from tests.integration.conftest import Broker
from tests.integration.escalation.world import Worker, world


async def late(worker: Worker) -> float:
    """By how many seconds the first of the clocks that wait is late, as the service shows it."""
    lines = (await worker.ops("/metrics")).text.splitlines()
    shown = [line.split()[1] for line in lines if line.startswith("whistle_escalation_overdue_seconds{")]
    return max(map(float, shown))


async def until(worker: Worker, condition: Callable[[float], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition(await late(worker)):  # noqa: ASYNC110  another process knows, and has no event to wait for
            await asyncio.sleep(0.5)


async def test_while_a_broker_hangs_the_clocks_that_wait_are_seen_and_fire_afterwards(
    own_broker: Broker, postgres: str, tmp_path: Path
) -> None:
    async with world(own_broker.bootstrap, postgres, tmp_path) as here:
        await here.put(clock_county())
        story = Story("one", area=WEST_VILLAGE, at=utc_now())
        story.opened()
        story.issued(WEST_VILLAGE)
        await here.tell(story.events)
        worker = await here.start()
        await here.until_folded(2)
        assert await late(worker) == 0
        own_broker.keeper.kill(signal.SIGSTOP)
        try:
            await here.pool.execute("UPDATE clock SET next_at = clock_timestamp() WHERE next_at IS NOT NULL")
            await until(worker, lambda seconds: seconds > 8)
        finally:
            own_broker.keeper.kill(signal.SIGCONT)
        await until(worker, lambda seconds: seconds == 0)
        assert await worker.terminate() == 0, worker.output
