"""When the steps of a chain come, at the very instant, and what holds and extensions make of them."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from msgspec.structs import replace

from services.escalation.domain.chain import RunningClock, Still, Take, Wait, Warn, Warned, after_saying, judge
from services.escalation.domain.deadline import Terms, after
from services.escalation.domain.moves import Move, MoveKind
from services.escalation.domain.planning import Ground, plan
from services.escalation.domain.running import moved
from shared.events import sla
from shared.events.parts import PlaybookRef
from shared.playbook.model import Anchor, Chain, Limit, LimitUnit
from shared.vocabulary import ChainAction, ClockKind, Level, WhenLate
from tests.fakes.chained_county import DAY, EMERGENCY, HOUR, MINUTE, THIRTEEN, URGING, WORKING_DAY, at, chain, step
from tests.unit.escalation.test_deadline import CALENDAR, SHANGHAI

TERMS = Terms(calendar=CALENDAR, zone=SHANGHAI, speed=1)
MONDAY = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
"""Nine in the morning in the county."""
MICRO = timedelta(microseconds=1)


def a_clock(ladder: Chain, amount: float = 0.5, unit: LimitUnit = HOUR, *, begun: datetime = MONDAY) -> RunningClock:
    whole = timedelta(hours=amount)
    found = after(begun, whole, unit, terms=TERMS)
    shown = sla.Clock(
        clock_id=UUID(int=1),
        kind=ClockKind.HANDLE,
        started_at=begun,
        due_at=found.due_at,
        level=Level.VILLAGE,
        limit="",
        arithmetic="中 | en",
        when_late=WhenLate.NONE,
        playbook=PlaybookRef(version="1", digest="1".zfill(64)),
        chain=ladder.id,
    )
    ground = Ground(started_at=begun, found=found, whole=whole, unit=unit, terms=TERMS)
    steps = plan(ladder, ground)
    return RunningClock(
        case_id=UUID(int=2), shown=shown, warnings=(), above=None, unit=unit, amount=whole, chain=ladder, steps=steps
    )


def instants(clock: RunningClock) -> list[tuple[str, int, datetime]]:
    return [(one.step, one.nth, one.at) for one in clock.steps]


def said(clock: RunningClock, *, now: datetime) -> tuple[list[str], RunningClock]:
    found = []
    while not isinstance(verdict := judge(clock, now=now), Wait):
        found.append(
            f"{verdict.planned.step}{verdict.planned.nth}" if isinstance(verdict, Take) else type(verdict).__name__
        )
        clock = after_saying(clock, verdict)
    return found, clock


@pytest.mark.parametrize(
    ("anchor", "amount", "unit", "expected"),
    (
        (Anchor.PASSED, 0.5, MINUTE, MONDAY + timedelta(minutes=15)),
        (Anchor.BEFORE, 10, MINUTE, MONDAY + timedelta(minutes=20)),
        (Anchor.BEFORE, 45, MINUTE, MONDAY),
        (Anchor.DUE, 0, MINUTE, MONDAY + timedelta(minutes=30)),
        (Anchor.AFTER, 10, MINUTE, MONDAY + timedelta(minutes=40)),
        (Anchor.AFTER, 1, WORKING_DAY, MONDAY + timedelta(days=1, minutes=30)),
        (Anchor.SINCE, 3, DAY, MONDAY + timedelta(days=3)),
        (Anchor.DAY_END, 0, DAY, datetime(2026, 11, 23, 16, 0, tzinfo=UTC)),
        (Anchor.DAY_END, 2, DAY, datetime(2026, 11, 25, 16, 0, tzinfo=UTC)),
    ),
)
def test_a_step_comes_at_its_instant_and_not_a_microsecond_before(
    anchor: Anchor, amount: float, unit: LimitUnit, expected: datetime
) -> None:
    clock = a_clock(chain("one", step("s", at(anchor, amount, unit), ChainAction.URGE)))
    assert [one.at for one in clock.steps] == [expected]
    assert "s1" not in said(clock, now=expected - MICRO)[0]
    assert "s1" in said(clock, now=expected)[0]
    assert "s1" in said(clock, now=expected + MICRO)[0]


def test_the_day_ends_at_local_midnight_also_for_a_case_of_the_small_hours() -> None:
    begun = datetime(2026, 11, 22, 19, 0, tzinfo=UTC)
    clock = a_clock(chain("one", step("s", at(Anchor.DAY_END, 0), ChainAction.URGE)), begun=begun)
    assert clock.steps[0].at == datetime(2026, 11, 23, 16, 0, tzinfo=UTC)


def test_the_ladders_come_in_the_order_of_their_instants_repetitions_among_them() -> None:
    minutes = [(name, nth, (when - MONDAY) / timedelta(minutes=1)) for name, nth, when in instants(a_clock(EMERGENCY))]
    urges = [("urge", 1, 15), ("urge", 2, 20), ("urge", 3, 25)]
    assert minutes == [*urges, ("instruct", 1, 35), ("county", 1, 40), ("leader", 1, 50), ("known", 1, 90)]
    days = [(name, nth, (when - MONDAY) / timedelta(days=1)) for name, nth, when in instants(a_clock(THIRTEEN))]
    assert days[1:] == [
        ("progress", 1, 3),
        ("solved", 1, 7),
        ("hard", 1, 30),
        *(("none-left", nth, 30 + nth) for nth in range(1, 6)),
    ]
    two_days = a_clock(URGING, 16, LimitUnit.WORKING_HOUR)
    assert [name for name, _, _ in instants(two_days)] == ["urge", "written", "known"]


def test_a_breach_and_steps_that_are_due_at_once_are_said_in_the_order_of_their_instants_each_once() -> None:
    clock = replace(a_clock(EMERGENCY), warnings=())
    first, clock = said(clock, now=MONDAY + timedelta(minutes=24))
    assert first == ["urge1", "urge2"]
    assert said(clock, now=clock.shown.due_at)[1].next_at == MONDAY + timedelta(minutes=35)
    then, clock = said(clock, now=MONDAY + timedelta(days=9))
    assert then == ["urge3", "Breach", "instruct1", "county1", "leader1", "known1"]
    assert clock.next_at is None
    assert said(clock, now=MONDAY + timedelta(days=99))[0] == []


def test_at_one_instant_the_warning_comes_before_the_step_and_the_breach_before_a_step_at_the_deadline() -> None:
    ladder = chain(
        "one", step("half", at(Anchor.PASSED, 0.5), ChainAction.URGE), step("due", at(Anchor.DUE), ChainAction.NOTIFY)
    )
    clock = replace(a_clock(ladder), warnings=(Warned(fraction=0.5, at=MONDAY + timedelta(minutes=15)),))
    assert isinstance(judge(clock, now=MONDAY + timedelta(minutes=15)), Warn)
    assert said(clock, now=MONDAY + timedelta(minutes=15))[0] == ["Warn", "half1"]
    assert said(clock, now=clock.shown.due_at)[0] == ["half1", "Breach", "due1"]


def test_a_year_that_no_calendar_knows_keeps_no_clock_from_starting() -> None:
    last = datetime(max(CALENDAR.years), 12, 30, 1, 0, tzinfo=UTC)
    ladder = chain(
        "one",
        step("s", at(Anchor.AFTER, 5, WORKING_DAY), ChainAction.URGE, every=Limit(amount=1, unit=WORKING_DAY), times=2),
    )
    steps = a_clock(ladder, begun=last).steps
    assert [one.natural for one in steps] == [True, True]
    assert [one.at - last for one in steps] == [timedelta(days=5, minutes=30), timedelta(days=6, minutes=30)]


def test_what_counts_from_the_deadline_moves_with_it_and_what_counts_from_the_start_by_the_time_held() -> None:
    ladder = chain(
        "one",
        step("half", at(Anchor.PASSED, 0.5), ChainAction.URGE),
        step("late", at(Anchor.AFTER, 1, HOUR), ChainAction.OVERSEE),
        step("third", at(Anchor.SINCE, 3, DAY), ChainAction.NOTIFY),
    )
    clock = a_clock(ladder, 8, LimitUnit.WORKING_HOUR)
    held = moved(clock, Move(kind=MoveKind.HOLD, at=MONDAY + timedelta(hours=1)), terms=TERMS)
    assert held.still == Still(since=MONDAY + timedelta(hours=1), left=timedelta(hours=7))
    assert held.next_at is None
    assert judge(held, now=MONDAY + timedelta(days=300)) == Wait(until=None)
    on = moved(held, Move(kind=MoveKind.GO, at=MONDAY + timedelta(days=1, hours=1)), terms=TERMS)
    assert on.shown.due_at == clock.shown.due_at + timedelta(days=1)
    assert [(b.step, b.at - a.at) for a, b in zip(clock.steps, on.steps, strict=True)] == [
        (name, timedelta(days=1)) for name in ("half", "late", "third")
    ]


def test_a_step_that_was_taken_before_a_hold_is_not_taken_again() -> None:
    clock = a_clock(EMERGENCY)
    first, clock = said(clock, now=MONDAY + timedelta(minutes=20))
    held = moved(clock, Move(kind=MoveKind.HOLD, at=MONDAY + timedelta(minutes=21)), terms=TERMS)
    on = moved(held, Move(kind=MoveKind.GO, at=MONDAY + timedelta(minutes=81)), terms=TERMS)
    assert first == ["urge1", "urge2"]
    assert said(on, now=MONDAY + timedelta(minutes=85) - MICRO)[0] == []
    assert said(on, now=MONDAY + timedelta(minutes=85))[0] == ["urge3"]


def test_the_steps_of_a_late_clock_rest_while_its_case_stands_still() -> None:
    _, late = said(a_clock(EMERGENCY), now=MONDAY + timedelta(minutes=36))
    held = moved(late, Move(kind=MoveKind.HOLD, at=MONDAY + timedelta(minutes=38)), terms=TERMS)
    assert held.next_at is None
    assert said(held, now=MONDAY + timedelta(days=9))[0] == []
    on = moved(held, Move(kind=MoveKind.GO, at=MONDAY + timedelta(minutes=98)), terms=TERMS)
    assert on.shown.due_at == late.shown.due_at
    assert said(on, now=MONDAY + timedelta(minutes=100) - MICRO)[0] == []
    assert said(on, now=MONDAY + timedelta(minutes=100))[0] == ["county1"]


def test_a_clock_that_is_due_when_its_case_is_held_is_late_and_takes_no_step_until_it_goes_on() -> None:
    clock = a_clock(EMERGENCY)
    held = moved(clock, Move(kind=MoveKind.HOLD, at=clock.shown.due_at), terms=TERMS)
    assert said(held, now=MONDAY + timedelta(hours=9))[0] == ["Breach"]


def test_an_extension_arms_what_tells_again_and_leaves_what_moved_the_case() -> None:
    ladder = chain(
        "one",
        step("half", at(Anchor.PASSED, 0.5), ChainAction.URGE),
        step("up", at(Anchor.PASSED, 0.6), ChainAction.OVERSEE),
        step("soon", at(Anchor.BEFORE, 30, MINUTE), ChainAction.NOTIFY),
        step("late", at(Anchor.AFTER, 1, HOUR), ChainAction.CIRCULATE),
    )
    clock = replace(a_clock(ladder, 2), above=None)
    first, clock = said(clock, now=MONDAY + timedelta(minutes=80))
    assert first == ["half1", "up1"]
    to = MONDAY + timedelta(hours=4)
    longer = moved(clock, Move(kind=MoveKind.EXTEND, at=MONDAY + timedelta(minutes=80), to=to), terms=TERMS)
    assert [(one.step, one.at) for one in longer.steps[longer.steps_taken :]] == [
        ("half", MONDAY + timedelta(hours=2)),
        ("soon", to - timedelta(minutes=30)),
        ("late", to + timedelta(hours=1)),
    ]
    assert said(longer, now=to + timedelta(hours=2))[0] == ["half1", "soon1", "Breach", "late1"]


def test_a_repetition_goes_on_after_an_extension_that_leaves_its_beginning_behind() -> None:
    _, clock = said(a_clock(EMERGENCY), now=MONDAY + timedelta(minutes=20))
    at = MONDAY + timedelta(minutes=21)
    longer = moved(clock, Move(kind=MoveKind.EXTEND, at=at, to=MONDAY + timedelta(minutes=40)), terms=TERMS)
    ahead = [
        (one.step, one.nth, (one.at - MONDAY) / timedelta(minutes=1)) for one in longer.steps[longer.steps_taken :]
    ]
    assert ahead[:2] == [("urge", 3, 25), ("instruct", 1, 45)]
