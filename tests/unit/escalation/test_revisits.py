"""Cases that wait are looked at by the database's time, whatever this host takes the time to be."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from services.escalation.ports import Changes, Waiting
from services.escalation.revisits import Revisits, RevisitSettings
from shared.playbook.model import Playbook
from tests.fakes.clock_county import clock_county
from tests.fakes.small_county import COUNTY

DATABASE = datetime(2020, 1, 1, tzinfo=UTC)
"""Years before this host's clock."""


class Store:
    """A county with one case that waits for longer than is borne in silence; notes up to when it is looked at."""

    def __init__(self) -> None:
        self.looks: asyncio.Queue[datetime] = asyncio.Queue()

    async def waiting(self, *_: Any, before: datetime | None = None, most: int = 0) -> Any:
        if before is None:
            since = DATABASE - timedelta(minutes=1)
            return {COUNTY: Waiting(cases=1, since=since, reason="no playbook", asked_at=DATABASE)}
        self.looks.put_nowait(before)
        return ()

    @asynccontextmanager
    async def folding(self) -> AsyncIterator[Any]:
        yield self

    async def known(self, _: Collection[UUID]) -> Mapping[UUID, Any]:
        return {}

    async def running(self, _: Collection[UUID]) -> Mapping[UUID, Any]:
        return {}

    async def write(self, _: Changes) -> Mapping[UUID, Any]:
        return {}

    async def breach(self, _: Mapping[UUID, Any]) -> None:
        pass

    async def tell(self, _: Sequence[Any]) -> None:
        pass


class Books:
    def of(self, _: str) -> Playbook:
        return clock_county()


async def test_cases_are_looked_at_up_to_the_instant_at_which_the_database_named_them() -> None:
    store: Any = Store()
    revisits = Revisits(store, playbooks=Books(), settings=RevisitSettings(every=timedelta(milliseconds=10)))
    running = asyncio.create_task(revisits.run())
    async with asyncio.timeout(10):
        assert await store.looks.get() == DATABASE
    revisits.stop()
    await running
    assert revisits.waiting[COUNTY].asked_at == DATABASE
