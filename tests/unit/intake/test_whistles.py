"""Whistles: asked for, confirmed, sounding; who is waited for, and who is let go."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from services.intake.domain.asking.actions import ActionRequest, Circumstances, command_of, order_meant
from services.intake.domain.life.commands import (
    ConfirmWhistle,
    DeclineWhistle,
    FoldOrderIssued,
    FoldOrderWithdrawn,
    ReleaseOrder,
)
from services.intake.domain.life.joining import ANSWERED_WITHIN
from services.intake.domain.life.permissions import Bearer, NotYours
from services.intake.domain.life.states import Action, WrongState
from services.intake.domain.moves.decide import allowed, decide
from services.intake.domain.moves.whistling import MOST_STANDING, MOST_WHISTLES
from shared.events.case import (
    CaseReleased,
    CaseWhistleAsked,
    CaseWhistled,
)
from shared.vocabulary import (
    CaseState,
    OrderRole,
    OrderState,
    Refused,
    WhistleKind,
)
from tests.fakes.called_county import called_county
from tests.fakes.small_county import COUNTY, EAST, WEST, WEST_VILLAGE
from tests.unit.intake.cases import (
    MARKET,
    NOON,
    POLICE,
    SOMEBODY,
    TOWN_DESK,
    VILLAGE_DESK,
    apply,
    led_by,
    order,
)
from tests.unit.intake.joint import (
    HEAD,
    OPERATOR,
    POLICY,
    VILLAGE,
    blow,
    called,
    refusal,
    resolve,
    sign,
    sounding,
    step,
    worked,
)

GIVEN = Circumstances(by=SOMEBODY, playbook=called_county(), now=NOON)


class TestWhistles:
    def test_it_waits_for_the_heads_word_and_then_sounds(self) -> None:
        (asked,) = decide(led_by(), blow(), NOON)
        assert isinstance(asked, CaseWhistleAsked)
        case = apply(led_by(), blow())
        assert case.asked is not None
        (sounded,) = decide(case, ConfirmWhistle(by=HEAD.actor, whistle_id=asked.whistle.whistle_id), NOON)
        assert isinstance(sounded, CaseWhistled)
        assert (sounded.departments, sounded.by.key_id) == (("police", "market"), "v2")
        assert [one.target for one in sounded.standing] == [VILLAGE_DESK]

    @pytest.mark.parametrize("kind", [kind for kind in WhistleKind if kind is not WhistleKind.EMERGENCY])
    def test_only_an_emergency_sounds_at_once(self, kind: WhistleKind) -> None:
        assert isinstance(decide(led_by(), blow(kind), NOON)[0], CaseWhistleAsked)
        assert isinstance(decide(led_by(), blow(WhistleKind.EMERGENCY), NOON)[0], CaseWhistled)

    def test_one_waits_at_a_time_and_an_emergency_sounds_beside_it(self) -> None:
        case = apply(led_by(), blow())
        assert "waits for its head's word" in refusal(case, blow()).reason
        beside = apply(case, blow(WhistleKind.EMERGENCY, "water-bureau"))
        assert beside.asked == case.asked

    def test_declined_it_waits_no_longer_and_needs_a_reason(self) -> None:
        case = apply(led_by(), blow())
        assert case.asked is not None
        no = DeclineWhistle(by=HEAD.actor, whistle_id=case.asked.whistle.whistle_id, reason="日常工作")
        assert refusal(case, replace(no, reason=" ")).field == "reason"
        assert apply(case, no).asked is None

    def test_what_is_confirmed_twice_sounds_once(self) -> None:
        case = apply(led_by(), blow())
        assert case.asked is not None
        yes = ConfirmWhistle(by=HEAD.actor, whistle_id=case.asked.whistle.whistle_id)
        assert isinstance(refusal(apply(case, yes), yes), WrongState)

    def test_another_whistle_than_the_one_that_waits_is_named(self) -> None:
        case = apply(led_by(), blow())
        assert case.asked is not None
        refused = refusal(case, ConfirmWhistle(by=HEAD.actor, whistle_id=UUID(int=9)))
        assert (refused.field, refused.allowed) == ("whistle_id", (str(case.asked.whistle.whistle_id),))

    def test_departments_are_added_to_one_that_sounded_by_the_same_rule(self) -> None:
        case, whistle = sounding(led_by(), "police")
        more = replace(blow(WhistleKind.EMERGENCY, "market"), whistle_id=whistle.whistle_id, kind=None)
        (event,) = decide(case, more, NOON)
        assert isinstance(event, CaseWhistled)
        assert event.whistle == whistle
        case = apply(led_by(), blow())
        assert case.asked is not None
        first = case.asked.whistle
        case = apply(case, ConfirmWhistle(by=HEAD.actor, whistle_id=first.whistle_id))
        (event,) = decide(case, replace(more, whistle_id=first.whistle_id), NOON)
        assert isinstance(event, CaseWhistleAsked)
        assert refusal(case, replace(more, whistle_id=UUID(int=9))).allowed == (str(first.whistle_id),)
        assert refusal(case, replace(more, whistle_id=first.whistle_id, kind=WhistleKind.EMERGENCY)).field == "kind"

    def test_a_department_that_is_at_it_is_not_called_again(self) -> None:
        case, whistle = sounding(led_by(), "police")
        case = apply(case, FoldOrderIssued(order=called(POLICE, whistle)))
        refused = refusal(case, blow(WhistleKind.KEY_WORK, "police", "market"))
        assert (refused.field, refused.allowed) == ("departments", ("market",))

    @pytest.mark.parametrize(
        ("changes", "field"),
        (
            ({"departments": ()}, "departments"),
            ({"kind": None}, "kind"),
            ({"lead": "water-bureau"}, "lead"),
            ({"reason": ""}, "reason"),
        ),
    )
    def test_what_it_lacks_is_named(self, changes: dict[str, object], field: str) -> None:
        assert refusal(led_by(), replace(blow(), **changes)).field == field  # type: ignore[arg-type]

    def test_a_department_that_is_not_in_the_playbook_is_named_with_near_ones(self) -> None:
        request = ActionRequest(
            action=Action.WHISTLE, kind=WhistleKind.EMERGENCY, departments=("market", "polce"), reason="来"
        )
        with pytest.raises(Refused) as refused:
            command_of(request, None, case=led_by(), given=GIVEN)
        assert (refused.value.field, refused.value.allowed[0]) == ("departments.1", "police")

    def test_there_is_an_end_to_whistles_and_to_orders(self) -> None:
        case = led_by()
        for _ in range(MOST_WHISTLES):
            case = apply(case, blow(WhistleKind.EMERGENCY))
        assert "level above" in refusal(case, blow()).reason
        assert Action.WHISTLE not in allowed(case, None, policy=POLICY, now=NOON)
        crowd = led_by()
        for _ in range(MOST_STANDING):
            crowd = apply(crowd, FoldOrderIssued(order=replace(step("x"), step=f"s{len(crowd.orders)}")))
        assert "release some" in refusal(crowd, blow()).reason


class TestTheHeadsWord:
    @pytest.mark.parametrize(
        ("who", "may"),
        (
            (HEAD, True),
            (OPERATOR, True),
            (replace(OPERATOR, area=EAST), False),
            (replace(HEAD, area=WEST), False),
            (replace(HEAD, key_id="v1"), False),
            (VILLAGE, False),
        ),
    )
    def test_it_is_the_head_of_the_desk_that_asked_and_never_who_asked(self, *, who: Bearer, may: bool) -> None:
        case = apply(led_by(), blow())
        for action in (Action.CONFIRM, Action.DECLINE):
            if may:
                assert order_meant(ActionRequest(action=action), case, who) is None
                continue
            with pytest.raises(NotYours):
                order_meant(ActionRequest(action=action), case, who)

    def test_a_head_who_asked_does_not_confirm_it_alone(self) -> None:
        case = apply(led_by(), replace(blow(), by=HEAD.actor))
        with pytest.raises(NotYours):
            order_meant(ActionRequest(action=Action.CONFIRM), case, HEAD)

    def test_the_whistle_must_be_named(self) -> None:
        case = apply(led_by(), blow())
        assert case.asked is not None
        with pytest.raises(Refused) as refused:
            command_of(ActionRequest(action=Action.CONFIRM), None, case=case, given=GIVEN)
        assert refused.value.allowed == (str(case.asked.whistle.whistle_id),)


class TestTheLeadWaits:
    def test_while_one_who_was_called_still_works(self) -> None:
        case, whistle = sounding(worked(led_by()), "police", "market")
        first, second = called(POLICE, whistle), called(MARKET, whistle)
        case = apply(case, FoldOrderIssued(order=first), FoldOrderIssued(order=second))
        assert case.lead is not None
        lead = case.lead.order_id
        reason = refusal(case, resolve(lead)).reason
        assert "police" in reason
        assert "market" in reason
        assert Action.RESOLVE not in allowed(case, None, policy=POLICY, now=NOON)
        case = apply(case, sign(first), resolve(first.order_id))
        reason = refusal(case, resolve(lead)).reason
        assert "market" in reason
        assert "police" not in reason
        case = apply(case, ReleaseOrder(order_id=second.order_id, by=SOMEBODY, reason="不需要了"))
        assert apply(case, resolve(lead)).view.state is CaseState.RESOLVED

    def test_while_a_whistle_waits_for_its_heads_word(self) -> None:
        case = worked(apply(led_by(), blow()))
        assert case.lead is not None
        assert "waits for the word of the head" in refusal(case, resolve(case.lead.order_id)).reason

    def test_for_the_orders_of_a_whistle_but_not_for_ever(self) -> None:
        case, whistle = sounding(worked(led_by()), "police")
        assert case.lead is not None
        end = resolve(case.lead.order_id)
        assert "on the way" in refusal(case, end).reason
        later = NOON + ANSWERED_WITHIN + timedelta(seconds=1)
        assert apply(case, end, at=later).view.state is CaseState.RESOLVED
        late = apply(apply(case, end, at=later), FoldOrderIssued(order=called(POLICE, whistle)))
        assert not any(one.stands for one in late.orders), "what comes after the end never stands"

    def test_an_assistant_by_rule_keeps_nobody_waiting(self) -> None:
        case = worked(apply(led_by(), FoldOrderIssued(order=order(POLICE, OrderRole.ASSIST))))
        assert case.lead is not None
        assert apply(case, resolve(case.lead.order_id)).view.state is CaseState.RESOLVED


class TestReleases:
    def test_the_order_stands_no_more_at_once(self) -> None:
        case, whistle = sounding(led_by(), "police")
        one = called(POLICE, whistle)
        case = apply(case, FoldOrderIssued(order=one))
        (event,) = decide(case, ReleaseOrder(order_id=one.order_id, by=SOMEBODY, reason="不需要了"), NOON)
        assert isinstance(event, CaseReleased)
        assert (event.order.state, event.order.whistle) == (OrderState.WITHDRAWN, whistle)
        case = apply(case, ReleaseOrder(order_id=one.order_id, by=SOMEBODY, reason="不需要了"))
        assert isinstance(refusal(case, sign(one)), WrongState)
        assert decide(case, FoldOrderWithdrawn(order=one, reason="解除"), NOON) == ()

    def test_a_lead_and_an_overseer_are_not_released(self) -> None:
        watch = order(TOWN_DESK, OrderRole.OVERSEE)
        case = apply(led_by(), FoldOrderIssued(order=watch))
        assert case.lead is not None
        for order_id in (case.lead.order_id, watch.order_id):
            refused = refusal(case, ReleaseOrder(order_id=order_id, by=SOMEBODY, reason="x"))
            assert isinstance(refused, WrongState)

    @pytest.mark.parametrize(
        ("area", "may"), ((WEST_VILLAGE, True), (WEST, True), (COUNTY, False), (EAST, False)), ids=str
    )
    def test_it_is_for_the_desk_that_whistled_and_the_leads(self, *, area: str, may: bool) -> None:
        case, whistle = sounding(led_by(TOWN_DESK), "police")
        one = called(POLICE, whistle)
        case = apply(case, FoldOrderIssued(order=one))
        request = ActionRequest(action=Action.RELEASE, order_id=one.order_id)
        if may:
            assert order_meant(request, case, replace(VILLAGE, area=area)) is not None
            return
        with pytest.raises(NotYours):
            order_meant(request, case, replace(VILLAGE, area=area))
