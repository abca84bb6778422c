"""What holds a case's clocks, lets them go on, puts them off or starts them anew: from facts to demands."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.escalation.domain.clocks import Demand, demanded
from services.escalation.domain.facts import Facts
from services.escalation.domain.fold import fold
from services.escalation.domain.limits import start
from services.escalation.domain.moves import MoveKind
from shared.events.envelope import Event
from shared.events.parts import Target
from shared.events.sla import Outcome
from shared.playbook.model import LimitUnit
from shared.vocabulary import ClockKind, Level, OrderRole, TargetKind, WhenLate
from tests.fakes.clock_county import CLOCKS, clock_county, limit
from tests.fakes.small_county import COUNTY, GAS_BUREAU, GAS_LEAK, WEST, WEST_VILLAGE
from tests.fakes.story import Story

START = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
BUREAU = Target(kind=TargetKind.DEPARTMENT, id=GAS_BUREAU, name="燃气公司")


def story(category: str = "99") -> Story:
    return Story("a case", area=WEST_VILLAGE, at=START, category=category)


def folded(events: list[Event[Any]]) -> Facts:
    facts: Facts | None = None
    for event in events:
        facts = fold(facts, event)
    assert facts is not None
    return facts


def clocks_of(told: Story) -> dict[str, Demand]:
    """Demands by ``kind role``, later ones of a kind with a number behind."""
    found: dict[str, Demand] = {}
    for one in sorted(demanded(folded(told.events)), key=lambda demand: demand.started_at):
        name = f"{one.kind} {one.order.order.role if one.order else '-'}"
        found[name if name not in found else f"{name} {sum(1 for other in found if other.startswith(name)) + 1}"] = one
    return found


def moves(demand: Demand) -> list[tuple[MoveKind, int]]:
    return [(move.kind, (move.at - START) // timedelta(minutes=1)) for move in demand.moves]


def shown(demand: Demand) -> str:
    stop = demand.stop
    return f"{stop.outcome} {stop.by} +{(stop.at - START) // timedelta(minutes=1)}" if stop else "running"


def test_a_report_that_waits_for_a_person_runs_its_acceptance_alone() -> None:
    told = story()
    told.received()
    assert {name: shown(one) for name, one in clocks_of(told).items()} == {"accept -": "running"}


def test_filing_meets_acceptance_and_starts_dispatch() -> None:
    told = story()
    told.received()
    told.filed()
    assert {name: shown(one) for name, one in clocks_of(told).items()} == {
        "accept -": "met filed +2",
        "dispatch -": "running",
    }


def test_refusal_meets_acceptance_and_a_merger_calls_it_off() -> None:
    refused, merged = story(), story()
    refused.received()
    refused.refused()
    merged.received()
    merged.merged()
    assert shown(clocks_of(refused)["accept -"]) == "met refused +2"
    assert shown(clocks_of(merged)["accept -"]) == "cancelled merged +2"


def test_acceptance_is_limited_only_where_the_playbook_limits_it() -> None:
    told = story()
    told.received()
    accept = clocks_of(told)["accept -"]
    assert start(accept, clock_county()) is None
    quarter = limit(ClockKind.ACCEPT, 15, LimitUnit.CONTINUOUS_MINUTE, late=WhenLate.NONE, warn_at=())
    clock = start(accept, clock_county(clocks=(*CLOCKS, quarter)))
    assert clock is not None
    assert clock.shown.due_at == told.at + timedelta(minutes=15)
    assert clock.shown.target is not None
    assert clock.shown.target.id == WEST_VILLAGE


@pytest.mark.parametrize("end", ("refused", "merged", "closed"))
def test_a_case_that_ends_calls_off_every_clock(end: str) -> None:
    told = story()
    told.opened()
    order = told.issued(WEST_VILLAGE)
    told.signed(order)
    told.issued(GAS_BUREAU, role=OrderRole.ASSIST, level=Level.COUNTY)
    getattr(told, end)()
    running = [name for name, one in clocks_of(told).items() if one.stop is None]
    assert running == []
    assert shown(clocks_of(told)["handle lead"]) == f"cancelled {end} +5"


def test_a_pause_holds_the_leads_clocks_and_not_the_assistants_nor_the_overseers() -> None:
    told = story()
    told.opened()
    lead = told.issued(WEST_VILLAGE)
    told.issued(GAS_BUREAU, role=OrderRole.ASSIST, level=Level.COUNTY)
    told.issued(WEST, role=OrderRole.OVERSEE)
    told.paused(lead)
    told.resumed()
    found = clocks_of(told)
    assert moves(found["handle lead"]) == [(MoveKind.HOLD, 5), (MoveKind.GO, 6)]
    assert moves(found["sign_in lead"]) == [(MoveKind.HOLD, 5), (MoveKind.GO, 6)]
    assert [moves(found[name]) for name in ("handle assist", "sign_in assist", "sign_in oversee")] == [[], [], []]


def test_hanging_holds_every_clock_and_one_held_already_is_not_held_twice() -> None:
    told = story()
    told.opened()
    lead = told.issued(WEST_VILLAGE)
    told.issued(GAS_BUREAU, role=OrderRole.ASSIST, level=Level.COUNTY)
    told.paused(lead)
    told.hung()
    told.resumed()
    found = clocks_of(told)
    assert moves(found["handle lead"]) == [(MoveKind.HOLD, 4), (MoveKind.GO, 6)]
    assert moves(found["handle assist"]) == [(MoveKind.HOLD, 5), (MoveKind.GO, 6)]


def test_an_order_that_comes_while_the_case_is_hung_starts_with_a_clock_that_stands_still() -> None:
    told = story()
    told.opened()
    told.hung()
    told.issued(WEST_VILLAGE)
    sign = clocks_of(told)["sign_in lead"]
    assert moves(sign) == [(MoveKind.HOLD, 3)]
    clock = start(sign, clock_county())
    assert clock is not None
    assert clock.next_at is None
    assert clock.still is not None
    assert clock.still.left == timedelta(minutes=30)


def test_what_happened_before_a_clock_started_does_not_move_it() -> None:
    told = story()
    told.opened()
    first = told.issued(WEST_VILLAGE)
    told.paused(first)
    told.resumed()
    told.returned(first)
    told.issued(WEST)
    assert moves(clocks_of(told)["handle lead 2"]) == []


def test_a_stopped_clock_is_moved_by_nothing_after_its_stop() -> None:
    told = story()
    told.opened()
    order = told.issued(WEST_VILLAGE)
    told.signed(order)
    told.paused(order)
    found = clocks_of(told)
    assert moves(found["sign_in lead"]) == []
    assert moves(found["handle lead"]) == [(MoveKind.HOLD, 4)]


def test_an_extension_puts_off_the_handling_of_its_own_order_alone() -> None:
    told = story()
    told.opened()
    lead = told.issued(WEST_VILLAGE)
    told.issued(GAS_BUREAU, role=OrderRole.ASSIST, level=Level.COUNTY)
    told.extended(lead, START + timedelta(days=9))
    found = clocks_of(told)
    assert moves(found["handle lead"]) == [(MoveKind.EXTEND, 4)]
    assert moves(found["handle assist"]) == moves(found["sign_in lead"]) == []


def test_a_new_name_starts_the_clocks_anew_from_the_same_start_without_the_time_they_stood_still() -> None:
    told = story()
    told.opened()
    order = told.issued(WEST_VILLAGE)
    told.signed(order)
    told.at += timedelta(minutes=10)
    told.paused(order)
    told.at += timedelta(minutes=100)
    told.resumed()
    told.recategorised(GAS_LEAK, order)
    found = clocks_of(told)
    assert shown(found["handle lead"]) == "cancelled recategorised +116"
    assert found["handle lead 2"].started_at == found["handle lead"].started_at == order.issued_at
    clock = start(found["handle lead 2"], clock_county())
    assert clock is not None
    # Two continuous hours from the order's issue, of which 101 minutes stood still.
    assert clock.shown.due_at == order.issued_at + timedelta(hours=2, minutes=101)
    assert "sign_in lead 2" not in found, "it was met before"
    assert shown(found["arrive lead"]) == "cancelled recategorised +116"


def test_a_new_name_touches_only_orders_that_stood() -> None:
    told = story()
    told.opened()
    first = told.issued(WEST_VILLAGE)
    told.returned(first)
    second = told.issued(WEST)
    told.recategorised(GAS_LEAK, second)
    found = clocks_of(told)
    assert [name for name in found if name.startswith("handle lead")] == [
        "handle lead",
        "handle lead 2",
        "handle lead 3",
    ]
    assert shown(found["handle lead"]) == "cancelled returned +3"
    assert found["handle lead 3"].traits.category == GAS_LEAK


def test_what_was_warned_of_before_the_new_name_is_not_said_again_but_lateness_is() -> None:
    told = story(category=GAS_LEAK)
    told.opened()
    order = told.issued(WEST_VILLAGE)
    told.signed(order)
    told.at = order.issued_at + timedelta(minutes=100)
    told.recategorised("99", order)
    told.at = order.issued_at + timedelta(minutes=130)
    told.recategorised(GAS_LEAK, order)
    third = start(clocks_of(told)["handle lead 3"], clock_county())
    assert third is not None
    assert third.warnings_passed == 2
    assert third.next_at == third.shown.due_at == order.issued_at + timedelta(hours=2)


def test_a_rework_after_an_extension_has_what_was_left_of_the_longer_limit() -> None:
    told = story(category=GAS_LEAK)
    told.opened()
    order = told.issued(WEST_VILLAGE)
    told.extended(order, order.issued_at + timedelta(hours=10))
    told.at = order.issued_at + timedelta(hours=4)
    told.resolved(order)
    told.at += timedelta(hours=30)
    told.rejected(order)
    clock = start(clocks_of(told)["handle lead 2"], clock_county())
    assert clock is not None
    assert clock.shown.due_at == told.at + timedelta(hours=5, minutes=59)
    assert clock.amount == timedelta(hours=10)


def test_a_supervision_is_due_at_its_own_date_and_met_by_the_reply() -> None:
    told = story()
    told.opened()
    told.issued(WEST_VILLAGE)
    due_at = START + timedelta(hours=5)
    which = told.supervised(BUREAU, due_at)
    running = clocks_of(told)["supervise -"]
    clock = start(running, clock_county())
    assert clock is not None
    assert (clock.shown.due_at, clock.shown.target, clock.shown.level) == (due_at, BUREAU, Level.COUNTY)
    assert clock.above is not None
    assert clock.above.target.id == COUNTY
    told.replied(which)
    assert shown(clocks_of(told)["supervise -"]) == "met replied +4"


def test_a_reply_sent_back_is_due_anew_by_the_same_target_and_signing_off_meets_it() -> None:
    told = story()
    told.opened()
    which = told.supervised(BUREAU, START + timedelta(hours=5))
    told.replied(which)
    told.sent_back(which, START + timedelta(hours=9))
    found = clocks_of(told)
    assert shown(found["supervise -"]) == "met replied +3"
    assert (found["supervise - 2"].target, found["supervise - 2"].due_at) == (BUREAU, START + timedelta(hours=9))
    told.signed_off(which)
    assert shown(clocks_of(told)["supervise - 2"]) == "met signed_off +5"


def test_one_supervision_does_not_answer_for_another() -> None:
    told = story()
    told.opened()
    one = told.supervised(BUREAU, START + timedelta(hours=5))
    told.supervised(BUREAU, START + timedelta(hours=6))
    told.replied(one)
    stops = [
        one.stop.outcome if one.stop else None for one in clocks_of(told).values() if one.kind is ClockKind.SUPERVISE
    ]
    assert stops == [Outcome.MET, None]
