"""A process that hangs ends by itself, says why and where, and what it left is folded by the next."""

import asyncio
import signal
import time
from datetime import timedelta

from shared.runtime.clock import utc_now
from tests.fakes.clock_county import clock_county
from tests.fakes.small_county import WEST_VILLAGE
from tests.fakes.story import Story
from tests.integration.escalation.world import World, until

STALL = "PT4S"
BLOCKED = 70
"""``EX_SOFTWARE``: the loop could not end the process itself."""


def one_case(here: World) -> Story:
    story = Story(f"hang {here.prefix}", area=WEST_VILLAGE, at=utc_now() + timedelta(days=30))
    story.opened()
    story.issued(WEST_VILLAGE)
    return story


async def test_a_fold_that_blocks_the_event_loop_for_ever_ends_the_process_and_says_where_it_stands(
    here: World,
) -> None:
    await here.put(clock_county())
    worker = await here.start(ESCALATION_TEST_HANG="loop", WHISTLE_STALL=STALL)
    await here.tell(one_case(here).events)
    assert await worker.ended(120) == BLOCKED
    assert "the event loop has not moved for 4 s" in worker.output
    assert "in blocks" in worker.output, "the stack of the thread that hangs"
    await here.start()
    await here.until_folded(2)


async def test_a_read_that_faust_never_gets_an_answer_to_ends_the_process_and_the_next_one_folds(here: World) -> None:
    await here.put(clock_county())
    worker = await here.start(ESCALATION_TEST_HANG="poll", WHISTLE_STALL=STALL)

    async def joined() -> bool:
        return "escalation is up" in worker.output and (await worker.ops("/readyz")).status_code == 200

    await until(joined, what="partitions")
    await here.tell(one_case(here).events)
    assert await worker.ended(120) == 1
    assert "2 records wait and nothing was folded for" in worker.output
    assert "(allowed 4 s)" in worker.output
    await here.start()
    await here.until_folded(2)


async def test_a_process_that_was_frozen_for_longer_than_a_stall_goes_on_where_it_stood(here: World) -> None:
    await here.put(clock_county())
    worker = await here.start(WHISTLE_STALL=STALL)
    first, second = one_case(here), Story(f"awake {here.prefix}", area=WEST_VILLAGE, at=utc_now() + timedelta(days=30))
    await here.tell(first.events)
    await here.until_folded(2)
    worker.process.send_signal(signal.SIGSTOP)
    woken = time.monotonic() + 8
    second.opened()
    await here.tell(second.events)
    await asyncio.sleep(max(0.0, woken - time.monotonic()))
    worker.process.send_signal(signal.SIGCONT)
    await here.until_folded(3)
    assert worker.process.returncode is None, worker.output[-3000:]
