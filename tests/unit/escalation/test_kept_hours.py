"""Clocks count by the hours of whoever must act: when they start, and when they are held and go on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import cast
from uuid import UUID

from services.escalation.domain.chain import RunningClock
from services.escalation.domain.clocks import Demand
from services.escalation.domain.deadline import Terms
from services.escalation.domain.facts import Facts, Traits
from services.escalation.domain.limits import start
from services.escalation.domain.moves import Move, MoveKind
from services.escalation.handlers.settling import Told
from services.escalation.ports import CaseChange
from shared.events.envelope import derive_id
from shared.events.parts import Target
from shared.playbook.model import KeptHours, LimitUnit, Opening, Playbook
from shared.vocabulary import ClockKind, Level, Severity, TargetKind
from tests.fakes.clock_county import clock_county, limit
from tests.fakes.small_county import COUNTY, GAS_BUREAU, OTHER, WEST, text

SATURDAY = datetime(2026, 11, 21, 1, tzinfo=UTC)
"""Nine in the morning in the county, which is shut."""
GAS = Target(kind=TargetKind.DEPARTMENT, id=GAS_BUREAU)
WEST_DESK = Target(kind=TargetKind.DESK, id=WEST)
COUNTY_DESK = Target(kind=TargetKind.DESK, id=COUNTY)


def county() -> Playbook:
    """Supervision within four working hours; the gas bureau works at weekends, towns at night."""
    book = clock_county(clocks=(limit(ClockKind.SUPERVISE, 4, LimitUnit.WORKING_HOUR, warn_at=(0.5,)),))
    weekend = dict.fromkeys((6, 7), (Opening(opens=time(9), closes=time(11)),))
    night = dict.fromkeys(range(1, 8), (Opening(opens=time(20), closes=time(23)),))
    return replace(
        book,
        hours=(
            KeptHours(
                id="gas",
                name=text("抢修班"),
                departments=(GAS_BUREAU,),
                calendar=replace(book.calendar, weekly=weekend, working_day_hours=2),
            ),
            KeptHours(
                id="night", name=text("夜班"), levels=(Level.TOWN,), calendar=replace(book.calendar, weekly=night)
            ),
        ),
    )


class Shelf:
    def of(self, area: str) -> Playbook:
        return county()


def demanded(target: Target, *moves: Move) -> Demand:
    traits = Traits(area=WEST, category=OTHER, condition=None, severity=Severity.IV)
    case_id = UUID(int=7)
    return Demand(
        clock_id=derive_id(case_id, "one"),
        case_id=case_id,
        kind=ClockKind.SUPERVISE,
        started_at=SATURDAY,
        traits=traits,
        target=target,
        moves=moves,
    )


def started(demand: Demand) -> RunningClock:
    clock = start(demand, county())
    assert clock is not None
    return clock


def due(target: Target, *moves: Move) -> datetime:
    return started(demanded(target, *moves)).shown.due_at


def test_a_department_a_level_and_the_rest_of_the_county_are_each_timed_by_their_own_hours() -> None:
    assert due(GAS) == datetime(2026, 11, 22, 3, tzinfo=UTC), "two hours on Saturday, two on Sunday"
    assert due(WEST_DESK) == datetime(2026, 11, 22, 13, tzinfo=UTC), "three hours tonight, one tomorrow night"
    assert due(COUNTY_DESK) > datetime(2026, 11, 23, tzinfo=UTC), "not before Monday"


def test_a_hold_outside_its_own_hours_takes_nothing_from_it() -> None:
    friday = datetime(2026, 11, 27, 2, tzinfo=UTC)
    held = (
        Move(kind=MoveKind.HOLD, at=SATURDAY + timedelta(hours=3)),
        Move(kind=MoveKind.GO, at=SATURDAY + timedelta(hours=20)),
    )
    assert due(GAS, *held) == due(GAS)
    longer = (Move(kind=MoveKind.HOLD, at=SATURDAY + timedelta(hours=3)), Move(kind=MoveKind.GO, at=friday))
    assert due(GAS, *longer) == datetime(2026, 11, 28, 3, tzinfo=UTC)


def test_a_running_clock_goes_on_by_the_hours_that_it_started_with() -> None:
    moves = (
        Move(kind=MoveKind.HOLD, at=SATURDAY + timedelta(hours=1)),
        Move(kind=MoveKind.GO, at=SATURDAY + timedelta(days=1)),
    )
    running, demand = started(demanded(GAS)), demanded(GAS, *moves)
    case = CaseChange(facts=cast("Facts", None), partition=0, traceparent=None, waiting_for=None)
    told = Told(case=case, demands=(demand,), clocks={demand.clock_id: None}, moves={})
    told.settle({demand.clock_id: running}, Shelf())
    (moving,) = told.moved
    assert moving.clock.shown.due_at == due(GAS, *moves) == datetime(2026, 11, 28, 2, tzinfo=UTC)


def test_the_terms_of_one_playbook_and_hours_are_one_value_with_its_tables() -> None:
    book = county()
    assert Terms.of(book, GAS, Level.COUNTY) is Terms.of(book, GAS, Level.COUNTY)
    assert Terms.of(book, COUNTY_DESK, Level.COUNTY) is Terms.of(book)
    assert Terms.of(book, GAS, Level.COUNTY).calendar.working_day_hours == 2
    for number in range(100):
        Terms.of(replace(book, version=str(number)))
    assert Terms.of(book, WEST_DESK, Level.TOWN).calendar.openings_on(date(2026, 11, 21)) == (
        Opening(opens=time(20), closes=time(23)),
    )
