"""What a clock says at an instant, and that it says it once."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.escalation.domain.chain import (
    Above,
    Breach,
    CaseShown,
    Escalate,
    RunningClock,
    Take,
    Verdict,
    Wait,
    Warn,
    Warned,
    after_saying,
    announce,
    judge,
)
from shared.events.codec import decode, encode
from shared.events.envelope import derive_id
from shared.events.parts import Target
from shared.events.sla import Clock, ClockBreached, ClockEscalated, ClockWarned
from shared.vocabulary import ClockKind, Level, OrderRole, TargetKind, WhenLate
from tests.fakes.small_county import WEST, WEST_VILLAGE
from tests.fakes.story import BOOK, SPACE, Story

START = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
DUE = START + timedelta(minutes=30)
TOWN = Above(target=Target(kind=TargetKind.DESK, id=WEST, name="西镇指挥平台"), level=Level.TOWN)


def clock(*, above: Above | None = TOWN, late: WhenLate = WhenLate.TAKE_OVER) -> RunningClock:
    shown = Clock(
        clock_id=SPACE,
        kind=ClockKind.SIGN_IN,
        started_at=START,
        due_at=DUE,
        level=Level.VILLAGE,
        limit="30 分钟",
        arithmetic="",
        when_late=late,
        playbook=BOOK,
        order_id=SPACE,
        order_role=OrderRole.LEAD,
        target=Target(kind=TargetKind.DESK, id=WEST_VILLAGE, name="西村指挥平台"),
    )
    warnings = tuple(Warned(fraction=f, at=START + timedelta(minutes=30) * f) for f in (0.5, 0.8))
    return RunningClock(case_id=SPACE, shown=shown, warnings=warnings, above=above)


@pytest.mark.parametrize(
    ("minutes", "expected"),
    (
        (0, Wait(until=START + timedelta(minutes=15))),
        (15, Warn(fraction=0.5, passed=1)),
        (23, Warn(fraction=0.5, passed=1)),
        (24, Warn(fraction=0.8, passed=2)),
        (29.99, Warn(fraction=0.8, passed=2)),
        (30, Escalate(above=TOWN, when_late=WhenLate.TAKE_OVER)),
        (99, Escalate(above=TOWN, when_late=WhenLate.TAKE_OVER)),
    ),
)
def test_a_clock_says_the_latest_thing_that_came_due(minutes: float, expected: Verdict) -> None:
    assert judge(clock(), now=START + timedelta(minutes=minutes)) == expected


def test_a_clock_due_exactly_now_is_late() -> None:
    assert isinstance(judge(clock(), now=DUE - timedelta(microseconds=1)), Warn)
    assert isinstance(judge(clock(), now=DUE), Escalate)


def test_nobody_is_above_the_county() -> None:
    assert judge(clock(above=None), now=DUE) == Breach(nobody_above=True)


def test_a_playbook_may_leave_a_late_clock_where_it_is() -> None:
    assert judge(clock(late=WhenLate.NONE), now=DUE) == Breach(nobody_above=False)


def test_a_breached_clock_never_speaks_again() -> None:
    done = replace(clock(), breached=True)
    assert judge(done, now=DUE + timedelta(days=9)) == Wait(until=None)
    assert done.next_at is None


@given(st.lists(st.integers(0, 3600), min_size=1, max_size=30).map(sorted))
def test_however_often_it_is_asked_each_thing_is_said_once(seconds: list[int]) -> None:
    one, said = clock(), list[Any]()
    view = Story("x", area=WEST_VILLAGE, at=START).view
    for second in seconds:
        now = START + timedelta(seconds=second)
        verdict = judge(one, now=now)
        assert not isinstance(verdict, Take)
        said += announce(one, verdict, case=CaseShown.of(view), now=now)
        after = after_saying(one, verdict)
        assert after.next_at is None or one.next_at is None or after.next_at >= one.next_at
        assert after.next_at is None or after.next_at > now
        one = after
    ids = [event.id for event in said]
    assert len(ids) == len(set(ids))
    assert sum(1 for event in said if isinstance(event.data, ClockBreached)) == (1 if seconds[-1] >= 1800 else 0)


def test_an_escalation_says_breached_and_escalated_with_ids_that_a_repeat_derives_again() -> None:
    view = Story("x", area=WEST_VILLAGE, at=START).view
    now = DUE + timedelta(minutes=2)
    verdict = judge(clock(), now=now)
    assert isinstance(verdict, Escalate)
    events = announce(clock(), verdict, case=CaseShown.of(view), now=now)
    assert [event.id for event in events] == [derive_id(SPACE, "breached"), derive_id(SPACE, "escalated")]
    breached, moved = (event.data for event in events)
    assert isinstance(breached, ClockBreached)
    assert breached.late_seconds == 120
    assert isinstance(moved, ClockEscalated)
    assert (moved.from_level, moved.to_level, moved.to.id) == (Level.VILLAGE, Level.TOWN, WEST)
    assert "西村指挥平台签收超时" in moved.reason
    assert "西镇指挥平台接管" in moved.reason
    assert {event.sequence for event in events} == {view.version}


def test_what_it_says_is_read_back_from_the_wire() -> None:
    view = Story("x", area=WEST_VILLAGE, at=START).view
    for minutes, kind in ((16, ClockWarned), (31, ClockBreached)):
        now = START + timedelta(minutes=minutes)
        verdict = judge(clock(), now=now)
        assert not isinstance(verdict, Take)
        event = announce(clock(), verdict, case=CaseShown.of(view), now=now)[0]
        message = encode(event)
        assert decode(message.value, message.headers) == event
        assert isinstance(event.data, kind)
