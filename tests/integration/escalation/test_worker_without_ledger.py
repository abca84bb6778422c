"""A replica that is given partitions while PostgreSQL is away waits for it in place, and then reads on."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import pytest

from deploy.local.places import default_cache
from deploy.local.processes import Keeper
from deploy.local.progress import Quiet
from deploy.local.servers import running_postgres
from services.escalation.agents import FoldWorker
from services.escalation.ends import LogEnds
from services.escalation.faust_app import FoldSettings
from services.escalation.progress import FoldProgress
from services.escalation.store.postgres import PostgresStore
from shared.events.codec import Message
from shared.runtime.delivery import Partition, Record
from shared.runtime.migrate import migrate
from shared.runtime.postgres import PoolSettings, open_pool
from tests.integration.escalation.world import until
from tests.integration.runtime.worlds import KafkaWorld
from tests.platform import data_folder

SESSION, REQUEST = timedelta(seconds=6), timedelta(seconds=7)
SEEK_SECONDS = 11.0
"""What Faust gives to a seek by these: five seconds more than a session. It would end in silence after that."""
JOIN, STALL = timedelta(seconds=12), timedelta(seconds=5)
LIMITS = PoolSettings(connect=timedelta(seconds=2), statement=timedelta(seconds=2))


class Member:
    """A worker of the group, whose records are noted and nothing else."""

    def __init__(self, made: KafkaWorld, store: PostgresStore, ends: LogEnds, instance: str) -> None:
        settings = FoldSettings(
            bootstrap=made.bootstrap,
            topics=(made.source,),
            group=made.group,
            instance=instance,
            session=SESSION,
            request=REQUEST,
            join=JOIN,
            stall=STALL,
        )
        self.came: list[Record] = []
        self.progress = FoldProgress(frozenset(settings.topics), ends, ledger=store, elsewhere=timedelta(seconds=60))
        self._worker = FoldWorker(self._handle, ledger=store, progress=self.progress, settings=settings)
        self.room = asyncio.create_task(self._worker.run())
        self._asking = asyncio.create_task(self._ask())

    async def _handle(self, records: Sequence[Record]) -> Mapping[Partition, int]:
        self.came += records
        return {Partition(one.topic, one.partition): one.offset + 1 for one in records}

    async def _ask(self) -> None:
        while True:
            await self.progress.ask()
            await asyncio.sleep(0.2)

    async def stop(self) -> None:
        self._asking.cancel()
        await self._worker.stop()
        await self.room


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """A topic of two partitions, a database that can be stopped, and one member that has both."""

    made: KafkaWorld
    keeper: Keeper
    first: Member
    join: Callable[[str], Member]


@pytest.fixture
async def ground(kafka: str) -> AsyncIterator[Ground]:
    made, members = KafkaWorld(kafka, partitions=2), list[Member]()
    await made.open()
    with (
        data_folder("no-ledger") as data,
        running_postgres(data, cache=default_cache(), progress=Quiet()) as (keeper, place),
    ):
        await migrate(place.dsn, ["escalation"])
        pool = await open_pool(place.dsn, "escalation", settings=LIMITS)
        ends = LogEnds(kafka, client_id="test")

        def join(instance: str) -> Member:
            members.append(Member(made, PostgresStore(pool), ends, instance))
            return members[-1]

        first = join("first")
        await until(has(first, 2), what="the first member has both partitions")
        yield Ground(made=made, keeper=keeper, first=first, join=join)
        await asyncio.gather(*(one.stop() for one in members if not one.room.done()))
        await ends.close()
        pool.terminate()
    await made.close()


def has(member: Member, partitions: int) -> Callable[[], Awaitable[bool]]:
    async def given() -> bool:
        return member.progress.joined and len(member.progress.partitions) == partitions

    return given


def waits(*members: Member) -> Callable[[], Awaitable[bool]]:
    async def told() -> bool:
        return all(one.progress.outage is not None and not one.progress.partitions for one in members)

    return told


async def test_members_that_are_given_partitions_without_a_database_wait_longer_than_faust_would(
    ground: Ground,
) -> None:
    await asyncio.to_thread(ground.keeper.stop)
    second = ground.join("second")
    both = (ground.first, second)
    await until(waits(*both), what="both were given partitions and say that the database is away")
    done, _ = await asyncio.wait(
        [one.room for one in both], timeout=SEEK_SECONDS + 3, return_when=asyncio.FIRST_COMPLETED
    )
    assert not done, "somebody ended"
    assert [one.progress.stall(STALL) for one in both] == [None, None]
    assert await waits(*both)(), "nobody can have been told where to read on"
    await asyncio.to_thread(ground.keeper.start)
    for one in both:
        await until(has(one, 1), what="each has its partition")
        assert one.progress.outage is None
    sent = [Message(topic=ground.made.source, key=b"%d" % one, value=b"", headers=()) for one in range(20)]
    await ground.made.put(sent)

    async def read() -> bool:
        return len(ground.first.came) + len(second.came) >= len(sent)

    await until(read, what="every record")
    assert sorted(record.key or b"" for one in both for record in one.came) == sorted(one.key for one in sent)
    assert ground.first.came
    assert second.came


async def test_a_member_that_waits_for_the_database_ends_soon_when_it_is_asked_to(ground: Ground) -> None:
    await asyncio.to_thread(ground.keeper.stop)
    second = ground.join("second")
    await until(waits(second), what="it waits")
    began = time.monotonic()
    await second.stop()
    assert time.monotonic() - began < 10
