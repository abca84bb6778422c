"""What came too late is late, though it was folded before the timers came to its clock."""

from datetime import timedelta

import pytest

from shared.events.sla import ClockBreached, ClockEscalated, ClockStopped
from tests.fakes.small_county import WEST_VILLAGE
from tests.fakes.story import Story
from tests.integration.escalation.test_fire import START, Bench, bench

__all__ = ["bench"]


async def told(bench: Bench) -> list[tuple[str, str]]:
    return [
        (type(event.data).__name__, event.data.clock.kind)
        for event in await bench.said()
        if isinstance(event.data, ClockBreached | ClockEscalated | ClockStopped)
    ]


@pytest.mark.parametrize("at_once", (False, True))
@pytest.mark.parametrize(("moment", "late"), ((-1, False), (0, True), (1, True)))
async def test_a_signature_that_came_too_late_is_a_breach_though_nothing_had_fired(
    bench: Bench, moment: int, late: bool, at_once: bool
) -> None:
    story = Story("late", area=WEST_VILLAGE, at=START)
    story.opened()
    order = story.issued(WEST_VILLAGE)
    if not at_once:
        await bench.fold(*story.events)
    folded = 0 if at_once else len(story.events)
    # The limit is half an hour; a story moves on by a minute a step.
    story.at = order.issued_at + timedelta(minutes=29) + timedelta(microseconds=moment)
    story.signed(order)
    await bench.fold(*story.events[folded:])
    signed = [line for line in await told(bench) if line[1] == "sign_in"]
    assert signed == ([("ClockBreached", "sign_in")] if late else []) + [("ClockStopped", "sign_in")]
    breached_at = await bench.pool.fetchval("SELECT breached_at FROM clock WHERE kind = 'sign_in'")
    assert breached_at == (story.at if late else None)


async def test_a_breach_that_was_told_is_not_told_again_at_the_stop_and_what_is_over_moves_nothing_up(
    bench: Bench,
) -> None:
    story = Story("told", area=WEST_VILLAGE, at=START)
    story.opened()
    order = story.issued(WEST_VILLAGE)
    await bench.fold(*story.events)
    bench.now = order.issued_at + timedelta(minutes=30)
    await bench.fire()
    before = len(story.events)
    story.at = bench.now
    story.signed(order)
    await bench.fold(*story.events[before:])
    lines = await told(bench)
    assert lines.count(("ClockBreached", "sign_in")) == 1
    other = Story("over", area=WEST_VILLAGE, at=START)
    other.opened()
    order = other.issued(WEST_VILLAGE)
    other.at = bench.now + timedelta(hours=1)
    other.signed(order)
    await bench.fold(*other.events)
    assert lines.count(("ClockEscalated", "sign_in")) == 1


async def test_a_clock_that_stood_still_when_its_case_ended_was_not_late(bench: Bench) -> None:
    story = Story("still", area=WEST_VILLAGE, at=START)
    story.opened()
    order = story.issued(WEST_VILLAGE)
    story.paused(order)
    story.at += timedelta(days=9)
    story.closed()
    await bench.fold(*story.events)
    assert ("ClockBreached", "sign_in") not in await told(bench)
