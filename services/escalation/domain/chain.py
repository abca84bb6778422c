"""What a clock needs at an instant: wait, warn, breach, hand the case up, take a step of its chain (预警、超时、升级).

Of several things that are due the one with the earliest instant comes first; whoever fires asks again until nothing is.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self, TypeAlias, assert_never
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from services.escalation.domain.clocks import Stop
from shared.events import sla
from shared.events.envelope import Event, derive_id
from shared.events.parts import CaseView, Target
from shared.playbook.model import Chain, ChainStep, LimitUnit
from shared.vocabulary import ChainAction, Level, WhenLate
from shared.words import CLOCKS, limit_words

SOURCE = "/whistle/escalation"
CLIMBS: Final = frozenset({ChainAction.OVERSEE, ChainAction.TAKE_OVER})
"""What goes one desk up each time."""


class Warned(Struct, frozen=True, kw_only=True):
    """One threshold: ``at`` that instant ``fraction`` of the limit has passed."""

    fraction: float
    at: datetime


class Above(Struct, frozen=True, kw_only=True):
    """The desk that takes hold when a clock is late."""

    target: Target
    level: Level


class Still(Struct, frozen=True, kw_only=True):
    """A clock stands still ``since`` an instant with ``left`` of its limit, in the measure of its unit."""

    since: datetime
    left: timedelta


class Planned(Struct, frozen=True, kw_only=True):
    """The ``nth`` time of one step of a clock's chain, and when.

    ``natural``: its instant lies in a year that no calendar knows, and was counted in natural time.
    """

    step: str
    nth: int
    at: datetime
    natural: bool = False


class RunningClock(Struct, frozen=True, kw_only=True):
    """A clock as it was started and moved since; see ``running.py`` for what moves it.

    A ``silent`` one, of a canary, starts and stops and is never late to anybody. ``amount`` is its whole limit,
    extensions included, in the measure of its ``unit``; both are None for a clock of an earlier release.
    ``moves`` counts what was done to it after its start, ``extended`` how often it was put off. ``higher`` are the
    desks above the one ``above``, up to the county's. ``chain`` is the ladder as it was at the start, ``steps`` its
    instants in order; of a late clock on a case that stands still they rest since ``rests_since``.
    """

    case_id: UUID
    shown: sla.Clock
    warnings: tuple[Warned, ...]
    above: Above | None
    warnings_passed: int = 0
    breached: bool = False
    silent: bool = False
    unit: LimitUnit | None = None
    amount: timedelta | None = None
    still: Still | None = None
    moves: int = 0
    extended: int = 0
    higher: tuple[Above, ...] = ()
    chain: Chain | None = None
    steps: tuple[Planned, ...] = ()
    steps_taken: int = 0
    rests_since: datetime | None = None

    @property
    def next_at(self) -> datetime | None:
        """The next instant at which ``judge`` will say something new; None when nothing is left to say."""
        if self.silent or self.still is not None:
            return None
        step = self.next_step
        if self.breached:
            return None if step is None else step.at
        ahead = self.warnings[self.warnings_passed :]
        own = ahead[0].at if ahead else self.shown.due_at
        return own if step is None else min(own, step.at)

    @property
    def next_step(self) -> Planned | None:
        """The next step of its chain; None when there is none, or when they rest."""
        if self.rests_since is not None or self.steps_taken >= len(self.steps):
            return None
        return self.steps[self.steps_taken]

    @property
    def line(self) -> tuple[Above, ...]:
        """The desks above whoever must act, the nearest first, up to the county's."""
        return () if self.above is None else (self.above, *self.higher)

    @property
    def reached(self) -> int:
        """How many desks of ``line`` have been asked, by steps and by the hand-over at the deadline."""
        climbs = [one for one in self.steps[: self.steps_taken] if self.step_of(one).action in CLIMBS]
        # The hand-over goes to the first desk: where a step before the deadline has asked it, nobody new is.
        handed = self.breached and self.above is not None and self.shown.when_late is not WhenLate.NONE
        first = handed and not any(one.at < self.shown.due_at for one in climbs)
        return len(climbs) + first

    @property
    def told(self) -> sla.Clock:
        """The clock as events show it: with the steps that are still to come."""
        ahead = self.steps[self.steps_taken :]
        if not ahead:
            return self.shown
        steps = (sla.Ahead(step=one.step, nth=one.nth, action=self.step_of(one).action, at=one.at) for one in ahead)
        return dataclasses.replace(self.shown, ahead=tuple(steps))

    def step_of(self, planned: Planned) -> ChainStep:
        """The step of the chain that was planned."""
        steps = () if self.chain is None else self.chain.steps
        found = next((step for step in steps if step.id == planned.step), None)
        if found is None:
            raise AssertionError(f"step {planned.step} is not in the chain of clock {self.shown.clock_id}")
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseShown:
    """A case as the events of its clocks show it: the newest ``view``, which says its ``version``, and its trace.

    What stands in ``view`` goes out with the event and is not looked at here: it may be written already.
    """

    view: CaseView
    version: int
    traceparent: str | None = None

    @classmethod
    def of(cls, view: CaseView) -> Self:
        """The case of a view that was read, without a trace."""
        return cls(view=view, version=view.version)


class Wait(Struct, frozen=True, kw_only=True):
    """Nothing yet; None means never again."""

    until: datetime | None


class Warn(Struct, frozen=True, kw_only=True):
    """The latest threshold that has passed; ``passed`` counts it and those before it."""

    fraction: float
    passed: int


class Breach(Struct, frozen=True, kw_only=True):
    """The limit is over and the case stays where it is."""

    nobody_above: bool


class Escalate(Struct, frozen=True, kw_only=True):
    """The limit is over and the desk above takes hold: a breach and a hand-over in one."""

    above: Above
    when_late: WhenLate


class Take(Struct, frozen=True, kw_only=True):
    """A step of the chain has come; ``stepping.py`` says whom it tells and what it does."""

    planned: Planned


Verdict: TypeAlias = Wait | Warn | Breach | Escalate | Take


def judge(clock: RunningClock, *, now: datetime) -> Verdict:
    """Say what ``clock`` needs first at ``now``; a clock due exactly now is late, and it is late once.

    One that stands still needs nothing until it goes on. What is due at one instant comes in this order: the warning,
    the breach, the steps as the chain has them. A clock that is late goes on with its steps.

    After an outage only the latest warning that passed is said, and none once the clock is late. A
    late clock of the county's desk stays where it is: there is nobody above to take it.
    """
    if clock.silent or clock.still is not None:
        return Wait(until=None)
    own, step = _own(clock, now), clock.next_step
    if step is not None and step.at <= now and (own is None or step.at < own[0]):
        return Take(planned=step)
    return own[1] if own is not None else Wait(until=clock.next_at)


def _own(clock: RunningClock, now: datetime) -> tuple[datetime, Warn | Breach | Escalate] | None:
    """What is due by the limit itself, and since when."""
    if clock.breached:
        return None
    if now >= clock.shown.due_at:
        return clock.shown.due_at, _late(clock)
    passed = 0
    for warning in clock.warnings:
        passed += warning.at <= now
    if passed <= clock.warnings_passed:
        return None
    latest = clock.warnings[passed - 1]
    return latest.at, Warn(fraction=latest.fraction, passed=passed)


def _late(clock: RunningClock) -> Breach | Escalate:
    match clock.shown.when_late:
        case WhenLate.NONE:
            return Breach(nobody_above=clock.above is None)
        case WhenLate.OVERSEE | WhenLate.TAKE_OVER as when_late:
            above = clock.above
            return Breach(nobody_above=True) if above is None else Escalate(above=above, when_late=when_late)
        case _:
            assert_never(clock.shown.when_late)


def after_saying(clock: RunningClock, verdict: Verdict) -> RunningClock:
    """``clock`` once ``verdict`` is said."""
    match verdict:
        case Wait():
            return clock
        case Warn(passed=passed):
            return replace(clock, warnings_passed=passed)
        case Take():
            return replace(clock, steps_taken=clock.steps_taken + 1)
        case Breach() | Escalate():
            return replace(clock, breached=True)
        case _:
            assert_never(verdict)


def announce_start(clock: RunningClock, *, case: CaseShown, now: datetime) -> Event[sla.SlaEvent]:
    """The event that says a clock runs from now on, answering the case's version in ``case``."""
    data = sla.ClockStarted(case=case.view, clock=clock.told)
    return event_of(clock, "started", case=case, data=data, at=now)


def announce_stop(clock: RunningClock, stop: Stop, *, case: CaseShown, now: datetime) -> Event[sla.SlaEvent]:
    """The event that says a clock has stopped; a stop that a later fact moves is told again under an id of its own."""
    data = sla.ClockStopped(case=case.view, clock=clock.shown, stopped_at=stop.at, outcome=stop.outcome)
    name = f"stopped:{stop.outcome}:{stop.at.isoformat()}"
    return event_of(clock, name, case=case, data=data, at=now)


def announce_move(
    before: RunningClock, clock: RunningClock, why: sla.Moved, *, case: CaseShown, now: datetime
) -> Event[sla.SlaEvent]:
    """The event that says that a clock is due at another instant than ``before``."""
    data = sla.ClockMoved(case=case.view, clock=clock.told, before=before.shown.due_at, why=why, moved_at=now)
    return event_of(clock, f"moved:{clock.moves}", case=case, data=data, at=now)


def announce(
    clock: RunningClock,
    verdict: Wait | Warn | Breach | Escalate,
    *,
    case: CaseShown,
    now: datetime,
    covers: tuple[UUID, ...] = (),
) -> tuple[Event[sla.SlaEvent], ...]:
    """The events that ``verdict`` puts on whistle.sla.v1, with ids that a repeat derives again.

    They answer the version of ``case``. A warning may stand for those of other clocks, which it ``covers``.
    What a step says is in ``stepping.py``.
    """
    match verdict:
        case Wait():
            return ()
        case Warn(fraction=fraction):
            data = sla.ClockWarned(case=case.view, clock=clock.told, fraction=fraction, fired_at=now, covers=covers)
            again = f":{clock.extended}" if clock.extended else ""
            return (event_of(clock, f"warned:{fraction:g}{again}", case=case, data=data, at=now),)
        case Breach(nobody_above=nobody_above):
            return (_breached(clock, case=case, now=now, nobody_above=nobody_above),)
        case Escalate(above=above, when_late=when_late):
            moved = sla.ClockEscalated(
                case=case.view,
                clock=clock.told,
                fired_at=now,
                from_level=clock.shown.level,
                to_level=above.level,
                to=above.target,
                when_late=when_late,
                reason=_reason(clock, above, now),
            )
            breached = _breached(clock, case=case, now=now, nobody_above=False)
            return (breached, event_of(clock, "escalated", case=case, data=moved, at=now))
        case _:
            assert_never(verdict)


def _breached(clock: RunningClock, *, case: CaseShown, now: datetime, nobody_above: bool) -> Event[sla.SlaEvent]:
    late = (now - clock.shown.due_at).total_seconds()
    data = sla.ClockBreached(
        case=case.view, clock=clock.told, fired_at=now, late_seconds=late, nobody_above=nobody_above
    )
    return event_of(clock, "breached", case=case, data=data, at=now)


def event_of(
    clock: RunningClock, step: str, *, case: CaseShown, data: sla.SlaEvent, at: datetime
) -> Event[sla.SlaEvent]:
    """An event of ``clock``; its id is derived from the clock's and the name of the ``step``."""
    return Event(
        id=derive_id(clock.shown.clock_id, step),
        source=SOURCE,
        subject=str(clock.case_id),
        time=at,
        sequence=case.version,
        data=data,
        traceparent=case.traceparent,
    )


def _reason(clock: RunningClock, above: Above, now: datetime) -> str:
    who = clock.shown.target.name or clock.shown.target.id if clock.shown.target else "—"
    verb, en = ("接管", "takes over") if clock.shown.when_late is WhenLate.TAKE_OVER else ("督办", "oversees")
    late = (now - clock.shown.due_at).total_seconds()
    kind, limit, to = CLOCKS[clock.shown.kind], limit_words(clock.shown.limit), above.target.name
    return (
        f"{who}{kind.zh}超时（时限 {limit.zh}，逾期 {late:.0f} 秒），{to}{verb} | "
        f"{who} is late ({kind.en}, limit {limit.en}, late by {late:.0f} s): {to} {en}"
    )
