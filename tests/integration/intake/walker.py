"""A process that does nothing but settle changes of mode, a little slowly, to be killed in the middle."""

from __future__ import annotations

import asyncio
import os

from services.intake.handlers import Doors
from services.intake.store.cases import PostgresCaseStore
from services.intake.timers import Settling
from shared.runtime.clock import utc_now
from shared.runtime.postgres import open_pool
from tests.fakes.called_county import called_county
from tests.fakes.intake import FakePlaybooks, FakeVault


async def walk() -> None:
    pool = await open_pool(os.environ["WHISTLE_POSTGRES"], "intake")
    doors = Doors(
        store=PostgresCaseStore(pool), playbooks=FakePlaybooks(called_county()), vault=FakeVault(), clock=utc_now
    )
    await Settling(doors, batch=5).run()


if __name__ == "__main__":
    asyncio.run(walk())
