"""By when whoever reported must be answered (反馈): what starts, meets and calls off that clock, and whose it is."""

from datetime import UTC, datetime, timedelta

import pytest

from services.escalation.domain.clocks import Demand, demanded
from services.escalation.domain.limits import start
from shared.events.order import Order
from shared.playbook.model import LimitUnit
from shared.vocabulary import ClockKind, Level, Source
from tests.fakes.clock_county import CLOCKS, clock_county, limit
from tests.fakes.small_county import COUNTY, GAS_BUREAU, GAS_LEAK, WEST, WEST_VILLAGE
from tests.fakes.story import Story
from tests.unit.escalation.test_clocks import folded

START = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
BOOK = clock_county(clocks=(*CLOCKS, limit(ClockKind.FEEDBACK, 2, LimitUnit.CONTINUOUS_HOUR, category=GAS_LEAK)))


def dispatched(source: Source = Source.RESIDENT, category: str = "99") -> tuple[Story, Order]:
    told = Story("answer", area=WEST_VILLAGE, at=START, category=category)
    told.source = source
    told.opened()
    order = told.issued(WEST_VILLAGE)
    told.routed(order)
    return told, order


def answers(told: Story) -> list[Demand]:
    return [one for one in demanded(folded(told.events)) if one.kind is ClockKind.FEEDBACK]


def shown(told: Story) -> list[str]:
    return [f"{one.stop.outcome} {one.stop.by}" if one.stop else "running" for one in answers(told)]


def test_it_runs_from_the_leads_order_and_not_from_the_moment_intake_hears_of_it() -> None:
    told, order = dispatched()
    (clock,) = answers(told)
    assert (clock.started_at, clock.stop) == (order.issued_at, None)


def test_before_anybody_leads_nobody_is_late_with_an_answer() -> None:
    told = Story("answer", area=WEST_VILLAGE, at=START)
    told.opened()
    assert answers(told) == []


@pytest.mark.parametrize("answered", (False, True))
def test_a_result_meets_it_only_with_the_answer_that_the_reporter_was_given(answered: bool) -> None:
    told, order = dispatched()
    told.resolved(order, answered=answered)
    assert shown(told) == ["met resolved" if answered else "running"]


@pytest.mark.parametrize(("end", "shows"), (("closed", "met"), ("refused", "met"), ("merged", "cancelled")))
def test_closing_and_refusal_are_told_to_the_reporter_and_a_merger_answers_elsewhere(end: str, shows: str) -> None:
    told, _ = dispatched()
    getattr(told, end)()
    assert shown(told) == [f"{shows} {end}"]


def test_a_rejected_result_takes_its_answer_with_it_and_what_was_left_goes_on() -> None:
    told, order = dispatched(category=GAS_LEAK)
    told.at = order.issued_at + timedelta(minutes=89)
    told.resolved(order, answered=True)
    told.at += timedelta(hours=9)
    told.rejected(order)
    assert shown(told) == ["met resolved", "running"]
    clock = start(answers(told)[1], BOOK)
    assert clock is not None
    assert clock.shown.due_at == told.at + timedelta(minutes=30)


def test_another_lead_goes_on_under_the_same_clock() -> None:
    told, order = dispatched()
    told.returned(order)
    second = told.issued(GAS_BUREAU, level=Level.COUNTY)
    told.routed(second)
    (clock,) = answers(told)
    assert (clock.started_at, clock.stop) == (order.issued_at, None)


def test_a_case_reopened_is_to_be_answered_anew() -> None:
    told, _ = dispatched()
    told.closed()
    told.reopen()
    assert shown(told) == ["met closed"]
    again = told.issued(WEST)
    told.routed(again)
    assert [one.started_at for one in answers(told)][1] == again.issued_at


def test_nobody_answers_a_sensor_but_whoever_reports_the_same_matter_afterwards() -> None:
    told, _ = dispatched(Source.SENSOR)
    assert answers(told) == []
    told.joined(Source.SENSOR)
    assert answers(told) == []
    told.joined()
    (clock,) = answers(told)
    assert (clock.started_at, clock.stop) == (told.at, None)


def test_when_the_last_report_of_a_person_belongs_to_another_matter_nobody_waits() -> None:
    told, _ = dispatched(Source.SENSOR)
    reports = [told.joined() for _ in range(2)]
    told.split(reports[0])
    assert shown(told) == ["running"]
    told.split(reports[1])
    assert shown(told) == ["cancelled split"]
    told.joined()
    assert shown(told) == ["cancelled split", "running"]


def test_of_a_mass_matter_the_facts_keep_few_reports() -> None:
    told, _ = dispatched()
    for _ in range(2000):
        told.joined()
    facts = folded(told.events)
    assert len(facts.reporters) == 8
    assert len(facts.steps) < 12


@pytest.mark.parametrize(
    ("target", "level", "whose"),
    ((WEST_VILLAGE, None, WEST_VILLAGE), (WEST, None, WEST), (GAS_BUREAU, Level.COUNTY, COUNTY)),
)
def test_it_is_the_desks_over_the_case_at_the_level_that_it_was_dispatched_to(
    target: str, level: Level | None, whose: str
) -> None:
    told = Story("whose", area=WEST_VILLAGE, at=START, category=GAS_LEAK)
    told.opened()
    told.routed(told.issued(target, level=level))
    clock = start(answers(told)[0], BOOK)
    assert clock is not None
    assert clock.shown.target is not None
    assert clock.shown.target.id == whose


def test_a_case_named_anew_is_answered_by_the_limit_of_its_right_name_from_the_same_start() -> None:
    told, order = dispatched()
    told.at += HOUR
    told.recategorised(GAS_LEAK, order)
    assert shown(told) == ["cancelled recategorised", "running"]
    clock = start(answers(told)[1], BOOK)
    assert clock is not None
    assert clock.shown.due_at == order.issued_at + 2 * HOUR


def test_a_batch_that_knows_more_starts_it_for_the_case_as_it_was_when_it_began() -> None:
    told = Story("batch", area=WEST_VILLAGE, at=START, category="99")
    told.opened()
    order = told.issued(WEST_VILLAGE)
    told.routed(order)
    told.recategorised(GAS_LEAK, order)
    first = answers(told)[0]
    assert first.traits.category == "99"
    dispatch = [one for one in demanded(folded(told.events)) if one.kind is ClockKind.DISPATCH]
    assert [one.traits.category for one in dispatch] == ["99"]
