"""What a clock needs at an instant: wait, warn, breach, or hand the case up (预警、超时、升级)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias, assert_never
from uuid import UUID

from services.escalation.domain.clocks import Stop
from shared.events import sla
from shared.events.envelope import Event, derive_id
from shared.events.parts import CaseView, Target
from shared.playbook.model import LimitUnit
from shared.vocabulary import Level, WhenLate
from shared.words import CLOCKS

SOURCE = "/whistle/escalation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """One threshold: ``at`` that instant ``fraction`` of the limit has passed."""

    fraction: float
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Above:
    """The desk that takes hold when a clock is late."""

    target: Target
    level: Level


@dataclass(frozen=True, slots=True, kw_only=True)
class Still:
    """A clock stands still ``since`` an instant with ``left`` of its limit, in the measure of its unit."""

    since: datetime
    left: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningClock:
    """A clock as it was started and moved since; see ``running.py`` for what moves it.

    A ``silent`` one, of a canary, starts and stops and is never late to anybody. ``amount`` is its whole limit,
    extensions included, in the measure of its ``unit``; both are None for a clock of an earlier release.
    ``moves`` counts what was done to it after its start, ``extended`` how often it was put off.
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

    @property
    def next_at(self) -> datetime | None:
        """The next instant at which ``judge`` will say something new; None when nothing is left to say."""
        if self.breached or self.silent or self.still is not None:
            return None
        ahead = self.warnings[self.warnings_passed :]
        return ahead[0].at if ahead else self.shown.due_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Nothing yet; None means never again."""

    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Warn:
    """The latest threshold that has passed; ``passed`` counts it and those before it."""

    fraction: float
    passed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """The limit is over and the case stays where it is."""

    nobody_above: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalate:
    """The limit is over and the desk above takes hold: a breach and a hand-over in one."""

    above: Above
    when_late: WhenLate


Verdict: TypeAlias = Wait | Warn | Breach | Escalate


def judge(clock: RunningClock, *, now: datetime) -> Verdict:
    """Say what ``clock`` needs at ``now``; a clock due exactly now is late, and it is late once.

    One that stands still needs nothing until it goes on.

    After an outage only the latest warning that passed is said, and none once the clock is late. A
    late clock of the county's desk stays where it is: there is nobody above to take it.
    """
    if clock.breached or clock.silent or clock.still is not None:
        return Wait(until=None)
    if now >= clock.shown.due_at:
        match clock.shown.when_late:
            case WhenLate.NONE:
                return Breach(nobody_above=clock.above is None)
            case WhenLate.OVERSEE | WhenLate.TAKE_OVER as when_late:
                return (
                    Breach(nobody_above=True)
                    if clock.above is None
                    else Escalate(above=clock.above, when_late=when_late)
                )
            case _:
                assert_never(clock.shown.when_late)
    passed = sum(1 for warning in clock.warnings if warning.at <= now)
    if passed > clock.warnings_passed:
        return Warn(fraction=clock.warnings[passed - 1].fraction, passed=passed)
    return Wait(until=clock.next_at)


def announce_start(clock: RunningClock, *, view: CaseView, now: datetime) -> Event[sla.SlaEvent]:
    """The event that says a clock runs from now on, answering the case's version in ``view``."""
    return _event(clock, "started", view=view, data=sla.ClockStarted(case=view, clock=clock.shown), at=now)


def announce_stop(clock: RunningClock, stop: Stop, *, view: CaseView, now: datetime) -> Event[sla.SlaEvent]:
    """The event that says a clock has stopped; a stop that a later fact moves is told again under an id of its own."""
    data = sla.ClockStopped(case=view, clock=clock.shown, stopped_at=stop.at, outcome=stop.outcome)
    return _event(clock, f"stopped:{stop.outcome}:{stop.at.isoformat()}", view=view, data=data, at=now)


def announce_move(
    before: RunningClock, clock: RunningClock, why: sla.Moved, *, view: CaseView, now: datetime
) -> Event[sla.SlaEvent]:
    """The event that says that a clock is due at another instant than ``before``."""
    data = sla.ClockMoved(case=view, clock=clock.shown, before=before.shown.due_at, why=why, moved_at=now)
    return _event(clock, f"moved:{clock.moves}", view=view, data=data, at=now)


def announce(
    clock: RunningClock, verdict: Verdict, *, view: CaseView, now: datetime
) -> tuple[Event[sla.SlaEvent], ...]:
    """The events that ``verdict`` puts on whistle.sla.v1, with ids that a repeat derives again.

    They answer the version of the case in ``view``.
    """
    match verdict:
        case Wait():
            return ()
        case Warn(fraction=fraction):
            data = sla.ClockWarned(case=view, clock=clock.shown, fraction=fraction, fired_at=now)
            again = f":{clock.extended}" if clock.extended else ""
            return (_event(clock, f"warned:{fraction:g}{again}", view=view, data=data, at=now),)
        case Breach(nobody_above=nobody_above):
            return (_breached(clock, view=view, now=now, nobody_above=nobody_above),)
        case Escalate(above=above, when_late=when_late):
            moved = sla.ClockEscalated(
                case=view,
                clock=clock.shown,
                fired_at=now,
                from_level=clock.shown.level,
                to_level=above.level,
                to=above.target,
                when_late=when_late,
                reason=_reason(clock, above, now),
            )
            breached = _breached(clock, view=view, now=now, nobody_above=False)
            return (breached, _event(clock, "escalated", view=view, data=moved, at=now))
        case _:
            assert_never(verdict)


def _breached(clock: RunningClock, *, view: CaseView, now: datetime, nobody_above: bool) -> Event[sla.SlaEvent]:
    late = (now - clock.shown.due_at).total_seconds()
    data = sla.ClockBreached(case=view, clock=clock.shown, fired_at=now, late_seconds=late, nobody_above=nobody_above)
    return _event(clock, "breached", view=view, data=data, at=now)


def _event(clock: RunningClock, step: str, *, view: CaseView, data: sla.SlaEvent, at: datetime) -> Event[sla.SlaEvent]:
    return Event(
        id=derive_id(clock.shown.clock_id, step),
        source=SOURCE,
        subject=str(view.case_id),
        time=at,
        sequence=view.version,
        data=data,
    )


def _reason(clock: RunningClock, above: Above, now: datetime) -> str:
    who = clock.shown.target.name or clock.shown.target.id if clock.shown.target else "—"
    verb, en = ("接管", "takes over") if clock.shown.when_late is WhenLate.TAKE_OVER else ("督办", "oversees")
    late = (now - clock.shown.due_at).total_seconds()
    kind, limit, to = CLOCKS[clock.shown.kind], clock.shown.limit, above.target.name
    return (
        f"{who}{kind.zh}超时（限{limit}，逾期 {late:.0f} 秒），{to}{verb} | "
        f"{who} is late ({kind.en}, limit {limit}, late by {late:.0f} s): {to} {en}"
    )
