"""Each thing that can happen to intake, from request to what is kept, on fakes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from services.intake.domain.asking.actions import ActionRequest
from services.intake.domain.life.permissions import Bearer, NotYours
from services.intake.domain.life.states import Action, WrongState
from services.intake.domain.reports.report import Report, Reporter
from services.intake.handlers import (
    Doors,
    KeyReused,
    UnknownCase,
    accept_inbound,
    accept_report,
    act_on_case,
    fold_batch,
)
from shared.events.case import CaseRouted, CaseSigned
from shared.events.codec import Message, adapter, encode
from shared.events.envelope import Event, Payload, derive_id
from shared.events.examples import examples_of
from shared.events.inbound import ReportReceived
from shared.events.order import Explanation, Order, OrderIssued, OrderWithdrawn
from shared.events.parts import CaseView, PlaybookRef, Target
from shared.events.sla import Clock, ClockBreached, ClockEscalated
from shared.events.topics import ORDER, PAYLOADS, SLA
from shared.runtime.delivery import Outcome, Record
from shared.vocabulary import (
    CaseState,
    ClockKind,
    Level,
    OrderReason,
    OrderRole,
    Refused,
    Role,
    Source,
    TargetKind,
    WhenLate,
)
from tests.fakes.called_county import called_county
from tests.fakes.intake import FakeCaseStore, FakePlaybooks, FakeVault, ToldClock
from tests.fakes.small_county import COUNTY, EAST_VILLAGE, GAS_BUREAU, WEST, WEST_VILLAGE

HOTLINE = Bearer(key_id="hotline", role=Role.SOURCE, area=COUNTY, name="12345")
BUREAU = Bearer(key_id="gas", role=Role.DEPARTMENT, area=COUNTY, department=GAS_BUREAU, name="燃气公司")
WEST_DESK = Bearer(key_id="west", role=Role.DESK, area=WEST, name="西镇")
REPORT = Report(source=Source.HOTLINE, text="燃气味很重,电话13812345678", area=WEST_VILLAGE)
TARGET = Target(kind=TargetKind.DEPARTMENT, id=GAS_BUREAU, name="燃气公司")
NOWHERE = UUID(int=7)


@dataclass(slots=True, kw_only=True)
class Intake:
    store: FakeCaseStore = field(default_factory=FakeCaseStore)
    clock: ToldClock = field(default_factory=ToldClock)

    @property
    def doors(self) -> Doors:
        playbooks = FakePlaybooks(called_county())
        return Doors(store=self.store, playbooks=playbooks, vault=FakeVault(), clock=self.clock)

    async def open(self, report: Report = REPORT, key: str | None = None) -> UUID:
        reply = await accept_report(report, bearer=HOTLINE, client_key=key, doors=self.doors)
        return UUID(json.loads(reply.body)["case_id"])

    async def fold(self, *payloads: Payload, subject: UUID) -> Outcome:
        return await fold_batch([record(payload, subject) for payload in payloads], doors=self.doors)

    async def inbound(self, *reports: ReportReceived) -> Outcome:
        return await accept_inbound([record(one, uuid4()) for one in reports], doors=self.doors)

    def case(self, case_id: UUID) -> CaseView:
        return self.store.state.cases[case_id].view

    @property
    def types(self) -> list[str]:
        return [event.type.split(".")[2] for event in self.store.state.events]


@pytest.fixture
def intake() -> Intake:
    return Intake()


def record(payload: Payload, subject: UUID, **headers: str) -> Record:
    event = Event(id=uuid4(), source="/other", subject=str(subject), time=ToldClock().now, sequence=1, data=payload)
    return of(encode(event), headers)


def of(message: Message, changed: dict[str, str] | None = None) -> Record:
    headers = dict(message.headers) | {name: text.encode() for name, text in (changed or {}).items()}
    return Record(message.topic, 0, 0, message.key, message.value, tuple(headers.items()), 0)


def order(
    case: CaseView, target: Target = TARGET, role: OrderRole = OrderRole.LEAD, level: Level = Level.COUNTY
) -> Order:
    return Order(
        order_id=derive_id(case.case_id, f"order {role}", target.id),
        case_id=case.case_id,
        role=role,
        reason=OrderReason.RULE,
        target=target,
        level=level,
        issued_at=ToldClock().now,
    )


def issued(case: CaseView, target: Target = TARGET, role: OrderRole = OrderRole.LEAD) -> OrderIssued:
    why = Explanation(playbook=PlaybookRef(version="1", digest="0" * 64), words="照规则", words_en="by rule")
    return OrderIssued(order=order(case, target, role), case=case, explanation=why, cause_id=uuid4())


def clock(case: CaseView) -> Clock:
    return Clock(
        clock_id=derive_id(case.case_id, "clock"),
        kind=ClockKind.SIGN_IN,
        started_at=ToldClock().now,
        due_at=ToldClock().now,
        level=Level.VILLAGE,
        limit="30 分钟",
        arithmetic="…",
        when_late=WhenLate.TAKE_OVER,
        playbook=case.playbook,
    )


def reasons(outcome: Outcome) -> Sequence[str]:
    return [one.reason for one in outcome.rejected]


class TestReports:
    async def test_case_events_and_paper_are_kept_together(self, intake: Intake) -> None:
        case_id = await intake.open()
        state = intake.store.state
        assert (intake.types, list(state.cases)) == (["opened"], [case_id])
        (paper,) = state.reports.values()
        assert paper.case_id == case_id
        assert state.events[0].id == derive_id(case_id, "v1")

    async def test_personal_data_is_kept_sealed_and_nowhere_else(self, intake: Intake) -> None:
        who = Reporter(name="张三", phone="13900001111", address="幸福路12号")
        await intake.open(replace(REPORT, reporter=who))
        state = intake.store.state
        (paper,) = state.reports.values()
        assert paper.sealed is not None
        opened = json.loads(await FakeVault().read(paper.sealed, about=paper.report_id))
        assert opened["reporter"] == {"name": "张三", "phone": "13900001111", "address": "幸福路12号"}
        assert opened["text"] == REPORT.text
        elsewhere = repr((state.events, state.cases, paper.text, [one.body for one in state.kept.values()]))
        for secret in ("张三", "13900001111", "幸福路", "13812345678"):
            assert secret not in elsewhere

    async def test_a_report_without_anything_personal_seals_nothing(self, intake: Intake) -> None:
        await intake.open(replace(REPORT, text="燃气味很重"))
        assert [paper.sealed for paper in intake.store.state.reports.values()] == [None]

    async def test_the_same_key_and_report_is_answered_alike_and_done_once(self, intake: Intake) -> None:
        first = await accept_report(REPORT, bearer=HOTLINE, client_key="a", doors=intake.doors)
        intake.clock.pass_(timedelta(days=400))
        again = await accept_report(REPORT, bearer=HOTLINE, client_key="a", doors=intake.doors)
        assert (again.body, again.replayed, first.replayed) == (first.body, True, False)
        assert intake.types == ["opened"]

    async def test_the_same_key_with_another_report_is_refused(self, intake: Intake) -> None:
        await intake.open(key="a")
        with pytest.raises(KeyReused) as refused:
            await intake.open(replace(REPORT, text="停水了"), key="a")
        assert refused.value.field == "Idempotency-Key"

    async def test_what_was_accepted_once_is_answered_alike_after_the_key_lost_its_area(self, intake: Intake) -> None:
        first = await accept_report(REPORT, bearer=HOTLINE, client_key="a", doors=intake.doors)
        moved = replace(HOTLINE, area=EAST_VILLAGE)
        again = await accept_report(REPORT, bearer=moved, client_key="a", doors=intake.doors)
        assert (again.body, again.replayed) == (first.body, True)

    async def test_two_clients_may_use_the_same_key(self, intake: Intake) -> None:
        first = await intake.open(key="a")
        other = replace(HOTLINE, key_id="other")
        reply = await accept_report(REPORT, bearer=other, client_key="a", doors=intake.doors)
        assert json.loads(reply.body)["case_id"] != str(first)

    async def test_a_key_of_one_town_cannot_report_for_another(self, intake: Intake) -> None:
        west = replace(HOTLINE, area=WEST)
        with pytest.raises(NotYours, match=WEST):
            await accept_report(replace(REPORT, area=EAST_VILLAGE), bearer=west, client_key="a", doors=intake.doors)
        assert intake.store.state.kept == {}

    async def test_nothing_is_kept_when_the_commit_fails(self, intake: Intake) -> None:
        intake.store.away_at_commit = ConnectionResetError()
        with pytest.raises(ConnectionResetError):
            await intake.open(key="a")
        intake.store.away_at_commit = None
        assert intake.types == []
        await intake.open(key="a")
        assert intake.types == ["opened"]


class TestActions:
    async def routed(self, intake: Intake) -> UUID:
        case_id = await intake.open()
        await intake.fold(issued(intake.case(case_id)), subject=case_id)
        return case_id

    async def test_an_action_is_kept_and_says_what_may_come_next(self, intake: Intake) -> None:
        case_id = await self.routed(intake)
        sign = ActionRequest(action=Action.SIGN)
        body = json.loads((await act_on_case(case_id, sign, bearer=BUREAU, client_key=None, doors=intake.doors)).body)
        assert (body["state"], body["version"]) == ("signed", 3)
        assert body["event_id"] == str(derive_id(case_id, "v3"))
        assert body["allowed"] == ["arrive", "progress", "resolve", "return", "note"]
        assert intake.types == ["opened", "routed", "signed"]

    async def test_the_same_action_under_the_same_key_is_done_once(self, intake: Intake) -> None:
        case_id = await self.routed(intake)
        sign = ActionRequest(action=Action.SIGN)
        first = await act_on_case(case_id, sign, bearer=BUREAU, client_key="s", doors=intake.doors)
        again = await act_on_case(case_id, sign, bearer=BUREAU, client_key="s", doors=intake.doors)
        assert (again.body, again.replayed) == (first.body, True)
        with pytest.raises(WrongState) as refused:
            await act_on_case(case_id, sign, bearer=BUREAU, client_key="t", doors=intake.doors)
        assert refused.value.allowed == tuple(json.loads(first.body)["allowed"])
        arrive = ActionRequest(action=Action.ARRIVE)
        with pytest.raises(KeyReused):
            await act_on_case(case_id, arrive, bearer=BUREAU, client_key="s", doors=intake.doors)

    async def test_a_refusal_lists_what_is_open_to_the_key_that_asked(self, intake: Intake) -> None:
        case_id = await self.routed(intake)
        verify = ActionRequest(action=Action.VERIFY)
        with pytest.raises(WrongState) as refused:
            await act_on_case(case_id, verify, bearer=WEST_DESK, client_key=None, doors=intake.doors)
        not_his = {Action.SIGN, Action.RETURN, Action.HANG, Action.RULE}
        assert not set(refused.value.allowed) & not_his, "signing is open, but not to this desk"
        assert {Action.WHISTLE, Action.TRANSFER, Action.REFUSE, Action.NOTE} <= set(refused.value.allowed)

    async def test_words_of_an_action_leave_masked(self, intake: Intake) -> None:
        case_id = await self.routed(intake)
        sign = ActionRequest(action=Action.SIGN, note="找王工13812345678")
        await act_on_case(case_id, sign, bearer=BUREAU, client_key=None, doors=intake.doors)
        event = intake.store.state.events[-1].data
        assert isinstance(event, CaseSigned)
        assert (event.note, event.by.key_id) == ("找王工138****5678", "gas")

    async def test_an_unknown_case_a_foreign_key_and_a_wrong_grade_are_refused(self, intake: Intake) -> None:
        case_id = await self.routed(intake)
        sign = ActionRequest(action=Action.SIGN)
        with pytest.raises(UnknownCase):
            await act_on_case(NOWHERE, sign, bearer=BUREAU, client_key=None, doors=intake.doors)
        with pytest.raises(NotYours):
            await act_on_case(case_id, sign, bearer=WEST_DESK, client_key=None, doors=intake.doors)
        rate = ActionRequest(action=Action.RATE)
        with pytest.raises(Refused) as refused:
            await act_on_case(case_id, rate, bearer=HOTLINE, client_key=None, doors=intake.doors)
        assert refused.value.field == "rating"


class TestFolds:
    async def test_orders_of_a_batch_are_folded_in_order(self, intake: Intake) -> None:
        case_id = await intake.open()
        view = intake.case(case_id)
        desk = Target(kind=TargetKind.DESK, id=WEST)
        outcome = await intake.fold(issued(view), issued(view, desk, OrderRole.ASSIST), subject=case_id)
        assert outcome == Outcome(rejected=[])
        assert intake.types == ["opened", "routed", "routed"]
        assert intake.case(case_id).state is CaseState.ROUTED
        assert [event.sequence for event in intake.store.state.events] == [1, 2, 3]

    async def test_a_batch_that_comes_again_changes_nothing(self, intake: Intake) -> None:
        case_id = await intake.open()
        view = intake.case(case_id)
        escalated = ClockEscalated(
            case=view,
            clock=clock(view),
            fired_at=view.opened_at,
            from_level=Level.VILLAGE,
            to_level=Level.TOWN,
            to=Target(kind=TargetKind.DESK, id=WEST),
            when_late=WhenLate.TAKE_OVER,
            reason="没人签收",
        )
        withdrawn = OrderWithdrawn(order=order(view), case=view, reason="换人", cause_id=uuid4())
        for _ in range(3):
            await intake.fold(issued(view), escalated, withdrawn, subject=case_id)
        assert intake.types == ["opened", "routed", "escalated", "order_withdrawn"]

    async def test_a_breach_changes_no_case(self, intake: Intake) -> None:
        case_id = await intake.open()
        view = intake.case(case_id)
        breached = ClockBreached(case=view, clock=clock(view), fired_at=view.opened_at, late_seconds=1)
        assert await intake.fold(breached, subject=case_id) == Outcome(rejected=[])
        assert intake.types == ["opened"]

    @pytest.mark.parametrize("kind", [payload.TYPE for topic in (*ORDER.values(), SLA) for payload in topic.types])
    async def test_every_event_of_the_topics_it_reads_is_known_to_the_fold(self, intake: Intake, kind: str) -> None:
        for example in examples_of(kind).values():
            payload = adapter(PAYLOADS[kind]).validate_python(example)
            for reason in reasons(await intake.fold(payload, subject=NOWHERE)):
                assert reason == f"case {NOWHERE} is not in intake"

    async def test_bad_records_are_set_aside_with_why_and_the_rest_goes_on(self, intake: Intake) -> None:
        case_id = await intake.open()
        view = intake.case(case_id)
        good = record(issued(view), case_id)
        outcome = await fold_batch(
            [
                good._replace(value=b"{"),
                record(issued(view), NOWHERE),
                record(issued(view), case_id, ce_subject="no uuid"),
                record(ReportReceived(source=Source.GRID, reference="r", text="t"), case_id),
                good,
            ],
            doors=intake.doors,
        )
        says = reasons(outcome)
        assert len(says) == 4
        for part in ("whistle.order.issued.v1", str(NOWHERE), "ce_subject", "does not belong"):
            assert any(part in reason for reason in says)
        assert intake.types == ["opened", "routed"]

    async def test_a_folded_event_continues_the_trace_of_its_cause(self, intake: Intake) -> None:
        case_id = await intake.open()
        trace = "0af7651916cd43dd8448eb211c80319c"
        traced = record(issued(intake.case(case_id)), case_id, traceparent=f"00-{trace}-b7ad6b7169203331-01")
        await fold_batch([traced], doors=intake.doors)
        event = intake.store.state.events[-1]
        assert isinstance(event.data, CaseRouted)
        assert trace in (event.traceparent or "")


class TestInbound:
    async def test_a_report_from_kafka_opens_a_case_once(self, intake: Intake) -> None:
        one = ReportReceived(source=Source.SENSOR, reference="s-1", text="燃气味", area=WEST_VILLAGE)
        await intake.inbound(one, one)
        assert await intake.inbound(one) == Outcome(rejected=[])
        assert intake.types == ["opened"]

    async def test_a_reference_used_for_another_report_is_set_aside(self, intake: Intake) -> None:
        one = ReportReceived(source=Source.SENSOR, reference="s-1", text="燃气味", area=WEST_VILLAGE)
        outcome = await intake.inbound(one, replace(one, text="停水"))
        assert ["reference" in reason for reason in reasons(outcome)] == [True]
        outcome = await intake.inbound(replace(one, text="停电"))
        assert ["reference" in reason for reason in reasons(outcome)] == [True]

    async def test_a_source_that_no_table_can_hold_is_set_aside(self, intake: Intake) -> None:
        one = ReportReceived(source=Source.SENSOR, reference="s-1", text="燃气味", area=WEST_VILLAGE)
        outcome = await accept_inbound([record(one, uuid4(), ce_source="a\x00b")], doors=intake.doors)
        assert [reason.startswith("ce_source: ") for reason in reasons(outcome)] == [True]

    @pytest.mark.parametrize(
        ("changed", "field"),
        (
            ({"area": "990102001"}, "area"),
            ({"area": None}, "area"),
            ({"category": "77"}, "category"),
            ({"text": "a\x00b"}, "text"),
            ({"reference": "a\x00b"}, "reference"),
        ),
    )
    async def test_a_bad_report_is_set_aside_naming_its_field(
        self, intake: Intake, changed: dict[str, str | None], field: str
    ) -> None:
        good = ReportReceived(source=Source.SENSOR, reference="s-1", text="燃气味", area=WEST_VILLAGE)
        bad = replace(good, **({"reference": "s-2"} | changed))  # type: ignore[arg-type]
        outcome = await intake.inbound(bad, good)
        (reason,) = reasons(outcome)
        assert reason.startswith(f"{field}: ")
        assert "allowed: " in reason
        assert intake.types == ["opened"]
