"""The rooms that time drives: they go round, sit an outage out, and end when they are asked to."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from functools import partial
from uuid import UUID

from services.intake.handlers import Doors
from services.intake.timers import Canaries, Settling
from shared.vocabulary import Purpose
from tests.fakes.called_county import FLOOD, called_county
from tests.fakes.intake import FakeCaseStore, FakePlaybooks, FakeVault, ToldClock
from tests.fakes.small_county import COUNTY
from tests.integration.intake.waiting import until
from tests.unit.intake.test_modes import Intake

QUICK = timedelta(milliseconds=5)


def doors(store: FakeCaseStore, clock: ToldClock, *, county: bool = True) -> Doors:
    playbooks = FakePlaybooks(called_county()) if county else FakePlaybooks()
    return Doors(store=store, playbooks=playbooks, vault=FakeVault(), clock=clock)


def canaries(store: FakeCaseStore) -> list[UUID]:
    return [one for one, case in store.state.cases.items() if case.view.purpose is Purpose.CANARY]


async def rounds(timer: Canaries, many: int) -> None:
    for _ in range(many):
        await timer._round()


async def is_out(settling: Settling) -> bool:
    return settling.outage is not None


async def is_in(intake: Intake, case_id: UUID, mode: str) -> bool:
    return intake.case(case_id).view.mode == mode


async def test_a_change_of_mode_is_settled_though_postgresql_was_away_first() -> None:
    intake = Intake()
    case_id = await intake.open()
    await intake.enter(FLOOD)
    intake.store.away = ConnectionResetError("away")
    settling = Settling(intake.doors, every=QUICK)
    running = asyncio.create_task(settling.run())
    await until(partial(is_out, settling), seconds=5)
    intake.store.away = None
    settling.wake()
    await until(partial(is_in, intake, case_id, FLOOD), seconds=5)
    settling.stop()
    await asyncio.wait_for(running, 30)
    assert settling.outage is None


async def test_a_slot_has_one_canary_and_the_next_one_another() -> None:
    store, clock = FakeCaseStore(), ToldClock()
    timer, replica = (Canaries(doors(store, clock), county="", seconds=60) for _ in range(2))
    await rounds(timer, 3)
    await rounds(replica, 3)
    assert len(canaries(store)) == 1
    clock.pass_(timedelta(seconds=60))
    await rounds(replica, 3)
    await rounds(timer, 3)
    assert len(canaries(store)) == 2


async def test_without_its_playbook_no_canary_is_sent_and_the_room_goes_on() -> None:
    store, clock = FakeCaseStore(), ToldClock()
    await rounds(Canaries(doors(store, clock, county=False), county="", seconds=60), 2)
    await rounds(Canaries(doors(store, clock), county="990102", seconds=60), 2)
    assert canaries(store) == []
    away = replace(doors(store, clock), playbooks=FakePlaybooks(called_county()))
    await rounds(Canaries(away, county=COUNTY, seconds=60), 2)
    assert len(canaries(store)) == 1
