"""An instruction of a clock's chain that Kafka brings more than once is given once."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID, uuid4

from shared.events.case import CaseOpened, CaseSupervised
from shared.events.codec import encode
from shared.events.envelope import Event
from shared.events.parts import CaseView
from shared.events.sla import ClockStepped
from shared.runtime.clock import utc_now
from shared.runtime.delivery import Publisher
from tests.integration.intake.orders import BUREAU
from tests.integration.intake.processes import events_of, running_intake
from tests.integration.intake.test_instructing import instruction
from tests.integration.intake.waiting import until

CASE = "whistle.case.v1"


def said(case: CaseView) -> Event[ClockStepped]:
    subject, now = str(case.case_id), utc_now()
    return Event(
        id=uuid4(), source="/whistle/escalation", subject=subject, time=now, sequence=1, data=instruction(case)
    )


async def test_an_instruction_that_comes_twice_is_one_on_the_topic_of_cases(
    kafka: str, postgres: str, tmp_path: Path
) -> None:
    async with running_intake(kafka, postgres, tmp_path) as service:
        case_id = UUID((await service.report()).json()["case_id"])
        await until(lambda: events_of(kafka, CASE, str(case_id)))
        opened = (await events_of(kafka, CASE, str(case_id)))[0].data
        assert isinstance(opened, CaseOpened)
        step, last = said(opened.case), said(opened.case)
        publisher = Publisher(kafka, client_id="test")
        await publisher.publish([encode(one) for one in (step, step, step, last)])
        await publisher.stop()

        async def given() -> list[CaseSupervised]:
            events = await events_of(kafka, CASE, str(case_id))
            return [event.data for event in events if isinstance(event.data, CaseSupervised)]

        async def all_folded() -> bool:
            return len(await given()) >= 2

        await until(all_folded)
        instructions = await given()
    assert len(instructions) == 2
    assert len({one.supervision_id for one in instructions}) == 2
    assert all((one.target, one.by.id) == (BUREAU, "escalation") for one in instructions)
