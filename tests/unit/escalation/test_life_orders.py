"""What was found by the random lives: topics that run ahead of one another, and deeds at one instant."""

from datetime import UTC, datetime, timedelta
from typing import Any

from services.escalation.domain.clocks import Demand, demanded
from services.escalation.domain.limits import start
from shared.events.envelope import Event
from shared.events.order import OrderIssued, OrderWithdrawn
from shared.playbook.model import LimitUnit
from shared.vocabulary import ClockKind
from tests.fakes.clock_county import clock_county, limit
from tests.fakes.small_county import GAS_LEAK, WEST, WEST_VILLAGE
from tests.fakes.story import Story
from tests.unit.escalation.test_clocks import folded

START = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
HOUR = clock_county(clocks=(limit(ClockKind.HANDLE, 60, LimitUnit.CONTINUOUS_MINUTE),))


def story() -> Story:
    told = Story("ahead", area=WEST_VILLAGE, at=START)
    told.opened()
    return told


def of_kind(kind: ClockKind, events: list[Event[Any]]) -> list[Demand]:
    return [one for one in demanded(folded(events)) if one.kind is kind]


def of_orders(told: Story) -> list[Event[Any]]:
    return [one for one in told.events if isinstance(one.data, OrderIssued | OrderWithdrawn)]


def of_case(told: Story) -> list[Event[Any]]:
    return [one for one in told.events if not isinstance(one.data, OrderIssued | OrderWithdrawn)]


def test_an_order_that_runs_ahead_of_the_pause_before_it_starts_with_what_the_pause_left() -> None:
    told = story()
    first = told.issued(WEST_VILLAGE)  # minute 2
    told.paused(first)  # minute 3
    told.at += timedelta(minutes=90)
    told.resumed()  # minute 94
    told.returned(first)  # minute 95
    again = told.issued(WEST_VILLAGE)
    ahead = [told.events[0], *of_orders(told)]
    assert again not in [one.order.order for one in of_kind(ClockKind.HANDLE, ahead) if one.order]
    whole = [*ahead, *of_case(told)]
    handle = next(one for one in of_kind(ClockKind.HANDLE, whole) if one.order and one.order.order == again)
    clock = start(handle, HOUR)
    assert clock is not None
    # Of the hour, a minute had passed before the pause and another after it.
    assert clock.shown.due_at == again.issued_at + timedelta(minutes=58)


def test_a_withdrawal_that_runs_ahead_of_the_pause_before_it_stops_nothing_yet() -> None:
    told = story()
    order = told.issued(WEST_VILLAGE)
    told.paused(order)
    told.at += timedelta(hours=3)
    told.withdrawn(order)
    ahead = [told.events[0], *of_orders(told)]
    assert [one.stop for one in of_kind(ClockKind.HANDLE, ahead)] == [None]
    (whole,) = of_kind(ClockKind.HANDLE, [*ahead, *of_case(told)])
    assert whole.stop is not None
    assert [move.at for move in whole.moves] == [START + timedelta(minutes=3)]


def test_a_lead_of_whom_intake_has_told_ends_dispatch_though_a_later_order_is_here_first() -> None:
    told = story()
    first = told.issued(WEST_VILLAGE)
    told.routed(first)
    told.at += timedelta(hours=9)
    told.issued(WEST)
    late = [*of_case(told), told.events[-1]]
    (dispatch,) = of_kind(ClockKind.DISPATCH, late)
    assert dispatch.stop is not None
    assert dispatch.stop.at == first.issued_at


def test_a_deed_at_the_instant_of_the_new_name_meets_the_clock_that_stands_in_its_place() -> None:
    told = story()
    order = told.issued(WEST_VILLAGE)
    told.recategorised(GAS_LEAK, order)
    told.at -= timedelta(minutes=1)
    told.signed(order)
    stops = [one.stop.outcome if one.stop else None for one in of_kind(ClockKind.SIGN_IN, told.events)]
    assert stops == ["cancelled", "met"]


def test_a_dispatch_that_was_met_before_the_new_name_is_not_late_under_it() -> None:
    told = story()
    order = told.issued(WEST_VILLAGE)
    told.at += timedelta(hours=9)
    # Intake has not told of the order yet.
    told.recategorised(GAS_LEAK, order)
    stops = [one.stop for one in of_kind(ClockKind.DISPATCH, told.events)]
    assert [(stop.outcome, stop.at) for stop in stops if stop] == [
        ("met", order.issued_at),
        ("cancelled", order.issued_at),
    ]
