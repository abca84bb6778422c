"""A case that nobody touches, on its way up a whole ladder: urged, watched, instructed, made known, to the head."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from services.intake.domain.moves.instructing import supervision_of
from shared.events.case import CaseEscalated, CaseSupervised
from shared.events.parts import Actor, Target
from shared.events.sla import Ahead, Clock, ClockEscalated, Told
from shared.vocabulary import ActorKind, ChainAction, ClockKind, Level, Post, WhenLate, level_of
from tests.fakes.notifier import Life, desk

VILLAGE_DESK = Target(kind=desk("0").kind, id="990101001200", name="麓城街道某村指挥平台")
TOWN_DESK = replace(VILLAGE_DESK, id="990101001", name="麓城街道指挥平台")
COUNTY_DESK = replace(VILLAGE_DESK, id="990101", name="云麓县指挥平台")
ESCALATION = Actor(kind=ActorKind.SYSTEM, id="escalation", name="哨令")
URGE, WRITTEN, TOWN, COUNTY, KNOWN, HEAD = "urge", "written", "to-town", "to-county", "circular", "head"


def on_duty(target: Target, *officers: str) -> Told:
    """Officers of a desk, the first called first."""
    return Told(target=target, post=Post.OFFICER, officers=officers)


def in_charge(target: Target, *officers: str) -> Told:
    """The leader on duty of a desk."""
    return Told(target=target, post=Post.LEADER, officers=officers)


def ladder_clock(life: Life) -> Clock:
    """The sign-in clock of the village's order, an hour long, with every step still ahead."""
    clock = life.clock(life.order(VILLAGE_DESK), ClockKind.SIGN_IN, minutes=60)
    starts = (
        (URGE, 1, ChainAction.URGE, 30),
        (URGE, 2, ChainAction.URGE, 60),
        (TOWN, 1, ChainAction.OVERSEE, 90),
        (WRITTEN, 1, ChainAction.SUPERVISE, 24 * 60),
        (COUNTY, 1, ChainAction.TAKE_OVER, 26 * 60),
        (KNOWN, 1, ChainAction.CIRCULATE, 6 * 24 * 60),
        (HEAD, 1, ChainAction.OVERSEE, 7 * 24 * 60),
    )
    steps = tuple(
        Ahead(step=step, nth=nth, action=action, at=clock.started_at + timedelta(minutes=minutes))
        for step, nth, action, minutes in starts
    )
    return replace(clock, chain="ladder", ahead=steps, when_late=WhenLate.NONE)


def climb(life: Life, clock: Clock, to: Target, when_late: WhenLate) -> None:
    """The case moves up to the desk ``to``, and intake folds that."""
    level = level_of(to.id)
    below = Level.VILLAGE if level is Level.TOWN else Level.TOWN
    moved = ClockEscalated(
        case=life.view,
        clock=clock,
        fired_at=life.now,
        from_level=below,
        to_level=level,
        to=to,
        when_late=when_late,
        reason="签收超时 | sign-in is late",
    )
    life.say(moved)
    more: dict[str, Any] = {"clock_id": clock.clock_id, "clock": clock.kind, "order_id": clock.order_id}
    life.tell(CaseEscalated, by=ESCALATION, from_level=below, to_level=level, **more)


def walked(name: str = "nobody touches it") -> tuple[Life, Clock]:
    """The whole ladder, each step at its own time but the instruction, which comes after an outage."""
    life = Life(name=name)
    clock = ladder_clock(life)
    life.start(clock)
    start = clock.started_at
    life.now = start + timedelta(minutes=30)
    life.step(clock, ChainAction.URGE, on_duty(VILLAGE_DESK, "wang", "li"))
    life.now = start + timedelta(minutes=60)
    life.breach(clock)
    life.step(clock, ChainAction.URGE, on_duty(VILLAGE_DESK, "wang", "li"), nth=2)
    life.now = start + timedelta(minutes=90)
    life.step(clock, ChainAction.OVERSEE, on_duty(TOWN_DESK, "zhao"), step=TOWN)
    climb(life, clock, TOWN_DESK, WhenLate.OVERSEE)
    _instructed(life, clock)
    life.now = start + timedelta(hours=30)
    life.step(clock, ChainAction.TAKE_OVER, on_duty(COUNTY_DESK), step=COUNTY)
    climb(life, clock, COUNTY_DESK, WhenLate.TAKE_OVER)
    life.now = start + timedelta(days=6)
    life.step(clock, ChainAction.CIRCULATE, on_duty(VILLAGE_DESK, "wang"), step=KNOWN)
    life.now = start + timedelta(days=7)
    life.step(clock, ChainAction.OVERSEE, in_charge(COUNTY_DESK, "chen"), step=HEAD)
    return life, clock


def _instructed(life: Life, clock: Clock) -> None:
    """Two hours late, after an outage; it stands for what was not said and for another clock of the case."""
    life.now = clock.started_at + timedelta(hours=26)
    due = life.now + timedelta(hours=4)
    words = "书面说明未签收的原因和下一步办理时间"
    life.step(
        clock,
        ChainAction.SUPERVISE,
        on_duty(VILLAGE_DESK, "wang"),
        step=WRITTEN,
        copies=(in_charge(TOWN_DESK, "sun"),),
        planned_at=clock.started_at + timedelta(hours=24),
        late_seconds=7200.0,
        instruction=words,
        reply_due_at=due,
        passed_over=(f"{URGE}#3", TOWN),
        covers=(life.case_id,),
    )
    given = life.events[-1].id
    told: dict[str, Any] = {
        "target": VILLAGE_DESK,
        "instruction": words,
        "reply_due_at": due,
        "order_id": clock.order_id,
    }
    life.tell(CaseSupervised, by=ESCALATION, supervision_id=supervision_of(given), **told)
