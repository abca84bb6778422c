"""Modes: which one a case is in, who may change it, what a rule may enter, and how open cases hear of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from services.intake.domain.asking.actions import ActionRequest
from services.intake.domain.canaries import canary_id, canary_key, slot_of
from services.intake.domain.life.case import Case
from services.intake.domain.life.permissions import Bearer, NotYours
from services.intake.domain.life.states import Action
from services.intake.domain.life.system import ROUTER
from services.intake.domain.modes import (
    ChangeState,
    InForce,
    ModeChange,
    ModeRequest,
    UnknownChange,
    WrongMode,
    by_rule,
    carried_out,
    confirm,
    mode_of,
    must_fit,
    propose,
)
from services.intake.domain.reports.report import Report, case_id_of
from services.intake.handlers import (
    CanaryPlan,
    Doors,
    KeyReused,
    accept_report,
    act_on_case,
    carry_out_asked,
    confirm_mode,
    fold_batch,
    propose_mode,
    remove_old_canaries,
    send_canary,
    settle_batch,
)
from services.intake.handlers.doors import canonical
from services.intake.timers import partition_of
from shared.events.case import CaseModeChanged
from shared.events.order import CaseSettings
from shared.vocabulary import CaseState, ModeKind, Purpose, Refused, Role, Severity, Source
from tests.fakes.called_county import DRILL, FLOOD, STORM, TOWN_FLOOD, called_county
from tests.fakes.intake import FakeCaseStore, FakePlaybooks, FakeVault, ToldClock
from tests.fakes.small_county import COUNTY, EAST, EAST_VILLAGE, WEST, WEST_VILLAGE
from tests.unit.intake.cases import NOON, case_in
from tests.unit.intake.test_handlers import issued, record

PLAYBOOK = called_county()
DESK = Bearer(key_id="d", role=Role.DESK, area=COUNTY, name="指挥中心")
HEAD = Bearer(key_id="h", role=Role.LEADER, area=COUNTY, name="指挥长")
OPERATOR = Bearer(key_id="o", role=Role.OPERATOR, area=COUNTY, name="值班长")
SOURCE = Bearer(key_id="s", role=Role.SOURCE, area=COUNTY, name="12345")

FLOODED = InForce(area=COUNTY, mode=FLOOD, kind=ModeKind.EMERGENCY, grade=Severity.III)
DRILLED = InForce(area=WEST, mode=DRILL, kind=ModeKind.DRILL)
LEFT = InForce(area=WEST, mode="normal", kind=ModeKind.NORMAL)
TOWN = InForce(area=WEST, mode=TOWN_FLOOD, kind=ModeKind.EMERGENCY, grade=Severity.IV)


@pytest.mark.parametrize(
    ("modes", "purpose", "expected"),
    (
        ((), Purpose.REAL, "normal"),
        ((FLOODED,), Purpose.REAL, FLOOD),
        ((FLOODED, TOWN), Purpose.REAL, TOWN_FLOOD),
        ((TOWN, FLOODED), Purpose.REAL, TOWN_FLOOD),
        ((FLOODED, LEFT), Purpose.REAL, FLOOD),
        ((FLOODED, DRILLED), Purpose.REAL, FLOOD),
        ((DRILLED,), Purpose.REAL, "normal"),
        ((DRILLED,), Purpose.CANARY, "normal"),
        ((FLOODED, DRILLED), Purpose.DRILL, DRILL),
    ),
)
def test_a_case_is_in_the_mode_of_the_smallest_area_and_in_a_drills_only_when_it_is_one(
    modes: tuple[InForce, ...], purpose: Purpose, expected: str
) -> None:
    assert mode_of(WEST_VILLAGE, purpose, modes) == expected


def proposal(**changes: object) -> ModeChange:
    request = ModeRequest(area=COUNTY, mode=FLOOD, reason="水位上涨")
    made = propose(request, change_id=uuid4(), bearer=DESK, modes=(), playbook=PLAYBOOK, now=NOON)
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("who", "may"),
    (
        (HEAD, True),
        (OPERATOR, True),
        (DESK, False),
        (replace(HEAD, key_id="d"), False),
        (replace(HEAD, name=" 指挥中心"), False),
        (replace(HEAD, name=""), False),
        (replace(HEAD, area=WEST), False),
        (replace(HEAD, duties=("01",)), False),
        (replace(DESK, key_id="w", name="镇", area=WEST), False),
        (replace(SOURCE, name="李"), False),
        (replace(HEAD, role=Role.AUDITOR), False),
    ),
)
def test_a_second_person_is_another_key_by_another_name_that_may_itself(*, who: Bearer, may: bool) -> None:
    if may:
        done = confirm(proposal(), bearer=who, modes=(), playbook=PLAYBOOK, now=NOON)
        assert (done.state, done.confirmed_by) == (ChangeState.IN_FORCE, who.actor)
        return
    with pytest.raises(NotYours):
        confirm(proposal(), bearer=who, modes=(), playbook=PLAYBOOK, now=NOON)


@pytest.mark.parametrize(
    ("late", "is_open"), ((timedelta(minutes=29, seconds=59), True), (timedelta(minutes=30), False))
)
def test_a_proposal_waits_for_half_an_hour(*, late: timedelta, is_open: bool) -> None:
    change = proposal()
    if is_open:
        confirm(change, bearer=HEAD, modes=(), playbook=PLAYBOOK, now=NOON + late)
        return
    with pytest.raises(WrongMode):
        confirm(change, bearer=HEAD, modes=(), playbook=PLAYBOOK, now=NOON + late)


@pytest.mark.parametrize("state", [state for state in ChangeState if state is not ChangeState.PROPOSED])
def test_only_a_proposal_is_confirmed(state: ChangeState) -> None:
    with pytest.raises(WrongMode, match=state):
        confirm(proposal(state=state), bearer=HEAD, modes=(), playbook=PLAYBOOK, now=NOON)


@pytest.mark.parametrize(
    ("area", "mode", "modes", "field"),
    (
        (COUNTY, "flod-3", (), "mode"),
        ("990102", FLOOD, (), "area"),
        (WEST, FLOOD, (), "area"),
        (COUNTY, DRILL, (), "area"),
        (COUNTY, FLOOD, (FLOODED,), "mode"),
        (WEST, DRILL, (TOWN,), "mode"),
        (COUNTY, "normal", (), "mode"),
        (WEST, "normal", (FLOODED, LEFT), "mode"),
    ),
)
def test_what_does_not_fit_is_named_with_what_would(
    area: str, mode: str, modes: tuple[InForce, ...], field: str
) -> None:
    with pytest.raises(Refused) as refused:
        must_fit(area, mode, modes=modes, playbook=PLAYBOOK)
    assert refused.value.field == field
    assert refused.value.allowed


def test_a_rule_enters_an_emergency_for_the_profiles_area_and_for_real_cases_alone() -> None:
    view = case_in(CaseState.ROUTED).view
    change = by_rule(view, TOWN_FLOOD, by=ROUTER, playbook=PLAYBOOK, now=NOON)
    assert change is not None
    assert (change.area, change.cause_id, change.confirmed_by) == (WEST, view.case_id, None)
    for other, mode in (
        (replace(view, purpose=Purpose.DRILL), TOWN_FLOOD),
        (replace(view, purpose=Purpose.CANARY), TOWN_FLOOD),
        (view, DRILL),
        (view, "unknown"),
        (replace(view, area=COUNTY), TOWN_FLOOD),
    ):
        assert by_rule(other, mode, by=ROUTER, playbook=PLAYBOOK, now=NOON) is None


@pytest.mark.parametrize(
    ("modes", "state"),
    (
        ((), ChangeState.IN_FORCE),
        ((DRILLED,), ChangeState.IN_FORCE),
        ((replace(TOWN, grade=Severity.IV),), ChangeState.VOID),
        ((FLOODED,), ChangeState.VOID),
    ),
)
def test_a_rule_changes_nothing_where_one_as_strong_is_in_force(modes: tuple[InForce, ...], state: ChangeState) -> None:
    change = by_rule(case_in(CaseState.ROUTED).view, TOWN_FLOOD, by=ROUTER, playbook=PLAYBOOK, now=NOON)
    assert change is not None
    assert carried_out(change, modes=modes, playbook=PLAYBOOK).state is state


@dataclass(slots=True, kw_only=True)
class Intake:
    store: FakeCaseStore = field(default_factory=FakeCaseStore)
    clock: ToldClock = field(default_factory=ToldClock)

    @property
    def doors(self) -> Doors:
        return Doors(store=self.store, playbooks=FakePlaybooks(PLAYBOOK), vault=FakeVault(), clock=self.clock)

    async def open(self, area: str = WEST_VILLAGE, purpose: Purpose = Purpose.REAL) -> UUID:
        report = Report(source=Source.HOTLINE, text="燃气味很重", area=area, purpose=purpose)
        reply = await accept_report(report, bearer=SOURCE, client_key=None, doors=self.doors)
        return UUID(json.loads(reply.body)["case_id"])

    async def enter(self, mode: str, area: str = COUNTY, key: str | None = None) -> UUID:
        request = ModeRequest(area=area, mode=mode, reason="防汛")
        reply = await propose_mode(request, bearer=DESK, client_key=key, doors=self.doors)
        change_id = UUID(json.loads(reply.body)["change_id"])
        await confirm_mode(change_id, bearer=HEAD, client_key=key, doors=self.doors)
        return change_id

    async def settle(self, most: int = 100) -> int:
        changed = 0
        while (batch := await settle_batch(doors=self.doors, most=most)) is not None:
            changed += batch.changed
        return changed

    def case(self, case_id: UUID) -> Case:
        return self.store.state.cases[case_id]


@pytest.fixture
def intake() -> Intake:
    return Intake()


class TestSettling:
    async def test_open_cases_hear_of_it_once_and_new_ones_know_at_once(self, intake: Intake) -> None:
        west, east = await intake.open(), await intake.open(EAST_VILLAGE)
        await intake.enter(FLOOD)
        new = await intake.open()
        assert [intake.case(one).view.mode for one in (west, east, new)] == ["normal", "normal", FLOOD]
        assert await intake.settle(most=1) == 2
        assert [intake.case(one).view.mode for one in (west, east, new)] == [FLOOD] * 3
        told = [event.data for event in intake.store.state.events if isinstance(event.data, CaseModeChanged)]
        assert [(one.before, one.reason, one.by.key_id, one.text) for one in told] == [
            ("normal", "防汛", "d", "燃气味很重")
        ] * 2
        assert len({one.change_id for one in told} - {None}) == 1
        assert await intake.settle() == 0

    async def test_a_smaller_area_keeps_its_own_mode(self, intake: Intake) -> None:
        case_id = await intake.open()
        await intake.enter(TOWN_FLOOD, WEST)
        await intake.settle()
        await intake.enter(FLOOD)
        assert await intake.settle() == 0
        assert intake.case(case_id).view.mode == TOWN_FLOOD
        await intake.enter("normal", WEST)
        assert await intake.settle() == 1
        assert intake.case(case_id).view.mode == FLOOD

    async def test_a_drill_is_for_drill_cases_and_needs_to_be_in_force(self, intake: Intake) -> None:
        with pytest.raises(Refused) as refused:
            await intake.open(purpose=Purpose.DRILL)
        assert refused.value.field == "drill"
        real = await intake.open()
        await intake.enter(DRILL, WEST)
        drill = await intake.open(purpose=Purpose.DRILL)
        await intake.settle()
        assert (intake.case(real).view.mode, intake.case(drill).view.mode) == ("normal", DRILL)
        assert intake.case(drill).view.purpose is Purpose.DRILL
        with pytest.raises(Refused):
            await intake.open(EAST_VILLAGE, purpose=Purpose.DRILL)

    async def test_a_case_opened_again_is_in_the_mode_of_that_moment(self, intake: Intake) -> None:
        closed = case_in(CaseState.CLOSED)
        intake.store.state.cases[closed.view.case_id] = closed
        intake.clock.now = NOON
        await intake.enter(FLOOD)
        assert await intake.settle() == 0, "a closed case is not told"
        again = ActionRequest(action=Action.REOPEN, reason="又漏了")
        await act_on_case(closed.view.case_id, again, bearer=DESK, client_key=None, doors=intake.doors)
        assert intake.case(closed.view.case_id).view.mode == FLOOD


class TestChanges:
    async def test_it_is_told_with_both_persons(self, intake: Intake) -> None:
        change_id = await intake.enter(FLOOD)
        (event,) = intake.store.state.modes.events
        assert (event.subject, event.sequence, event.data.change_id) == (COUNTY, 1, change_id)
        assert (event.data.before, event.data.mode, event.data.grade) == ("normal", FLOOD, Severity.III)
        assert event.data.confirmed_by == HEAD.actor
        await intake.enter("normal")
        last = intake.store.state.modes.events[-1]
        assert (last.sequence, last.data.before, last.data.mode, last.data.title) == (2, FLOOD, "normal", "平时")

    async def test_the_same_key_is_answered_alike_and_another_request_under_it_refused(self, intake: Intake) -> None:
        request = ModeRequest(area=COUNTY, mode=FLOOD, reason="防汛")
        first = await propose_mode(request, bearer=DESK, client_key="a", doors=intake.doors)
        again = await propose_mode(request, bearer=DESK, client_key="a", doors=intake.doors)
        assert (again.body, again.replayed) == (first.body, True)
        with pytest.raises(KeyReused):
            await propose_mode(replace(request, mode=STORM), bearer=DESK, client_key="a", doors=intake.doors)
        change_id = UUID(json.loads(first.body)["change_id"])
        done = await confirm_mode(change_id, bearer=HEAD, client_key="b", doors=intake.doors)
        again = await confirm_mode(change_id, bearer=HEAD, client_key="b", doors=intake.doors)
        assert (again.body, again.replayed) == (done.body, True)
        with pytest.raises(WrongMode):
            await confirm_mode(change_id, bearer=OPERATOR, client_key=None, doors=intake.doors)
        assert len(intake.store.state.modes.events) == 1

    async def test_a_later_proposal_takes_the_place_of_an_earlier_one(self, intake: Intake) -> None:
        request = ModeRequest(area=COUNTY, mode=FLOOD, reason="防汛")
        first = await propose_mode(request, bearer=DESK, client_key=None, doors=intake.doors)
        await propose_mode(replace(request, mode=STORM), bearer=DESK, client_key=None, doors=intake.doors)
        change_id = UUID(json.loads(first.body)["change_id"])
        with pytest.raises(WrongMode, match="superseded"):
            await confirm_mode(change_id, bearer=HEAD, client_key=None, doors=intake.doors)

    async def test_a_change_that_nobody_proposed_is_not_there(self, intake: Intake) -> None:
        with pytest.raises(UnknownChange):
            await confirm_mode(uuid4(), bearer=HEAD, client_key=None, doors=intake.doors)

    async def test_a_rule_enters_a_mode_with_its_lead_order_once(self, intake: Intake) -> None:
        case_id = await intake.open()
        sent = replace(issued(intake.case(case_id).view), sets=CaseSettings(mode=TOWN_FLOOD))
        for _ in range(2):
            await fold_batch([record(sent, case_id)], doors=intake.doors)
            await carry_out_asked(doors=intake.doors)
        (event,) = intake.store.state.modes.events
        assert (event.data.area, event.data.confirmed_by, event.data.cause_id) == (WEST, None, case_id)
        assert await intake.settle() == 1
        assert intake.case(case_id).view.mode == TOWN_FLOOD


class TestCanaries:
    def plan(self) -> CanaryPlan:
        return CanaryPlan(county=COUNTY, seconds=60, partition_of=partition_of)

    async def test_one_a_slot_closes_itself_when_its_order_comes_and_is_gone_a_day_later(self, intake: Intake) -> None:
        assert await send_canary(self.plan(), doors=intake.doors)
        assert not await send_canary(self.plan(), doors=intake.doors), "another replica has this minute"
        (case,) = intake.store.state.cases.values()
        assert (case.view.purpose, case.view.state) == (Purpose.CANARY, CaseState.OPENED)
        await fold_batch([record(issued(case.view), case.view.case_id)], doors=intake.doors)
        after = intake.case(case.view.case_id)
        assert (after.view.state, after.standing) == (CaseState.CLOSED, ())
        words = [event.type.split(".")[2] for event in intake.store.state.events]
        assert words == ["opened", "routed", "order_withdrawn", "closed"]
        assert await remove_old_canaries(doors=intake.doors, most=10) == 0
        intake.clock.pass_(timedelta(days=1, seconds=1))
        assert await remove_old_canaries(doors=intake.doors, most=10) == 1

    def test_its_minute_says_in_which_partition_it_lies(self) -> None:
        begin = slot_of(NOON, 60)
        slots = [begin + timedelta(minutes=n) for n in range(12)]
        cases = [case_id_of(canary_id(slot, seconds=60, partition_of=partition_of)) for slot in slots]
        assert {partition_of(str(one)) for one in cases} == set(range(12))
        assert [canary_key(slot) for slot in slots] == sorted(canary_key(slot) for slot in slots)

    async def test_earlier_cases_are_of_its_own_kind_and_village(self, intake: Intake) -> None:
        await send_canary(self.plan(), doors=intake.doors)
        first, elsewhere = await intake.open(), await intake.open(EAST_VILLAGE)
        opened_at = intake.case(first).view.opened_at
        intake.clock.pass_(timedelta(hours=3))
        second = await intake.open()
        assert intake.case(second).view.earlier == (opened_at,)
        assert intake.case(elsewhere).view.earlier == ()
        intake.clock.pass_(timedelta(days=90, seconds=1))
        assert intake.case(await intake.open()).view.earlier == ()
        assert intake.case(await intake.open(EAST)).view.earlier == (), "a town is no village"


def test_what_was_asked_before_a_field_came_is_asked_alike_after() -> None:
    """Answers under client keys are kept for good: their fingerprints must not change with a release."""
    report = Report(source=Source.HOTLINE, text="停水", area=WEST)
    first = frozenset({"source", "text", "area", "place", "category", "severity", "tags", "reporter", "occurred_at"})
    assert (
        canonical(report, first=first)
        == (
            '{"source":"hotline","text":"停水","area":"990101001","place":null,"category":null,"severity":null,"tags":[],'
            '"reporter":null,"occurred_at":null}'
        ).encode()
    )
    sign = ActionRequest(action=Action.SIGN, note="好")
    asked = canonical(sign, first=frozenset({"action", "order_id", "note", "reason", "rating"}), case_id=UUID(int=1))
    assert (
        asked
        == (
            '["00000000-0000-0000-0000-000000000001",'
            '{"action":"sign","order_id":null,"note":"好","reason":"","rating":null}]'
        ).encode()
    )
