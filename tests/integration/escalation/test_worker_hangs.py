"""A process that hangs ends by itself, says why and where, and what it left is folded by the next."""

import asyncio
import signal
import time
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

from services.escalation.agents import FoldWorker
from services.escalation.ends import LogEnds
from services.escalation.faust_app import FoldSettings
from services.escalation.progress import FoldProgress
from shared.runtime.clock import utc_now
from shared.runtime.delivery import Partition, Record
from tests.fakes.clock_county import clock_county
from tests.fakes.small_county import WEST_VILLAGE
from tests.fakes.story import Story
from tests.integration.escalation.world import World, until
from tests.integration.runtime.worlds import KafkaWorld

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


class Nothing:
    """A ledger at its beginning, and a fold that is never asked."""

    async def next_offsets(self, partitions: Collection[Partition]) -> Mapping[Partition, int]:
        return dict.fromkeys(partitions, 0)

    async def ledger(self, topics: Collection[str]) -> Mapping[Partition, int]:
        return {}

    async def __call__(self, records: Sequence[Record]) -> Mapping[Partition, int]:
        raise AssertionError("there is nothing to fold")


async def test_a_member_that_the_group_has_nothing_for_waits_in_peace(kafka: str) -> None:
    made = KafkaWorld(kafka, partitions=1)
    await made.open()
    join = timedelta(seconds=12)
    rooms: list[asyncio.Task[None]] = []
    places: list[FoldProgress] = []
    workers: list[FoldWorker] = []
    ends = LogEnds(kafka, client_id="test")

    async def joined() -> bool:
        return all(one.joined for one in places)

    for number in range(2):
        settings = FoldSettings(
            bootstrap=kafka, topics=(made.source,), group=made.group, instance=f"spare-{number}", join=join
        )
        places.append(FoldProgress(frozenset(settings.topics), ends, ledger=Nothing(), elsewhere=timedelta(seconds=60)))
        workers.append(FoldWorker(Nothing(), ledger=Nothing(), progress=places[-1], settings=settings))
        rooms.append(asyncio.create_task(workers[-1].run()))
        # Whoever comes second has never had a partition, and must learn that it has none.
        await until(joined, what="a place in the group")

    async def shared() -> bool:
        return [len(one.partitions) for one in places] == [1, 0]

    await until(shared, what="the first has the partition, the second knows that it has none")
    done, _ = await asyncio.wait(rooms, timeout=join.total_seconds() + 3, return_when=asyncio.FIRST_COMPLETED)
    assert not done
    await asyncio.gather(*(worker.stop() for worker in workers))
    await asyncio.gather(*rooms)
    await ends.close()
    await made.close()
