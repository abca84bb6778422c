"""A loop that would have to set too many records aside ends by name, over the log in memory and over a real Kafka."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.events.topics import DEAD_LETTER
from shared.runtime.delivery import DeliveryLoop, RejectionLimits, TooManyRejected, origin
from tests.integration.runtime.test_delivery_contract import Forward, all_committed, message
from tests.integration.runtime.worlds import QUICK, World, running, until


async def test_garbage_beyond_the_limits_ends_the_loop_and_nothing_of_the_batch_is_committed_or_set_aside(
    world: World,
) -> None:
    handle = Forward(world.target)
    rubbish = [message(world.source, "case-1", f"rubbish {n}") for n in range(24)]
    handle.bad = {one.value for one in rubbish}
    await world.put([message(world.source, "case-1", "0"), *rubbish[:4]])
    limits = RejectionLimits(max_rejected_in_a_row=10)
    settings = replace(QUICK, limits=limits, linger=timedelta(seconds=1))
    loop = DeliveryLoop(world.member(), handle, settings=settings)
    ended = asyncio.create_task(loop.run())
    await all_committed(world, 5)
    assert loop.progress.rejected_in_a_row == 4
    await world.put(rubbish[4:])
    await until(lambda: loop.progress.over_limit is not None)
    assert not ended.done(), "it stands still for a while, so that probes and metrics tell of it"
    with pytest.raises(TooManyRejected, match="11 records in a row"):
        await ended
    assert sum((await world.committed()).values()) == 5
    letters = [r for r in await world.read(DEAD_LETTER.name) if origin(r).topic == world.source]
    assert len(letters) == 4
    patient = replace(settings, linger=None, stalled_after=timedelta(seconds=1))
    async with running(world.member(), handle, patient) as still:
        await until(lambda: still.progress.over_limit is not None)
        begun = asyncio.get_running_loop().time()
        await until(lambda: asyncio.get_running_loop().time() - begun > 2)
        assert still.progress.idle_seconds < 1, "standing still is no stall"
    assert sum((await world.committed()).values()) == 5
    again = Forward(world.target)
    async with running(world.member(), again, settings):
        await all_committed(world, 25)
    assert len(await world.read(world.target)) == 21, "started again after the fault is mended, nothing is missing"


async def test_a_run_of_garbage_goes_on_over_a_restart_and_a_good_record_ends_it(world: World) -> None:
    handle = Forward(world.target)
    rubbish = [message(world.source, "case-1", f"rubbish {n}") for n in range(24)]
    handle.bad = {one.value for one in rubbish}
    settings = replace(QUICK, limits=RejectionLimits(max_rejected_in_a_row=10), linger=timedelta())
    await world.put(rubbish[:6])
    async with running(world.member(), handle, settings):
        await all_committed(world, 6)
    await world.put([message(world.source, "case-1", "0"), *rubbish[6:12]])
    async with running(world.member(), handle, settings):
        await all_committed(world, 13)
    await world.put(rubbish[12:17])
    for _ in range(2):
        # Started again, it stops again, and nothing more is set aside.
        with pytest.raises(TooManyRejected, match="11 records in a row"):
            await asyncio.wait_for(DeliveryLoop(world.member(), handle, settings=settings).run(), 60)
    assert sum((await world.committed()).values()) == 13
    letters = [r for r in await world.read(DEAD_LETTER.name) if origin(r).topic == world.source]
    assert len(letters) == 12
