"""All that the clocks of one case have to say at an instant: in order, and after an outage in one notice.

What happened is said each time: a breach, a hand-over, an instruction. What only tells people (a warning, an urging, a
notice, a circular) is said once a case when it comes late: the gravest stands for the others, and says how late it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from services.escalation.domain.chain import (
    Breach,
    CaseShown,
    Escalate,
    RunningClock,
    Take,
    Verdict,
    Wait,
    Warn,
    after_saying,
    announce,
    judge,
)
from services.escalation.domain.on_watch import Watch
from services.escalation.domain.stepping import ITSELF, StandsFor, announce_step
from shared.events.envelope import Event
from shared.events.sla import SlaEvent
from shared.vocabulary import ChainAction

BACKLOG: Final = timedelta(seconds=60)
"""Something that comes later than this is a backlog: an outage lies behind it."""
MOST_COVERED: Final = 64
_MOST_PASSED: Final = 32
_GRAVITY: Final = {ChainAction.URGE: 2, ChainAction.NOTIFY: 3, ChainAction.CIRCULATE: 4}


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """One thing that a ``clock`` says, due ``at`` an instant; ``after`` is the clock once it is said."""

    clock: RunningClock
    verdict: Verdict
    at: datetime
    after: RunningClock


def due_of(clock: RunningClock, *, now: datetime) -> tuple[Saying, ...]:
    """All that ``clock`` has to say at ``now``, in the order of the instants; nothing when it must wait."""
    said = list[Saying]()
    # Each verdict leaves fewer to come: every step, the warnings at once, the deadline.
    for _ in range(len(clock.steps) + len(clock.warnings) + 1):
        comes = clock.next_at
        if comes is None or comes > now:
            break
        verdict = judge(clock, now=now)
        if isinstance(verdict, Wait):
            break
        after = after_saying(clock, verdict)
        said.append(Saying(clock=clock, verdict=verdict, at=_instant(clock, verdict, now), after=after))
        clock = after
    return tuple(said)


def is_backlog(said: Iterable[Saying], *, now: datetime) -> bool:
    """Whether anything of it comes so late that an outage must lie behind it."""
    return any(now - one.at > BACKLOG for one in said)


def announced(said: Sequence[Saying], *, case: CaseShown, watch: Watch) -> list[Event[SlaEvent]]:
    """The events of all that the clocks of one case say at ``watch.at``, in the order of the instants."""
    if len(said) == 1:
        return list(_events(said[0], ITSELF, case, watch))
    said = sorted(said, key=lambda one: one.at)
    notices = [one for one in said if _gravity(one)]
    if len(notices) < 2 or not is_backlog(said, now=watch.at):  # noqa: PLR2004  one is no flood
        return [event for one in said for event in _events(one, ITSELF, case, watch)]
    kept = max(notices, key=lambda one: (_gravity(one), one.at, str(one.clock.shown.clock_id)))
    last = next(one.after for one in reversed(said) if one.clock.shown.clock_id == kept.clock.shown.clock_id)
    stands, kept_for = _stands(kept, notices), replace(kept, after=last)
    return [
        event
        for one in said
        if one is kept or not _gravity(one)
        for event in (_events(kept_for, stands, case, watch) if one is kept else _events(one, ITSELF, case, watch))
    ]


def _stands(kept: Saying, notices: Iterable[Saying]) -> StandsFor:
    own, others = list[str](), list[RunningClock]()
    for one in notices:
        if one.clock.shown.clock_id != kept.clock.shown.clock_id:
            others.append(one.clock)
        elif one is not kept and isinstance(one.verdict, Take):
            own.append(one.verdict.planned.step)
    clocks = dict.fromkeys(clock.shown.clock_id for clock in others)
    return StandsFor(steps=tuple(dict.fromkeys(own))[:_MOST_PASSED], clocks=tuple(clocks)[:MOST_COVERED])


def _events(one: Saying, stands: StandsFor, case: CaseShown, watch: Watch) -> tuple[Event[SlaEvent], ...]:
    verdict = one.verdict
    if isinstance(verdict, Take):
        return announce_step(one.clock, verdict.planned, after=one.after, case=case, watch=watch, stands=stands)
    return announce(one.clock, verdict, case=case, now=watch.at, covers=stands.clocks)


def _gravity(one: Saying) -> int:
    """How grave a notice is; nothing for what is no notice but a fact."""
    match one.verdict:
        case Warn():
            return 1
        case Take(planned=planned):
            return _GRAVITY.get(one.clock.step_of(planned).action, 0)
        case _:
            return 0


def _instant(clock: RunningClock, verdict: Verdict, now: datetime) -> datetime:
    match verdict:
        case Warn(passed=passed):
            return clock.warnings[passed - 1].at
        case Breach() | Escalate():
            return clock.shown.due_at
        case Take(planned=planned):
            return planned.at
        case _:
            return now
