"""Steps of clocks' chains come from escalation: instructions are folded, what cannot be given is counted and told."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID, uuid4

import pytest

from services.intake.domain.life.permissions import Bearer
from services.intake.handlers import Doors, accept_report, fold_batch
from services.intake.metrics import Metrics
from shared.events.case import CaseSupervised
from shared.events.codec import encode
from shared.events.envelope import WHISTLE, Event, Payload
from shared.events.parts import CaseView, Target
from shared.events.sla import Clock, ClockEscalated, ClockStepped, Told
from shared.runtime.delivery import Outcome, Record
from shared.vocabulary import ChainAction, ClockKind, Level, Post, Role, TargetKind, WhenLate
from tests.fakes.called_county import called_county
from tests.fakes.intake import FakeCaseStore, FakePlaybooks, FakeVault, ToldClock
from tests.fakes.small_county import COUNTY, WEST, WEST_VILLAGE
from tests.unit.intake.test_handlers import REPORT

HOTLINE = Bearer(key_id="hotline", role=Role.SOURCE, area=COUNTY)
VILLAGE_DESK = Target(kind=TargetKind.DESK, id=WEST_VILLAGE, name="西村")
TOWN_DESK = Target(kind=TargetKind.DESK, id=WEST, name="西镇")


@dataclass(slots=True, kw_only=True)
class Folding:
    """A case that is open, and what intake counts."""

    store: FakeCaseStore = field(default_factory=FakeCaseStore)
    metrics: Metrics = field(default_factory=Metrics)
    clock: ToldClock = field(default_factory=ToldClock)

    @property
    def doors(self) -> Doors:
        playbooks = FakePlaybooks(called_county())
        return Doors(store=self.store, playbooks=playbooks, vault=FakeVault(), clock=self.clock, tell=self.metrics)

    async def open(self) -> CaseView:
        await accept_report(REPORT, bearer=HOTLINE, client_key=None, doors=self.doors)
        (case,) = self.store.state.cases.values()
        return case.view

    async def fold(self, *events: Event[Payload]) -> Outcome:
        return await fold_batch([_record(event) for event in events], doors=self.doors)

    @property
    def given(self) -> Sequence[CaseSupervised]:
        return [event.data for event in self.store.state.events if isinstance(event.data, CaseSupervised)]

    def counted(self, outcome: str) -> float | None:
        return self.metrics.registry.get_sample_value("whistle_intake_instructions_total", {"outcome": outcome})


@pytest.fixture
def folding() -> Folding:
    return Folding()


def _record(event: Event[Payload]) -> Record:
    message = encode(event)
    headers = tuple((name, value) for name, value in message.headers)
    return Record(message.topic, 0, 0, message.key, message.value, headers, 0)


def said(data: ClockStepped | ClockEscalated, event_id: UUID | None = None) -> Event[Payload]:
    return Event(
        id=event_id or uuid4(),
        source="/whistle/escalation",
        subject=str(data.case.case_id),
        time=data.fired_at,
        sequence=data.case.version,
        data=data,
    )


def clock(case: CaseView) -> Clock:
    return Clock(
        clock_id=UUID(int=7),
        kind=ClockKind.HANDLE,
        started_at=case.opened_at,
        due_at=case.opened_at,
        level=Level.VILLAGE,
        limit="1 个工作日",
        arithmetic="…",
        when_late=WhenLate.NONE,
        playbook=case.playbook,
        target=VILLAGE_DESK,
        chain="urging",
    )


def stepped(case: CaseView, action: ChainAction = ChainAction.SUPERVISE, *to: Target) -> ClockStepped:
    return ClockStepped(
        case=case,
        clock=clock(case),
        chain="urging",
        step="written",
        nth=1,
        action=action,
        planned_at=case.opened_at,
        fired_at=case.opened_at,
        late_seconds=0,
        reason="…",
        to=tuple(Told(target=one, post=Post.OFFICER) for one in to),
        instruction="今日书面说明" if action is ChainAction.SUPERVISE else "",
        reply_due_at=case.opened_at if action is ChainAction.SUPERVISE else None,
    )


async def test_an_instruction_of_a_chain_is_given_to_whom_the_step_tells_once(folding: Folding) -> None:
    case = await folding.open()
    step = said(stepped(case, ChainAction.SUPERVISE, TOWN_DESK))
    assert await folding.fold(step, step) == Outcome(rejected=[])
    assert await folding.fold(step) == Outcome(rejected=[])
    (instruction,) = folding.given
    assert (instruction.target, instruction.instruction) == (TOWN_DESK, "今日书面说明")
    assert folding.counted("given") == 1


async def test_an_instruction_that_tells_nobody_else_is_for_whom_the_clock_waits_for(folding: Folding) -> None:
    await folding.fold(said(stepped(await folding.open())))
    assert [one.target for one in folding.given] == [VILLAGE_DESK]


@pytest.mark.parametrize("action", [one for one in ChainAction if one is not ChainAction.SUPERVISE])
async def test_every_other_step_changes_no_case(folding: Folding, action: ChainAction) -> None:
    case = await folding.open()
    assert await folding.fold(said(stepped(case, action))) == Outcome(rejected=[])
    assert len(folding.store.state.events) == 1


async def test_what_a_case_is_left_without_is_counted_and_named_in_the_log(
    folding: Folding, caplog: pytest.LogCaptureFixture
) -> None:
    case = await folding.open()
    step = stepped(case)
    nobody = replace(step, clock=replace(step.clock, target=None))
    with caplog.at_level(logging.INFO):
        assert await folding.fold(said(nobody)) == Outcome(rejected=[]), "it is no dead letter"
    assert folding.given == []
    assert folding.counted("nobody") == 1
    (line,) = [one for one in caplog.records if getattr(one, "event.name", "") == "intake.instruction_left"]
    assert (getattr(line, "case", ""), getattr(line, "why", "")) == (str(case.case_id), "nobody")


async def test_an_instruction_without_words_or_time_to_reply_is_a_dead_letter_that_says_which_step(
    folding: Folding,
) -> None:
    step = stepped(await folding.open())
    outcome = await folding.fold(said(replace(step, instruction=" ")), said(replace(step, reply_due_at=None)))
    assert [("written" in one.reason, "urging" in one.reason) for one in outcome.rejected] == [(True, True)] * 2


async def test_a_clock_that_moves_the_case_up_twice_is_told_twice_and_a_repeat_not_at_all(folding: Folding) -> None:
    case = await folding.open()
    to_town = ClockEscalated(
        case=case,
        clock=clock(case),
        fired_at=case.opened_at,
        from_level=Level.VILLAGE,
        to_level=Level.TOWN,
        to=TOWN_DESK,
        when_late=WhenLate.OVERSEE,
        reason="…",
    )
    county = Target(kind=TargetKind.DESK, id=COUNTY)
    to_county = replace(to_town, from_level=Level.TOWN, to_level=Level.COUNTY, to=county)
    for _ in range(2):
        await folding.fold(said(to_town, WHISTLE), said(to_county))
    moved = [event.type for event in folding.store.state.events]
    assert moved.count("whistle.case.escalated.v1") == 2
