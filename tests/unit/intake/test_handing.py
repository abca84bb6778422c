"""Orders change hands: transfers, rulings, returns of those who signed, steps of a matter."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.intake.domain.asking.actions import ActionRequest, Circumstances, command_of, order_meant
from services.intake.domain.asking.targets import Whom
from services.intake.domain.life.case import Case
from services.intake.domain.life.commands import (
    FoldOrderIssued,
    FoldOrderWithdrawn,
    ReleaseOrder,
    ReopenCase,
    ReportProgress,
    ReturnOrder,
    RuleCase,
    TransferOrder,
)
from services.intake.domain.life.permissions import NotYours
from services.intake.domain.life.states import Action, WrongState
from services.intake.domain.moves.decide import allowed, decide
from shared.events.case import (
    CaseProgressed,
    CaseReleased,
    CaseReturned,
    CaseRuled,
    CaseStepDone,
    CaseTransferred,
)
from shared.events.order import CaseSettings, Order
from shared.events.parts import Actor
from shared.playbook.model import Policy
from shared.vocabulary import (
    ActorKind,
    CaseState,
    OrderReason,
    OrderRole,
    OrderState,
    Refused,
    Severity,
    TargetKind,
)
from tests.fakes.called_county import called_county
from tests.fakes.small_county import COUNTY, EAST, WEST
from tests.unit.intake.cases import (
    BUREAU,
    COUNTY_DESK,
    MARKET,
    NOON,
    POLICE,
    SOMEBODY,
    TOWN_DESK,
    VILLAGE_DESK,
    WINDOW,
    apply,
    case_in,
    led_by,
    order,
)
from tests.unit.intake.joint import (
    HEAD,
    MATTER,
    OPERATOR,
    VILLAGE,
    refusal,
    resolve,
    sign,
    step,
    worked,
)

GIVEN = Circumstances(by=SOMEBODY, playbook=called_county(), now=NOON)


class TestTransfers:
    def test_the_order_stands_until_the_router_has_issued_another(self) -> None:
        case = led_by(BUREAU)
        assert case.lead is not None
        old = case.lead.order_id
        (event,) = decide(case, TransferOrder(order_id=old, by=SOMEBODY, to=POLICE, reason="归它"), NOON)
        assert isinstance(event, CaseTransferred)
        assert (event.case.state, event.to, [one.order_id for one in event.standing]) == (
            CaseState.ROUTED,
            POLICE,
            [old],
        )
        assert case.lead.stands
        new = replace(order(POLICE), reason=OrderReason.TRANSFERRED)
        case = apply(case, FoldOrderIssued(order=new))
        assert case.view.lead == POLICE
        assert case.order(old).state is OrderState.WITHDRAWN

    def test_never_to_one_who_has_an_order_or_returned_it_without_a_ruling(self) -> None:
        given_back = order(POLICE)
        case = apply(
            case_in(CaseState.OPENED),
            FoldOrderIssued(order=given_back),
            ReturnOrder(order_id=given_back.order_id, by=SOMEBODY, reason="不归我管", returns_allowed=2),
            FoldOrderIssued(order=order(BUREAU)),
        )
        assert case.lead is not None
        to_police = TransferOrder(order_id=case.lead.order_id, by=SOMEBODY, to=POLICE, reason="归它")
        refused = refusal(case, to_police)
        assert refused.field == "to"
        assert any("rule" in what for what in refused.allowed)
        assert "already" in refusal(case, replace(to_police, to=BUREAU)).reason
        ruled = replace(order(POLICE), reason=OrderReason.RULED, issued_at=NOON)
        case = apply(case, FoldOrderIssued(order=ruled))
        back = apply(case, FoldOrderIssued(order=replace(order(BUREAU), reason=OrderReason.TRANSFERRED)))
        assert back.lead is not None
        assert decide(back, replace(to_police, order_id=back.lead.order_id), NOON), "a ruling has made it theirs"

    @pytest.mark.parametrize("reason", (OrderReason.RULING, OrderReason.RULED))
    def test_what_is_to_be_ruled_or_was_moves_by_a_ruling_alone(self, reason: OrderReason) -> None:
        case = apply(case_in(CaseState.OPENED), FoldOrderIssued(order=replace(order(COUNTY_DESK), reason=reason)))
        assert case.lead is not None
        move = TransferOrder(order_id=case.lead.order_id, by=SOMEBODY, to=POLICE, reason="归它")
        assert isinstance(refusal(case, move), WrongState)
        assert Action.TRANSFER not in allowed(case, None, policy=Policy(), now=NOON)
        assert decide(case, RuleCase(by=SOMEBODY, to=POLICE, reason="归它"), NOON)

    def test_whom_the_playbook_does_not_know_gets_nothing(self) -> None:
        case = led_by(BUREAU)
        for whom, field in (
            (None, "to"),
            (Whom(kind=TargetKind.DEPARTMENT, id="polce"), "to.id"),
            (Whom(kind=TargetKind.DESK, id=EAST), "to.id"),
        ):
            request = ActionRequest(action=Action.TRANSFER, to=whom, reason="归它")
            with pytest.raises(Refused) as refused:
                command_of(request, case.lead, case=case, given=GIVEN)
            assert refused.value.field == field
            assert refused.value.allowed


class TestRulings:
    def test_one_who_returned_it_gets_it_back_and_keeps_it(self) -> None:
        given_back = order(BUREAU)
        case = apply(
            case_in(CaseState.OPENED),
            FoldOrderIssued(order=given_back),
            ReturnOrder(order_id=given_back.order_id, by=SOMEBODY, reason="不归我管", returns_allowed=2),
            FoldOrderIssued(order=replace(order(COUNTY_DESK), reason=OrderReason.RULING)),
        )
        (event,) = decide(case, RuleCase(by=SOMEBODY, to=BUREAU, reason="表前归它"), NOON)
        assert isinstance(event, CaseRuled)
        assert event.order is not None
        assert event.order.reason is OrderReason.RULING
        ruled = replace(order(BUREAU), reason=OrderReason.RULED)
        case = apply(case, FoldOrderIssued(order=ruled))
        assert case.view.lead == BUREAU
        keep = ReturnOrder(order_id=ruled.order_id, by=SOMEBODY, reason="还是不归我", returns_allowed=9)
        assert "ruled" in refusal(case, keep).reason
        assert Action.RETURN not in allowed(case, None, policy=Policy(returns_allowed=9), now=NOON)

    def test_who_leads_already_is_not_ruled_to_unless_only_to_rule(self) -> None:
        assert refusal(led_by(BUREAU), RuleCase(by=SOMEBODY, to=BUREAU, reason="归它")).field == "to"
        ruling = replace(order(COUNTY_DESK), reason=OrderReason.RULING)
        case = apply(case_in(CaseState.OPENED), FoldOrderIssued(order=ruling))
        assert decide(case, RuleCase(by=SOMEBODY, to=COUNTY_DESK, reason="自己办"), NOON)

    def test_the_holder_of_the_order_to_rule_may_though_it_is_of_the_cases_level(self) -> None:
        ruling = replace(order(TOWN_DESK), reason=OrderReason.RULING)
        case = apply(case_in(CaseState.OPENED), FoldOrderIssued(order=ruling))
        town = replace(VILLAGE, area=WEST)
        assert order_meant(ActionRequest(action=Action.RULE), case, town) is None
        with pytest.raises(NotYours):
            order_meant(ActionRequest(action=Action.RULE), case, VILLAGE)


class TestFirstContact:
    def given_back(self) -> tuple[Case, Order]:
        first = order(BUREAU)
        case = apply(
            case_in(CaseState.OPENED),
            FoldOrderIssued(order=first),
            sign(first),
            ReturnOrder(order_id=first.order_id, by=SOMEBODY, reason="不归我管", returns_allowed=2),
        )
        return case, first

    def test_whoever_signed_answers_until_another_has(self) -> None:
        case, first = self.given_back()
        assert (case.view.state, case.view.lead, case.view.holder) == (CaseState.RETURNED, None, BUREAU)
        assert case.order(first.order_id).state is OrderState.RETURNING
        case = apply(case, ReportProgress(order_id=first.order_id, by=SOMEBODY, note="先围挡"))
        assert (case.view.state, case.order(first.order_id).state) == (CaseState.RETURNED, OrderState.RETURNING)
        second = order(POLICE)
        case = apply(case, FoldOrderIssued(order=second))
        case = apply(case, ReportProgress(order_id=first.order_id, by=SOMEBODY, note="还在看着"))
        assert (case.view.state, case.view.holder) == (CaseState.ROUTED, BUREAU)
        case = apply(case, sign(second))
        assert case.order(first.order_id).state is OrderState.RETURNED
        assert case.view.holder == POLICE
        assert isinstance(refusal(case, ReportProgress(order_id=first.order_id, by=SOMEBODY)), WrongState)

    def test_only_a_lead_and_only_one_who_signed(self) -> None:
        case = case_in(CaseState.RETURNED)
        assert case.orders[0].state is OrderState.RETURNED
        helper = order(POLICE, OrderRole.ASSIST)
        case = apply(led_by(), FoldOrderIssued(order=helper), sign(helper))
        back = ReturnOrder(order_id=helper.order_id, by=SOMEBODY, reason="不归我管", returns_allowed=2)
        (event,) = decide(case, back, NOON)
        assert isinstance(event, CaseReturned)
        assert event.order is not None
        assert event.order.state is OrderState.RETURNED
        assert [one.target for one in event.standing] == [VILLAGE_DESK]

    def test_a_new_round_begins_without_a_holder(self) -> None:
        closed = case_in(CaseState.CLOSED)
        assert closed.view.holder == VILLAGE_DESK
        assert apply(closed, ReopenCase(by=SOMEBODY, reason="又漏了", window=WINDOW)).view.holder is None


class TestMatters:
    def begun(self) -> Case:
        lead = FoldOrderIssued(order=order(VILLAGE_DESK), matter=MATTER)
        return worked(apply(case_in(CaseState.OPENED), lead))

    def states(self, case: Case) -> dict[str, OrderState | None]:
        assert case.view.matter is not None
        return {one.id: one.state for one in case.view.matter.steps}

    def test_a_step_is_what_its_last_order_is_and_its_end_is_told_once(self) -> None:
        site = step("site")
        case = apply(self.begun(), FoldOrderIssued(order=site))
        assert self.states(case) == {"site": OrderState.ISSUED, "fire": None, "licence": None}
        case = apply(case, sign(site))
        resolved, done = decide(case, resolve(site.order_id), NOON)
        assert isinstance(done, CaseStepDone)
        assert (done.step, done.order_id, done.case.version) == ("site", site.order_id, resolved.case.version + 1)
        assert [one.target for one in done.standing] == [VILLAGE_DESK]
        case = apply(case, resolve(site.order_id))
        assert case.lead is not None
        later = decide(case, ReportProgress(order_id=case.lead.order_id, by=SOMEBODY), NOON)
        assert [type(event) for event in later] == [CaseProgressed]

    def test_orders_of_steps_may_come_before_the_leads(self) -> None:
        site = step("site")
        case = apply(case_in(CaseState.OPENED), FoldOrderIssued(order=site))
        case = apply(case, FoldOrderIssued(order=order(VILLAGE_DESK), matter=MATTER))
        assert self.states(case)["site"] is OrderState.ISSUED

    def test_a_released_step_keeps_nobody_waiting_and_a_withdrawn_one_waits_again(self) -> None:
        site = step("site")
        case = apply(self.begun(), FoldOrderIssued(order=site))
        withdrawn = apply(case, FoldOrderWithdrawn(order=site, reason="上级接管"))
        assert self.states(withdrawn)["site"] is None
        released, done = decide(case, ReleaseOrder(order_id=site.order_id, by=SOMEBODY, reason="免检"), NOON)
        assert isinstance(released, CaseReleased)
        assert isinstance(done, CaseStepDone)
        assert done.case.matter is not None
        assert done.case.matter.steps[0].state is OrderState.WITHDRAWN

    def test_the_lead_waits_for_every_step(self) -> None:
        case = self.begun()
        assert case.lead is not None
        end = resolve(case.lead.order_id)
        assert "step licence" in refusal(case, end).reason
        for name in ("site", "fire", "licence"):
            one = step(name)
            case = apply(case, FoldOrderIssued(order=one))
            assert name in refusal(case, end).reason
            case = apply(case, sign(one), resolve(one.order_id))
        assert apply(case, end).view.state is CaseState.RESOLVED

    def test_a_step_given_back_waits_for_the_next_who_takes_it(self) -> None:
        site = step("site")
        case = apply(self.begun(), FoldOrderIssued(order=site))
        back = ReturnOrder(order_id=site.order_id, by=SOMEBODY, reason="不归我管", returns_allowed=2)
        (event,) = decide(case, back, NOON)
        assert isinstance(event, CaseReturned)
        assert event.order is not None
        assert event.order.step == "site"
        case = apply(case, back)
        assert self.states(case)["site"] is OrderState.RETURNED
        assert case.lead is not None
        assert "step site" in refusal(case, resolve(case.lead.order_id)).reason
        case = apply(case, FoldOrderIssued(order=step("site", MARKET)))
        assert self.states(case)["site"] is OrderState.ISSUED


class TestWhatComesWithTheLeadsOrder:
    def test_severity_and_tags_are_taken_over(self) -> None:
        sets = CaseSettings(severity=Severity.II, tags=("学校周边",))
        case = apply(case_in(CaseState.OPENED), FoldOrderIssued(order=order(), sets=sets))
        assert (case.view.severity, case.view.tags) == (Severity.II, ("学校周边",))

    def test_what_never_stood_sets_nothing(self) -> None:
        late = FoldOrderIssued(order=order(VILLAGE_DESK), sets=CaseSettings(severity=Severity.IV), matter=MATTER)
        case = apply(led_by(COUNTY_DESK), late)
        assert (case.view.severity, case.view.matter) == (Severity.I, None)

    def test_of_two_leads_that_people_decided_on_the_newer_one_stands_in_either_order(self) -> None:
        first = replace(order(BUREAU), reason=OrderReason.TRANSFERRED, issued_at=NOON)
        second = replace(order(POLICE), reason=OrderReason.RULED, issued_at=NOON + timedelta(minutes=1))
        taken = replace(order(COUNTY_DESK), reason=OrderReason.ESCALATED, issued_at=NOON)
        for one, other in ((first, second), (second, first), (taken, second), (second, taken)):
            case = apply(led_by(), FoldOrderIssued(order=one), FoldOrderIssued(order=other))
            assert case.view.lead == POLICE


def test_an_operator_who_whistles_is_named_as_one() -> None:
    assert OPERATOR.actor == Actor(kind=ActorKind.OPERATOR, id=COUNTY, name="值班长", key_id="o")
    assert HEAD.actor.kind is ActorKind.DESK
