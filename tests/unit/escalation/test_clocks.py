"""Facts fold in any order, and demand the same clocks: tables, and interleavings of topics by Hypothesis."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.escalation.domain.clocks import Demand, demanded
from services.escalation.domain.facts import Facts, Traits
from services.escalation.domain.fitting import limit_for
from services.escalation.domain.fold import fold
from services.escalation.domain.limits import start
from shared.events.codec import encode
from shared.events.envelope import Event
from shared.events.order import Order
from shared.playbook.model import LimitUnit
from shared.vocabulary import ClockKind, Level, OrderReason, OrderRole, Severity, TargetKind, WhenLate
from tests.fakes.clock_county import CLOCKS, clock_county, limit
from tests.fakes.small_county import COUNTY, EAST, EAST_VILLAGE, GAS_BUREAU, GAS_LEAK, WEST, WEST_VILLAGE
from tests.fakes.story import Story

START = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
LONG_ENOUGH = 60


def story(category: str = "99", area: str = WEST_VILLAGE) -> Story:
    return Story("a case", area=area, at=START, category=category)


def folded(events: list[Event[Any]]) -> Facts:
    facts: Facts | None = None
    for event in events:
        facts = fold(facts, event)
    assert facts is not None
    return facts


def shown(events: list[Event[Any]]) -> list[str]:
    """Each demanded clock as ``kind role+started→outcome by fact +stopped``, minutes after the start."""
    return sorted(_line(demand) for demand in demanded(folded(events)))


def _line(demand: Demand) -> str:
    role = demand.order.order.role if demand.order else "-"
    began = (demand.started_at - START) // timedelta(minutes=1)
    stop = demand.stop
    ended = f"{stop.outcome} {stop.by} +{(stop.at - START) // timedelta(minutes=1)}" if stop else "running"
    return f"{demand.kind} {role} +{began} {ended}"


def test_a_case_that_nobody_has_an_order_for_waits_for_dispatch() -> None:
    told = story()
    told.opened()
    assert shown(told.events) == ["dispatch - +1 running"]


def test_the_straight_path_meets_every_clock() -> None:
    told = story()
    told.opened()
    order = told.issued(WEST_VILLAGE)
    told.signed(order)
    told.arrived(order)
    told.resolved(order)
    told.verified()
    told.closed()
    assert shown(told.events) == [
        "arrive lead +2 met arrived +4",
        "dispatch - +1 met routed +2",
        "handle lead +2 met resolved +5",
        "sign_in lead +2 met signed +3",
        "verify lead +5 met verified +6",
    ]


def test_a_clock_carries_the_order_that_it_belongs_to_as_it_was_issued() -> None:
    told = story()
    told.opened()
    order = told.issued(WEST_VILLAGE)
    told.resolved(order)
    clocks = [started for one in demanded(folded(told.events)) if (started := start(one, clock_county())) is not None]
    carried = {clock.shown.kind: clock.shown.order for clock in clocks}
    assert carried[ClockKind.DISPATCH] is None
    assert carried[ClockKind.SIGN_IN] == carried[ClockKind.VERIFY] == order


def test_an_overseer_must_sign_and_nothing_else() -> None:
    told = story()
    told.opened()
    told.issued(WEST, role=OrderRole.OVERSEE)
    assert [line for line in shown(told.events) if "oversee" in line] == ["sign_in oversee +2 running"]


@pytest.mark.parametrize("role", (OrderRole.ASSIST, OrderRole.OVERSEE))
def test_whoever_helps_or_watches_does_not_lead_so_the_case_still_waits_for_dispatch(role: OrderRole) -> None:
    told = story()
    told.opened()
    told.issued(WEST, role=role)
    assert "dispatch - +1 running" in shown(told.events)
    told.issued(WEST_VILLAGE)
    assert "dispatch - +1 met routed +3" in shown(told.events)


def test_one_targets_signature_never_stops_anothers_clock() -> None:
    told = story()
    told.opened()
    lead = told.issued(WEST_VILLAGE)
    told.issued(GAS_BUREAU, role=OrderRole.ASSIST, level=Level.COUNTY)
    told.signed(lead)
    lines = shown(told.events)
    assert "sign_in lead +2 met signed +4" in lines
    assert "sign_in assist +3 running" in lines


def test_a_returned_order_ends_its_clocks_and_dispatch_runs_until_the_next() -> None:
    told = story()
    told.opened()
    first = told.issued(WEST_VILLAGE)
    told.returned(first)
    told.issued(WEST)
    lines = shown(told.events)
    assert "sign_in lead +2 cancelled returned +3" in lines
    assert "handle lead +2 cancelled returned +3" in lines
    assert "dispatch - +3 met routed +4" in lines
    assert "sign_in lead +4 running" in lines


def test_a_withdrawn_order_ends_its_clocks_but_not_what_was_met_before() -> None:
    told = story()
    told.opened()
    order = told.issued(WEST_VILLAGE)
    told.signed(order)
    told.withdrawn(order)
    lines = shown(told.events)
    assert "sign_in lead +2 met signed +3" in lines
    assert "handle lead +2 cancelled withdrawn +4" in lines


def test_an_order_that_intake_sets_aside_runs_no_clock_any_more() -> None:
    told = story()
    told.opened()
    order = told.issued(WEST_VILLAGE)
    told.set_aside(order)
    lines = shown(told.events)
    assert "sign_in lead +2 cancelled withdrawn +3" in lines
    assert "handle lead +2 cancelled withdrawn +3" in lines


def test_a_rejected_result_runs_on_with_what_is_left_of_the_limit() -> None:
    told = story(category=GAS_LEAK)
    told.opened()
    order = told.issued(WEST_VILLAGE)
    told.at += timedelta(minutes=58)
    told.resolved(order)
    told.at += timedelta(hours=9)
    told.rejected(order)
    again = [demand for demand in demanded(folded(told.events)) if demand.kind is ClockKind.HANDLE and not demand.stop]
    assert len(again) == 1
    clock = start(again[0], clock_county())
    assert clock is not None
    # Two continuous hours, of which 59 minutes had passed; while the result was checked none did.
    assert clock.shown.due_at == told.at + timedelta(minutes=61)
    assert "此前已用 59m，余 1h1m" in clock.shown.arithmetic
    assert "verify lead +61 met rejected +602" in shown(told.events)


def test_closing_ends_what_still_runs_and_a_reopened_case_begins_anew() -> None:
    told = story()
    told.opened()
    told.issued(WEST_VILLAGE)
    told.closed()
    told.reopen()
    told.issued(WEST)
    lines = shown(told.events)
    assert "sign_in lead +2 cancelled closed +3" in lines
    assert "dispatch - +4 met routed +5" in lines
    assert "sign_in lead +5 running" in lines


def test_every_order_has_a_clock_even_under_a_playbook_that_limits_nothing() -> None:
    told = story()
    told.opened()
    told.issued(WEST, role=OrderRole.OVERSEE)
    bare = clock_county(clocks=())
    clocks = [start(demand, bare) for demand in demanded(folded(told.events))]
    assert [clock.shown.kind for clock in clocks if clock] == [ClockKind.SIGN_IN]


@pytest.mark.parametrize(
    ("category", "condition", "severity", "expected"),
    (
        ("99", None, Severity.IV, 1),
        ("01", None, Severity.IV, 2),
        ("01.001", None, Severity.IV, 3),
        ("01.001", "missing", Severity.IV, 4),
        ("01.001", "missing", Severity.I, 5),
        ("01.001", None, Severity.I, 3),
        ("99", None, Severity.I, 6),
        ("99", "missing", Severity.IV, 7),
    ),
)
def test_the_deepest_category_wins_then_a_condition_then_a_severity(
    category: str, condition: str | None, severity: Severity, expected: int
) -> None:
    hour, handle = LimitUnit.CONTINUOUS_HOUR, ClockKind.HANDLE
    book = clock_county(
        clocks=(
            limit(handle, 7, hour, condition="missing"),
            limit(handle, 6, hour, severity=Severity.I),
            limit(handle, 5, hour, category="01.001", condition="missing", severity=Severity.I),
            limit(handle, 4, hour, category="01.001", condition="missing"),
            limit(handle, 3, hour, category="01.001"),
            limit(handle, 2, hour, category="01"),
            limit(handle, 1, hour),
        )
    )
    traits = Traits(area=WEST_VILLAGE, category=category, condition=condition, severity=severity)
    found = limit_for(book, handle, traits)
    assert found is not None
    assert found.limit.amount == expected


@pytest.mark.parametrize(
    ("area", "target", "level", "kind", "above"),
    (
        (WEST_VILLAGE, WEST_VILLAGE, Level.VILLAGE, TargetKind.DESK, WEST),
        (WEST_VILLAGE, WEST, Level.TOWN, TargetKind.DESK, COUNTY),
        (WEST_VILLAGE, COUNTY, Level.COUNTY, TargetKind.DESK, None),
        (WEST_VILLAGE, GAS_BUREAU, Level.COUNTY, TargetKind.DEPARTMENT, COUNTY),
        (WEST_VILLAGE, "station", Level.TOWN, TargetKind.DEPARTMENT, WEST),
        (WEST_VILLAGE, "team", Level.VILLAGE, TargetKind.DEPARTMENT, WEST_VILLAGE),
        # The east village has no desk of its own.
        (EAST_VILLAGE, "team", Level.VILLAGE, TargetKind.DEPARTMENT, EAST),
    ),
)
def test_above_a_department_stands_its_own_desk_and_above_a_desk_the_next(
    area: str, target: str, level: Level, kind: TargetKind, above: str | None
) -> None:
    told = story(area=area)
    told.opened()
    told.issued(target, level=level if kind is TargetKind.DEPARTMENT else None)
    signs = [one for one in demanded(folded(told.events)) if one.kind is ClockKind.SIGN_IN]
    clock = start(signs[0], clock_county())
    assert clock is not None
    assert (clock.above.target.id if clock.above else None) == above
    assert clock.shown.level is level


def test_a_clock_warns_at_fractions_of_its_limit_and_not_of_the_time_on_the_wall() -> None:
    told = story()
    told.at = datetime(2026, 11, 20, 8, 59, tzinfo=UTC)  # a Friday, an hour before closing
    told.opened()
    told.at = datetime(2026, 11, 20, 8, 59, tzinfo=UTC)
    told.issued(WEST_VILLAGE)
    book = clock_county(clocks=(limit(ClockKind.SIGN_IN, 4, LimitUnit.WORKING_HOUR, warn_at=(0.5,)),))
    sign = next(one for one in demanded(folded(told.events)) if one.kind is ClockKind.SIGN_IN)
    clock = start(sign, book)
    assert clock is not None
    # One hour is left on Friday, the second and third stand on Monday morning.
    assert clock.warnings[0].at == datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
    assert clock.shown.due_at == datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


def test_the_playbook_says_who_oversees_and_who_takes_over() -> None:
    told = story()
    told.opened()
    told.issued(WEST_VILLAGE)
    clocks = [start(demand, clock_county(clocks=CLOCKS)) for demand in demanded(folded(told.events))]
    late = {clock.shown.kind: clock.shown.when_late for clock in clocks if clock}
    assert late[ClockKind.SIGN_IN] is WhenLate.TAKE_OVER
    assert late[ClockKind.HANDLE] is WhenLate.OVERSEE
    assert ClockKind.ARRIVE not in late


@st.composite
def lives(draw: st.DrawFn) -> list[Event[Any]]:  # noqa: C901, PLR0912  one arm for each thing that happens
    """A case's whole life: orders issued, signed, returned, done, let go, ruled on; held, put off, named anew."""
    told = story()
    told.opened()
    orders, supervisions = list[Order](), list[UUID]()
    for _ in range(draw(st.integers(1, 14))):
        match draw(st.integers(0, 22)) if orders else 0:
            case 0 | 1:
                target = draw(st.sampled_from((WEST_VILLAGE, WEST, COUNTY)))
                reason = draw(st.sampled_from((OrderReason.RULE, OrderReason.RULING)))
                orders.append(told.issued(target, role=draw(st.sampled_from(OrderRole)), reason=reason))
            case 12:
                told.released(draw(st.sampled_from(orders)))
            case 13:
                told.ruled(orders[0].target, draw(st.sampled_from((*orders, None))))
            case 14:
                told.mode_changed(draw(st.sampled_from(("normal", "flood"))))
            case 15:
                told.paused(orders[0])
            case 16:
                told.hung()
            case 17 | 18:
                told.resumed()
            case 19:
                told.extended(draw(st.sampled_from(orders)), told.at + timedelta(hours=draw(st.integers(-2, 90))))
            case 20:
                stood = draw(st.lists(st.sampled_from(orders), unique=True))
                told.recategorised(draw(st.sampled_from(("99", GAS_LEAK))), *stood)
            case 21:
                supervisions.append(told.supervised(orders[0].target, told.at + timedelta(hours=5)))
            case 22:
                if supervisions:
                    which = draw(st.sampled_from(supervisions))
                    told.replied(which) if draw(st.booleans()) else told.sent_back(which, told.at + timedelta(hours=9))
            case 2:
                told.withdrawn(draw(st.sampled_from(orders)))
            case 3:
                told.verified()
            case 4:
                told.closed()
            case 5:
                told.reopen()
            case 11:
                told.set_aside(draw(st.sampled_from(orders)))
            case number:
                steps = (told.signed, told.arrived, told.progressed, told.resolved, told.returned, told.rejected)
                steps[number - 6 if number < 11 else 5](draw(st.sampled_from(orders)))
    return told.events


@st.composite
def interleavings(draw: st.DrawFn) -> tuple[list[Event[Any]], list[Event[Any]]]:
    """A life in its own order, and as four topics deliver it: each in order, mixed at will, with repeats."""
    life = draw(lives())
    topics: dict[str, list[Event[Any]]] = defaultdict(list)
    for event in life:
        topics[encode(event).topic].append(event)
    mixed, at = list[Event[Any]](), dict.fromkeys(topics, 0)
    while open_topics := [topic for topic in topics if at[topic] < len(topics[topic])]:
        topic = draw(st.sampled_from(open_topics))
        mixed.append(topics[topic][at[topic]])
        # Sometimes a crash: the topic is read again from somewhere before.
        at[topic] = (
            draw(st.integers(0, at[topic])) if draw(st.integers(0, 9)) == 0 and len(mixed) < 60 else at[topic] + 1
        )
    return life, mixed


@settings(max_examples=200, deadline=None)
@given(interleavings())
def test_any_interleaving_of_the_topics_and_any_repeats_give_the_same_facts_and_clocks(
    told: tuple[list[Event[Any]], list[Event[Any]]],
) -> None:
    life, mixed = told
    straight, crooked = folded(life), folded(mixed)
    assert crooked == straight
    assert {one.clock_id: one for one in demanded(crooked)} == {one.clock_id: one for one in demanded(straight)}


@settings(max_examples=100, deadline=None)
@given(lives())
def test_a_clock_once_demanded_stays_and_once_stopped_never_runs_again(life: list[Event[Any]]) -> None:
    before = dict[UUID, Demand]()
    for end in range(1, len(life) + 1):
        now = {demand.clock_id: demand for demand in demanded(folded(life[:end]))}
        assert len(now) == len(demanded(folded(life[:end]))), "two clocks with one id"
        for clock_id, demand in before.items():
            assert clock_id in now
            # What was done to a clock stays done, and more is only ever added behind it.
            done = now[clock_id].moves[: len(demand.moves)]
            assert demand.stop is not None or done == demand.moves[: len(done)]
            assert demand.stop is None or now[demand.clock_id].stop is not None
        before = now


@settings(max_examples=100, deadline=None)
@given(lives())
def test_every_order_has_a_clock(life: list[Event[Any]]) -> None:
    facts = folded(life)
    started = [start(demand, clock_county()) for demand in demanded(facts)]
    assert {clock.shown.order_id for clock in started if clock} >= set(facts.issued)
