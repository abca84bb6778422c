"""Clocks of whistles, rulings, returns, modes, drills and canaries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid5

import pytest

from services.escalation.domain.chain import CaseShown, RunningClock, Wait, announce_start, judge
from services.escalation.domain.clocks import Demand, demanded
from services.escalation.domain.facts import Traits
from services.escalation.domain.fitting import limit_for
from services.escalation.domain.limits import start
from shared.events.order import Order
from shared.events.parts import Target, WhistleRef
from shared.playbook.model import ClockLimit, LimitUnit, Playbook
from shared.vocabulary import ClockKind, Level, OrderReason, OrderRole, Purpose, Severity, TargetKind, WhistleKind
from tests.fakes.clock_county import clock_county, limit
from tests.fakes.small_county import GAS_BUREAU, GAS_LEAK, WEST, WEST_VILLAGE
from tests.fakes.story import SPACE, Story
from tests.unit.escalation.test_clocks import folded, shown, story

WHISTLE = WhistleRef(whistle_id=uuid5(SPACE, "whistle"), kind=WhistleKind.KEY_WORK)
HOUR, MINUTE = LimitUnit.CONTINUOUS_HOUR, LimitUnit.CONTINUOUS_MINUTE


def whistled(told: Story, *departments: str) -> list[Order]:
    told.opened()
    told.issued(WEST_VILLAGE)
    return [
        told.issued(one, role=OrderRole.ASSIST, level=Level.COUNTY, reason=OrderReason.WHISTLE, whistle=WHISTLE)
        for one in departments
    ]


def of_order(told: Story, order: Order) -> dict[ClockKind, Demand]:
    mine = [one for one in demanded(folded(told.events)) if one.order and one.order.order == order]
    return {one.kind: one for one in mine}


def running(demand: Demand, book: Playbook | None = None) -> RunningClock:
    clock = start(demand, book or clock_county())
    assert clock is not None
    return clock


def test_of_three_departments_whistled_for_each_signs_and_arrives_for_itself() -> None:
    told = story()
    urban, police, fire = whistled(told, "urban", "police", "fire")
    told.signed(urban)
    told.arrived(urban)
    told.signed(police)
    assert {kind: one.stop is None for kind, one in of_order(told, urban).items()} == {
        ClockKind.SIGN_IN: False,
        ClockKind.ARRIVE: False,
        ClockKind.HANDLE: True,
    }
    assert of_order(told, police)[ClockKind.SIGN_IN].stop is not None
    assert of_order(told, police)[ClockKind.ARRIVE].stop is None
    assert all(one.stop is None for one in of_order(told, fire).values())


def test_whoever_is_whistled_for_must_sign_and_arrive_within_half_an_hour_where_the_playbook_is_silent() -> None:
    told = story()
    (urban,) = whistled(told, "urban")
    silent = clock_county(clocks=())
    for kind in (ClockKind.SIGN_IN, ClockKind.ARRIVE):
        clock = running(of_order(told, urban)[kind], silent)
        assert clock.shown.due_at == urban.issued_at + timedelta(minutes=30)
    lead = next(one for one in demanded(folded(told.events)) if one.order and one.order.order.whistle is None)
    assert running(lead, silent).shown.limit == "4 工作时 (4 working hours)"
    assert start(of_order(told, urban)[ClockKind.HANDLE], silent) is None


def test_an_arrival_clock_runs_from_the_order_and_not_from_the_signature() -> None:
    told = story()
    (urban,) = whistled(told, "urban")
    told.signed(urban)
    assert of_order(told, urban)[ClockKind.ARRIVE].started_at == urban.issued_at


def test_a_department_that_is_let_go_has_no_clock_any_more_and_the_others_keep_theirs() -> None:
    told = story()
    urban, police = whistled(told, "urban", "police")
    told.released(urban)
    told.withdrawn(urban)
    stops = [one.stop for one in of_order(told, urban).values()]
    assert {(stop.outcome, stop.by) for stop in stops if stop} == {("cancelled", "withdrawn")}
    assert None not in stops
    assert all(one.stop is None for one in of_order(told, police).values())


def closest(kind: ClockKind, *limits: ClockLimit, traits: Traits, order: Order | None = None) -> float | None:
    found = limit_for(clock_county(clocks=limits), kind, traits, order=order)
    return None if found is None else found.limit.amount


@pytest.mark.parametrize("fits", range(6))
def test_a_mode_goes_before_a_profile_before_a_whistle_before_category_condition_and_severity(fits: int) -> None:
    told = story(category=GAS_LEAK)
    told.opened()
    order = told.issued(GAS_BUREAU, level=Level.COUNTY, whistle=WHISTLE, clock_profile="swift")
    handle = ClockKind.HANDLE
    ladder = (
        limit(handle, 1, HOUR, mode="flood"),
        limit(handle, 2, HOUR, profile="swift", category=GAS_LEAK),
        limit(handle, 3, HOUR, whistle=True, category=GAS_LEAK, condition="leaks", severity=Severity.IV),
        limit(handle, 4, HOUR, category=GAS_LEAK),
        limit(handle, 5, HOUR, condition="leaks"),
        limit(handle, 6, HOUR, severity=Severity.IV),
    )
    others = (
        limit(handle, 90, HOUR, mode="drill"),
        limit(handle, 91, HOUR, profile="slow"),
        limit(handle, 92, HOUR, whistle=False),
    )
    traits = Traits(area=WEST_VILLAGE, category=GAS_LEAK, condition="leaks", severity=Severity.IV, mode="flood")
    assert closest(handle, *others, *reversed(ladder[fits:]), traits=traits, order=order) == fits + 1


def test_a_limit_for_whistles_alone_is_nobody_elses() -> None:
    told = story()
    told.opened()
    order = told.issued(WEST_VILLAGE)
    traits = Traits.of(told.view)
    sign = ClockKind.SIGN_IN
    book = (limit(sign, 1, HOUR, whistle=True), limit(sign, 2, HOUR, whistle=False))
    assert closest(sign, *book, traits=traits, order=order) == 2
    assert closest(ClockKind.DISPATCH, limit(ClockKind.DISPATCH, 1, HOUR, whistle=True), traits=traits) is None


def test_a_new_order_in_a_mode_has_the_modes_limit_and_a_running_clock_keeps_its_own() -> None:
    told = story()
    told.opened()
    first = told.issued(WEST_VILLAGE)
    book = clock_county(clocks=(limit(ClockKind.HANDLE, 10, HOUR), limit(ClockKind.HANDLE, 1, HOUR, mode="flood")))
    before = running(of_order(told, first)[ClockKind.HANDLE], book)
    told.mode_changed("flood")
    second = told.issued(WEST, reason=OrderReason.MODE)
    assert running(of_order(told, first)[ClockKind.HANDLE], book).shown == before.shown
    assert running(of_order(told, second)[ClockKind.HANDLE], book).shown.due_at == second.issued_at + timedelta(hours=1)


def test_a_lead_that_gives_the_case_back_has_no_clock_and_dispatch_runs_until_another_has_an_order() -> None:
    told = story()
    told.opened()
    first = told.issued(WEST_VILLAGE)
    told.signed(first)
    told.returned(first)
    lines = shown(told.events)
    assert "handle lead +2 cancelled returned +4" in lines
    assert "dispatch - +4 running" in lines
    told.progressed(first)
    assert shown(told.events) == lines
    told.issued(WEST)
    assert "dispatch - +4 met routed +6" in shown(told.events)


def test_an_assistant_that_gives_its_order_back_leaves_no_dispatch_clock_behind() -> None:
    told = story()
    told.opened()
    told.issued(WEST_VILLAGE)
    helper = told.issued("urban", role=OrderRole.ASSIST, level=Level.COUNTY)
    told.returned(helper)
    assert [line for line in shown(told.events) if line.startswith("dispatch")] == ["dispatch - +1 met routed +2"]


@pytest.mark.parametrize("return_comes_late", (False, True))
def test_a_case_that_comes_back_to_whoever_returned_it_has_only_what_was_left(return_comes_late: bool) -> None:
    told = story()
    told.opened()
    first = told.issued(WEST_VILLAGE)  # minute 2
    told.signed(first)
    told.at += timedelta(minutes=26)
    told.returned(first)  # minute 30
    desk = told.issued(WEST, reason=OrderReason.RULING)
    told.ruled(first.target, desk)
    again = told.issued(WEST_VILLAGE, reason=OrderReason.RULED)  # minute 33
    if return_comes_late:
        told.events = [one for one in told.events if one.type != "whistle.case.returned.v1"]
    book = clock_county(clocks=(limit(ClockKind.HANDLE, 60, MINUTE),))
    clock = running(of_order(told, again)[ClockKind.HANDLE], book)
    assert clock.shown.due_at == again.issued_at + timedelta(minutes=60 - 28)
    other = told.issued(GAS_BUREAU, level=Level.COUNTY)
    assert running(of_order(told, other)[ClockKind.HANDLE], book).shown.due_at == other.issued_at + timedelta(hours=1)


def test_an_order_to_rule_is_met_by_the_ruling_and_asks_nobody_to_come() -> None:
    told = story()
    told.opened()
    desk = told.issued(WEST, reason=OrderReason.RULING)
    assert set(of_order(told, desk)) == {ClockKind.SIGN_IN, ClockKind.HANDLE}
    told.ruled(Target(kind=TargetKind.DEPARTMENT, id=GAS_BUREAU), desk)
    told.withdrawn(desk)
    stops = {kind: one.stop for kind, one in of_order(told, desk).items()}
    assert {kind: (stop.outcome, stop.by) for kind, stop in stops.items() if stop} == {
        ClockKind.SIGN_IN: ("met", "ruled"),
        ClockKind.HANDLE: ("met", "ruled"),
    }


def test_a_ruling_over_a_department_that_has_the_case_is_no_deed_of_that_department() -> None:
    told = story()
    told.opened()
    order = told.issued(GAS_BUREAU, level=Level.COUNTY)
    told.ruled(Target(kind=TargetKind.DEPARTMENT, id="urban"), order)
    assert of_order(told, order)[ClockKind.SIGN_IN].stop is None


def test_a_canarys_clocks_run_and_stop_and_are_late_to_nobody() -> None:
    told = story()
    told.purpose = Purpose.CANARY
    told.opened()
    order = told.issued(WEST_VILLAGE)
    demand = of_order(told, order)[ClockKind.SIGN_IN]
    clock = running(demand)
    assert clock.next_at is None
    assert judge(clock, now=datetime(2030, 1, 1, tzinfo=UTC)) == Wait(until=None)
    assert announce_start(clock, case=CaseShown.of(told.view), now=told.at).data.case.purpose is Purpose.CANARY
    told.closed()
    assert of_order(told, order)[ClockKind.SIGN_IN].stop is not None


def test_a_drills_clocks_run_in_earnest_and_carry_its_mark() -> None:
    told = story()
    told.purpose = Purpose.DRILL
    told.opened()
    order = told.issued(WEST_VILLAGE)
    clock = running(of_order(told, order)[ClockKind.SIGN_IN])
    real = story()
    real.opened()
    same = running(of_order(real, real.issued(WEST_VILLAGE))[ClockKind.SIGN_IN])
    assert (clock.shown.due_at, clock.next_at) == (same.shown.due_at, same.next_at)
    assert announce_start(clock, case=CaseShown.of(told.view), now=told.at).data.case.purpose is Purpose.DRILL
